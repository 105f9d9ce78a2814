"""The brute-force judge by hand: completeness, waivers, clauses, severity, and the joined state of findings."""

from __future__ import annotations

from itertools import permutations

import pytest

from schemas.access import Action, Result, finding_id
from schemas.fact import Waiver
from schemas.finding import Certainty, Finding, MessagePlace, Outcome, PolicyRef, Transition
from sinks.ledger.rejudge import joined
from tests.harness.builders import assignment, at, make_access, make_policy
from tests.harness.verdicts import COMPLETE, JDOE, verdict

OTHERS = assignment("w031")  # makes the access of make_access, at 14:00, unexplained


def waiver(feed: str, through: str) -> Waiver:
    """Register decides to judge without this feed."""
    return Waiver(feed=feed, through=at(through))


def marks(**through: str) -> dict[str, int]:
    """Every feed complete for long, but for those named."""
    return COMPLETE | {feed: at(when) for feed, when in through.items()}


# --- completeness


@pytest.mark.parametrize(
    ("through", "certainty", "waiting"),
    [
        ("15:00:00.000", "final", ()),
        ("14:59:59.999", "provisional", ("cases",)),
        ("14:00:00.000", "provisional", ("cases",)),
        ("13:59:59.999", None, ("cases",)),
    ],
)
def test_certainty_follows_the_slowest_feed(through: str, certainty: str | None, waiting: tuple[str, ...]) -> None:
    """Complete through t may be said; complete through t + grace is final."""
    answer = verdict(make_access(when="14:00"), JDOE, OTHERS, marks=marks(cases=through))
    assert (answer.outcome, answer.certainty, answer.waiting_for) == ("unexplained", certainty, waiting)
    assert answer.is_pending == (certainty is None)


def test_an_imprecise_time_waits_for_its_end() -> None:
    """Completeness uses 15:00 of an access between 14:00 and 15:00."""
    access = make_access(when="14:00", until="15:00")
    assert verdict(access, JDOE, OTHERS, marks=marks(staff="14:59:59.999")).is_pending
    assert verdict(access, JDOE, OTHERS, marks=marks(staff="15:00")).certainty == "provisional"
    assert verdict(access, JDOE, OTHERS, marks=marks(staff="16:00")).certainty == "final"


def test_an_access_dated_ahead_waits_for_when_it_was_stored() -> None:
    """Dated 18:00, stored 14:00."""
    access = make_access(when="18:00")
    answer = verdict(access, JDOE, OTHERS, marks=marks(staff="14:00"), appended_at="14:00")
    assert answer.certainty == "provisional"


def test_without_grace_there_is_nothing_between_pending_and_final() -> None:
    """t and t + 0."""
    policy = make_policy(grace_seconds=0)
    assert verdict(make_access(), JDOE, OTHERS, policy=policy, marks=marks(staff="14:00")).certainty == "final"
    assert verdict(make_access(), JDOE, OTHERS, policy=policy, marks=marks(staff="13:59:59.999")).is_pending


def test_a_feed_that_never_spoke_keeps_everything_pending() -> None:
    """Silence is not guilt."""
    answer = verdict(make_access(), JDOE, OTHERS, marks={"assignments": at("2026-01-09"), "staff": at("2026-01-09")})
    assert (answer.is_pending, answer.waiting_for) == (True, ("cases",))


def test_what_is_explained_waits_for_nothing() -> None:
    """A duty that is known needs no completeness."""
    answer = verdict(make_access(), JDOE, assignment("w028"), marks={})
    assert (answer.outcome, answer.certainty, answer.is_pending, answer.waiting_for) == ("explained", None, False, ())


@pytest.mark.parametrize("name", ["case:c9999", "case:c0042"])
def test_every_other_outcome_waits(name: str) -> None:
    """Unresolved as well as unexplained, and the feeds are named in order."""
    answer = verdict(make_access(name=name), JDOE, OTHERS, marks={})
    assert (answer.is_pending, answer.waiting_for) == (True, ("assignments", "cases", "staff"))


