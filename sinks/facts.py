"""All facts, for whoever asks beside the judges: read to their end first, then for ever.

Of one loop: whoever asks `knowledge` does so in the loop that runs the task, between two of its steps, and keeps no
reference beyond its own step. What is loaded at the start is nobody's until it is whole, so that it can be learned in a
thread: half of all facts would say that somebody answers for nobody.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.codec import decode_registered
from schemas.errors import NotReadyError, RejectedInputError
from schemas.plain_fact import PlainFact, cut_plain_facts, is_odd
from sinks import kafka
from sinks.kafka import Broker
from streams.join.knowledge import Knowledge
from streams.join.loading import load
from streams.join.rows import row_of_plain

log: Final = logging.getLogger(__name__)

LOAD_MAX: Final = 2_000  # messages learned at once while loading: 20 ms of a thread
LIVE_MAX: Final = 200  # the same in the loop, which others share: 3 to 8 ms
FETCH_MS: Final = 500
LOOK_SECONDS: Final = 10.0  # in silence: is the broker still there, and has it nothing more?
AGAIN_SECONDS: Final = 1.0  # between two tries while the broker is away
SAY_EVERY: Final = 100_000  # messages between two lines of progress while loading


def learn(knowledge: Knowledge, offsets: Sequence[int], values: Sequence[bytes | None]) -> list[int]:
    """Takes in what stands at these offsets of `facts.v1`, in order; the offsets of what is not ours.

    That is passed over, as a worker does.
    """
    strange: list[int] = []
    facts = cut_plain_facts(values)
    for place in load(knowledge, offsets, facts):
        if not is_odd(facts[place]):
            knowledge.take(offsets[place], row_of_plain(PlainFact._make(facts[place])))
        elif not _learn_exactly(knowledge, offsets[place], values[place]):
            strange.append(offsets[place])
    return strange


def _learn_exactly(knowledge: Knowledge, offset: int, value: bytes | None) -> bool:
    try:
        knowledge.hear(offset, decode_registered(value))
    except RejectedInputError:
        knowledge.skip(offset)
        return False
    return True


class FactsReader:
    """The task that knows all facts. `grace_ms`: as of Knowledge."""

    def __init__(self, broker: Broker, topic: str, grace_ms: int = 0) -> None:
        self._broker, self._grace = broker, grace_ms
        self._place = TopicPartition(topic, 0)
        self._moved = asyncio.Condition()
        self.knowledge = Knowledge(grace_ms)
        self.is_loaded = False
        """Whether `knowledge` has been whole once; before it is empty. From then on it only grows."""
        self.is_caught_up = False
        """Whether it holds all that the topic held when last heard of, some seconds ago; not while that is away."""

    @property
    def position(self) -> int:
        """The next offset of `facts.v1`: below it everything is known."""
        return self.knowledge.position

    async def reach(self, position: int = 0) -> Knowledge:
        """Waits until it is caught up, and at this position at least; for as long as that takes: bound it."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.is_caught_up and self.position >= position)
        return self.knowledge

    async def run(self) -> None:
        """Reads for ever; when the broker is away it says so, and goes on when it is back."""
        while True:
            try:
                async with kafka.consumer(self._broker) as consumer:
                    await self._read(consumer)
            except (NotReadyError, KafkaError, OSError) as error:
                log.warning("facts are not read: %s", error)
            finally:
                self.is_caught_up = False
            await asyncio.sleep(AGAIN_SECONDS)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        await kafka.partitions(self._broker, [self._place.topic])
        consumer.assign([self._place])
        end = await self._end(consumer)
        if self.is_loaded and end < self.position:
            log.error(
                "%s ends at %d and was read to %d: it is another, read anew", *self._place[:1], end, self.position
            )
            self.is_loaded = False
        if not self.is_loaded:
            await self._load(consumer, end)
        await self._seek(consumer, self.position)
        await self._follow(consumer, end)

    async def _load(self, consumer: AIOKafkaConsumer, end: int) -> None:
        """Into knowledge that nobody sees yet."""
        knowledge, said, heard_at = Knowledge(self._grace), 0, time.monotonic()
        await self._seek(consumer, 0)
        while (at := await consumer.position(self._place)) < end:
            if records := await self._some(consumer, LOAD_MAX):
                self._complain(await asyncio.to_thread(learn, knowledge, *_columns(records)))
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > self._broker.timeout:
                raise NotReadyError(f"{self._place.topic} at {self._broker.address} gives nothing more")
            if at - said >= SAY_EVERY:
                said = at
                log.info("loading facts: %d of %d messages", at, end)
        self.knowledge, self.is_loaded = knowledge, True
        log.info("loaded %d facts, position %d", len(knowledge.facts), knowledge.position)

    async def _follow(self, consumer: AIOKafkaConsumer, end: int) -> None:
        looked_at = time.monotonic()
        while True:
            await self._tell(is_caught_up=await consumer.position(self._place) >= end)
            records = await self._some(consumer, LIVE_MAX)
            if records and records[0].offset < self.position:
                return  # aiokafka has begun anew in a log that is another
            if records:
                self._complain(learn(self.knowledge, *_columns(records)))
                end = max(end, consumer.highwater(self._place) or 0)
                await asyncio.sleep(0)  # a turn for others, also when there is more already
            elif time.monotonic() - looked_at > LOOK_SECONDS:
                end = await self._end(consumer)  # aiokafka itself would wait for a lost broker without a word
                looked_at = time.monotonic()

    async def _tell(self, *, is_caught_up: bool) -> None:
        self.is_caught_up = is_caught_up
        async with self._moved:
            self._moved.notify_all()

    async def _some(self, consumer: AIOKafkaConsumer, most: int) -> list[Any]:
        fetched = await consumer.getmany(self._place, timeout_ms=FETCH_MS, max_records=most)
        records: list[Any] = fetched.get(self._place, [])
        return records

    async def _end(self, consumer: AIOKafkaConsumer) -> int:
        return int((await consumer.end_offsets([self._place]))[self._place])

    async def _seek(self, consumer: AIOKafkaConsumer, offset: int) -> None:
        firsts = await consumer.beginning_offsets([self._place])
        consumer.seek(self._place, max(offset, firsts[self._place]))

    def _complain(self, strange: Sequence[int]) -> None:
        for offset in strange:
            log.error("%s/0/%d is not ours; passed over", self._place.topic, offset)


def _columns(records: Sequence[Any]) -> tuple[list[int], list[bytes | None]]:
    return [record.offset for record in records], [record.value for record in records]
