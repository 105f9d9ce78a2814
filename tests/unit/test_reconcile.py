"""What was published against what is true now: every row of the table in design section 7, and the laws of the join."""

from __future__ import annotations

from itertools import permutations
from typing import Final, get_args

import pytest

from schemas.finding import Certainty, Finding, Flag, MessagePlace, Outcome, PolicyRef, Transition
from streams.join.reconcile import State, join, prevails, state_of, transition
from tests.harness.builders import make_access

THEN, NOW = 318, 441  # positions: what was published was judged at THEN
FOUND: Final[tuple[Outcome, ...]] = ("unexplained", "late", "revoked", "unresolved")
CERTAINTIES: Final[tuple[Certainty, ...]] = get_args(Certainty)


def state(
    outcome: Outcome = "unexplained",
    certainty: Certainty = "provisional",
    *,
    position: int = NOW,
    staff: str | None = "w028",
    clause: str = "search-without-duty",
    severity: str = "medium",
    policy: str = "hash7",
    flags: tuple[Flag, ...] = (),
) -> State:
    """A state; unless a test says otherwise it was judged now."""
    return State(position, outcome, certainty, staff, clause, severity, policy, flags, 3)  # type: ignore[arg-type]


def published(outcome: Outcome = "unexplained", certainty: Certainty = "provisional") -> State:
    """What the log says."""
    return state(outcome, certainty, position=THEN)


# --- the rows, in the order of the table


@pytest.mark.parametrize("is_complete", [True, False])
def test_nothing_published_and_explained_publishes_nothing(is_complete: bool) -> None:
    """Row 1: counted and in the ledger, nothing else."""
    assert transition(None, state("explained"), is_complete) is None


@pytest.mark.parametrize("outcome", FOUND)
def test_nothing_published_and_not_complete_is_pending(outcome: Outcome) -> None:
    """Row 2: silence is not guilt."""
    assert transition(None, state(outcome), False) is None


@pytest.mark.parametrize("outcome", FOUND)
@pytest.mark.parametrize("certainty", CERTAINTIES)
def test_nothing_published_and_complete_is_raised(outcome: Outcome, certainty: Certainty) -> None:
    """Row 3: with the certainty there is."""
    judged = state(outcome, certainty)
    assert transition(None, judged, True) == ("raised", judged)


@pytest.mark.parametrize("is_complete", [True, False])
@pytest.mark.parametrize("certainty", CERTAINTIES)
def test_a_finding_that_is_explained_now_is_withdrawn_and_keeps_its_certainty(
    certainty: Certainty, is_complete: bool
) -> None:
    """Row 4: explained waits for nothing."""
    judged = state("explained", "final" if certainty != "final" else "incomplete", severity="low")
    answer = transition(published("unexplained", certainty), judged, is_complete)
    assert answer == ("withdrawn", judged._replace(certainty=certainty))


@pytest.mark.parametrize(("before", "after"), [("incomplete", "provisional"), ("provisional", "final")])
def test_the_same_with_more_certainty_is_revised(before: Certainty, after: Certainty) -> None:
    """Row 5: the reader learns that it is firmer."""
    judged = state(certainty=after)
    assert transition(published(certainty=before), judged, True) == ("revised", judged)


@pytest.mark.parametrize(
    "judged",
    [
        state("late"),
        state(staff="w031"),
        state(staff=None),
        state(clause="use-without-duty"),
        state(severity="high"),
        state(policy="hash8"),
        state(flags=("borderline",)),
    ],
    ids=["outcome", "staff", "nobody", "clause", "severity", "policy", "flags"],
)
def test_another_verdict_is_revised(judged: State) -> None:
    """Row 6: outcome, staff, clause, severity, policy or flags."""
    assert transition(published(), judged, True) == ("revised", judged)


def test_another_verdict_never_costs_certainty() -> None:
    """Once final, always final, also when the outcome changes."""
    answer = transition(published(certainty="final"), state("late", "provisional"), True)
    assert answer == ("revised", state("late", "final"))


def test_while_feeds_are_behind_another_verdict_keeps_the_certainty_there_was() -> None:
    """No finding returns to pending, and an unfinished judgement adds no certainty."""
    answer = transition(published(certainty="incomplete"), state("late", "final"), False)
    assert answer == ("revised", state("late", "incomplete"))


@pytest.mark.parametrize("is_complete", [True, False])
def test_withdrawn_and_still_explained_publishes_nothing(is_complete: bool) -> None:
    """Row 7."""
    assert transition(published("explained"), state("explained", "final"), is_complete) is None


@pytest.mark.parametrize(
    ("before", "now", "certainty"),
    [
        ("provisional", "final", "final"),
        ("final", "provisional", "final"),
        ("incomplete", "provisional", "provisional"),
    ],
)
def test_withdrawn_and_found_again_is_reinstated(before: Certainty, now: Certainty, certainty: Certainty) -> None:
    """Row 8: with the highest certainty ever."""
    answer = transition(published("explained", before), state("late", now), True)
    assert answer == ("reinstated", state("late", certainty))


