"""Reads `violations.v1` into the store: each message once, whatever crashes in between."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.codec import decode
from schemas.errors import NotReadyError, RejectedInputError
from schemas.finding import Finding, MessagePlace
from sinks import kafka
from sinks.kafka import Broker
from sinks.store.store import Store

from .reading_again import read_again
from .writing import hear

log: Final = logging.getLogger(__name__)

BATCH: Final = 500  # messages in one transaction: a third of a second, for which a person's act waits
FETCH_MS: Final = 100
AGAIN_SECONDS: Final = 1.0  # between two tries while the broker or the store is away
LOOK_AGAIN_SECONDS: Final = 60.0  # between two looks at what another console could not read: beside an older one, say


class Counted(Protocol):
    """What the service tells of itself; the console's metrics."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Adds to a counter."""


def name_of(topic: str, partition: int) -> str:
    """Under which name the store keeps how far a partition was read."""
    return f"{topic}/{partition}"


class MovedOnError(Exception):
    """Another console has read on in this partition; `offset` is where it is."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def take(store: Store, topic: str, partition: int, begin: int | None, records: Sequence[Any], at: int) -> int:
    """Writes a piece of one partition, and how far it goes, in one transaction; how many acts came of it.

    A message that this version cannot read is kept as it is, to be read again. It stops rather than drops one.
    `begin`: where the store was when the piece was asked for. Raises MovedOnError when it is elsewhere by now, and
    StoreNotReadyError; nothing is written then.
    """
    name, acts = name_of(topic, partition), 0
    with store.writing() as writing:
        if (found := writing.progress(name)) != begin:
            raise MovedOnError(found or 0)
        readable, unreadable = _sorted_out(name, records)
        writing.expect([finding for finding, _ in readable])
        for finding, offset in readable:
            place = MessagePlace(topic=topic, partition=partition, offset=offset)
            acts += len(hear(writing, finding, place, writing.moment(at)))
        writing.keep_unreadable(unreadable)
        writing.advance(name, records[-1].offset + 1)
    return acts


def _sorted_out(name: str, records: Sequence[Any]) -> tuple[list[tuple[Finding, int]], list[tuple[str, bytes]]]:
    """The findings with their offsets, and what this version cannot read, with its place."""
    readable, unreadable = list[tuple[Finding, int]](), list[tuple[str, bytes]]()
    for record in records:
        try:
            readable.append((decode(Finding, record.value), record.offset))
        except RejectedInputError as error:
            # Only the judge may write there, so this is a newer version's, or tampering.
            unreadable.append((f"{name}/{record.offset}", record.value or b""))
            log.error("%s/%d cannot be read, and is kept: %s", name, record.offset, error)
    return readable, unreadable


async def _unread(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
    """How many messages of a partition are still to be read; None: the broker has not said yet."""
    newest = consumer.highwater(partition)
    return None if newest is None else max(0, newest - await consumer.position(partition))


class Hearing:
    """The task that keeps the store up to date with what is found."""

    def __init__(self, store: Store, broker: Broker, topic: str, written: Callable[[], None]) -> None:
        self._store, self._broker, self._topic = store, broker, topic
        self.written = written
        self.behind = 0  # messages stored and not yet read
        self.is_caught_up = False
        """Whether it has read, since it began, all that there was."""
        self._looked_at = 0  # the newest of what could not be read that this version has tried
        self._look_due = 0.0  # by the loop's clock
        self.read_until = int(time.time() * 1000)  # all that was stored before is read (UTC ms); at first: this moment

    async def run(self) -> None:
        """Reads for ever; when the broker or the store is away it says so, and goes on when they are back."""
        while True:
            try:
                async with kafka.consumer(self._broker) as consumer:
                    await self._read(consumer)
            except (NotReadyError, KafkaError, OSError) as error:
                log.warning("findings are not read: %s", error)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        counts = await kafka.partitions(self._broker, [self._topic])
        held = [TopicPartition(self._topic, number) for number in range(counts[self._topic])]
        consumer.assign(held)
        begins = {p: await asyncio.to_thread(self._begin, p.partition) for p in held}
        firsts = await consumer.beginning_offsets(held)
        for partition in held:
            consumer.seek(partition, max(begins[partition] or 0, firsts[partition]))
        read_until = dict.fromkeys(held, self.read_until)
        await self._read_again()  # first: where too much is kept, nothing else is read until some of it can be
        while True:
            for partition, records in (await consumer.getmany(timeout_ms=FETCH_MS, max_records=BATCH)).items():
                begins[partition] = await self._take(consumer, partition, begins[partition], records)
            await self._read_again()
            unread = {p: await _unread(consumer, p) for p in held}
            # As of when the broker last said how far it goes: one that is away says nothing, and all would look read.
            read_until |= {p: consumer.last_poll_timestamp(p) for p, count in unread.items() if count == 0}
            self.read_until = min(read_until.values())
            self.behind = sum(count or 0 for count in unread.values())
            self.is_caught_up = self.is_caught_up or all(count == 0 for count in unread.values())

    async def _read_again(self) -> None:
        """At the start, and now and then."""
        clock = asyncio.get_running_loop().time()
        if clock < self._look_due:
            return
        now = int(time.time() * 1000)
        acts, self._looked_at = await asyncio.to_thread(read_again, self._store, self._looked_at, now)
        self._look_due = clock + LOOK_AGAIN_SECONDS
        if acts:
            self.written()

    def _begin(self, partition: int) -> int | None:
        with self._store.reading() as reading:
            return reading.progress(name_of(self._topic, partition))

    async def _take(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, begin: int | None, records: Sequence[Any]
    ) -> int:
        now = int(time.time() * 1000)
        try:
            acts = await asyncio.to_thread(take, self._store, partition.topic, partition.partition, begin, records, now)
        except MovedOnError as moved:
            consumer.seek(partition, moved.offset)
            return moved.offset
        if acts:
            self.written()
        return int(records[-1].offset) + 1
