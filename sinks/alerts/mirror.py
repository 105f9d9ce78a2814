"""Mirrors acts to `alert-events.v1`: at least once, in their order, by the store's own list of them (an outbox)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.act import Act
from schemas.cloud_event import Header, cloud_event
from schemas.codec import encode
from schemas.errors import NotReadyError
from schemas.ids import format_instant
from schemas.topics import CANONICAL
from sinks import kafka
from sinks.kafka import Broker
from sinks.store.store import Store

log: Final = logging.getLogger(__name__)

MIRRORED: Final = "mirrored"
"""Under which name the store keeps the number of the newest act that the topic has."""
PIECE: Final = 500  # acts under way at once
LOOK_SECONDS: Final = 1.0  # between two looks when nobody says that something was written: another console may have
AGAIN_SECONDS: Final = 1.0


def headers_of(act: Act) -> tuple[Header, ...]:
    """The envelope of an act."""
    return cloud_event(str(act.number), "/alerts", "needtoknow.act.v1", CANONICAL, format_instant(act.at))


class Mirror:
    """The task that empties the outbox."""

    def __init__(self, store: Store, broker: Broker, topic: str) -> None:
        self._store, self._broker, self._topic = store, broker, topic
        self._news = asyncio.Event()

    def news(self) -> None:
        """Something was written: look now."""
        self._news.set()

    async def run(self) -> None:
        """Mirrors for ever; when the broker or the store is away it says so, and goes on when they are back."""
        while True:
            try:
                async with kafka.producer(self._broker) as producer:
                    await self._mirror(producer)
            except (NotReadyError, KafkaError, OSError) as error:
                log.warning("acts are not mirrored: %s", error)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _mirror(self, producer: AIOKafkaProducer) -> None:
        while True:
            self._news.clear()
            while acts := await asyncio.to_thread(due, self._store):
                for act in acts:
                    under_way = await producer.send(
                        self._topic, key=act.alert_id.encode(), value=encode(act), headers=list(headers_of(act))
                    )
                await producer.flush()
                await under_way
                await asyncio.to_thread(_done, self._store, acts)
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                continue


def due(store: Store) -> list[Act]:
    """The acts that the topic does not have yet, the oldest first, at most PIECE."""
    with store.reading() as reading:
        return reading.acts(after=reading.progress(MIRRORED) or 0, count=PIECE)


def _done(store: Store, acts: Sequence[Act]) -> None:
    with store.writing() as writing:
        writing.advance(MIRRORED, max(acts[-1].number, writing.progress(MIRRORED) or 0))
