"""Of what others say, only what concerns accesses judged here is judged again; all else is judged when it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiokafka.errors import ConsumerStoppedError
from aiokafka.structs import ConsumerRecord

from schemas.settings import Settings
from streams.agents.corrections import READ, SETTLED, Change, Corrections
from streams.join.open import OpenAccess, Partition
from streams.join.touched import Query
from streams.policy.indexed import accesses_of
from streams.telemetry import Telemetry
from tests.harness.builders import make_access
from tests.harness.judging import APPENDED, judging, messages

HERE, THERE = Partition("access.ecms.v1", 0), Partition("access.ecms.v1", 3)


async def ready() -> None:
    """At once."""


async def nothing_behind(*change: object) -> None:
    """All that was judged is in the index."""


@pytest.fixture
def told() -> list[int]:
    """The offsets of what was settled."""
    return []


@pytest.fixture
async def made(told: list[int]) -> Corrections:
    """Not started; it says what it settles."""
    return await corrections(told)


async def corrections(told: list[int] | None = None) -> Corrections:
    """Not started."""
    settled: list[int] = [] if told is None else told
    return Corrections(
        Settings(),
        judging=judging(),
        telemetry=Telemetry(),
        is_open=lambda partition, place: False,
        settle=lambda partition, entries: settled.extend(entry.offset for entry in entries),
        ready=ready,
        reach_back=nothing_behind,
        blame=raises,
    )


def raises(partition: Partition, error: Exception, tries: object) -> None:
    """Nobody is to blame."""
    raise error


def taken(made: Corrections, partition: Partition) -> None:
    """Some of it is in the index."""
    with made._judging.index.taking(partition, (0, 20), (APPENDED, APPENDED)):
        pass


async def test_what_others_said_is_judged_again_where_it_was_judged_here() -> None:
    """Not about other partitions, nor about messages that are yet to be read: those are judged with what was said."""
    made = await corrections()
    made.begin({HERE: 10})
    made.change([], [(HERE, 9), (HERE, 10), (THERE, 3)])
    assert dict(made._doubtful) == {HERE: {9}}
    made.judged(HERE, 12)
    made.change([], [(HERE, 11), (HERE, 12)])
    assert dict(made._doubtful) == {HERE: {9, 11}}
    made.begin({THERE: 5})
    assert dict(made._doubtful) == {}


async def test_what_is_in_doubt_waits_for_a_partition_that_may_come_back() -> None:
    """What was unsettled when it went, and what others say until then; what is read again anyway is left out."""
    made = await corrections()
    taken(made, HERE)
    made.begin({HERE: 10})
    made.judged(HERE, 15)
    made.lose(HERE, {3, 14})
    made.change([], [(HERE, 4)])
    assert made.is_done()
    made.begin({THERE: 2})
    made.change([], [(HERE, 5), (HERE, 18)])
    assert dict(made._doubtful) == {HERE: {3, 4, 5, 14, 18}}
    made.begin({HERE: 14, THERE: 2})
    assert dict(made._doubtful) == {HERE: {3, 4, 5}}
    assert not made.is_done()


async def test_it_is_done_when_nothing_waits() -> None:
    """A change is still to bring to what is in the index."""
    made = await corrections()
    assert made.is_done()
    made.change([], [(HERE, 9)])
    assert made.is_done()  # not held: nobody here answers
    made.begin({HERE: 10})
    made.change([Query(None, None)], [])
    assert not made.is_done()


def entries(first: int, number: int) -> list[OpenAccess]:
    """Accesses that were judged before, one a message."""
    some = messages(*(make_access(event_id=f"e{n}") for n in range(number)), first=first)
    return [entry for one in some for entry in accesses_of(judging(), HERE, "ecms", one)]


async def test_what_is_told_gives_way_to_new_accesses(made: Corrections, told: list[int]) -> None:
    """Some at a time; until then it is in doubt, for whoever takes a snapshot."""
    made.begin({HERE: 1000})
    taken(made, HERE)
    telling = asyncio.create_task(made.settle(HERE, entries(0, 2 * SETTLED + 3)))
    await asyncio.sleep(0)
    assert told == list(range(SETTLED))
    assert made.doubtful()[HERE] == set(range(SETTLED, 2 * SETTLED + 3))
    await telling
    assert told == list(range(2 * SETTLED + 3))
    assert not made.doubtful().get(HERE)
    assert made.is_done()


async def test_what_was_not_told_before_the_partition_went_is_in_doubt(made: Corrections, told: list[int]) -> None:
    """It is indexed by then, so nobody would read it again."""
    made.begin({HERE: 1000})
    taken(made, HERE)
    telling = asyncio.create_task(made.settle(HERE, entries(0, 2 * SETTLED)))
    await asyncio.sleep(0)
    made.lose(HERE, ())
    made.begin({HERE: SETTLED + 10})
    await telling
    assert told == list(range(SETTLED))
    assert made.doubtful()[HERE] == set(range(SETTLED, SETTLED + 10))
    assert not made.is_done()


async def test_who_looks_behind_the_index_is_told_how_far_was_judged_when_the_facts_came() -> None:
    """And only for facts: what others say is not looked for."""
    made, told = await corrections(), list[tuple[Partition, Change]]()

    async def note(partition: Partition, change: Change) -> None:
        told.append((partition, change))

    made._reach_back = note
    made.begin({HERE: 10, THERE: 0})
    made.change([Query(None, None, start=7), Query(None, None, start=3, is_about_said=True)], [])
    made.judged(HERE, 20)
    made.change([], [])
    await made._correct_all()
    wanted = made._judging.index.wanted([Query(None, None, start=7), Query(None, None, start=3)])
    assert told == [(HERE, Change(wanted, 7, 10)), (THERE, Change(wanted, 7, 0))]
    await made._correct_all()
    assert len(told) == 2


class Places:
    """Where messages are read again: it does not answer before it may, or never."""

    def __init__(self, on_asked: Callable[[], None] | None = None, found: Sequence[ConsumerRecord] = ()) -> None:
        self._found = {message.offset: message for message in found}
        self.may_answer = asyncio.Event()
        self.is_asked = asyncio.Event()
        self._on_asked = on_asked  # and its connection is closed

    async def pick(self, partition: Partition, offsets: Sequence[int]) -> dict[int, ConsumerRecord]:
        """What is there; nothing, where nothing was given."""
        self.is_asked.set()
        if self._on_asked is not None:
            self._on_asked()
            raise ConsumerStoppedError
        await self.may_answer.wait()
        return {offset: self._found[offset] for offset in offsets if offset in self._found}


async def test_what_is_being_judged_again_is_in_doubt_until_it_was(made: Corrections) -> None:
    """A snapshot of that moment must know of it: somebody else's word about it is never said again."""
    places: Any = Places()
    made._places = places
    made.begin({HERE: 10})
    made.change([], [(HERE, 7)])
    answering = asyncio.create_task(made._correct_all())
    await places.is_asked.wait()
    assert made.doubtful() == {HERE: {7}}
    places.may_answer.set()
    await answering
    assert made.doubtful() == {}


