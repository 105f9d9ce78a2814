"""Takes care of the partitions held, so that a message that kills its worker is found (streams/care.py)."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from schemas.ledger import Hold
from streams.care import ASIDE_MAX, Care, read_hold
from streams.frontier import Batch
from streams.join.open import Partition
from streams.policy.aside import fault

log = logging.getLogger(__name__)

Tries = Iterable[tuple[int, Callable[[], object]]]
"""Offsets of messages, and what to do to see whether each raises alone."""

Blame = Callable[[Partition, Exception, Tries], None]
"""Sets aside whichever raises alone, too; raises the error when none does. `Careful.blame` as others are handed it."""

RETRY_SECONDS: Final = 0.1  # until the broker takes a note again
CALM_SECONDS: Final = 60.0  # that looking back waits for care to end: what it dies of must not be blamed on others


class Careful:
    """The care of each partition held.

    `write` stores the notes of these partitions beside their committed offsets and says of which it did; `read_again`
    makes all partitions be read again from there.
    """

    def __init__(
        self,
        run: str,
        *,
        write: Callable[[Iterable[Any]], Awaitable[set[Any]]],
        read_again: Callable[[], None],
    ) -> None:
        self._run = run
        self._write = write
        self._read_again = read_again
        self._cares: dict[Partition, Care] = {}
        self._open: set[Partition] = set()  # of which it is stored that this worker holds them
        self._begun = 0  # how often partitions were
        self._calm = asyncio.Event()
        self._untold: defaultdict[Partition, set[int]] = defaultdict(set)  # set aside, and not yet told or written down
        self._going_back: set[asyncio.Task[None]] = set()
        self._refused: dict[Partition, int] = {}  # the message that cannot be set aside as well

    def begin(self, notes: Mapping[Any, str], firsts: Mapping[Any, int], ends: Mapping[Any, int]) -> None:
        """These partitions are held now: what stands beside their committed offsets, where they are read from, and
        where they end."""
        self._begun += 1
        self._open.clear()
        self._untold.clear()
        self._cares = {
            Partition(*tp): Care(read_hold(notes.get(tp, "")), self._run, first=first, end=ends.get(tp, first))
            for tp, first in firsts.items()
        }
        for partition, care in self._cares.items():
            if care.killer is not None:
                self._refuse(partition, care.killer)
        if careful := sum(care.is_careful for care in self._cares.values()):
            log.warning("a worker died holding %d partitions with more to judge: judging with care", careful)
        self._look_if_calm()

    def aside(self) -> dict[Partition, frozenset[int]]:
        """The messages that nobody must look at, of partitions that have any."""
        found = {p: care.offsets_aside() | self._untold.get(p, set()) for p, care in self._cares.items()}
        return {partition: offsets for partition, offsets in found.items() if offsets}

    def refused(self) -> set[Partition]:
        """The partitions held of which nothing more is judged, since no more of their messages can be set aside."""
        return self._refused.keys() & self._cares.keys()

    def _refuse(self, partition: Partition, offset: int) -> None:
        self._refused[partition] = offset
        log.error(
            "%s/%d/%d is to be set aside, too, and beside the committed offset is no room for more than %d stretches: "
            "this partition is judged no further until that is mended",
            *(*partition, offset, ASIDE_MAX),
        )

    def hold(self, partition: Partition, *, is_open: bool) -> Hold:
        """What to write beside the committed offset of a partition."""
        care = self._cares.get(partition)
        return Hold(is_open=is_open, run=self._run) if care is None else care.hold(is_open=is_open)

    async def has_begun(self, batch: Batch) -> bool:
        """Whether it is stored that this worker holds the partition; False: it no longer does."""
        partition = Partition(batch.topic, batch.partition)
        while partition not in self._open and not batch.is_abandoned:
            self._open |= await self._write(self._cares.keys() - self._open)
            if partition not in self._open:
                await asyncio.sleep(RETRY_SECONDS)
        return not batch.is_abandoned

    def parts(self, partition: Partition, messages: Sequence[Any]) -> list[Sequence[Any]]:
        """The messages of a batch as they are to be judged."""
        care = self._cares.get(partition)
        return [messages] if care is None else care.parts(messages)

    async def attempt(self, batch: Batch, part: Sequence[Any]) -> bool:
        """Name what is about to be judged where the next worker finds it; False: the partition is lost."""
        care = self._cares.get(Partition(batch.topic, batch.partition))
        if care is None or not care.is_careful:
            return not batch.is_abandoned
        care.attempt(part[0].offset, part[-1].offset + 1)
        return await self._is_written(batch)

    async def survived(self, batch: Batch, following: int, stored: Callable[[], Awaitable[None]]) -> None:
        """All before this offset has been judged, and is stored once `stored` returns: it is unnamed again."""
        care = self._cares.get(Partition(batch.topic, batch.partition))
        if care is None or not care.is_careful:
            return
        await stored()
        if not batch.is_abandoned:
            care.survived(following)
            await self._is_written(batch)
            self._look_if_calm()

    async def calm(self) -> None:
        """Return once no care is taken, or it takes very long."""
        try:
            async with asyncio.timeout(CALM_SECONDS):  # wait_for of Python 3.11 forgets that it was cancelled
                await self._calm.wait()
        except TimeoutError:
            self._calm.set()

    def blame(
        self, partition: Partition, error: Exception, tries: Tries, tell: Callable[[int], Awaitable[None]]
    ) -> None:
        """Judging something raised `error`: the first offset whose judging raises alone, too, is set aside.

        Raises `error` when there is none. What was judged here to find out is forgotten: once `tell` has told of it,
        everything held is read and judged again from what is committed, without that message.
        """
        if isinstance(error, MemoryError):  # no message's fault; if it is, it kills, and is found by that
            raise error
        for offset, judge in tries:
            try:
                judge()
            except Exception as again:
                place = f"{partition.topic}/{partition.partition}/{offset}"
                log.error("%s: judging it fails twice, so it is set aside: %s", place, fault(again))
                self._untold[partition].add(offset)
                task = asyncio.create_task(self._go_back(partition, offset, tell))
                self._going_back.add(task)
                task.add_done_callback(self._going_back.discard)
                return
        raise error

    async def _go_back(self, partition: Partition, offset: int, tell: Callable[[int], Awaitable[None]]) -> None:
        begun = self._begun
        await tell(offset)  # before it is written down: a successor who knows of it does not look at it, nor tells
        if begun == self._begun and not self._cares[partition].set_aside(offset):
            self._refuse(partition, offset)
        while begun == self._begun:
            if await self._write([partition]):
                self._read_again()
                return
            await asyncio.sleep(RETRY_SECONDS)

    def _look_if_calm(self) -> None:
        if any(care.is_careful for care in self._cares.values()):
            self._calm.clear()
        else:
            self._calm.set()

    async def _is_written(self, batch: Batch) -> bool:
        while not batch.is_abandoned:
            if await self._write([Partition(batch.topic, batch.partition)]):
                return not batch.is_abandoned
            await asyncio.sleep(RETRY_SECONDS)
        return False
