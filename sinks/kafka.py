"""Kafka for commands: connect with patience, look at topics, read one to its end. Every wait is bounded and shown."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import click
import stamina
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from schemas.errors import NotReadyError
from schemas.ids import LATEST_MS
from schemas.security import OPEN, Security
from streams.records import read_safely
from streams.refusals import denied, not_ours, refusal

from .silence import Watch

ATTEMPT_SECONDS: Final = 5.0  # a machine that swallows packets must not use up the whole wait in silence
REQUEST_SECONDS: Final = 40.0  # aiokafka's own default
FETCH_MS: Final = 500

T = TypeVar("T")
Call = Callable[[T], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Broker:
    """Where Kafka is (`host:port`, several separated by commas), how many seconds to wait for it, and who we are."""

    address: str
    timeout: float
    security: Security = OPEN

    @property
    def request_ms(self) -> int:
        """How long one request may take: no longer than somebody is willing to wait."""
        return int(min(max(self.timeout, 1), REQUEST_SECONDS) * 1000)

    def arguments(self) -> dict[str, Any]:
        """What every client is given first."""
        given = {"bootstrap_servers": self.address, "request_timeout_ms": self.request_ms}
        return given | self.security.arguments()


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it lies in the log; `timestamp` is the broker's append time in UTC milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def run(work: Coroutine[Any, Any, T], broker: Broker) -> T:
    """Runs the work of a command. An error of Kafka becomes NotReadyError naming the address; operations must act."""
    # aiokafka reports each failed attempt by itself, and at DEBUG each message: what matters is raised.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    stamina.instrumentation.set_on_retry_hooks([])  # its default prints through structlog, to standard output
    try:
        return asyncio.run(work)
    except KafkaError as error:
        raise complaint(error, broker) from None


def complaint(error: KafkaError, broker: Broker) -> NotReadyError:
    """What Kafka's error says to people; operations must act."""
    said = f"Kafka at {broker.address} does not answer as it should: {type(error).__name__}"
    return denied(error, broker.address, broker.security) or NotReadyError(said)


async def _started(client: T, start: Call[T], stop: Call[T]) -> T:
    """The client once it is started; one that could not be is closed, not left to complain when it is collected."""
    try:
        async with asyncio.timeout(ATTEMPT_SECONDS):
            await start(client)
    except BaseException:
        await stop(client)
        raise
    return client


