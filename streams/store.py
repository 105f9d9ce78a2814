"""Puts messages on Kafka and says when the broker has stored them. Never drops: it tries until they are."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple
from weakref import WeakSet

import mode
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.settings import Settings

from .connect import again, at, closed, connected, started
from .errors import BrokenPromiseError
from .telemetry import Telemetry

log = logging.getLogger(__name__)

Headers = tuple[tuple[str, bytes], ...]

REQUEST_MAX: Final = 4 * 1_048_576  # bytes; the largest message is a dead letter of at most 2 MiB
AWAY_SECONDS: Final = 5.0  # a broker stores in milliseconds; after so long it counts as away
BATCH_MAX: Final = 131_072  # bytes; a batch of 5,000 accesses with 3 % findings gives about 200 KiB


def partition_of(key: bytes, partitions: Sequence[int]) -> int:
    """Kafka's own choice, but for findings: their ids are hashes already, and aiokafka's murmur2 takes 10 µs."""
    if key.startswith(b"f_"):
        return partitions[int(key[2:10], 16) % len(partitions)]
    chosen: int = _BY_MURMUR2(key, partitions, partitions)
    return chosen


_BY_MURMUR2: Final = DefaultPartitioner()


class Outgoing(NamedTuple):
    """A message to store."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers = ()


class Stored(NamedTuple):
    """Where the broker stored a message."""

    partition: int
    offset: int


def _append(batch: BatchBuilder, message: Outgoing) -> bool:
    """Whether there was room for it."""
    added = batch.append(timestamp=None, key=message.key, value=message.value, headers=list(message.headers))
    return added is not None


class Store(mode.Service):
    """One idempotent producer. While the broker does not answer, `is_reachable` is false and `put` waits."""

    def __init__(self, settings: Settings, telemetry: Telemetry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._telemetry = telemetry
        self._producer: AIOKafkaProducer | None = None
        self._renewing = asyncio.Lock()
        self._gone = WeakSet[Any]()  # producers that have stopped
        self._most = {topic.name: topic.partitions for topic in settings.topics.all() if topic.partitions_fixed}
        self._said: set[str] = set()  # topics that have more; once each
        self.is_reachable = False

    async def on_start(self) -> None:
        """Connect."""
        self._producer = await connected(self._settings, self._connect)

    async def on_stop(self) -> None:
        """Send what is buffered and close."""
        if self._producer is not None and not await closed(self._producer):
            log.warning("what was not stored will be judged again")

    async def put(self, messages: Sequence[Outgoing]) -> list[Stored]:
        """Store the messages, in order; returns where once the broker has confirmed all of them.

        Tries again for as long as it takes: giving up would lose a finding. Raises BrokenPromiseError when a message is
        larger than any topic takes.
        """
        places: list[Stored | None] = [None] * len(messages)
        missing = list(range(len(messages)))
        producer = self._producer

        async def try_anew() -> None:
            nonlocal producer
            self.is_reachable = False
            self._telemetry.count("needtoknow_store_retries_total")
            producer = await self._renewed(producer)
            await self._try(producer, messages, missing, places)

        with suppress(KafkaError):
            await self._try(producer, messages, missing, places)
        if missing:
            await again(try_anew)
        self.is_reachable = True
        return [place for place in places if place is not None]

    async def _try(
        self,
        producer: AIOKafkaProducer | None,
        messages: Sequence[Outgoing],
        missing: list[int],
        places: list[Stored | None],
    ) -> None:
        """Send those that are missing, and take what was stored from them; raises KafkaError when some are left."""
        assert producer is not None
        partitions = {t: await self._partitions(producer, t) for t in {messages[i].topic for i in missing}}
        parts: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        for index in missing:
            topic = messages[index].topic
            parts[topic, partition_of(messages[index].key, partitions[topic])].append(index)
        sending = [self._send(producer, part, messages, indices, places) for part, indices in parts.items()]
        results = await self._answers(producer, len(missing), sending)
        missing[:] = [index for index in missing if places[index] is None]
        for error in results:
            if isinstance(error, MessageSizeTooLargeError):
                raise BrokenPromiseError("a message is larger than its topic takes") from error
        if missing:
            [error, *_] = [result for result in results if result is not None]
            log.warning("%d messages are not stored yet: %s", len(missing), type(error).__name__)
            raise error

    async def _partitions(self, producer: AIOKafkaProducer, topic: str) -> list[int]:
        """Where messages of a topic may go: none that was added while workers run, who would never look there."""
        found, most = sorted(await producer.partitions_for(topic)), self._most.get(topic)
        if most is not None and len(found) > most and topic not in self._said:
            self._said.add(topic)
            log.error("topic %s has %d partitions, must have %d: no worker starts so", topic, len(found), most)
        return found[:most]

    @staticmethod
    async def _send(
        producer: AIOKafkaProducer,
        part: tuple[str, int],
        messages: Sequence[Outgoing],
        indices: Sequence[int],
        places: list[Stored | None],
    ) -> None:
        """Store these in one partition, in order, and note where.

        In batches of our own: a message passed to the producer alone takes 50 µs, most of it for a future of its own.
        """
        topic, partition = part
        sent: list[tuple[list[int], asyncio.Future[Any]]] = []
        unsent = deque(indices)
        while unsent:
            batch, filled = producer.create_batch(), list[int]()
            while unsent and _append(batch, messages[unsent[0]]):
                filled.append(unsent.popleft())
            batch.close()  # nobody adds to it, and it does not linger
            sent.append((filled, await producer.send_batch(batch, topic, partition=partition)))
        answers = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
        for (filled, _), answer in zip(sent, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            for number, index in enumerate(filled):
                places[index] = Stored(partition, answer.offset + number)

    async def _answers(
        self, producer: AIOKafkaProducer, number: int, sending: Iterable[Coroutine[Any, Any, None]]
    ) -> list[BaseException | None]:
        """What went wrong with each. An idempotent producer never gives up, so a long wait is told here."""
        answers = asyncio.gather(*sending, return_exceptions=True)
        while not answers.done():
            done, _ = await asyncio.wait([answers], timeout=AWAY_SECONDS)
            if not done:
                self.is_reachable = False
                log.warning("waiting for the broker to store %d messages", number)
                if producer in self._gone:  # of what it took while it flushed its last, nobody will ever hear
                    answers.cancel()
                    await asyncio.wait([answers])
                    return [ProducerClosed()]
        return list(answers.result())

    async def _renewed(self, failed: AIOKafkaProducer | None) -> AIOKafkaProducer:
        """One whose sequence numbers are not in doubt: of all for whom the same one failed, the first makes it."""
        async with self._renewing:
            if self._producer is failed or self._producer is None:
                self._producer = await self._connect()
                if failed is not None:
                    asyncio.ensure_future(self._stop(failed))  # noqa: RUF006 - it waits for a broker that may be gone
            return self._producer

    async def _stop(self, producer: AIOKafkaProducer) -> None:
        try:
            await producer.stop()
        except KafkaError as error:
            log.warning("a producer that failed did not close in order: %s", type(error).__name__)
        finally:  # it has ended all the same
            self._gone.add(producer)

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **at(self._settings),
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_MAX,
            max_request_size=REQUEST_MAX,
        )
        await started(producer)
        self.is_reachable = True
        return producer
