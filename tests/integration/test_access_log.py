"""Messages read once more from a real Kafka: by offset, and by range from a time on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from schemas.settings import Settings
from streams.access_log import FETCH_MS, AccessLog
from streams.join.open import Partition
from tests.harness.broker import SharedBroker

TOTAL = 3_000
ROUNDS = 10  # each took FETCH_MS


@pytest.fixture
async def partition(kafka: SharedBroker, namespace: str) -> Partition:
    """The second of two partitions, with messages that say their own offset; most of a kilobyte each."""
    topic = f"{namespace}again"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"message.timestamp.type": "LogAppendTime"})])
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=5) as producer:
        sent = [await producer.send(topic, b"%d " % n + b"x" * 900, partition=1) for n in range(TOTAL)]
        for one in sent:
            await one
    return Partition(topic, 1)


@pytest.fixture
async def log(kafka: SharedBroker) -> AsyncIterator[AccessLog]:
    """Connected; a fetch holds some fifty messages."""
    made = AccessLog(Settings(broker=kafka.bootstrap), fetch_bytes=50_000)
    await made.start()
    yield made
    await made.stop()


def said(value: bytes | None) -> int:
    """The number in a message."""
    return int((value or b"").split()[0])


async def test_messages_are_picked_by_offset(log: AccessLog, partition: Partition) -> None:
    """In any order, near and far, more than once, the first and the last; each offset gives its own message."""
    wanted = [2_999, 0, 7, 8, 8, 1_500, 1_501, 640]
    found = await log.pick(partition, wanted)
    assert {offset: said(m.value) for offset, m in found.items()} == {offset: offset for offset in wanted}
    assert await log.pick(partition, []) == {}


async def test_a_range_is_read_whole_and_in_order(log: AccessLog, partition: Partition) -> None:
    """From its first offset up to its end, which is not part of it; also after something was picked."""
    await log.pick(partition, [2_000])
    read = [said(m.value) async for some in log.read(partition, 1_000, 2_500) for m in some.messages]
    assert read == list(range(1_000, 2_500))
    ranges = [(some.first, some.next_offset) async for some in log.read(partition, 1_000, 2_500)]
    assert [ranges[0][0], *(end for _, end in ranges)] == [*(first for first, _ in ranges), 2_500]
    assert [some async for some in log.read(partition, 40, 40)] == []


async def test_nothing_waits_behind_a_poll_for_what_nobody_wants(log: AccessLog, partition: Partition) -> None:
    """After the end of a log was read the next question is answered at once: a worker asks it of every partition."""
    began = time.monotonic()
    for _ in range(ROUNDS):
        assert await log.first_since(partition, 0) == 0
        assert [some async for some in log.read(partition, TOTAL - 5, TOTAL)]
    assert time.monotonic() - began < ROUNDS * FETCH_MS / 1000 / 2


async def test_a_range_begins_at_an_append_time(log: AccessLog, partition: Partition) -> None:
    """The first message appended then or later; none when all are older."""
    [last] = (await log.pick(partition, [TOTAL - 1])).values()
    first = await log.first_since(partition, last.timestamp)
    assert first is not None
    assert first <= TOTAL - 1
    assert await log.first_since(partition, 0) == await log.beginning(partition) == 0
    assert await log.first_since(partition, last.timestamp + 60_000) is None


async def test_what_is_past_its_retention_is_passed_over(
    kafka: SharedBroker, log: AccessLog, partition: Partition
) -> None:
    """Nobody waits for it for ever."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(*partition): RecordsToDelete(before_offset=600)})
    finally:
        await admin.close()
    assert await log.beginning(partition) == 600
    assert set(await log.pick(partition, [3, 599, 600, 700])) == {600, 700}
    read = [said(m.value) async for some in log.read(partition, 0, 650) for m in some.messages]
    assert read == list(range(600, 650))