@asynccontextmanager
async def admin(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started admin client. Raises NotReadyError when the broker does not answer in time."""

    def make() -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(**broker.arguments())

    client = await _connected(broker, make, lambda c: c.start(), lambda c: c.close())
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def producer(broker: Broker) -> AsyncIterator[AIOKafkaProducer]:
    """A started producer that keeps order and stores each message once. Raises NotReadyError as `admin` does."""

    def make() -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **broker.arguments(),
            enable_idempotence=True,
            acks="all",
            linger_ms=5,
        )

    client = await _connected(broker, make, lambda c: c.start(), lambda c: c.stop())
    try:
        yield client
    finally:
        with suppress(TimeoutError):  # it waits for what is under way, and that may be what nobody answers
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await client.stop()


@asynccontextmanager
async def consumer(broker: Broker, *, answer_bytes: int = 52_428_800) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer of no group, given its partitions by hand. Each answer is taken apart in one step."""
    read_safely()

    def make() -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **broker.arguments(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_bytes=answer_bytes,
        )

    client = await _connected(broker, make, lambda c: c.start(), lambda c: c.stop())
    try:
        yield client
    finally:
        await client.stop()


async def _connected(broker: Broker, make: Callable[[], T], start: Call[T], stop: Call[T]) -> T:
    """A started client, tried again with growing pauses; says so on standard error. Who is refused need not wait."""
    began = time.monotonic()
    errors = (KafkaError, OSError, TimeoutError)
    retries = stamina.retry_context(on=errors, attempts=None, timeout=broker.timeout, wait_initial=0.2, wait_max=2.0)
    try:
        async with asyncio.timeout(broker.timeout):
            async for attempt in retries:
                if attempt.num > 1:
                    passed = time.monotonic() - began
                    click.echo(
                        f"waiting for Kafka at {broker.address}: {passed:.0f} of {broker.timeout:.0f} s", err=True
                    )
                with attempt:
                    return await _let_in(broker, make, start, stop)
    except errors:
        pass  # said below: a retry that neither returns nor raises is a wait that is over, too
    raise NotReadyError(
        f"no Kafka answers at {broker.address} after {broker.timeout:.0f} s; is it running, and is --broker or "
        "NTK_BROKER right?"
    )


async def _let_in(broker: Broker, make: Callable[[], T], start: Call[T], stop: Call[T]) -> T:
    try:
        return await _started(make(), start, stop)
    except (KafkaError, OSError, TimeoutError):
        if (why := await refusal(broker.address, broker.security)) is not None:
            raise why from None
        raise


async def partitions(broker: Broker, topics: Iterable[str]) -> dict[str, int]:
    """How many partitions each of these topics has. Raises NotReadyError when one is missing."""
    wanted = dict.fromkeys(topics)
    async with admin(broker) as client:
        # All topics: asked for one by name, a broker may create it, with settings of its own.
        found = {t["topic"]: len(t["partitions"]) for t in await client.describe_topics() if not t["error_code"]}
        missing = [topic for topic in wanted if topic not in found]
        if missing and not broker.security.is_open and (hidden := await _hidden(client, missing)):
            raise not_ours(hidden, broker.address, broker.security)
    if missing:
        raise NotReadyError(f"{broker.address} has no topic {missing[0]}; run `needtoknow topics apply` first")
    return {topic: found[topic] for topic in wanted}


async def cluster_id(broker: Broker) -> str:
    """What tells this Kafka from every other, whatever its address. Raises NotReadyError as `admin` does."""
    async with admin(broker) as client:
        return str((await client.describe_cluster())["cluster_id"])


async def _hidden(client: AIOKafkaAdminClient, missing: list[str]) -> list[str]:
    """Those of them that Kafka does not let us see. A broker that makes topics by itself asks first who may."""
    described = await client.describe_topics(missing)
    return [t["topic"] for t in described if t["error_code"] == TopicAuthorizationFailedError.errno]


Start = Literal["first", "end"] | int | Mapping[int, int]
"""Where to begin in each partition: its first message, its end, this many messages before its end, or the offset given
for it (its first message when none is)."""


async def offsets_at(broker: Broker, topic: str, instant: int) -> dict[int, int]:
    """By partition the first offset appended at or after this instant (UTC ms); its end where nothing was.

    For all time, or none, the broker need not look into messages: it unpacks a whole record batch for that.
    """
    counts = await partitions(broker, [topic])
    async with consumer(broker) as client:
        held = [TopicPartition(topic, number) for number in range(counts[topic])]
        ends: dict[TopicPartition, int] = await client.end_offsets(held)
        if instant >= LATEST_MS:
            return {p.partition: ends[p] for p in held}
        if instant <= 0:
            return {p.partition: first for p, first in (await client.beginning_offsets(held)).items()}
        found = await client.offsets_for_times(dict.fromkeys(held, instant))
    return {p.partition: ends[p] if found[p] is None else int(found[p].offset) for p in held}


async def read_topic(
    broker: Broker,
    topic: str,
    *,
    start: Start = "first",
    stop: Mapping[int, int] | None = None,
    follow: bool = False,
) -> AsyncGenerator[Message, None]:
    """The messages of a topic, in order within each partition, up to the end as it was at the call.

    `stop`: offsets by partition to end before. With `follow` it goes on for ever. Raises NotReadyError when the topic
    is missing, or the broker gives nothing for its timeout although there is more to read; KafkaError when it goes away
    while nothing comes.
    """
    counts = await partitions(broker, [topic])
    async with consumer(broker) as client:
        held = [TopicPartition(topic, number) for number in range(counts[topic])]
        client.assign(held)
        ends = await _seek(client, held, start)
        for partition in held:
            ends[partition] = min(ends[partition], (stop or {}).get(partition.partition, ends[partition]))
        left = sum([max(0, ends[p] - await client.position(p)) for p in held])
        watch = Watch(broker.address, broker.timeout, topic, left)
        while follow or await _is_behind(client, ends):
            watch.asks()
            batches: Mapping[TopicPartition, list[Any]] = await client.getmany(timeout_ms=FETCH_MS)
            for partition, records in batches.items():
                for record in records:
                    if follow or record.offset < ends[partition]:
                        yield _message(record)
            if batches or not follow:
                watch.got(sum(map(len, batches.values())))
            elif watch.is_long_silent():
                await client.end_offsets(held)  # aiokafka itself would wait for a lost broker without a word


async def _seek(client: AIOKafkaConsumer, held: list[TopicPartition], start: Start) -> dict[TopicPartition, int]:
    """Puts the consumer at the start; the end offset of each partition."""
    begins: dict[TopicPartition, int] = await client.beginning_offsets(held)
    ends: dict[TopicPartition, int] = await client.end_offsets(held)
    for partition in held:
        match start:
            case "first":
                place = begins[partition]
            case "end":
                place = ends[partition]
            case int():
                place = max(begins[partition], ends[partition] - start)
            case _:
                place = start.get(partition.partition, begins[partition])
        client.seek(partition, place)
    return ends


async def _is_behind(client: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    # Positions, not offsets seen: a compacted log ends behind its last message.
    return any([await client.position(partition) < end for partition, end in ends.items()])


def _message(record: Any) -> Message:
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
    )
