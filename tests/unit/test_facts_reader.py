"""All facts beside the judges: whole before anybody sees them, kept up to date, never a stop for others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from schemas.codec import decode_registered, encode
from schemas.fact import Fact, Waiver
from sinks import facts
from sinks.facts import FactsReader, learn
from sinks.kafka import Broker
from streams.join.knowledge import Knowledge, knowing
from tests.harness.builders import account, assignment, at, coverage, registered, supervision
from tests.harness.fake_log import FakeLogs
from tests.unit.test_loading import same

TOPIC = "facts.v1"
PATIENCE = 20.0  # seconds, of what takes milliseconds


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> FakeLogs:
    """A broker in memory; who waits for it does not wait long."""
    for name in ("LOOK_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(facts, name, 0.0)
    monkeypatch.setattr(facts, "FETCH_MS", 1)
    return FakeLogs().in_place(monkeypatch)


@asynccontextmanager
async def reading(reader: FactsReader) -> AsyncIterator[FactsReader]:
    """The task while it runs, and never longer than anybody waits for it."""
    task = asyncio.create_task(reader.run())
    try:
        async with asyncio.timeout(PATIENCE):
            yield reader
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(is_so: Callable[[], bool]) -> None:
    """Gives way until the task has brought it about."""
    while not is_so():  # noqa: ASYNC110 - it happens in steps of the loop
        await asyncio.sleep(0)


def reader() -> FactsReader:
    """One that has read nothing."""
    return FactsReader(Broker("nowhere", PATIENCE), TOPIC)


def said(*stated: Fact) -> list[bytes]:
    """As `facts.v1` has them."""
    return [encode(registered(fact)) for fact in stated]


def duties(first: int, end: int) -> Iterator[bytes]:
    """So many assignments."""
    yield from said(*(assignment("w028", f"case:c{n:04}") for n in range(first, end)))


def supervisors(knowledge: Knowledge, staff: str) -> list[str]:
    """Who answers for them."""
    return [history.top.body.supervisor for history in knowledge.above(staff)]  # type: ignore[union-attr]


LOG: Sequence[bytes] = [
    *duties(0, 5),
    encode(Waiver(feed="staff", through=at("12:00"))),
    *said(account("jdoe12", "w028"), supervision("s03", "w028")),
    b"not ours",
    *duties(3, 7),
    *said(assignment("w028", "case:c0001", revision=2, void=True), coverage("w031", "w028")),
]


@pytest.mark.parametrize("size", [1, 3, len(LOG)])
def test_in_whatever_pieces_the_same_is_known(size: int) -> None:
    """A run of assignments, a repeat, a revision, a waiver, what is not ours: as one after the other."""
    knowledge, strange = Knowledge(), list[int]()
    for first in range(0, len(LOG), size):
        some = LOG[first : first + size]
        strange += learn(knowledge, range(first, first + len(some)), some)
    assert (strange, knowledge.position, knowledge.waivers) == ([8], len(LOG), {"staff": at("12:00")})
    exact = knowing([None if value == b"not ours" else decode_registered(value) for value in LOG], 0)
    assert same(knowledge, exact)
    assert supervisors(knowledge, "w028") == ["s03"]


async def test_nobody_sees_half_of_what_is_known(logs: FakeLogs) -> None:
    """Half of it would say that nobody answers for them."""
    logs.put(TOPIC, *duties(0, 5_000), *said(supervision("s03", "w028")))
    one = reader()
    seen = {(0, False, False)}
    async with reading(one):
        while not one.is_caught_up:
            seen.add((one.position, one.is_loaded, one.is_caught_up))
            await asyncio.sleep(0)
        assert supervisors(await one.reach(5_001), "w028") == ["s03"]
    assert seen <= {(0, False, False), (5_001, True, False)}


async def test_what_comes_later_is_known_a_little_at_a_time(logs: FakeLogs) -> None:
    """Others have the loop in between: requests, with people behind them."""
    one, turns = reader(), 0
    async with reading(one):
        await one.reach()
        logs.largest = 0
        logs.put(TOPIC, *duties(0, 1_000))
        while one.position < 1_000:
            turns += 1
            await asyncio.sleep(0)
        assert (await one.reach(1_000)).position == 1_000
    assert logs.largest == facts.LIVE_MAX
    assert turns >= 1_000 / facts.LIVE_MAX


async def test_a_broker_that_is_away_is_waited_for(logs: FakeLogs) -> None:
    """What was known stays known, and is not called all there is; then it goes on where it was."""
    logs.is_away = True
    one = reader()
    async with reading(one):
        await until(lambda: logs.connections == 2)
        logs.is_away = False
        logs.put(TOPIC, *said(supervision("s03", "w028")))
        known = await one.reach(1)
        logs.is_away = True
        logs.put(TOPIC, *said(supervision("s04", "w028")))
        await until(lambda: not one.is_caught_up)
        assert supervisors(one.knowledge, "w028") == ["s03"]
        logs.is_away = False
        assert await one.reach(2) is known
        assert supervisors(known, "w028") == ["s03", "s04"]


async def test_another_log_of_the_same_name_is_read_anew(logs: FakeLogs, caplog: pytest.LogCaptureFixture) -> None:
    """A broker that was set up once more: the facts of the one before are nobody's."""
    logs.put(TOPIC, *duties(0, 3), *said(supervision("s03", "w028")))
    one = reader()
    async with reading(one):
        await one.reach(4)
        for log in logs.records.values():
            log.clear()
        logs.put(TOPIC, *said(supervision("s09", "w028")))
        await until(lambda: one.position == 1)
        assert supervisors(await one.reach(1), "w028") == ["s09"]
    assert "read anew" in caplog.text


async def test_what_is_not_ours_is_named_by_its_place_only(logs: FakeLogs, caplog: pytest.LogCaptureFixture) -> None:
    """It may hold anything."""
    logs.put(TOPIC, *duties(0, 1), b'{"secret":1}', None)
    async with reading(reader()) as one:
        await one.reach(3)
    assert "facts.v1/0/1 is not ours" in caplog.text
    assert "facts.v1/0/2 is not ours" in caplog.text
    assert "secret" not in caplog.text
