"""Puts the messages of a request on Kafka, and says where they lie once the broker has stored all of them.

Not idempotent, unlike a worker's producer: an idempotent one never gives up, and here somebody waits who can send the
same again. What is stored twice is found once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, ProducerClosed

from schemas.receiving import StoredRecord
from schemas.settings import Settings
from streams.connect import at, closed, connected, started

from .checking import Outgoing
from .refusing import RefusedError

PIECE: Final = 50  # messages handed over before others have a turn: 2 ms
BATCH_MAX: Final = 131_072  # bytes that go to a partition at once: the messages of some requests
PROBE_SECONDS: Final = 2.0
PROBE_MAX_SECONDS: Final = 5.0

_ENDED: Final = (KafkaError, ProducerClosed)
"""What a producer says, by exactly these, that takes nothing more. All else is about a topic, or passes."""

log = logging.getLogger(__name__)


class IntakeStore:
    """One producer. `is_reachable`: whether the broker answered when it was asked last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self.is_reachable = False

    async def start(self) -> None:
        """Connect. Raises NotReadyError when the broker does not answer in time; operations must act."""
        self._producer = await connected(self._settings, self._connect)
        self.is_reachable = True

    async def stop(self) -> None:
        """Close what is left."""
        if self._producer is not None:
            await closed(self._producer)

    async def run(self) -> None:
        """Ask the broker now and then whether it is there, and connect anew where a connection is of no use."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            is_there = await self._answers()
            if is_there != self.is_reachable:
                log.warning("the broker answers again" if is_there else "the broker does not answer")
            self.is_reachable = is_there

    async def put(self, topic: str, messages: Sequence[Outgoing]) -> tuple[StoredRecord, ...]:
        """Where each of them lies. Raises RefusedError when the broker has not stored all in time; some may be."""
        deadline = asyncio.get_running_loop().time() + self._settings.receive_store_seconds
        sent: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout_at(deadline):
                await self._hand_over(topic, messages, sent)
                answers = [await asyncio.shield(future) for future in sent]
        except (KafkaError, TimeoutError) as error:
            log.warning("not stored on %s: %s", topic, type(error).__name__)
            detail = "the broker has not confirmed all of it; send the same again: what is stored twice is found once"
            raise RefusedError("not_stored", detail) from None
        self.is_reachable = True
        return tuple(StoredRecord(topic=topic, partition=one.partition, offset=one.offset) for one in answers)

    async def _hand_over(self, topic: str, messages: Sequence[Outgoing], sent: list[asyncio.Future[Any]]) -> None:
        producer = self._producer
        if producer is None:
            raise KafkaTimeoutError
        try:
            for number, message in enumerate(messages, start=1):
                future = await producer.send(topic, message.value, key=message.key, headers=list(message.headers))
                future.add_done_callback(_heard)
                sent.append(future)
                if number % PIECE == 0:
                    await asyncio.sleep(0)
        except KafkaError as error:
            if type(error) in _ENDED and self._producer is producer:
                self._producer = None
                await closed(producer)
            raise

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_MAX_SECONDS):
                if self._producer is None:
                    self._producer = await self._connect()
                await self._producer.client.fetch_all_metadata()
        except (KafkaError, OSError, TimeoutError):
            return False
        return True

    async def _connect(self) -> AIOKafkaProducer:
        return await started(
            AIOKafkaProducer(
                **at(self._settings),
                acks="all",
                max_batch_size=BATCH_MAX,
                request_timeout_ms=int(self._settings.receive_store_seconds * 1000),
            )
        )


def _heard(future: asyncio.Future[Any]) -> None:
    """Whoever waited may have gone: nobody need complain of an error that nobody looked at."""
    if not future.cancelled():
        future.exception()
