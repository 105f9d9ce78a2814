"""The facts and accesses that costs are measured with are what register writes and what they are said to be."""

from __future__ import annotations

import random

import pytest

from schemas.access import Access
from schemas.codec import decode, encode
from schemas.fact import Fact, RegisteredFact, RegisteredMark
from schemas.plain_fact import read_plain_facts
from sinks.ledger.rejudge import Rejudge
from streams.join.stamp import register
from tests.bench import many_facts
from tests.bench.costs_report import Costs, Sizes, Started, goals
from tests.bench.workload import COMPLETE_THROUGH_MS, EPOCH_MS
from tests.harness.builders import make_policy

FACTS = 600
LOG = [decode(RegisteredFact, m.value) for m in (*many_facts.accounts(FACTS), *many_facts.assignments(FACTS))]
LONG_AFTER = EPOCH_MS + 1_000 * 86_400_000


def test_facts_lie_as_register_would_have_stored_them() -> None:
    """The same bytes, so that a worker reads them as fast as real ones."""
    for message in (*many_facts.accounts(FACTS), *many_facts.assignments(FACTS)):
        fact = decode(RegisteredFact, message.value)
        plain = Fact(**{name: value for name, value in dict(fact).items() if name not in ("feed", "known_from")})
        assert encode(register(plain, fact.feed, None, appended_at=LONG_AFTER)) == message.value
        assert message.key == f"{fact.feed}/{fact.fact_id}"


def test_assignments_are_read_the_fast_way() -> None:
    """As nearly all real ones are."""
    assert None not in read_plain_facts([message.value for message in many_facts.assignments(FACTS)])


def test_no_pair_has_two_assignments_and_no_record_more_than_three() -> None:
    """Or a question would cost more only because there is more to it."""
    for facts in (90, FACTS, 10_000):
        pairs = [many_facts.pair(number, facts) for number in range(facts)]
        assert len(set(pairs)) == facts
        assert len({record for record, _ in pairs}) == -(-facts // 3)


@pytest.mark.parametrize("among", [60, FACTS])
def test_the_explained_are_explained_and_the_unexplained_are_not(among: int) -> None:
    """And both are about the records they were asked to be about."""
    judge = Rejudge(make_policy(), LOG)
    marks = {mark.feed: mark.complete_through for mark in map(_mark, many_facts.marks(len(LOG)))}
    records = {many_facts.pair(number, FACTS)[0] for number in range(among)}
    for make, outcome in ((many_facts.explained, "explained"), (many_facts.unexplained, "unexplained")):
        found = [decode(Access, message.value) for message in make(50, FACTS, among, random.Random(1), first=9)]
        assert [access.event_id for access in found] == [f"q{number}" for number in range(9, 59)]
        assert {access.record.id for access in found} <= records
        verdicts = [judge.judge(access, LONG_AFTER, position=len(LOG), marks=marks) for access in found]
        assert {verdict.outcome for verdict in verdicts} == {outcome}
        assert {verdict.certainty for verdict in verdicts} == {None if outcome == "explained" else "final"}


def _mark(message: many_facts.Message) -> RegisteredMark:
    mark = decode(RegisteredMark, message.value)
    assert (mark.position, mark.complete_through) == (len(LOG), COMPLETE_THROUGH_MS)
    return mark


def test_a_second_revision_touches_and_changes_nothing_or_takes_it_all_away() -> None:
    """The same interval in another role, or void."""
    first = decode(Fact, next(iter(many_facts.assignments(FACTS))).value.partition(b',"feed"')[0] + b"}")
    other, void = (decode(Fact, many_facts.revised(0, FACTS, is_void=is_void).value) for is_void in (False, True))
    assert (other.fact_id, other.revision, other.void) == (first.fact_id, 2, False)
    assert (other.valid_from, other.valid_to, other.recorded_at) == (first.valid_from, None, first.recorded_at)
    assert other.body != first.body
    assert (void.body, void.void) == (first.body, True)


def costs() -> Costs:
    """Round numbers, each its own."""
    question = {"explained_us": 8.0, "unexplained_us": 200.0}
    return Costs(
        sizes=Sizes(few_facts=10_000, many_facts=1_010_000, few_accesses=200_000, many_accesses=1_200_000),
        few=Started(facts=10_000, ready_s=3.0, rss_mb=100.0),
        many=Started(facts=1_010_000, ready_s=23.0, rss_mb=300.0),
        index={"bytes_per_access": 40.0},
        pure={
            "few": question,
            "few_again": {"explained_us": 12.0, "unexplained_us": 220.0},
            "many": {"explained_us": 13.0, "unexplained_us": 231.0},
            "many_same_records": {"explained_us": 10.0, "unexplained_us": 210.0},
            "loading": {"facts_per_s": 70_000.0},
            "assignment": {"traced_bytes": 250.0},
            "index": {"traced_bytes": 35.0},
            "corrections": {"stayed_per_s": 30_000.0, "turned_per_s": 5_000.0},
        },
    )


def test_differences_and_ratios_leave_out_what_a_worker_costs_anyhow() -> None:
    """A million facts more, 20 s and 200 MiB more; a question against the mean of the two about few facts."""
    found = costs()
    assert found.loaded_per_s == 50_000
    assert found.bytes_per_assignment == pytest.approx(209.7152)
    assert found.ratio("many", "explained_us") == pytest.approx(1.3)
    assert found.ratio("many", "unexplained_us") == pytest.approx(1.1)


def test_each_promise_about_costs_has_its_goal() -> None:
    """Which of these round numbers are good enough, and which are only told."""
    met = {goal.what: goal.is_met for goal in goals(costs())}
    assert met == {
        "explained access, 10,000 to 1,010,000 facts": False,
        "unexplained access, 10,000 to 1,010,000 facts": True,
        "explained access, the same records, 10,000 to 1,010,000 facts": None,
        "explained access, 10,000 facts": None,
        "unexplained access, 10,000 facts": None,
        "indexed access, traced": True,
        "indexed access, resident in a worker": True,
        "assignment, traced": True,
        "assignment, resident in a worker": True,
        "facts loaded at a worker's start": False,
        "facts learned, without Kafka": None,
        "accesses judged again that stay as they were": True,
        "accesses judged again, each a new finding": None,
    }
