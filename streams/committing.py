"""What the transport commits, and where it goes on reading: finished prefixes, with a note beside each offset."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

from aiokafka.errors import IllegalStateError
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP

from .consumer_thread import ConsumerThread
from .frontier import Frontier
from .hooks import Hooks
from .stopping import ended_within

COMMIT_SECONDS: Final = 1.0  # how long a stop waits for a commit, which takes milliseconds; twice
DRAIN_SECONDS: Final = 2.0  # how long a stop or a rebalance waits for outputs under way; a quarter of a session timeout


class Committing(driver.Consumer):
    """Knows how far each partition is finished; commits that, and seeks to it. Delivery is built on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.frontiers: dict[TP, Frontier] = {}
        self.full: set[TP] = set()
        self.notes: dict[TP, str] = {}  # what is written beside each offset, and was at the last commit
        self.finished: Counter[str] = Counter()  # batches by topic
        self.is_ending = False  # the partitions held are being given up in order
        self._writing = asyncio.Lock()
        self._room = asyncio.Event()
        self._seeks = 0
        self._is_astray = False  # the fetch position may lie past messages that were never handed over
        super().__init__(*args, **kwargs)
        self.hooks: Hooks = self.app.batch_hooks

    async def positions(self) -> dict[TP, int]:
        """Up to which offset each partition held has been fetched; waits for the thread that does it."""
        return cast(dict[TP, int], await self._thread.positions())

    def read_again(self) -> None:
        """Everything held is read again from what is committed."""
        self._seeks += 1  # so that what is being handed over is not
        self._is_astray = True

    def held(self) -> set[TP]:
        """The partitions held; none before the start."""
        try:
            return set(self.assignment())
        except ConsumerNotStarted:
            return set()

    def unread(self) -> dict[TP, tuple[int, int | None]]:
        """For each partition held: messages not yet handed over, and the append time (UTC ms) of the last that was."""
        found: dict[TP, tuple[int, int | None]] = {}
        for tp in self.held():
            end, read = self._end(tp), self._read_offset[tp]
            frontier = self.frontiers.get(tp)
            found[tp] = (max(0, (end or 0) - (read or 0)) if end else 0, None if frontier is None else frontier.newest)
        return found

    def is_read(self, tp: TP) -> bool:
        """Whether everything of a partition held has been handed over and finished, as far as the broker has told."""
        end, frontier = self._end(tp), self.frontiers.get(tp)
        return end is not None and (self._read_offset[tp] or 0) >= end and not (frontier and frontier.under_way)

    def _end(self, tp: TP) -> int | None:
        """The end as the broker last told it; None before that. Another thread may lose the partition at any time."""
        try:
            end: int | None = self.highwater(tp)
            return end
        except IllegalStateError:
            return None

    def _abandon(self, tps: Iterable[TP]) -> None:
        for tp in tps:
            if (frontier := self.frontiers.pop(tp, None)) is not None:
                frontier.abandon()
                self.hooks.on_lost(tp)
            self.full.discard(tp)
            self.notes.pop(tp, None)
        self._room.set()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Outputs under way get their chance, then everything of the partitions is forgotten."""
        await super().on_partitions_revoked(revoked)
        await self.commit_and_end_transactions()
        self._abandon(list(self.frontiers))

    async def perform_seek(self) -> None:
        """Back to the committed offsets, or to the start where there are none; what was under way is read again."""
        paused = self.full & self.held()
        self._abandon(list(self.frontiers))
        self.resume_partitions(paused)  # nothing of them is under way any more
        self._seeks += 1
        if not self.assignment():
            self.hooks.on_seek({}, {}, {})
            return  # aiokafka asserts that there is something to seek
        await super().perform_seek()
        self.is_ending = False
        # Upstream leaves a partition whose committed offset is none or 0 wherever the last fetch had come to.
        fresh = [tp for tp in self.assignment() if not self._read_offset[tp]]
        earliest = await self.earliest_offsets(*fresh) if fresh else {}
        if fresh:
            await self.seek_wait(earliest)
        found = {tp: offset for tp in self.assignment() if tp not in fresh and (offset := self._read_offset[tp])}
        held = [*found, *fresh]
        notes, ends = await self._thread.committed_notes(held), await self.highwaters(*held)
        # From here on in one step: a commit in between would write a note of ours over one that was not heard yet.
        for tp, offset in found.items():  # so that a note can be written beside it when nothing new comes
            self.frontiers[tp] = Frontier(tp.topic, tp.partition, self._on_finished, finished_to=offset)
        self.hooks.on_seek({**earliest, **found}, notes, ends)

    async def commit_and_end_transactions(self) -> None:
        """Called before partitions are given up: wait for outputs under way, then commit."""
        if not self.is_ending and await ended_within(DRAIN_SECONDS, self.hooks.drain()):
            self.log.warning("outputs still under way after %s s; their batches will be read again", DRAIN_SECONDS)
        self.is_ending = True
        committing = super().commit_and_end_transactions
        if not self.app.should_stop:  # whoever goes on must not have an old commit come after newer ones
            await committing()
        elif error := await ended_within(COMMIT_SECONDS, committing()):  # what else is to be stopped must be
            self.log.warning("what is not committed will be read again: %s", type(error).__name__)

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """As upstream, but not while notes are being written: the older of two must not be stored last."""
        async with self._writing:
            return bool(await super().force_commit(topics, start_new_transaction=start_new_transaction))

    async def write_notes(self, tps: Iterable[TP]) -> set[TP]:
        """Store the notes of these partitions as they are now, beside what may be committed; of which it is done.

        Not of those that nothing has been begun of, nor while the broker is away or the group meets.
        """
        async with self._writing:
            held = self.held()
            begun = {tp: frontier for tp in tps if tp in held and (frontier := self.frontiers.get(tp)) is not None}
            offsets = {tp: self._present_offset(tp, frontier) for tp, frontier in begun.items()}
            self.notes |= {tp: self._note(tp, offset) for tp, offset in offsets.items()}
            if not offsets or not await self._commit(offsets):
                return set()
            self._committed_offset.update(offsets)
            return set(offsets)

    def _present_offset(self, tp: TP, frontier: Frontier) -> int:
        """What is committed, or may be; before anything of it is finished, where it was begun."""
        offset = frontier.committable(self.hooks.hold(tp))
        return max(frontier.first if offset is None else offset, self._committed_offset[tp] or 0)

    def _note(self, tp: TP, offset: int) -> str:
        finished = self.frontiers[tp].finished_to
        return self.hooks.note(tp, offset if finished is None else finished, not self.is_ending)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        for tp in list(self.frontiers):
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        frontier = self.frontiers.get(tp)
        return None if frontier is None else frontier.committable(self.hooks.hold(tp))

    def _should_commit(self, tp: TP, offset: int) -> bool:
        """Also when only the note is new: it says to what knowledge the open accesses have been judged."""
        note = self._note(tp, offset)
        is_new = note != self.notes.get(tp)
        self.notes[tp] = note
        committed = self._committed_offset[tp]
        return committed is None or offset > committed or (is_new and offset == committed)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)
