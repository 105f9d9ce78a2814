"""Faust transport that hands over one event per fetched (partition, batch) instead of one per message.

Stock Faust makes a message, an event, an acknowledgement and four tasks for every message and commits some it lost
(ADR 2). Here the messages of one partition in a fetch become a few events whose value is a `Batch` each; the offset
after it is committed once it and all before it are finished, and never past the oldest open access. Methods of
faust-streaming 0.15 are overridden and aiokafka is read in bulk (ADR 9); a contract test fails when these change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import faust
from aiokafka.errors import IllegalStateError, KafkaError
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ConsumerMessage

from .consumer_thread import ConsumerThread
from .frontier import Batch, Frontier

DRAIN_SECONDS: Final = 4.0  # how long a stop or a rebalance waits for outputs under way; half a session timeout
FETCH_SECONDS: Final = 1.0  # how long one fetch may wait for messages when all partitions may deliver
FETCH_PAUSED_SECONDS: Final = 0.02  # the same while some are paused, since a resumed one is looked at by the next fetch


class BatchSchema(faust.Schema):
    """Passes the batch through untouched; what is in it is nobody's business but the judge's."""

    def compile(self, app: Any, *, default_propagate: bool = False, **kwargs: Any) -> Any:
        """A decoder that wraps the batch into an event."""

        async def decode(message: Any, *, propagate: bool = default_propagate) -> Any:
            return app.create_event(None, message.value, None, message)

        return decode


class Hooks:
    """What the transport asks of the app. `build_app` sets one on `app.batch_hooks`."""

    def __init__(
        self,
        *,
        batch_max: int,
        batches_max: int,
        is_urgent: Callable[[TP], bool],
        hold: Callable[[TP], int | None],
        on_seek: Callable[[Mapping[TP, int]], None],
        on_lost: Callable[[TP], None],
        note: Callable[[TP, int], str],
        drain: Callable[[], Any],
    ) -> None:
        self.batch_max = batch_max
        """Most messages of a batch. One fetch may bring several batches."""
        self.batches_max = batches_max
        """Batches of one partition under way before it is paused; those of one fetch may go beyond it."""
        self.is_urgent = is_urgent
        """Whether the partition is asked for messages before all others."""
        self.hold = hold
        """The offset that must not be committed past, or None."""
        self.on_seek = on_seek
        """Called when it is known what is held and from which offset on each partition will be read."""
        self.on_lost = on_lost
        """Called for each partition whose batches were abandoned."""
        self.note = note
        """What to write beside the committed offset, given how far the partition has been finished."""
        self.drain = drain
        """An awaitable that is done when no output is under way."""


class Consumer(driver.Consumer):
    """Delivers batches, pauses the partitions whose queue is full, commits finished prefixes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.frontiers: dict[TP, Frontier] = {}
        self.full: set[TP] = set()
        self.notes: dict[TP, str] = {}  # what is written beside each offset, and was at the last commit
        self._room = asyncio.Event()
        self._seeks = 0
        self._ahead: tuple[tuple[int, int], asyncio.Future[Any]] | None = None  # a fetch under way, and its place
        self._is_astray = False  # the fetch position may lie past messages that were never handed over
        super().__init__(*args, **kwargs)
        self.hooks: Hooks = self.app.batch_hooks

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

    # offsets

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
        self._abandon(list(self.frontiers))
        self._seeks += 1
        if not self.assignment():
            self.hooks.on_seek({})
            return  # aiokafka asserts that there is something to seek
        await super().perform_seek()
        # Upstream leaves a partition whose committed offset is none or 0 wherever the last fetch had come to.
        fresh = [tp for tp in self.assignment() if not self._read_offset[tp]]
        if fresh:
            await self.seek_wait(await self.earliest_offsets(*fresh))
        found = {tp: offset for tp in self.assignment() if tp not in fresh and (offset := self._read_offset[tp])}
        for tp, offset in found.items():  # so that a note can be written beside it when nothing new comes
            self.frontiers[tp] = Frontier(tp.topic, tp.partition, self._on_finished, finished_to=offset)
        self.hooks.on_seek(found)

    async def commit_and_end_transactions(self) -> None:
        """Called before partitions are given up: wait for outputs under way, then commit."""
        try:
            await asyncio.wait_for(self.hooks.drain(), DRAIN_SECONDS)
        except TimeoutError:
            self.log.warning("outputs still under way after %s s; their batches will be read again", DRAIN_SECONDS)
        await super().commit_and_end_transactions()

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        for tp in list(self.frontiers):
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        frontier = self.frontiers.get(tp)
        return None if frontier is None else frontier.committable(self.hooks.hold(tp))

    def _should_commit(self, tp: TP, offset: int) -> bool:
        """Also when only the note is new: it says to what knowledge the open accesses have been judged."""
        finished = self.frontiers[tp].finished_to
        note = self.hooks.note(tp, offset if finished is None else finished)
        is_new = note != self.notes.get(tp)
        self.notes[tp] = note
        committed = self._committed_offset[tp]
        return committed is None or offset > committed or (is_new and offset == committed)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # delivery

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await asyncio.sleep(0)
                await self._drain_once()
        except (*self.consumer_stopped_errors, asyncio.CancelledError):
            if not self.transport.app.should_stop:
                raise
        finally:
            # Should it begin again: what was begun was not handed over, and a fetch under way must be over first.
            self._is_astray = True

    async def _drain_once(self) -> None:
        if self._is_astray:
            await self._find_back()
            return
        if self._ahead is None:
            if self.full and not self._get_active_partitions() and self.flow_active:
                self._room.clear()
                await self.wait_first(self._room.wait(), self.suspend_flow.wait(), timeout=FETCH_SECONDS)
                return
            self._look_ahead()
        assert self._ahead is not None
        place, task = self._ahead
        await asyncio.wait([task])  # not `await task`: cancelling the loop must not cancel what goes on in its thread
        self._ahead = None
        fetched, _ = task.result()
        if fetched is None or self.should_stop:
            return
        if self._is_at(place):
            fresh = _batches(fetched, self._read_offset, self.hooks.batch_max)
            begun = [self._begin(tp, messages) for tp, messages in fresh]
            if begun and self._get_active_partitions():
                self._look_ahead()  # the consumer's thread unpacks the next messages while these are judged
            for message in begun:
                if not self._is_at(place):
                    break
                # The queue behind it has room for every partition's full share: this never waits for a reader.
                await self.wait_first(self.callback(message), self.suspend_flow.wait())
        # What was fetched across a rebalance or a seek is of nobody knows which hold: the fetch position has moved past
        # messages that were not handed over. So none are, and the next thing is to go back for them.
        self._is_astray = not self._is_at(place)

    def _look_ahead(self) -> None:
        waiting = FETCH_PAUSED_SECONDS if self.full else FETCH_SECONDS
        self._ahead = self._place(), asyncio.ensure_future(self._wait_next_records(waiting))

    async def _forget_ahead(self) -> None:
        """What it brings is handed to nobody. Not cancelled: it would move the position in its thread all the same."""
        if self._ahead is not None:
            (_, task), self._ahead = self._ahead, None
            await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()) is not None:
                self.log.warning("a fetch that nobody waits for failed: %s", type(error).__name__)

    def _is_at(self, place: tuple[int, int]) -> bool:
        return self._place() == place and self.flow_active

    def _place(self) -> tuple[int, int]:
        """Changes whenever the fetch position may have been moved by somebody else."""
        return self.app.consumer_generation_id, self._seeks

    async def _find_back(self) -> None:
        """Seek to the committed offsets; tried until it succeeds without a rebalance in between."""
        if not self.flow_active:
            await self.wait_first(self.can_resume_flow.wait(), timeout=FETCH_SECONDS)
            return
        await self._forget_ahead()
        generation = self.app.consumer_generation_id
        try:
            await self.perform_seek()
        except KafkaError as error:
            self.log.warning("cannot seek to the committed offsets yet: %s", type(error).__name__)
            await self.sleep(FETCH_PAUSED_SECONDS)
            return
        self._is_astray = self.app.consumer_generation_id != generation

    def _begin(self, tp: TP, messages: Sequence[Any]) -> ConsumerMessage:
        frontier = self.frontiers.get(tp)
        if frontier is None:
            frontier = self.frontiers[tp] = Frontier(tp.topic, tp.partition, self._on_finished)
        batch = frontier.begin(messages)
        self._read_offset[tp] = batch.next_offset
        if len(frontier.under_way) >= self.hooks.batches_max:
            self.full.add(tp)
            self.pause_partitions([tp])
        return _message(tp, batch, self.app.consumer_generation_id)

    def _on_finished(self, frontier: Frontier) -> None:
        tp = TP(frontier.topic, frontier.partition)
        if tp in self.full and len(frontier.under_way) < self.hooks.batches_max:
            self.full.discard(tp)
            self.resume_partitions([tp])
            self._room.set()


def _batches(
    fetched: Mapping[TP, Sequence[Any]], read: Mapping[TP, int | None], batch_max: int
) -> Iterator[tuple[TP, Sequence[Any]]]:
    """What has not been handed over before, in batches."""
    for tp, messages in fetched.items():
        known = read[tp]
        if known is not None and messages and messages[0].offset < known:
            messages = [m for m in messages if m.offset >= known]
        for start in range(0, len(messages), batch_max):
            yield tp, messages[start : start + batch_max]


def _message(tp: TP, batch: Batch, generation: int) -> ConsumerMessage:
    """One Faust message for the whole batch; its offset is that of the last."""
    last = batch.messages[-1]
    return ConsumerMessage(
        topic=tp.topic,
        partition=tp.partition,
        offset=last.offset,
        timestamp=last.timestamp / 1000.0,
        timestamp_type=last.timestamp_type,
        headers=None,
        key=None,
        value=batch,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        tp=tp,
        generation_id=generation,
    )


class Transport(driver.Transport):
    """`ntk://host:port` as a Faust broker address."""

    Consumer = Consumer
