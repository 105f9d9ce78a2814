"""One order for everybody: the judge, the brute-force judge and whoever reads agree on which transition stands."""

from __future__ import annotations

from functools import reduce
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.finding import Finding
from schemas.joined import standing
from schemas.policy import Policy
from sinks.joined import Joined
from sinks.ledger.rejudge import joined
from streams.join.reconcile import State, join, state_of
from tests.harness.builders import FEED_OF, assignment, make_access, make_policy, supervision
from tests.harness.verdicts import JDOE
from tests.harness.worker import Stored, Worker
from tests.unit.test_audit import EVENING, HERE, mark_all, send

STRICT = make_policy(supervises=False)  # version 3


def published(policy: Policy = STRICT) -> Stored:
    """An access that the strict policy finds and the lax one explains, judged under this one."""
    stored = Stored()
    stored.state(JDOE, FEED_OF["account"])
    stored.state(assignment("w031"), FEED_OF["assignment"])
    stored.state(supervision("w028", "w031"), FEED_OF["supervision"])
    mark_all(stored, EVENING)
    send(stored, make_access())
    worker = Worker(stored, policy, run="first")
    worker.take(HERE, 1)
    worker.store()
    worker.hear()
    worker.store()
    return stored


def restarted(stored: Stored, policy: Policy, run: str) -> Worker:
    """A worker under this policy that has looked back at everything, and said what it has to say."""
    worker = Worker(stored, policy, run=run)
    while worker.look_back(9):
        worker.hear()
    for _ in range(2):
        worker.store()
        worker.hear()
    return worker


def said(stored: Stored) -> list[tuple[str, int, int]]:
    """Outcome, position and policy's version of each transition."""
    return [(f.outcome, f.position, f.policy.version) for f in stored.findings]


[RAISED] = published().findings

STEPS = st.lists(
    st.builds(
        lambda version, policy, **changed: RAISED.model_copy(
            update={**changed, "policy": RAISED.policy.model_copy(update={"version": version, "hash": policy})}
        ),
        st.integers(1, 2),
        st.sampled_from(["a", "b"]),
        position=st.integers(317, 318),
        outcome=st.sampled_from(["explained", "late", "unexplained"]),
        certainty=st.sampled_from(["incomplete", "provisional", "final"]),
        staff=st.sampled_from([None, "w028"]),
        flags=st.sampled_from([(), ("borderline",)]),
        reason=st.sampled_from(["One.", "Other."]),
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(STEPS)
def test_everybody_agrees_in_whatever_order(steps: list[Finding]) -> None:
    """The judge keeps less of a finding than readers do, and comes to the same."""
    answers = set[tuple[bytes, State]]()
    for order in permutations(steps):
        [brute] = joined(order).values()
        readers = Joined(1)
        seen = [readers.add(step)[0] for step in order][-1]
        judge: State | None = None
        for step in order:
            judge = join(judge, state_of(step))
        assert judge is not None
        assert encode(seen) == encode(brute)
        assert judge == state_of(brute)
        answers.add((encode(brute), judge))
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ({"position": 317, "outcome": "unexplained"}, {"position": 318, "outcome": "explained"}),
        ({"outcome": "explained"}, {"outcome": "late"}),
        ({"outcome": "late"}, {"outcome": "unexplained"}),
        ({"certainty": "incomplete", "reason": "Z."}, {"certainty": "final", "reason": "A."}),
        ({"reason": "A."}, {"reason": "Z."}),
    ],
    ids=str,
)
def test_the_higher_stands(lower: dict[str, Any], higher: dict[str, Any]) -> None:
    """The position; no explanation hides an accusation; the more certain; the bytes."""
    one, other = RAISED.model_copy(update=lower), RAISED.model_copy(update=higher)
    assert standing(one, other) == standing(other, one) == other
    assert reduce(standing, [other, one, other]) == other


# --- the judge under another policy, and no fact since


def test_the_later_policy_has_its_word_at_the_same_position() -> None:
    """Once: whoever starts after that finds it said."""
    stored, lax = published(), make_policy().model_copy(update={"version": 4})
    for number in range(3):
        worker = restarted(stored, lax, f"lax-{number}")
        assert said(stored) == [("unexplained", 3, 3), ("explained", 3, 4)]
        assert (worker.judging.published.in_flight(HERE), len(worker.open)) == (set(), 0)
    assert [f.outcome for f in joined(stored.findings).values()] == ["explained"]


@pytest.mark.parametrize("version", [2, 3])
def test_a_word_that_would_not_stand_is_not_said_until_facts_have_come(version: int) -> None:
    """Back to an older policy, or to another one of the same version: said again and again it would change nothing."""
    later = STRICT if version == 2 else STRICT.model_copy(update={"name": _higher_hash(make_policy())})
    lax = make_policy().model_copy(update={"version": version})
    stored = published(later)
    for number in range(3):
        worker = restarted(stored, lax, f"lax-{number}")
        assert said(stored) == [("unexplained", 3, 3)]
        assert (worker.judging.published.in_flight(HERE), len(worker.open)) == (set(), 1)
    stored.state(assignment("w077", "case:c0077"), FEED_OF["assignment"])
    for _ in range(2):
        worker.hear()
        worker.store()
    assert said(stored) == [("unexplained", 3, 3), ("explained", 4, version)]
    assert len(worker.open) == 0


def _higher_hash(than: Policy) -> str:
    """A name that gives the strict policy a higher hash than this one's."""
    names = (f"test-policy-{n}" for n in range(99))
    return next(n for n in names if STRICT.model_copy(update={"name": n}).hash() > than.hash())
