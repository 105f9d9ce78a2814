"""The judge and the brute-force judge are two programs from one text (ADR 6); they must never differ."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import Access
from schemas.ledger import CODES
from sinks.ledger.rejudge import Rejudge, Verdict
from streams.join.open import Partition
from tests.harness import chance
from tests.harness.builders import make_policy
from tests.harness.judging import judging, messages

APPENDED = chance.START + chance.STEPS * chance.STEP


def code_of(verdict: Verdict) -> str:
    """The letter that the ledger has for a verdict."""
    return CODES["pending" if verdict.is_pending else verdict.outcome]


@settings(max_examples=400)
@given(
    seed=st.integers(0, 2**32),
    length=st.integers(0, 40),
    grace=st.sampled_from((0, 600, 3600)),
    source=st.sampled_from(chance.SOURCES),
)
def test_both_judges_give_the_same_verdicts(seed: int, length: int, grace: int, source: str) -> None:
    """Any log, any marks, any accesses anywhere: same outcome, person, flags, clause, severity, certainty."""
    rng = Random(seed)
    log, marks = chance.log(rng, length), chance.marks(rng)
    accesses = [chance.access(rng, n, source) for n in range(12)]
    judge = judging(*log, policy=make_policy(grace_seconds=grace, reviews=rng.random() < 0.9), marks=marks)
    brute = Rejudge(judge.policy, log)
    expected = [brute.judge(a, APPENDED, position=len(log), marks=marks) for a in accesses]

    batch = judge.batch(Partition(f"access.{source}.v1", 0), source, messages(*accesses, appended_at=APPENDED))

    assert batch.codes.decode() == "".join(map(code_of, expected))
    by_event = {f.access.event_id: f for f in batch.findings}
    for access, verdict in zip(accesses, expected, strict=True):
        assert_same(by_event, access, verdict)


def assert_same(by_event: dict, access: Access, verdict: Verdict) -> None:
    """The finding, if there must be one, says what the brute-force judge says."""
    finding = by_event.get(access.event_id)
    if verdict.outcome == "explained" or verdict.is_pending:
        assert finding is None
        return
    assert finding is not None
    assert (finding.outcome, finding.certainty, finding.staff) == (verdict.outcome, verdict.certainty, verdict.staff)
    assert (finding.flags, finding.clause, finding.severity) == (verdict.flags, verdict.clause, verdict.severity)
    assert finding.waiting_for == verdict.waiting_for
