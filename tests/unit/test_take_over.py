"""What a change touches behind the index: what was said of is known by name, the rest is read from the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, NoReturn

import mode
import pytest
from aiokafka.errors import ConsumerStoppedError

from schemas.settings import Settings
from streams.access_log import Some
from streams.agents import take_over
from streams.agents.careful import Tries
from streams.agents.corrections import Change, Corrections
from streams.agents.take_over import TakeOver
from streams.join.bodies import login_key, plain_key
from streams.join.open import Partition
from streams.join.stretch import Wanted
from streams.join.touched import Query
from streams.policy.judging import Judging
from streams.telemetry import Telemetry
from tests.harness.builders import make_access
from tests.harness.judging import APPENDED, judging, messages

HERE = Partition("access.ecms.v1", 0)
LONG = 5.0
RECORD = "case/1"
ABOUT_IT = Query(frozenset({RECORD}), None)


async def ready() -> None:
    """At once."""


class Made:
    """A take-over that was not started, and what it changed."""

    def __init__(self) -> None:
        self.judging: Judging = judging()
        self.corrections = Corrections(
            Settings(),
            judging=self.judging,
            telemetry=Telemetry(),
            is_open=lambda partition, place: False,
            settle=lambda partition, entries: None,
            ready=ready,
            blame=raises,
            reach_back=lambda *change: self.take_over.reach_back(*change),  # noqa: PLW0108 - made below
        )
        self.take_over = TakeOver(
            Settings(),
            judging=self.judging,
            corrections=self.corrections,
            reconciled=lambda partition: never(),
            blame=raises,
        )
        self.corrections.begin({HERE: 1_000})

    def index(self, first: int) -> None:
        """All from this offset on is in the index."""
        with self.judging.index.taking(HERE, (first, 1_000), (APPENDED, APPENDED)):
            pass

    def said(self, *offsets: int) -> None:
        """Something was said of an access to the record in each of these messages."""
        for offset in offsets:
            self.judging.index.say(HERE, offset, login_key("ecms", "jdoe12"), [plain_key(RECORD)])

    def change(self, number: int = 1, earliest: int | None = None, judged_to: int = 1_000) -> Change:
        """So many queries about the record."""
        return Change(self.judging.index.wanted([ABOUT_IT] * number), earliest, judged_to)


def raises(partition: Partition, error: Exception, tries: Tries) -> None:
    """Nobody is to blame."""
    raise error


async def never() -> int:
    """Nobody asks."""
    raise AssertionError


async def at_once(_: Partition) -> int:
    """Nobody has reconciled anything."""
    return 0


@pytest.mark.parametrize("part", ["take_over", "corrections"])
async def test_what_is_asked_through_is_closed_when_nobody_asks_any_more(part: str) -> None:
    """A question in the middle of which the connection is closed is one that aiokafka may never answer."""
    made, told, asking = Made(), list[str](), asyncio.Event()

    async def ask(*_: Any) -> NoReturn:
        asking.set()
        try:
            await asyncio.Event().wait()
        finally:
            told.append("the question ends")
        raise AssertionError

    async def start() -> None:
        told.append("open")

    async def stop() -> None:
        told.append("closed")

    log: Any = SimpleNamespace(start=start, stop=stop, first_since=ask, pick=ask, beginning=ask)
    made.take_over._log = made.corrections._places = log
    made.take_over._reconciled = at_once
    service: mode.Service = getattr(made, part)
    await service.start()
    made.take_over.begin({HERE: 1_000})
    made.corrections.doubt(HERE, [7])
    async with asyncio.timeout(LONG):
        await asking.wait()
    stopping = asyncio.create_task(service.stop())
    await asyncio.wait([stopping], timeout=LONG)
    assert stopping.done()
    assert told == ["open", "the question ends", "closed"]


async def test_what_was_said_behind_the_index_is_in_doubt() -> None:
    """What is in the index is found there."""
    made = Made()
    made.said(3, 99, 100, 500)
    made.index(100)
    await made.take_over.reach_back(HERE, made.change())
    assert made.corrections.doubtful() == {HERE: {3, 99}}
    assert made.take_over.is_done(HERE)


async def test_what_was_judged_with_the_facts_is_not_in_doubt() -> None:
    """The index let go of it before anybody came to look."""
    made = Made()
    made.said(3, 30)
    made.index(100)
    await made.take_over.reach_back(HERE, made.change(judged_to=30))
    assert made.corrections.doubtful() == {HERE: {3}}
    await made.take_over.reach_back(HERE, made.change(earliest=APPENDED, judged_to=0))
    assert made.take_over.is_done(HERE)


async def test_nobody_looks_behind_an_index_that_begins_with_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took half a second for the facts of one import."""
    made = Made()
    made.said(3)
    made.index(0)
    monkeypatch.setattr(made.judging.index, "said", lambda *asked: pytest.fail("it looked"))
    await made.take_over.reach_back(HERE, made.change())
    assert made.corrections.doubtful() == {}


