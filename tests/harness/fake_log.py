"""Logs in memory and a consumer of them: as much of aiokafka's as whoever reads by hand uses (sinks/kafka.py).

Like the real one it gives what a broker has without giving way, waits where there is nothing more, says nothing of a
broker that is away unless it is asked, and begins anew where a log has become shorter.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from schemas.errors import NotReadyError
from sinks import kafka
from sinks.kafka import Broker


@dataclass(frozen=True)
class Record:
    """A message as aiokafka hands it out."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class FakeLogs:
    """What a broker holds; `in_place` lets a module of ours meet it in Kafka's place."""

    def __init__(self) -> None:
        self.records: defaultdict[TopicPartition, list[Record]] = defaultdict(list)
        self.is_away = False
        self.connections = 0
        self.largest = 0  # messages of one answer
        self._changed = asyncio.Event()

    def in_place(self, monkeypatch: pytest.MonkeyPatch) -> FakeLogs:
        """From now on `sinks.kafka` connects here."""
        monkeypatch.setattr(kafka, "consumer", self._consumer)
        monkeypatch.setattr(kafka, "partitions", self._partitions)
        return self

    def put(self, topic: str, *values: bytes | None, partition: int = 0, at: int = 0, key: bytes | None = None) -> None:
        """Messages are appended."""
        log = self.records[TopicPartition(topic, partition)]
        for value in values:
            log.append(Record(topic, partition, log[-1].offset + 1 if log else 0, at, value, key))
        self.change()

    def put_record(self, record: Record) -> None:
        """The same with all that a message has."""
        self.records[TopicPartition(record.topic, record.partition)].append(record)
        self.change()

    def change(self) -> None:
        """Whoever waits looks again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self, seconds: float) -> None:
        """Waits for a change."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    def end(self, place: TopicPartition) -> int:
        """The next offset."""
        log = self.records[place]
        return log[-1].offset + 1 if log else 0

    @asynccontextmanager
    async def _consumer(self, _: Broker, **__: object) -> AsyncIterator[FakeConsumer]:
        self.connections += 1
        if self.is_away:
            raise NotReadyError("no Kafka answers")
        yield FakeConsumer(self)

    async def _partitions(self, _: Broker, topics: Iterable[str]) -> dict[str, int]:
        return {t: 1 + max((p.partition for p in self.records if p.topic == t), default=0) for t in topics}


class FakeConsumer:
    """One connection."""

    def __init__(self, logs: FakeLogs) -> None:
        self._logs = logs
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._fetcher = SimpleNamespace(_records={})

    def assign(self, places: Iterable[TopicPartition]) -> None:
        """As aiokafka's; so are all below."""
        self._positions = dict.fromkeys(places, 0)

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self._ask()
        return {p: self._logs.records[p][0].offset if self._logs.records[p] else 0 for p in places}

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self._ask()
        return {p: self._logs.end(p) for p in places}

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._positions[place] = offset

    async def position(self, place: TopicPartition) -> int:
        return self._positions[place]

    def highwater(self, place: TopicPartition) -> int:
        return self._logs.end(place)

    def pause(self, *places: TopicPartition) -> None:
        self._paused.update(places)

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, max_records: int = 500
    ) -> dict[TopicPartition, list[Any]]:
        found = self._fetch(places or tuple(self._positions), max_records)
        if not found:
            await self._logs.changed(timeout_ms / 1000)
        return found

    def _fetch(self, places: Iterable[TopicPartition], most: int) -> dict[TopicPartition, list[Any]]:
        if self._logs.is_away:
            return {}
        for place in places:
            if self._positions[place] > self._logs.end(place):
                self._positions[place] = 0
            log = self._logs.records[place]
            records = [r for r in log if r.offset >= self._positions[place]][:most]
            if records and place not in self._paused:
                self._positions[place] = records[-1].offset + 1
                self._logs.largest = max(self._logs.largest, len(records))
                return {place: records}
        return {}

    def _ask(self) -> None:
        if self._logs.is_away:
            raise KafkaConnectionError("nobody answers")
