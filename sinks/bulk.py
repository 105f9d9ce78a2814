"""Whole logs, many at once and fast: for whoever looks at each message and keeps few.

With what a look-back does beside, on a real broker and two cores that others used as well: 3.4 µs of CPU a message,
115,000 to 165,000 messages a second, and 1.6 ms of the loop in all but a hundredth of its steps.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.errors import NotReadyError
from streams.bulk import Allowance, fetched_in_bulk
from streams.records import limits
from streams.turns import Pieces

from . import kafka
from .kafka import Broker

PIECE: Final = 1_000  # messages at once: 2 ms of whoever shares the loop, 20 where each must be looked at closely
FETCH_MS: Final = 500
ANSWER_BYTES: Final = 4 * 1_048_576  # some 15,000 messages


class Some(NamedTuple):
    """Some messages of one partition, in order, as aiokafka's reader in C gives them (streams/bulk.py)."""

    topic: str
    partition: int
    messages: Sequence[Any]


@dataclass
class Reading:
    """How far reading has come, in messages."""

    done: int = 0
    total: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.began


async def read_whole(broker: Broker, topics: Iterable[str], reading: Reading) -> AsyncGenerator[Some, None]:
    """All messages of these topics up to their ends as they are at the call, in order within each partition.

    Others have the loop after each piece. Raises NotReadyError when a topic is missing, or the broker gives nothing for
    its timeout although there is more.
    """
    counts = await kafka.partitions(broker, topics)
    held = [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]
    async with kafka.consumer(broker, answer_bytes=ANSWER_BYTES) as consumer:
        consumer.assign(held)
        begins, ends = await consumer.beginning_offsets(held), await consumer.end_offsets(held)
        left = _Left(consumer, {place: end for place, end in ends.items() if begins[place] < end})
        for place in held:
            consumer.seek(place, begins[place])
        consumer.pause(*(place for place in held if place not in left.ends))
        reading.total = sum(end - begins[place] for place, end in left.ends.items())
        async with aclosing(_pieces(consumer, left, broker)) as pieces:
            async for some in pieces:
                reading.done += len(some.messages)
                yield some
    reading.done = reading.total


async def _pieces(consumer: AIOKafkaConsumer, left: _Left, broker: Broker) -> AsyncGenerator[Some, None]:
    turns, allowance, heard_at = Pieces(), Allowance(limits.unpacked), time.monotonic()
    while left.ends:
        fetched_in_bulk(consumer, allowance, limits.unpacked)
        fetched = await consumer.getmany(timeout_ms=FETCH_MS, max_records=PIECE)
        for place, messages in fetched.items():
            with turns.piece():
                yield Some(place.topic, place.partition, left.before_end(place, messages))
        await left.look(fetched or tuple(left.ends))
        if fetched:
            heard_at = time.monotonic()
        elif time.monotonic() - heard_at > broker.timeout:
            raise NotReadyError(f"Kafka at {broker.address} gives nothing more for {broker.timeout:.0f} s")
        await turns.give_way()


@dataclass
class _Left:
    """The partitions that have not been read to their ends."""

    consumer: AIOKafkaConsumer
    ends: dict[TopicPartition, int]

    def before_end(self, place: TopicPartition, messages: Sequence[Any]) -> Sequence[Any]:
        """Without what was appended since."""
        end = self.ends.get(place, 0)
        return messages if messages[-1].offset < end else [m for m in messages if m.offset < end]

    async def look(self, places: Iterable[TopicPartition]) -> None:
        """Lets go of those that are done. Positions, not offsets: a log may end behind its last message."""
        for place in places:
            if place in self.ends and await self.consumer.position(place) >= self.ends[place]:
                self.consumer.pause(place)
                del self.ends[place]
