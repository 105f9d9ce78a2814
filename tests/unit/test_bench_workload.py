"""The benchmark counts false and missed verdicts against its own answers, so those answers must be right."""

from __future__ import annotations

import pytest

from schemas.access import Access
from schemas.codec import decode, decode_thin, encode
from schemas.fact import Fact, Mark, RegisteredFact
from schemas.ids import parse_instant
from sinks.ledger.rejudge import Rejudge
from tests.bench.workload import COMPLETE_THROUGH_MS, Message, Plan, Workload, make_workload
from tests.harness.builders import make_policy

TINY = Plan(accesses=400, subjects=60, staff=12, share=0.3)
APPENDED_AT = parse_instant("2026-11-22T00:00:00.000Z")  # long after every access


@pytest.fixture(scope="module")
def workload() -> Workload:
    """A workload small enough for the brute-force judge."""
    return make_workload(TINY)


def facts_of(feed: str, messages: list[Message]) -> list[RegisteredFact]:
    """The facts as register would store them: before any mark, so known when they were recorded."""
    facts = [decode(Fact, message.value) for message in messages]
    return [RegisteredFact(**dict(fact), feed=feed, known_from=fact.recorded_at) for fact in facts]


def test_the_known_answers_are_those_of_the_brute_force_judge(workload: Workload) -> None:
    """Every expected violation is a final, unexplained finding, and everything else is explained."""
    feeds = workload.feeds()
    log = [fact for feed, messages in feeds.items() for fact in facts_of(feed, messages[:-1])]
    rejudge = Rejudge(make_policy(), log)
    marks = dict.fromkeys(feeds, COMPLETE_THROUGH_MS)
    found = {"explained": set[str](), "unexplained": set[str]()}
    for message in workload.accesses:
        access = decode(Access, message.value)
        verdict = rejudge.judge(access, APPENDED_AT, position=len(log), marks=marks)
        assert verdict.certainty == (None if verdict.outcome == "explained" else "final")
        found[verdict.outcome].add(access.event_id)
    assert found["unexplained"] == workload.violations
    assert len(found["explained"]) + len(found["unexplained"]) == TINY.accesses
    assert 20 < len(workload.violations) < TINY.accesses / 2  # neither none nor all


def test_every_message_is_spelled_as_the_codec_spells_it(workload: Workload) -> None:
    """The generator writes JSON by hand for speed; what the contract refuses or spells otherwise is no benchmark."""
    for message in workload.accesses:
        assert encode(decode(Access, message.value)) == message.value
        assert decode_thin(message.value) is not None
    for feed, (*facts, mark) in workload.feeds().items():
        assert decode(Mark, mark.value).feed == feed
        for fact in facts:
            assert encode(decode(Fact, fact.value)) == fact.value


def test_some_facts_are_corrected_and_no_pair_has_two_intervals(workload: Workload) -> None:
    """Kafka Streams' versioned store needs one interval a pair; the second revision is what makes order matter."""
    facts = [decode(Fact, message.value) for message in workload.assignments]
    assert {fact.revision for fact in facts} == {1, 2}
    assert len({fact.fact_id for fact in facts}) == TINY.subjects * 3
    assert all(fact.recorded_at <= fact.valid_from for fact in facts)


def test_the_peers_get_the_same_assignments_keyed_like_the_accesses(workload: Workload) -> None:
    """The same bytes in the same order; only the key differs, so that nothing has to be re-keyed."""
    copied = workload.assignments_by_record()
    assert [m.value for m in copied] == [m.value for m in workload.assignments]
    assert {m.key for m in copied} <= {f"su{number}" for number in range(TINY.subjects)}
    assert {m.key for m in workload.accesses} <= {m.key for m in copied}


def test_the_same_plan_gives_the_same_bytes() -> None:
    """Two programs measured one after the other must have had the same work."""
    assert make_workload(TINY) == make_workload(TINY)