def test_only_feeds_that_the_policy_reads_are_waited_for() -> None:
    """Without any path only the logins matter."""
    policy = make_policy(own=False, supervises=False, covers=False)
    answer = verdict(make_access(), JDOE, OTHERS, policy=policy, marks={"staff": at("2026-01-09")})
    assert (answer.outcome, answer.certainty) == ("unexplained", "final")


def test_a_mark_of_another_feed_means_nothing() -> None:
    """Nobody waits for a feed that nobody reads, and it stands in for none."""
    answer = verdict(make_access(), JDOE, OTHERS, marks={"console": at("2026-01-09")})
    assert answer.waiting_for == ("assignments", "cases", "staff")


# --- waivers


def test_a_finding_that_rests_on_a_waiver_is_incomplete() -> None:
    """It names the feed that was not heard."""
    log = (JDOE, OTHERS, waiver("cases", "14:00"))
    answer = verdict(make_access(when="14:00"), *log, marks=marks(cases="13:00"))
    assert (answer.certainty, answer.waiting_for) == ("incomplete", ("cases",))


def test_a_waiver_does_not_reach_beyond_its_instant() -> None:
    """Through 13:59:59.999 is not through 14:00; the highest waiver counts, not the last."""
    short, long = waiver("cases", "13:59:59.999"), waiver("cases", "14:00")
    assert verdict(make_access(), JDOE, OTHERS, short, marks=marks(cases="13:00")).is_pending
    assert verdict(make_access(), JDOE, OTHERS, long, short, marks=marks(cases="13:00")).certainty == "incomplete"


def test_a_waiver_counts_from_its_position() -> None:
    """Below it nobody has decided yet."""
    log = (JDOE, OTHERS, waiver("cases", "20:00"))
    assert verdict(make_access(), *log, marks=marks(cases="13:00"), position=2).is_pending
    assert verdict(make_access(), *log, marks=marks(cases="13:00"), position=3).certainty == "incomplete"


def test_a_waiver_for_one_feed_does_not_speak_for_another() -> None:
    """Two feeds are silent and one is waived."""
    log = (JDOE, OTHERS, waiver("cases", "20:00"))
    answer = verdict(make_access(), *log, marks=marks(cases="13:00", staff="13:00"))
    assert (answer.is_pending, answer.waiting_for) == (True, ("cases", "staff"))


def test_a_waiver_never_makes_more_than_incomplete() -> None:
    """However far it reaches."""
    log = (JDOE, OTHERS, waiver("cases", "2026-02-01"))
    assert verdict(make_access(), *log, marks=marks(cases="13:00")).certainty == "incomplete"


def test_a_feed_that_speaks_again_makes_up_for_its_waiver() -> None:
    """Marks at or above t and t + grace count as if there had been no waiver."""
    log = (JDOE, OTHERS, waiver("cases", "20:00"))
    assert verdict(make_access(), *log, marks=marks(cases="14:00")).certainty == "provisional"
    assert verdict(make_access(), *log, marks=marks(cases="15:00")).certainty == "final"


def test_an_incomplete_finding_names_also_feeds_that_are_merely_behind() -> None:
    """waiting_for is everything below t + grace."""
    log = (JDOE, OTHERS, waiver("cases", "20:00"))
    answer = verdict(make_access(), *log, marks=marks(cases="13:00", staff="14:30"))
    assert (answer.certainty, answer.waiting_for) == ("incomplete", ("cases", "staff"))


# --- clause and severity


@pytest.mark.parametrize(
    ("action", "clause", "severity"),
    [
        ("view", "search-without-duty", "medium"),
        ("search", "search-without-duty", "medium"),
        ("print", "use-without-duty", "high"),
        ("return", "use-without-duty", "high"),
        ("export", "disclosure-without-duty", "critical"),
    ],
)
def test_clause_and_severity_follow_the_action(action: Action, clause: str, severity: str) -> None:
    """As the policy of the builders says."""
    answer = verdict(make_access(action=action), JDOE, OTHERS)
    assert (answer.clause, answer.severity) == (clause, severity)


