"""Faust transport that hands over one event per fetched (partition, batch) instead of one per message.

Stock Faust makes a message, an event, an acknowledgement and four tasks for every message and commits some it lost
(ADR 2). Here the messages of one partition in a fetch become a few events whose value is a `Batch` each; the offset
after it is committed once it and all before it are finished, and never past the oldest open access. Methods of
faust-streaming 0.15 are overridden and aiokafka is read in bulk (ADR 9); a contract test fails when these change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import faust
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ConsumerMessage

from .committing import Committing
from .frontier import Batch, Frontier

FETCH_SECONDS: Final = 1.0  # how long one fetch may wait for messages when all partitions may deliver
FETCH_PAUSED_SECONDS: Final = 0.02  # the same while some are paused, since a resumed one is looked at by the next fetch


class BatchSchema(faust.Schema):
    """Passes the batch through untouched; what is in it is nobody's business but the judge's."""

    def compile(self, app: Any, *, default_propagate: bool = False, **kwargs: Any) -> Any:
        """A decoder that wraps the batch into an event."""

        async def decode(message: Any, *, propagate: bool = default_propagate) -> Any:
            return app.create_event(None, message.value, None, message)

        return decode


class Consumer(Committing):
    """Delivers batches, and pauses the partitions whose queue is full."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ahead: tuple[tuple[int, int], asyncio.Future[Any]] | None = None  # a fetch under way, and its place

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
            await asyncio.sleep(FETCH_PAUSED_SECONDS)
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
        self.finished[frontier.topic] += 1
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
