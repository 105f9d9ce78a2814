"""Reading the ledger: what is no cut is passed over and said, what is known is not read again, no wait is for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition

from schemas.settings import Settings
from schemas.topics import SOURCES
from sinks import kafka
from sinks.kafka import Broker
from sinks.watch import ledger, running
from sinks.watch.keeping import Copy, Reached
from sinks.watch.ledger import LedgerReader
from sinks.watch.numbers import Gap
from sinks.watch.running import Watch
from sinks.watch.state import State
from tests.contract.examples import CUT
from tests.harness.judging import Message

LEDGER = "ledger.v1"
AT = 1_767_600_000_000
NEXT = CUT.replace(b"[[90,138]]", b"[[140,150]]").replace(b'"first_offset":960', b'"first_offset":1010')


class EndedError(Exception):
    """The test has seen enough."""


class Partition:
    """A ledger of one partition as a consumer sees it; when all is read it ends, or hangs."""

    def __init__(self, *values: bytes, hangs: bool = False) -> None:
        self.log = [Message(n, value, AT + n) for n, value in enumerate(values)]
        self.place, self.hangs, self.read = 0, hangs, list[int]()
        self.looks = 0

    def assign(self, held: Sequence[TopicPartition]) -> None:
        """All of it."""

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Read from there."""
        self.place = offset

    async def beginning_offsets(self, held: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Nothing was deleted."""
        return dict.fromkeys(held, 0)

    async def end_offsets(self, held: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset; at the end this is the last question."""
        self.looks += 1
        if self.looks > 5:
            if self.hangs:
                await asyncio.Event().wait()
            raise EndedError
        return dict.fromkeys(held, len(self.log))

    async def position(self, place: TopicPartition) -> int:
        """Where it is."""
        return self.place

    async def getmany(self, *places: TopicPartition, **_: int) -> dict[TopicPartition, list[Message]]:
        """All that is left; one where one partition is asked for."""
        found = self.log[self.place :][: 1 if places else None]
        self.place += len(found)
        self.read += [m.offset for m in found]
        return {TopicPartition(LEDGER, 0): found} if found else {}


@pytest.fixture(autouse=True)
def one_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Kafka would say."""

    async def partitions(*_: object) -> dict[str, int]:
        return {LEDGER: 1}

    monkeypatch.setattr(kafka, "partitions", partitions)


def reader(directory: Path) -> tuple[LedgerReader, State]:
    """One that begins, and what it knows."""
    state = State({"access.ecms.v1": SOURCES["ecms"]})
    return LedgerReader(state, Broker("127.0.0.1:1", 1), LEDGER, Copy(directory, LEDGER)), state


async def read_by(one: LedgerReader, log: Any, end: type[BaseException] = EndedError) -> None:
    """Until the log ends."""
    with pytest.raises(end):
        await one.read(log)


async def test_what_is_no_cut_is_passed_over(tmp_path: Path) -> None:
    """`verify` tells of it; the others count."""
    one, state = reader(tmp_path)
    await read_by(one, Partition(CUT, b"{}", NEXT))
    assert state.by_topic["access.ecms.v1"].numbers.gaps == (Gap(139, 139, AT + 2),)
    assert (one.unreadable, one.reached, one.read_until > 0) == (1, {0: Reached(2, AT + 2)}, True)


@pytest.mark.parametrize("is_same", [True, False])
async def test_it_goes_on_from_a_copy_of_this_ledger_only(tmp_path: Path, is_same: bool) -> None:
    """What the copy knows is not read again, but for the message at which it ends: that tells which ledger it is of."""
    one, state = reader(tmp_path)
    await read_by(one, Partition(CUT))
    Copy(tmp_path, LEDGER).write(state, one.reached if is_same else {0: Reached(0, AT - 1)})
    again, known = reader(tmp_path)
    log = Partition(CUT, NEXT)
    await read_by(again, log)
    assert log.read == ([0, 1] if is_same else [0, 0, 1])
    assert known.by_topic["access.ecms.v1"].numbers.gaps == (Gap(139, 139, AT + 1),)


async def test_a_broker_that_never_answers_is_asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client itself would wait without a word."""
    monkeypatch.setattr(ledger, "STEP_SECONDS", 0.05)
    one, _ = reader(tmp_path)
    await read_by(one, Partition(CUT, hangs=True), TimeoutError)


async def test_a_client_that_never_ends_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may wait for a lost broker without end, also when it is told to stop."""
    attempts = asyncio.Semaphore(0)
    never = asyncio.Event()

    @asynccontextmanager
    async def consumer(*_: object) -> AsyncIterator[None]:
        attempts.release()
        try:
            yield None
        finally:
            await never.wait()

    async def work(_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(kafka, "consumer", consumer)
    monkeypatch.setattr(running, "STUCK_SECONDS", 0.02)
    monkeypatch.setattr(running, "AGAIN_SECONDS", 0.01)
    task = asyncio.create_task(Watch(Settings(data_dir=tmp_path))._again("it", work, lambda: 0.0))
    async with asyncio.timeout(60):
        for _ in range(3):
            await attempts.acquire()
    never.set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