@pytest.mark.parametrize(
    ("action", "result", "severity"),
    [
        ("export", "success", "critical"),
        ("export", "denied", "high"),
        ("export", "failed", "high"),
        ("print", "denied", "medium"),
        ("view", "failed", "low"),
    ],
)
def test_what_did_not_succeed_is_one_step_lower(action: Action, result: Result, severity: str) -> None:
    """Denied and failed attempts are judged like accesses, and weigh less."""
    assert verdict(make_access(action=action, result=result), JDOE, OTHERS).severity == severity


def test_nothing_is_lower_than_low() -> None:
    """An unresolved view is low already."""
    assert verdict(make_access("ghost7", result="denied"), JDOE, OTHERS).severity == "low"


@pytest.mark.parametrize(("staff", "severity"), [("w031", "critical"), ("w028", "medium")])
def test_severity_follows_the_outcome(staff: str, severity: str) -> None:
    """An export without duty is critical, one with a late duty is not."""
    answer = verdict(make_access(action="export"), JDOE, assignment(staff, recorded_at="20:00"))
    assert answer.severity == severity


@pytest.mark.parametrize(
    ("action", "result", "severity"),
    [
        ("export", "success", "medium"),
        ("export", "denied", "medium"),
        ("print", "denied", "medium"),
        ("view", "denied", "low"),
    ],
)
def test_borderline_is_never_above_medium(action: Action, result: Result, severity: str) -> None:
    """First a step down for what failed, then the ceiling."""
    access = make_access(action=action, result=result, when="14:00", until="15:00")
    answer = verdict(access, JDOE, assignment("w028", valid_to="14:30"))
    assert (answer.flags, answer.severity) == (("borderline",), severity)


# --- the joined state


def transition(
    position: int,
    outcome: Outcome,
    certainty: Certainty,
    *,
    name: Transition = "revised",
    event_id: str = "ecms-000123",
    offset: int = 991,
) -> Finding:
    """One transition of the finding about `event_id`."""
    access = make_access(event_id=event_id)
    return Finding(
        finding_id=finding_id(access),
        position=position,
        transition=name,
        outcome=outcome,
        certainty=certainty,
        severity="medium",
        clause="search-without-duty",
        reason=f"judged at {position}",
        staff="w028",
        flags=(),
        access=access,
        message=MessagePlace(topic="access.ecms.v1", partition=2, offset=offset),
        explanations=(),
        near_misses=(),
        policy=PolicyRef(name="test-policy", version=3, hash="0" * 64),
        marks={},
        waiting_for=(),
    )


def test_the_highest_position_speaks_and_the_highest_certainty_stays() -> None:
    """Found finally at 3, cleared provisionally at 9, in every order of reading."""
    story = [
        transition(1, "unexplained", "provisional", name="raised"),
        transition(3, "late", "final"),
        transition(9, "explained", "provisional", name="withdrawn"),
    ]
    for order in permutations(story):
        (state,) = joined(order).values()
        assert (state.position, state.outcome, state.certainty) == (9, "explained", "final")
        assert (state.transition, state.reason) == ("withdrawn", "judged at 9")


def test_repeats_at_one_position_join_the_same_in_any_order() -> None:
    """A repeat lies at another offset; which of the two is shown must not depend on who read first."""
    story = [
        transition(4, "late", "provisional", offset=991),
        transition(4, "late", "final", offset=992),
        transition(4, "late", "final", offset=17),
    ]
    assert len({joined(order)[story[0].finding_id].model_dump_json() for order in permutations(story)}) == 1
    assert joined(story)[story[0].finding_id].certainty == "final"


def test_each_finding_is_joined_by_itself() -> None:
    """Two accesses, two states."""
    one = transition(4, "late", "final")
    other = transition(2, "unexplained", "incomplete", event_id="ecms-000124")
    state = joined([one, other])
    assert state == {one.finding_id: one, other.finding_id: other}
    assert joined([]) == {}
