"""Where the store says that it has put a message there it lies, on a real Kafka."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic

from schemas.errors import BrokenPromiseError
from schemas.settings import Settings
from streams.store import BATCH_MAX, Outgoing, Store, Stored
from streams.telemetry import Telemetry
from tests.harness.broker import SharedBroker


@pytest.fixture
async def topics(kafka: SharedBroker, namespace: str) -> tuple[str, str]:
    """Two topics of four partitions; the second takes messages of 2 KB at the most."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        wide, narrow = f"{namespace}wide", f"{namespace}narrow"
        small = {"max.message.bytes": "2000"}
        await admin.create_topics([NewTopic(wide, 4, 1), NewTopic(narrow, 4, 1, topic_configs=small)])
    finally:
        await admin.close()
    return wide, narrow


@pytest.fixture
async def store(kafka: SharedBroker) -> AsyncIterator[Store]:
    """Connected."""
    made = Store(Settings(broker=kafka.bootstrap), Telemetry())
    await made.on_start()
    yield made
    await made.on_stop()


async def read(kafka: SharedBroker, topic: str) -> dict[Stored, Outgoing]:
    """All of a topic of four partitions, by place."""
    async with AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest") as consumer:
        parts = [TopicPartition(topic, n) for n in range(4)]
        consumer.assign(parts)
        total = sum((await consumer.end_offsets(parts)).values())
        found: dict[Stored, Outgoing] = {}
        while len(found) < total:
            for messages in (await consumer.getmany(timeout_ms=1000)).values():
                for m in messages:
                    found[Stored(m.partition, m.offset)] = Outgoing(m.topic, m.key or b"", m.value, tuple(m.headers))
        return found


def some(topic: str, who: str, number: int, size: int) -> list[Outgoing]:
    """Messages of 40 keys, each with its number and about `size` bytes."""
    return [
        Outgoing(topic, b"%s-%d" % (who.encode(), n % 40), b"%d " % n + b"x" * size, (("n", b"%d" % n), ("who", b"")))
        for n in range(number)
    ]


async def test_messages_lie_where_the_store_says(kafka: SharedBroker, store: Store, topics: tuple[str, str]) -> None:
    """Of three topics' worth in two, more than a batch holds, with keys, headers and an empty value."""
    wide, narrow = topics
    messages = [*some(wide, "a", 2_000, 900), *some(narrow, "b", 7, 10), Outgoing(wide, b"f_0123456789", None)]
    places = await store.put(messages)
    lying = {**{(wide, p): m for p, m in (await read(kafka, wide)).items()}}
    lying |= {(narrow, p): m for p, m in (await read(kafka, narrow)).items()}
    assert {(m.topic, place): m for m, place in zip(messages, places, strict=True)} == lying


async def test_two_who_store_at_once_keep_their_order(
    kafka: SharedBroker, store: Store, topics: tuple[str, str]
) -> None:
    """Several batches each, in the same partitions: every key's messages lie in the order in which they were given."""
    given = [some(topics[0], who, 1_000, BATCH_MAX // 300) for who in ("a", "b", "c")]
    await asyncio.gather(*(store.put(messages) for messages in given))
    lying = await read(kafka, topics[0])
    assert len(lying) == 3_000
    by_key: defaultdict[bytes, list[int]] = defaultdict(list)
    for _, message in sorted(lying.items()):
        by_key[message.key].append(int(dict(message.headers)["n"]))
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


async def test_a_message_that_its_topic_does_not_take_is_said_at_once(store: Store, topics: tuple[str, str]) -> None:
    """To try again for ever would help nobody: the worker stops and says so (promise 12)."""
    with pytest.raises(BrokenPromiseError, match="larger than its topic takes"):
        await asyncio.wait_for(store.put(some(topics[1], "a", 1, 3_000)), 20)


async def test_nothing_is_put_where_no_worker_looks(
    kafka: SharedBroker, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody adds partitions to the findings while workers run: these read the four there were, and write to them."""
    settings = Settings(broker=kafka.bootstrap, topic_prefix=namespace)
    findings = settings.topics.violations
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(findings, 4, 1)])
        await admin.create_partitions({findings: NewPartitions(7)})
        async with asyncio.timeout(30):
            while len((await admin.describe_topics([findings]))[0]["partitions"]) < 7:  # noqa: ASYNC110 - there is none
                await asyncio.sleep(0.05)
    finally:
        await admin.close()
    store = Store(settings, Telemetry())
    await store.on_start()
    try:
        places = await store.put([Outgoing(findings, b"f_%08x" % n, b"{}") for n in range(28)])
    finally:
        await store.on_stop()
    assert [place.partition for place in places] == [n % 4 for n in range(28)]
    assert f"{findings} has 7 partitions, must have 4" in caplog.text
