"""What was judged before this worker held a partition: one recovery path for restarts and changes of hands (design
section 8). New accesses are judged at once; this goes on behind them.

What the index still has of a partition that comes back is asked about the facts since it was last reconciled; the rest
of the horizon is read again. What such facts, or new ones, touch behind the horizon is a *backfill*: the log is read
from there on, at half speed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

import mode
from aiokafka.structs import ConsumerRecord

from schemas.settings import Settings
from streams.access_log import RANGE_BYTES, AccessLog
from streams.join.index import Gap
from streams.join.open import OpenAccess, Partition
from streams.join.rows import FOR_EVER
from streams.join.touched import earliest_since, touched_since
from streams.policy.indexed import look_back
from streams.policy.judging import Judging
from streams.turns import others_first, slices

from .careful import Blame
from .corrections import Change, Corrections, unless_stopped

DAY_MS: Final = 86_400_000
FACTS_MAX: Final = 20_000  # asked one by one, 100 µs each; more facts than that, and all is read again
ASKED: Final = 50  # facts whose queries are worked out before others get the loop
SOME: Final = 500  # queries that what was said is looked up by before others get the loop: about 2 ms

log = logging.getLogger(__name__)


class TakeOver(mode.Service):
    """`reconciled`: the position through which a partition has been reconciled by whoever held it, once it is known.

    `blame` sets aside a message that makes us fail.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        judging: Judging,
        corrections: Corrections,
        reconciled: Callable[[Partition], Awaitable[int]],
        blame: Blame,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._sources = settings.topics.accesses()
        self._log = AccessLog(settings, RANGE_BYTES)
        self._judging = judging
        self._corrections = corrections
        self._reconciled = reconciled
        self._blame = blame
        self._behind: dict[Partition, int] = {}  # first offset that is read as new, of partitions to look back in
        self._begins: dict[Partition, int] = {}  # first offset of the log, of partitions held
        self._backfill: dict[Partition, int] = {}  # from which instant on (UTC ms) to judge again behind the index
        self._filling: Partition | None = None
        self._due = asyncio.Event()
        self.to_look_back = 0  # messages still to be looked back at
        self.to_backfill = 0

    async def on_start(self) -> None:
        """Connect."""
        await self._log.start()

    async def on_shutdown(self) -> None:
        """Close, when nobody asks any more."""
        await self._log.stop()

    def is_done(self, partition: Partition) -> bool:
        """Whether all that was judged before has been reconciled with what is known."""
        return partition not in self._behind and partition not in self._backfill and partition != self._filling

    def begin(self, behind: Mapping[Partition, int]) -> None:
        """These partitions are held now, and read as new from these offsets on."""
        self._behind = dict(behind)
        self._begins.clear()
        self._backfill.clear()
        self.to_look_back = self.to_backfill = 0
        self._due.set()

    async def reach_back(self, partition: Partition, change: Change) -> None:
        """Behind the index: what was said of is known by name; what was not is read from the earliest instant on."""
        hold = self._corrections.hold
        for some in slices(change.wanted, SOME):
            before = min(self._edge(partition)[0], change.judged_to)
            if before == 0 or hold != self._corrections.hold:  # nothing lies behind, or it is looked back at anyway
                break
            self._corrections.doubt(partition, self._judging.index.said(partition, some, before))
            await others_first()
        if hold == self._corrections.hold and change.judged_to:
            self._fill_from(partition, change.earliest)

    def _fill_from(self, partition: Partition, earliest: int | None) -> None:
        if earliest is not None and earliest <= self._edge(partition)[1]:
            self._backfill[partition] = min(earliest, self._backfill.get(partition, earliest))
            self._due.set()

    def _edge(self, partition: Partition) -> tuple[int, int]:
        """The offset behind which nothing is in the index, and by when all of that was appended (UTC ms)."""
        return self._judging.index.reach(partition) or (self._corrections.judged_to(partition) or 0, FOR_EVER)

    @mode.Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._due.wait(), self._stopped.wait())
            self._due.clear()
            await unless_stopped(self, self._run_all(self._corrections.hold))

    async def _run_all(self, hold: int) -> None:
        while hold == self._corrections.hold and not self.should_stop:
            if self._behind:
                await self._look_back(next(iter(self._behind)), hold)
            elif self._backfill:
                await self._fill(next(iter(self._backfill)), hold)
            else:
                return

    async def _beginning(self, partition: Partition) -> int:
        """The first offset of its log when it was first asked for, since it was held."""
        if partition not in self._begins:
            self._begins[partition] = await self._log.beginning(partition)
        return self._begins[partition]

    # the horizon

    async def _look_back(self, partition: Partition, hold: int) -> None:
        end, reconciled = self._behind[partition], await self._reconciled(partition)
        since = int(time.time() * 1000 - self._settings.index_days * DAY_MS)
        first = await self._log.first_since(partition, since, end)
        if hold != self._corrections.hold:
            return
        await self._ask(partition, reconciled, (first, end), hold)
        # What was dropped may reach into what is new.
        gaps = self._judging.index.lacking(partition, first, self._corrections.judged_to(partition) or end)
        self.to_look_back = sum(following - begin for begin, following in gaps)
        if self.to_look_back:
            log.info("%s/%d: looking back at %d messages", *partition, self.to_look_back)
        for gap in gaps:
            await self._read(partition, gap, hold, is_indexed=True)
        begin = await self._beginning(partition)
        if hold == self._corrections.hold:
            if self._edge(partition)[0] > begin:
                self._fill_from(partition, earliest_since(self._judging.knowledge, reconciled))
            del self._behind[partition]

    async def _ask(self, partition: Partition, reconciled: int, horizon: Gap, hold: int) -> None:
        """Ask the index, and what was said, about the facts since. Where they are too many to ask about each, all of
        the horizon is judged again, and before it all of which anything was said.

        What is new, after the horizon, was judged with them: indexing it twice took a tenth of a start from nothing.
        """
        knowledge, index, (first, end) = self._judging.knowledge, self._judging.index, horizon
        if not index.knows(partition, end):  # nobody has judged any of it yet
            return
        if len(knowledge.facts.fact) - knowledge.row_at(reconciled) > FACTS_MAX:
            if index.has(partition, end):
                index.drop(partition)
            self._corrections.doubt(partition, index.said(partition, None, first))
            return
        queries = touched_since(knowledge, reconciled, self._judging.policy.paths.supervises.depth)
        while hold == self._corrections.hold and (some := list(islice(queries, ASKED))):
            wanted = index.wanted(some)
            self._corrections.doubt(partition, index.said(partition, wanted, self._edge(partition)[0]))
            await self._corrections.correct(partition, wanted)
            await others_first()

    # behind it

    async def _fill(self, partition: Partition, hold: int) -> None:
        self._filling, start, is_over = partition, self._backfill.pop(partition), False
        try:
            await self._fill_since(partition, start, hold)
            is_over = True
        finally:  # broken off, it is still to be done: nobody may write that all has been reconciled
            self._filling = None
            if not is_over:
                self._backfill[partition] = min(start, self._backfill.get(partition, start))

    async def _fill_since(self, partition: Partition, start: int, hold: int) -> None:
        begin = await self._beginning(partition)
        end, _ = self._edge(partition)
        if end <= begin:
            return
        first = await self._log.first_since(partition, start, end)
        if first < end and hold == self._corrections.hold:
            log.info("%s/%d: a fact reaches behind the index: reading %d messages", *partition, end - first)
            await self._read(partition, (first, end), hold, is_indexed=False)

    async def _read(self, partition: Partition, gap: Gap, hold: int, *, is_indexed: bool) -> None:
        begin = gap[0]
        async for some in self._log.read(partition, *gap):
            if hold != self._corrections.hold:
                return
            began = time.perf_counter()
            if not some.messages:
                if is_indexed and some.next_offset == gap[1]:
                    # Behind the last message lie but the marks of transactions.
                    self._pass_over(partition, (begin, gap[1]), int(time.time() * 1000))
            else:
                fills = (begin, some.next_offset) if is_indexed else None
                await self._corrections.settle(partition, self._looked_back(partition, some.messages, fills))
                begin = some.next_offset
            left = gap[1] - some.next_offset
            if is_indexed:
                self.to_look_back = left
                await others_first()
            else:
                self.to_backfill = left
                await asyncio.sleep(time.perf_counter() - began)  # at half speed: it is in no hurry

    def _looked_back(
        self, partition: Partition, messages: Sequence[ConsumerRecord], gap: Gap | None
    ) -> list[OpenAccess]:
        """As `look_back`; where it raises, of each message alone, and whichever raises then is set aside."""
        look = partial(look_back, self._judging, partition, self._sources[partition.topic], messages, gap)
        try:
            return look()
        except Exception as error:
            if len(messages) > 1:
                alone = zip(messages, _gaps(messages, gap), strict=True)
                return [entry for one, part in alone for entry in self._looked_back(partition, [one], part)]
            self._blame(partition, error, [(messages[0].offset, look)])
            if gap is not None:
                self._pass_over(partition, gap, messages[0].timestamp)
            return []

    def _pass_over(self, partition: Partition, gap: Gap, appended_at: int) -> None:
        """Nothing of these messages is to be in the index."""
        with self._judging.index.taking(partition, gap, (appended_at, appended_at)):
            pass


def _gaps(messages: Sequence[ConsumerRecord], gap: Gap | None) -> Iterator[Gap | None]:
    """The part of a gap that each of these messages fills, the last one up to the end."""
    if gap is None:
        yield from (None for _ in messages)
        return
    first, end = gap
    for message in messages[:-1]:
        yield first, message.offset + 1
        first = message.offset + 1
    yield first, end
