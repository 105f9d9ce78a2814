"""Accesses that were judged before, judged again: when facts change what was true, and after a change of hands.

One recovery path (design section 8): what this worker has not seen itself it reads again, back to the horizon; what
facts touch it finds in the index. Both go on behind the new accesses, a few milliseconds at a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import mode
from aiokafka.errors import ConsumerStoppedError

from schemas.settings import Settings
from streams.access_log import PLACE_BYTES, RANGE_BYTES, AccessLog
from streams.join.index import Place
from streams.join.open import OpenAccess, Partition
from streams.join.question import Question
from streams.join.touched import Query
from streams.policy.indexed import accesses_of, in_doubt, look_back
from streams.policy.judging import Judging
from streams.telemetry import Telemetry

SOME: Final = 500  # queries, or accesses, looked at before others get the loop: about 5 ms
DAY_MS: Final = 86_400_000

log = logging.getLogger(__name__)


class Corrections(mode.Service):
    """`settle` publishes what has changed about accesses of a partition; `ready` waits until it may be called."""

    def __init__(
        self,
        settings: Settings,
        *,
        judging: Judging,
        telemetry: Telemetry,
        is_open: Callable[[Partition, Place], bool],
        settle: Callable[[Partition, list[OpenAccess]], None],
        ready: Callable[[], Awaitable[None]],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._sources = settings.topics.accesses()
        self._judging = judging
        self._telemetry = telemetry
        self._is_open = is_open
        self._settle = settle
        self._ready = ready
        self._hold = 0  # counts changes of what is held; what was begun under an older one is dropped
        self._judged_to: dict[Partition, int] = {}  # of the partitions held: all before this offset has been judged
        self._behind: dict[Partition, int] = {}  # first offset that is read as new, of partitions to look back in
        self.to_look_back = 0  # messages still to be looked back at
        self._queries: list[Query] = []
        self._strangers: defaultdict[Partition, set[int]] = defaultdict(set)
        self._told = asyncio.Event()
        self._moved = asyncio.Event()
        self._is_correcting = False

    async def on_start(self) -> None:
        """Two connections, so that neither reading waits for the other."""
        self._ranges = AccessLog(self._settings, RANGE_BYTES)
        self._places = AccessLog(self._settings, PLACE_BYTES)
        await self._ranges.start()
        await self._places.start()

    async def on_stop(self) -> None:
        """Close both."""
        await self._ranges.stop()
        await self._places.stop()

    def is_done(self, partition: Partition) -> bool:
        """Whether all that is known has been brought to every access of this partition."""
        return partition not in self._behind and not self._is_correcting and not self._told.is_set()

    def begin(self, behind: Mapping[Partition, int]) -> None:
        """These partitions are held now, and read as new from these offsets on; the index is empty."""
        self._hold += 1
        self._behind = dict(behind)
        self._judged_to = dict(behind)
        self._strangers.clear()
        self._moved.set()

    def judged(self, partition: Partition, next_offset: int) -> None:
        """New messages before this offset have been judged."""
        self._judged_to[partition] = next_offset

    def change(self, queries: Sequence[Query], strangers: Iterable[tuple[Partition, int]]) -> None:
        """Facts have come that these queries find the accesses of; and somebody else spoke of these messages."""
        self._queries += queries
        for partition, offset in strangers:
            if offset < self._judged_to.get(partition, 0):  # what is yet to be read will be judged with what they said
                self._strangers[partition].add(offset)
        if self._queries or self._strangers:
            self._told.set()

    # what facts touch

    @mode.Service.task
    async def _correct(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._told.wait(), self._stopped.wait())
            self._is_correcting = True
            self._told.clear()
            await self._unless_stopped(self._correct_all())
            self._is_correcting = False

    async def _correct_all(self) -> None:
        queries, self._queries = list(dict.fromkeys(self._queries)), []
        strangers, self._strangers = self._strangers, defaultdict(set)
        for partition in self._judging.index.partitions():
            await self._correct_partition(partition, queries, strangers.get(partition, set()))

    async def _correct_partition(self, partition: Partition, queries: Sequence[Query], strangers: set[int]) -> None:
        hold = self._hold
        await self._ready()
        for first in range(0, len(queries), SOME):
            found = self._judging.index.matching(partition, queries[first : first + SOME])
            while hold == self._hold and (some := dict(islice(found, SOME))):
                await self._judge_again(partition, some, set())
                await asyncio.sleep(0)
            await asyncio.sleep(0)
        if strangers and hold == self._hold:
            await self._judge_again(partition, {}, strangers)

    async def _judge_again(self, partition: Partition, found: dict[Place, Question], strangers: set[int]) -> None:
        hold, source = self._hold, self._sources[partition.topic]
        closed = {place: question for place, question in found.items() if not self._is_open(partition, place)}
        self._telemetry.count("needtoknow_corrections_total", len(closed), source=source)
        wanted = set(in_doubt(self._judging, partition, closed))
        if not wanted and not strangers:
            return
        messages = await self._places.pick(partition, [*(place.offset for place in wanted), *strangers])
        if hold != self._hold:
            return
        entries = [
            entry
            for _, message in sorted(messages.items())
            for entry in accesses_of(self._judging, partition, source, message)
            if (entry.offset, entry.index) in wanted or entry.offset in strangers
        ]
        self._settle_closed(partition, entries)

    def _settle_closed(self, partition: Partition, entries: Sequence[OpenAccess]) -> None:
        """What is open is found by facts and marks where it is kept; a second life beside it would hold its offset."""
        self._settle(partition, [e for e in entries if not self._is_open(partition, Place(e.offset, e.index))])

    # what was judged before this worker held the partition

    @mode.Service.task
    async def _look_back(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._moved.wait(), self._stopped.wait())
            self._moved.clear()
            await self._unless_stopped(self._look_back_all(self._hold))

    async def _look_back_all(self, hold: int) -> None:
        while hold == self._hold and self._behind and not self.should_stop:
            partition = next(iter(self._behind))
            if await self._look_back_in(partition, self._behind[partition], hold):
                del self._behind[partition]

    async def _unless_stopped(self, work: Awaitable[None]) -> None:
        """A connection that was closed since this worker ends is no fault."""
        try:
            await work
        except ConsumerStoppedError:
            if not self.should_stop:
                raise

    async def _look_back_in(self, partition: Partition, end: int, hold: int) -> bool:
        """Whether it came to the end, and nobody took the partition away meanwhile."""
        since = int(time.time() * 1000 - self._settings.index_days * DAY_MS)
        first = await self._ranges.first_since(partition, since)
        await self._ready()
        if first is None or first >= end:
            return hold == self._hold
        log.info("%s/%d: looking back at %d messages", *partition, end - first)
        async for messages in self._ranges.read(partition, first, end):
            if hold != self._hold:
                return False
            entries = look_back(self._judging, partition, self._sources[partition.topic], messages)
            self._settle_closed(partition, entries)
            self.to_look_back = end - messages[-1].offset - 1
            await asyncio.sleep(0)
        self.to_look_back = 0
        return hold == self._hold
