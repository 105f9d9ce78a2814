"""Asks Kafka, every few seconds, how the service is: for the screen that says what is watched and when it was heard."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import NotReadyError
from schemas.ids import parse_instant
from schemas.settings import Settings
from schemas.topics import FEEDS
from sinks import kafka
from sinks.alerts.mirror import due
from sinks.kafka import Broker
from sinks.looking import look
from sinks.standing import Standing, standing
from sinks.store.store import Store
from sinks.watch.asking import ask
from sinks.watch.report import SourceReport

from .health import FeedHealth, HealthNow, SourceHealth

log: Final = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0  # between two looks: a person reads the page, and a look costs the broker 20 questions
FETCH_MS: Final = 1_000  # for the newest message of a partition


class HealthReader:
    """The task that knows how the service is. `now` is what it learned last; while Kafka is away it grows old."""

    def __init__(self, settings: Settings, broker: Broker, store: Store, unread: Callable[[], int]) -> None:
        self._settings, self._broker, self._store = settings, broker, store
        self._known = HealthNow()
        self._heard: dict[TopicPartition, tuple[int, int]] = {}  # by partition: its end, and when that was appended
        self._unread = unread

    def now(self) -> HealthNow:
        """As Health says."""
        return replace(self._known, unread=self._unread())

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            try:
                async with kafka.admin(self._broker) as client, kafka.consumer(self._broker) as reader:
                    places = await self._places()
                    while True:
                        seen = standing(await look(self._settings, client, reader, places))
                        await self._hear(reader, places)
                        outbox = await asyncio.to_thread(_outbox_age_ms, self._store)
                        watched = {report.name: report for report in (await ask(self._settings)).reports}
                        self._known = self._health(seen, outbox, watched)
                        await asyncio.sleep(LOOK_SECONDS)
            except (NotReadyError, KafkaError, OSError) as error:
                log.warning("how the service is cannot be asked: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def _places(self) -> list[TopicPartition]:
        topics = [topic.name for topic in self._settings.topics.all()]
        counts = await kafka.partitions(self._broker, topics)
        return [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]

    async def _hear(self, reader: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> None:
        """When the newest message of each access topic, and of the ledger, was appended."""
        topics = {*self._settings.topics.accesses(), self._settings.topics.ledger}
        wanted = [place for place in places if place.topic in topics]
        begins, ends = await reader.beginning_offsets(wanted), await reader.end_offsets(wanted)
        for place in wanted:
            known = self._heard.get(place)
            if ends[place] > begins[place] and (known is None or known[0] != ends[place]):
                reader.assign([place])
                reader.seek(place, ends[place] - 1)
                records = (await reader.getmany(place, timeout_ms=FETCH_MS)).get(place, [])
                if records:  # none: the last thing there is a control batch, or it was deleted meanwhile
                    self._heard[place] = ends[place], records[-1].timestamp

    def _health(self, seen: Standing, outbox: int, watched: Mapping[str, SourceReport]) -> HealthNow:
        accesses = self._settings.topics.accesses()
        return HealthNow(
            sources=tuple(self._source(t, name, seen.lag, watched.get(name)) for t, name in accesses.items()),
            feeds=tuple(FeedHealth(name=feed, complete_through=_instant(seen.marks.get(feed))) for feed in FEEDS),
            pending=seen.pending,
            cut_at=self._newest([self._settings.topics.ledger]),
            outbox_age_ms=outbox,
            position=seen.facts_position,
        )

    def _source(self, topic: str, source: str, lag: Mapping[str, int], watched: SourceReport | None) -> SourceHealth:
        """How far behind is known only when nobody is: the log says how many messages wait, not since when."""
        lag_ms = None if lag.get(topic, 0) else 0
        return SourceHealth(name=source, heard_at=self._newest([topic]), lag_ms=lag_ms, watched=watched)

    def _newest(self, topics: Iterable[str]) -> int | None:
        wanted = set(topics)
        return max((at for place, (_, at) in self._heard.items() if place.topic in wanted), default=None)


def _instant(text: str | None) -> int | None:
    return None if text is None else parse_instant(text)


def _outbox_age_ms(store: Store) -> int:
    waiting = due(store)
    return max(0, int(time.time() * 1000) - waiting[0].at) if waiting else 0