@pytest.mark.parametrize("is_lost", [False, True])
async def test_what_is_read_again_gives_way_to_new_accesses(made: Corrections, told: list[int], is_lost: bool) -> None:
    """Reading thousands takes as long as judging them; of a partition that is lost meanwhile nothing is said."""
    number = 3 * READ
    places: Any = Places(found=messages(*(make_access(event_id=f"e{n}") for n in range(number)), first=0))
    places.may_answer.set()
    made._places = places
    made.begin({HERE: number})
    again = asyncio.create_task(made._judge_again(HERE, set(range(number))))
    for _ in range(2):  # it is asked, and has read the first
        await asyncio.sleep(0)
    assert told == []
    if is_lost:
        made.lose(HERE, ())
    await again
    assert told == ([] if is_lost else list(range(number)))


async def test_what_an_orderly_end_breaks_off_is_not_done(made: Corrections) -> None:
    """The last commit comes after it, and must not say that everything has been reconciled."""
    places: Any = Places(on_asked=made._stopped.set)
    made._places = places
    made.begin({HERE: 10})
    made.change([], [(HERE, 7)])
    await made._correct(made)
    assert not made.is_done()
    assert made.doubtful() == {HERE: {7}}


async def test_a_connection_that_was_closed_while_nobody_ends_is_a_fault(made: Corrections) -> None:
    """It was not done either, and nobody would come back to it."""
    places: Any = Places(on_asked=lambda: None)
    made._places = places
    made.begin({HERE: 10})
    made.change([], [(HERE, 7)])
    with pytest.raises(ConsumerStoppedError):
        await made._correct(made)
