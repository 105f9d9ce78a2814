"""Accesses that were judged before, judged again: when facts change what was true, or another worker spoke of them.

What facts touch is found in the index; of most their question is enough to tell, the rest is read again. It goes on
behind the new accesses, a few milliseconds at a time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final, NamedTuple

import mode
from aiokafka.errors import ConsumerStoppedError
from aiokafka.structs import ConsumerRecord

from schemas.settings import Settings
from streams.access_log import PLACE_BYTES, AccessLog
from streams.join.open import OpenAccess, Partition
from streams.join.question import Question
from streams.join.stretch import Place, Wanted
from streams.join.touched import Query
from streams.policy.indexed import accesses_of, in_doubt
from streams.policy.judging import Judging
from streams.telemetry import Telemetry
from streams.turns import others_first, slices

from .careful import Blame

NEVER_JUDGED: Final = 1 << 62  # later than any offset: of a partition that is not held
LINKED: Final = 5_000  # rows of the index linked before others get the loop: about 5 ms
PICKED: Final = 5_000  # accesses read again together: each reading passes over what lies between them
READ: Final = 100  # messages picked that are read before others get the loop: 3 to 6 ms
SETTLED: Final = 20  # accesses told before new ones get the loop: 4 to 8 ms
SOME: Final = 100  # queries, or accesses, looked at before others get the loop: 2 to 9 ms


class Change(NamedTuple):
    """What facts touch: queries by numbers, and the earliest instant (UTC ms) at which something explained may be so no
    longer. What lies from `judged_to` on was judged with them."""

    wanted: Sequence[Wanted]
    earliest: int | None
    judged_to: int


class Corrections(mode.Service):
    """`settle` publishes what has changed about accesses of a partition; `ready` waits until it may be called.

    `blame` sets aside a message that makes us fail.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        judging: Judging,
        telemetry: Telemetry,
        is_open: Callable[[Partition, Place], bool],
        settle: Callable[[Partition, list[OpenAccess]], None],
        ready: Callable[[], Awaitable[None]],
        reach_back: Callable[[Partition, Change], Awaitable[None]],
        blame: Blame,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._sources = settings.topics.accesses()
        self._places = AccessLog(settings, PLACE_BYTES)
        self._judging = judging
        self._telemetry = telemetry
        self._is_open = is_open
        self._settle = settle
        self._ready = ready
        self._reach_back = reach_back  # behind the index
        self._blame = blame
        self.hold = 0  # counts changes of what is held; what was begun under an older one is dropped
        self._judged_to: dict[Partition, int] = {}  # of the partitions held: all before this offset has been judged
        self._queries: list[Query] = []
        self._changed_at: dict[Partition, int] = {}  # up to where each was judged when the last of them came
        self._doubtful: defaultdict[Partition, set[int]] = defaultdict(set)  # messages to be judged again
        self._answering: dict[Partition, set[int]] = {}  # of these, what is being judged again now
        self._settling: list[tuple[Partition, list[OpenAccess]]] = []  # what of them is still to be settled
        self._told = asyncio.Event()
        self._is_correcting = False

    async def on_start(self) -> None:
        """Connect."""
        await self._places.start()

    async def on_shutdown(self) -> None:
        """Close, when nobody asks any more."""
        await self._places.stop()

    def held(self) -> Collection[Partition]:
        """The partitions held."""
        return self._judged_to.keys()

    def judged_to(self, partition: Partition) -> int | None:
        """The offset before which every message of a partition held has been judged."""
        return self._judged_to.get(partition)

    def doubtful(self) -> Mapping[Partition, Collection[int]]:
        """The messages to be judged again, by partition."""
        found = {partition: set(offsets) for partition, offsets in self._doubtful.items()}
        for partition, offsets in self._answering.items():
            found.setdefault(partition, set()).update(offsets)
        for partition, left in self._settling:
            found.setdefault(partition, set()).update(entry.offset for entry in left)
        return found

    def is_done(self) -> bool:
        """Whether all that is known has been brought to every access in the index."""
        return not self._is_correcting and not self._told.is_set()

    def begin(self, behind: Mapping[Partition, int]) -> None:
        """These partitions are held now, and read as new from these offsets on.

        What was doubtful when a partition was lost, or was spoken of since, is judged again if it was judged before.
        Of others it is kept in case they come back.
        """
        self.hold += 1
        self._judged_to = dict(behind)
        doubtful, self._doubtful = self._doubtful, defaultdict(set)
        for partition, offsets in doubtful.items():
            self._doubt(partition, offsets)
        self._tell()

    def judged(self, partition: Partition, next_offset: int) -> None:
        """New messages before this offset have been judged."""
        self._judged_to[partition] = next_offset

    def lose(self, partition: Partition, doubtful: Iterable[int]) -> None:
        """The partition is not held any more; these messages were open, or what was said of them not yet stored."""
        self.hold += 1
        self._judged_to.pop(partition, None)
        self._doubt(partition, doubtful)

    def doubt(self, partition: Partition, offsets: Iterable[int]) -> None:
        """These messages are to be judged again."""
        self._doubt(partition, offsets)
        self._tell()

    def change(self, queries: Sequence[Query], strangers: Iterable[tuple[Partition, int]]) -> None:
        """Facts have come that these queries find the accesses of; and somebody else spoke of these messages."""
        if queries:
            self._queries += queries
            self._changed_at = dict(self._judged_to)
        for partition, offset in strangers:
            self._doubt(partition, (offset,))
        self._tell()

    async def correct(self, partition: Partition, wanted: Iterable[Wanted]) -> None:
        """Judge again what is wanted of the index, as long as the partition is held."""
        hold, is_linked = self.hold, False
        while hold == self.hold and not is_linked:
            is_linked = self._judging.index.link(partition, LINKED)
            await others_first()
        found, places = self._judging.index.matching(partition, wanted), set[Place]()
        while hold == self.hold and (some := dict(islice(found, SOME))):
            closed = {place: question for place, question in some.items() if self._is_closed(partition, place)}
            self._telemetry.count("needtoknow_corrections_total", len(closed), source=self._sources[partition.topic])
            places.update(self._in_doubt(partition, closed))
            if len(places) >= PICKED:
                await self._judge_again(partition, places)
                places = set()
            await others_first()
        if hold == self.hold and places:
            await self._judge_again(partition, places)

    async def settle(self, partition: Partition, entries: Sequence[OpenAccess]) -> None:
        """Publish what is true of these accesses now, as long as the partition is held; new accesses take turns.

        What is open is found by facts and marks where it is kept; a second life beside it would hold its offset.
        """
        hold, left = self.hold, list(entries)
        self._settling.append((partition, left))
        while left and hold == self.hold:
            some, left[:SETTLED] = left[:SETTLED], ()
            self._settle(partition, [e for e in some if self._is_closed(partition, Place(e.offset, e.index))])
            await others_first()
        self._settling.remove((partition, left))
        self.doubt(partition, [e.offset for e in left])  # it was lost meanwhile: nobody else knows of these

    def _doubt(self, partition: Partition, offsets: Iterable[int]) -> None:
        """Of a partition held, what is yet to be read will be judged anyway; others may come back while indexed."""
        judged_to = self._judged_to.get(partition, NEVER_JUDGED if self._is_indexed(partition) else 0)
        if some := {offset for offset in offsets if offset < judged_to}:
            self._doubtful[partition] |= some

    def _tell(self) -> None:
        if self._queries or self._doubtful.keys() & self._judged_to.keys():
            self._told.set()

    @mode.Service.task
    async def _correct(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._told.wait(), self._stopped.wait())
            self._is_correcting = True
            self._told.clear()
            self._is_correcting = not await unless_stopped(self, self._correct_all())

    async def _correct_all(self) -> None:
        queries, self._queries, judged_to = list(dict.fromkeys(self._queries)), [], self._changed_at
        earliest = min((query.start for query in queries if not query.is_about_said), default=None)
        wanted: list[Wanted] = []
        for some in slices(queries, SOME):
            wanted += self._judging.index.wanted(some)
            await others_first()
        for partition in list(self._judged_to):
            await self._ready()
            await self.correct(partition, wanted)
            if queries:  # after it: the index may let go of some meanwhile
                await self._reach_back(partition, Change(wanted, earliest, judged_to.get(partition, 0)))
            await self._answer(partition)

    async def _answer(self, partition: Partition) -> None:
        if partition not in self._judged_to or not (offsets := self._doubtful.pop(partition, set())):
            return
        hold, self._answering[partition] = self.hold, offsets
        for some in slices(sorted(offsets), PICKED):
            await self._judge_again(partition, set(some))
        del self._answering[partition]
        if hold != self.hold:  # it was lost before they were judged
            self._doubt(partition, offsets)
            self._tell()

    async def _judge_again(self, partition: Partition, wanted: Collection[Place] | Collection[int]) -> None:
        """These accesses, or all of the messages at these offsets."""
        hold, source = self.hold, self._sources[partition.topic]
        offsets = [one.offset if isinstance(one, Place) else one for one in wanted]
        messages = await self._places.pick(partition, offsets)
        entries = list[OpenAccess]()
        for some in slices(sorted(messages.items()), READ):
            if hold != self.hold:
                return
            found = [entry for _, message in some for entry in self._accesses_of(partition, source, message)]
            entries += [one for one in found if (one.offset, one.index) in wanted or one.offset in wanted]
            await others_first()
        if hold == self.hold:
            await self.settle(partition, entries)

    async def message(self, partition: Partition, offset: int) -> ConsumerRecord | None:
        """The message at this offset as it lies in the log; None when it is past its retention."""
        return (await self._places.pick(partition, [offset])).get(offset)

    def _in_doubt(self, partition: Partition, found: Mapping[Place, Question]) -> list[Place]:
        """As `in_doubt`; where it raises, of each alone, and whichever raises then is set aside."""
        try:
            return in_doubt(self._judging, partition, found)
        except Exception as error:
            if len(found) > 1:
                return [place for one in found.items() for place in self._in_doubt(partition, dict([one]))]
            again = partial(in_doubt, self._judging, partition, found)
            self._blame(partition, error, [(place.offset, again) for place in found])
            return []

    def _accesses_of(self, partition: Partition, source: str, message: ConsumerRecord) -> list[OpenAccess]:
        look = partial(accesses_of, self._judging, partition, source, message)
        try:
            return look()
        except Exception as error:
            self._blame(partition, error, [(message.offset, look)])
            return []

    def _is_closed(self, partition: Partition, place: Place) -> bool:
        """Whether it has been judged, and is not open; what was indexed once may be to read."""
        return place.offset < self._judged_to.get(partition, 0) and not self._is_open(partition, place)

    def _is_indexed(self, partition: Partition) -> bool:
        return self._judging.index.reach(partition) is not None


async def unless_stopped(service: mode.Service, work: Awaitable[None]) -> bool:
    """Whether it was done to its end: a connection that was closed since the service ends is no fault."""
    try:
        await work
    except ConsumerStoppedError:
        if not service.should_stop:
            raise
        return False
    return True