async def test_a_change_that_reaches_behind_the_index_is_read_from_the_log() -> None:
    """From the earliest instant on; what was appended later than all that lies behind cannot be touched there."""
    made = Made()
    made.index(100)
    await made.take_over.reach_back(HERE, made.change(earliest=APPENDED + 1))
    assert made.take_over.is_done(HERE)
    await made.take_over.reach_back(HERE, made.change(earliest=APPENDED))
    assert not made.take_over.is_done(HERE)


async def test_a_long_list_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is dropped with the partition: whoever holds it next looks back."""
    monkeypatch.setattr(take_over, "SOME", 10)
    made = Made()
    made.said(3)
    made.index(100)
    asked = list[int]()
    said = made.judging.index.said

    def noting(partition: Partition, wanted: list[Wanted], before: int) -> set[int]:
        asked.append(len(wanted))
        return said(partition, wanted, before)

    monkeypatch.setattr(made.judging.index, "said", noting)
    reaching = asyncio.create_task(made.take_over.reach_back(HERE, made.change(25, APPENDED)))
    await asyncio.sleep(0)
    assert asked == [10]
    made.corrections.lose(HERE, ())
    await reaching
    assert asked == [10]
    assert made.take_over.is_done(HERE)


async def test_after_very_many_facts_all_that_was_said_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking about each would take longer; the horizon, from 50 on, is read again whole."""
    monkeypatch.setattr(take_over, "FACTS_MAX", -1)
    made = Made()
    made.said(3, 49, 50)
    made.index(0)
    await made.take_over._ask(HERE, 0, (50, 1_000), made.corrections.hold)
    assert made.corrections.doubtful() == {HERE: {3, 49}}
    assert made.judging.index.reach(HERE) is None


async def test_what_is_new_stays_in_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was judged with all those facts: a worker that starts from nothing has nothing to read a second time."""
    monkeypatch.setattr(take_over, "FACTS_MAX", -1)
    monkeypatch.setattr(take_over, "earliest_since", lambda *asked: APPENDED)
    made = Made()
    made.corrections.begin({HERE: 50})
    made.said(3, 49, 50)
    made.index(50)
    await made.take_over._ask(HERE, 0, (50, 50), made.corrections.hold)
    assert made.corrections.doubtful() == {HERE: {3, 49}}
    assert made.judging.index.reach(HERE) == (50, APPENDED)


async def test_a_start_from_nothing_reads_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand accesses are judged before it comes to look back: behind the first of them lies nothing."""
    monkeypatch.setattr(take_over, "FACTS_MAX", -1)
    monkeypatch.setattr(take_over, "earliest_since", lambda *asked: APPENDED)
    made = Made()
    made.corrections.begin({HERE: 0})
    made.take_over.begin({HERE: 0})
    made.index(0)
    made.corrections.judged(HERE, 1_000)
    log: Any = Log()
    made.take_over._log = log
    made.take_over._reconciled = at_once
    await made.take_over._look_back(HERE, made.corrections.hold)
    assert made.take_over.is_done(HERE)
    assert made.judging.index.reach(HERE) == (0, APPENDED)


async def test_what_was_dropped_is_read_up_to_what_is_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came since is in one stretch with what was there before, so both are read again: no hole is left."""
    monkeypatch.setattr(take_over, "FACTS_MAX", -1)
    made = Made()
    made.corrections.begin({HERE: 1})
    made.take_over.begin({HERE: 1})
    with made.judging.index.taking(HERE, (0, 3), (APPENDED, APPENDED)):
        pass
    made.corrections.judged(HERE, 3)
    log: Any = Log()
    made.take_over._log = log
    made.take_over._reconciled = at_once
    with pytest.raises(ConsumerStoppedError):
        await made.take_over._look_back(HERE, made.corrections.hold)
    assert made.judging.index.lacking(HERE, 0, 3) == []


async def test_nobody_asks_about_what_nobody_has_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that starts for the first time knows thousands of facts and not one access."""
    made = Made()
    monkeypatch.setattr(take_over, "touched_since", lambda *asked: pytest.fail("it asked"))
    await made.take_over._ask(HERE, 0, (0, 9), made.corrections.hold)
    made.said(3)
    with pytest.raises(pytest.fail.Exception):
        await made.take_over._ask(HERE, 0, (0, 9), made.corrections.hold)


class Log:
    """A log of ten messages of which three can be read before the connection is closed."""

    async def beginning(self, partition: Partition) -> int:
        """Of the log."""
        return 0

    async def first_since(self, partition: Partition, instant: int, end: int) -> int:
        """All of it."""
        return 0

    async def read(self, partition: Partition, first: int, end: int) -> AsyncIterator[Some]:
        """As the log."""
        yield Some(0, 3, messages(*(make_access(event_id=f"e{n}") for n in range(3)), first=0))
        raise ConsumerStoppedError


async def test_a_backfill_that_is_broken_off_is_still_to_be_done() -> None:
    """Whoever writes the last note, or comes next, must not take it for done."""
    made = Made()
    made.index(100)
    log: Any = Log()
    made.take_over._log = log
    await made.take_over.reach_back(HERE, made.change(earliest=APPENDED))
    with pytest.raises(ConsumerStoppedError):
        await made.take_over._fill(HERE, made.corrections.hold)
    assert not made.take_over.is_done(HERE)
    assert made.take_over._backfill == {HERE: APPENDED}