# --- what changes nothing is not said


@pytest.mark.parametrize("certainty", CERTAINTIES)
def test_the_same_verdict_again_is_not_published(certainty: Certainty) -> None:
    """A higher position alone is nothing that a reader would notice."""
    assert transition(published(certainty=certainty), state(certainty=certainty), True) is None


def test_the_same_verdict_with_less_certainty_is_not_published() -> None:
    """The join would keep the higher one anyway."""
    assert transition(published(certainty="final"), state(certainty="incomplete"), True) is None
    assert transition(published(certainty="incomplete"), state(certainty="final"), False) is None


def test_withdrawn_and_not_complete_waits() -> None:
    """Silence is not guilt the second time either."""
    assert transition(published("explained"), state("late"), False) is None


@pytest.mark.parametrize("newer", [state("unexplained", position=NOW + 1), state("explained", position=NOW + 1)])
@pytest.mark.parametrize("judged", [state("late", "final"), state("explained", "final")])
def test_somebody_who_knew_more_is_not_answered(newer: State, judged: State) -> None:
    """The join keeps the higher position: saying otherwise made two workers answer each other 11,418 times."""
    assert transition(newer, judged, True) is None


def test_at_the_same_position_more_certainty_is_said() -> None:
    """Marks rise while facts stand still."""
    before, after = state(certainty="provisional"), state(certainty="final")
    assert transition(before, after, True) == ("revised", after)


@pytest.mark.parametrize(
    ("before", "judged"),
    [
        (None, state("late")),
        (published(certainty="final"), state("explained", "incomplete")),
        (published(certainty="final"), state("late", "provisional")),
        (published("explained", "final"), state("late", "provisional")),
    ],
)
def test_readers_see_what_was_judged(before: State | None, judged: State) -> None:
    """After a transition the joined state is exactly what it says."""
    answer = transition(before, judged, True)
    assert answer is not None
    assert join(before, answer[1]) == answer[1]


# --- the join

SOME = (
    state("unexplained", "provisional", position=318),
    state("late", "incomplete", position=441),
    state("explained", "final", position=400),
    state("late", "provisional", position=441),
)


@pytest.mark.parametrize("order", list(permutations(SOME)))
def test_the_join_does_not_depend_on_the_order(order: tuple[State, ...]) -> None:
    """Everything of the highest position, the highest certainty ever."""
    joined: State | None = None
    for one in order:
        joined = join(joined, one)
    assert joined == state("late", "final", position=441)


@pytest.mark.parametrize("one", SOME)
@pytest.mark.parametrize("other", SOME)
def test_the_join_is_the_same_from_both_sides_and_twice(one: State, other: State) -> None:
    """Reading a transition again changes nothing."""
    assert join(one, other) == join(other, one)
    assert join(join(one, other), other) == join(one, other)
    assert join(None, one) == one


def test_two_of_one_position_and_certainty_have_one_answer() -> None:
    """A repeat at another offset may differ; readers must agree nevertheless."""
    one, other = state("late"), state("revoked")
    assert join(one, other) == join(other, one)


def test_at_one_position_the_later_policy_stands_and_no_other_word_is_said_again() -> None:
    """It is published when readers would see it; else it waits for facts: said again it would change nothing."""
    older = state("explained", policy="hash9")._replace(version=3)
    later = state("unexplained", policy="hash1")._replace(version=4)
    assert join(older, later) == join(later, older) == later
    assert (prevails(later, older), prevails(older, later), prevails(older, None)) == (True, False, True)
    assert prevails(older._replace(position=later.position + 1), later)
    assert prevails(later._replace(certainty="final"), later)
    accused, cleared = state("unexplained"), state("explained")
    assert (prevails(accused, cleared), prevails(cleared, accused)) == (True, False)


def test_a_state_is_what_a_transition_says() -> None:
    """Each field in its place."""
    transition_of: Transition = "revised"
    finding = Finding(
        finding_id="f_" + "0" * 32,
        position=318,
        transition=transition_of,
        outcome="late",
        certainty="final",
        severity="high",
        clause="use-without-duty",
        reason="Words.",
        staff="w028",
        flags=("borderline",),
        access=make_access(),
        message=MessagePlace(topic="access.ecms.v1", partition=2, offset=991),
        explanations=(),
        near_misses=(),
        policy=PolicyRef(name="confidentiality", version=3, hash="hash7"),
        marks={},
        waiting_for=(),
    )
    assert state_of(finding) == State(
        318, "late", "final", "w028", "use-without-duty", "high", "hash7", ("borderline",), 3
    )
