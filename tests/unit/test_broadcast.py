"""What is read first while a worker follows its logs: new accesses wait for facts and marks, nobody for findings."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from schemas.codec import encode
from schemas.fact import RegisteredMark
from schemas.settings import Settings
from streams.broadcast import LIVE_MAX, Broadcast
from streams.join.touched import Query
from streams.policy.judging import Judging
from streams.telemetry import Telemetry
from streams.touching import Touching
from streams.turns import TURNS
from tests.contract.examples import FINDING
from tests.harness.builders import assignment, registered
from tests.harness.judging import Message, judging

FACTS, MARKS = TopicPartition("facts.v1", 0), TopicPartition("marks.v1", 0)
FINDINGS = [TopicPartition("violations.v1", partition) for partition in (0, 1)]
WAITING = 2 * LIVE_MAX + 10


class Reader:
    """Has fetched some of each partition, findings first, and hands it out as aiokafka does."""

    def __init__(self) -> None:
        self.fetched: dict[TopicPartition, list[Message]] = {}
        self.waited: list[int] = []
        self._fetcher = SimpleNamespace(_records={})
        self._client = SimpleNamespace(_wait_on_metadata=self._partitions)

    async def _partitions(self, topic: str) -> list[int]:
        return [tp.partition for tp in FINDINGS]

    def assign(self, partitions: list[TopicPartition]) -> None:
        """All of them."""
        assert set(partitions) == {FACTS, MARKS, *FINDINGS}

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Nothing is past its retention."""
        return dict.fromkeys(partitions, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """To the beginning."""
        assert offset == 0

    async def getmany(self, *of: TopicPartition, timeout_ms: int, max_records: int) -> dict[TopicPartition, Any]:
        """In the order in which it was fetched."""
        self.waited.append(timeout_ms)
        found: dict[TopicPartition, list[Message]] = {}
        for tp in [tp for tp, messages in self.fetched.items() if messages and (not of or tp in of)]:
            found[tp], self.fetched[tp] = self.fetched[tp][:max_records], self.fetched[tp][max_records:]
            max_records -= len(found[tp])
        return {tp: messages for tp, messages in found.items() if messages}


@pytest.fixture
def reader() -> Reader:
    """One that has fetched nothing."""
    return Reader()


@pytest.fixture
def told() -> list[Query]:
    """What was said to be touched."""
    return []


@pytest.fixture
def judge() -> Judging:
    """Who knows nothing yet."""
    return judging()


@pytest.fixture
def touching(judge: Judging, told: list[Query]) -> Touching:
    """Not started."""
    return Touching(judge.knowledge, depth=2, on_change=told.extend)


@pytest.fixture
async def broadcast(reader: Reader, judge: Judging, touching: Touching) -> Broadcast:
    """That has read to the end once and follows."""
    made = Broadcast(
        Settings(),
        knowledge=judge.knowledge,
        completeness=judge.completeness,
        published=judge.published,
        index=judge.index,
        telemetry=Telemetry(),
        touching=touching,
        on_change=lambda strangers: None,
        on_conflict=lambda feed, message: None,
    )
    double: Any = reader
    made._reader = made._ends = double
    await made._assign()
    made.is_loaded = True
    return made


def facts(number: int) -> list[Message]:
    """So many assignments to one record."""
    return [Message(n, encode(registered(assignment("w028", fact_id=str(n))))) for n in range(number)]


def left(reader: Reader) -> int:
    """How many findings are still to be read."""
    return sum(len(reader.fetched[tp]) for tp in FINDINGS)


async def test_facts_and_marks_go_before_findings(broadcast: Broadcast, reader: Reader) -> None:
    """However many of our own findings come back in a storm, a mark is heard in the next turn."""
    reader.fetched = {tp: [Message(n, FINDING) for n in range(WAITING // 2)] for tp in FINDINGS}
    reader.fetched[FACTS] = facts(LIVE_MAX - 1)
    through = broadcast.completeness.through["assignments"] + 1
    mark = RegisteredMark(feed="assignments", complete_through=through, sequence=1, position=LIVE_MAX - 1)
    reader.fetched[MARKS] = [Message(0, encode(mark))]
    assert await broadcast._follow_once()
    assert broadcast.knowledge.position == LIVE_MAX - 1
    assert broadcast.completeness.through["assignments"] == through
    assert left(reader) == WAITING - LIVE_MAX
    assert 1000 not in reader.waited
    assert not await broadcast._follow_once()  # findings alone: everybody else goes first


async def test_a_turn_is_short_and_the_next_waits_only_when_there_is_nothing(
    broadcast: Broadcast, reader: Reader
) -> None:
    """So many facts and so many findings; then it waits for what comes, whatever that is."""
    reader.fetched = {FACTS: facts(LIVE_MAX + 1)}
    reader.fetched |= {tp: [] for tp in FINDINGS}
    await broadcast._follow_once()
    assert broadcast.knowledge.position == LIVE_MAX
    reader.fetched[FINDINGS[0]] = [Message(0, FINDING)]
    await broadcast._follow_once()
    assert broadcast.knowledge.position == LIVE_MAX + 1
    assert left(reader) == 0
    assert len(broadcast.published) == 1
    assert reader.waited == [0, 0, 0, 0]
    await broadcast._follow_once()
    assert reader.waited == [0, 0, 0, 0, 0, 0, 1000]


@pytest.mark.parametrize(("were_news", "turns"), [(True, 1), (False, TURNS)])
async def test_after_news_others_get_one_turn_and_after_findings_all_they_need(
    broadcast: Broadcast, monkeypatch: pytest.MonkeyPatch, were_news: bool, turns: int
) -> None:
    """New accesses wait for marks; for findings that come back nobody does, and a storm brings thousands (ADR 21)."""
    looked = list[int]()
    loop, began = asyncio.get_running_loop(), 0

    def count() -> None:
        nonlocal began
        began += 1
        loop.call_soon(count)

    async def look() -> bool:
        looked.append(began)
        if len(looked) == 2:
            broadcast._stopped.set()
        return were_news

    monkeypatch.setattr(broadcast, "_follow_once", look)
    loop.call_soon(count)
    await Broadcast._follow.fun(broadcast)
    first, second = looked
    assert second - first == turns


async def test_what_a_storm_touches_is_found_after_its_mark_counts(
    broadcast: Broadcast, reader: Reader, touching: Touching, told: list[Query]
) -> None:
    """New accesses wait for the mark and not for all that the facts before it touch; until that is found, it is said
    that something is still to be brought to what was judged before."""
    number = 2
    reader.fetched = {FACTS: facts(number)}
    await broadcast._follow_once()
    assert broadcast.knowledge.position == number
    assert told == []
    assert not touching.is_done()
    touching.find_next()
    assert not touching.is_done()
    touching.find_next()
    assert touching.is_done()
    first = Query(frozenset({"case/c0042", "staff/w028"}), None, is_about_said=True)  # nobody had named them before
    assert [query for query in told if query.logins is None] == [first]
    assert len(told) == 1 + number
