"""Messages read once more from a real Kafka: by offset, and by range from a time on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from random import Random
from typing import NamedTuple

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete
from aiokafka.errors import ConsumerStoppedError

from schemas.settings import Settings
from sinks.kafka import Broker, admin
from streams import access_log
from streams.access_log import CLOCKS_MS, FETCH_MS, AccessLog
from streams.batch_heads import Head, head_at
from streams.connect import STOP_SECONDS
from streams.join.open import Partition
from tests.faults.harness import BROKER_SECONDS
from tests.harness.broker import SharedBroker

TOTAL = 3_000
ROUNDS = 10  # each took FETCH_MS
BATCHES = 30
APART = 600_000  # ms between two batches and the next two


class Dated(NamedTuple):
    """A partition, and when each of its messages is said to have been appended, by offset."""

    partition: Partition
    times: list[int]


async def create(kafka: SharedBroker, topic: str, partitions: int, timestamps: str) -> None:
    """Make this topic."""
    new = NewTopic(topic, partitions, 1, topic_configs={"message.timestamp.type": timestamps})
    async with admin(Broker(kafka.bootstrap, BROKER_SECONDS)) as client:
        await client.create_topics([new])


async def forget(kafka: SharedBroker, partition: Partition, before: int) -> None:
    """Let go of all in front of this offset, as retention does."""
    async with admin(Broker(kafka.bootstrap, BROKER_SECONDS)) as client:
        await client.delete_records({TopicPartition(*partition): RecordsToDelete(before_offset=before)})


@pytest.fixture
async def partition(kafka: SharedBroker, namespace: str) -> Partition:
    """The second of two partitions, with messages that say their own offset; most of a kilobyte each."""
    topic = f"{namespace}again"
    await create(kafka, topic, 2, "LogAppendTime")
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


async def test_what_the_log_does_not_have_is_not_waited_for(
    kafka: SharedBroker, log: AccessLog, partition: Partition
) -> None:
    """Findings are kept for years longer than what they are about: a fact may touch what nobody can read any more."""
    await forget(kafka, partition, TOTAL - 5)
    async with asyncio.timeout(BROKER_SECONDS):
        assert set(await log.pick(partition, [7, TOTAL - 5, TOTAL + 9])) == {TOTAL - 5}
        await forget(kafka, partition, TOTAL)
        assert await log.pick(partition, [7, TOTAL - 5]) == {}


async def test_it_closes_in_time_also_where_another_partition_was_just_to_be_read(
    kafka: SharedBroker, partition: Partition, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka's fetching ends what it fetched before, and is deaf to being ended itself: it went on for ever."""
    monkeypatch.setattr(access_log, "LINGER_MS", 10_000)
    log = AccessLog(Settings(broker=kafka.bootstrap), fetch_bytes=50_000)
    await log.start()
    await log.pick(partition, [TOTAL - 1])
    log._seek(partition, TOTAL)  # nothing is there: a fetch waits
    await log._consumer.getmany(timeout_ms=1)
    log._seek(Partition(partition.topic, 0), 0)
    began = time.monotonic()
    await log.stop()
    assert time.monotonic() - began < 2 * STOP_SECONDS
    assert "not close in order: TimeoutError" in caplog.text, "it closed by itself: the case is not met"


async def test_whoever_asks_what_is_closed_hears_so(kafka: SharedBroker, partition: Partition) -> None:
    """Also in the middle of a question, which the closed client would let wait for ever."""
    log = AccessLog(Settings(broker=kafka.bootstrap), fetch_bytes=50_000)
    with pytest.raises(ConsumerStoppedError):
        await log.beginning(partition)
    await log.start()
    assert await log.beginning(partition) == 0
    await log.stop()
    await log.stop()
    for asked in (log.beginning(partition), log.first_since(partition, 0, TOTAL), log.pick(partition, [0])):
        with pytest.raises(ConsumerStoppedError):
            await asked


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
        assert await log.first_since(partition, 0, TOTAL) == 0
        assert [some async for some in log.read(partition, TOTAL - 5, TOTAL)]
    assert time.monotonic() - began < ROUNDS * FETCH_MS / 1000 / 2


@pytest.fixture
async def dated(kafka: SharedBroker, namespace: str) -> Dated:
    """Batches of three messages, some ten minutes apart, by clocks that differ by nearly a minute."""
    topic, chance, begun = f"{namespace}dated", Random(1), int(time.time() * 1000) - 86_400_000
    await create(kafka, topic, 1, "CreateTime")
    times: list[int] = []
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for number in range(BATCHES):
            at = begun + number // 2 * APART + chance.randrange(CLOCKS_MS)
            batch = producer.create_batch()
            for _ in range(3):
                batch.append(key=None, value=b"", timestamp=at)
                times.append(at)
            await (await producer.send_batch(batch, topic, partition=0))
    return Dated(Partition(topic, 0), times)


async def test_a_range_begins_at_an_append_time(log: AccessLog, dated: Dated) -> None:
    """Nothing in front of it was appended then or later, whichever clock told; and not much more than that is read."""
    places = set[int]()
    for instant in [*dict.fromkeys(dated.times), dated.times[-1] + 2 * APART]:
        first = await log.first_since(dated.partition, instant, len(dated.times))
        assert max(dated.times[:first], default=0) < instant
        assert first == len(dated.times) or max(dated.times[first : first + 6]) >= instant - CLOCKS_MS
        places.add(first)
    assert len(places) > BATCHES / 2
    assert places >= {0, len(dated.times)}
    assert await log.first_since(dated.partition, dated.times[-1], 40) == 40


async def test_a_range_never_ends_behind_its_log(log: AccessLog, dated: Dated) -> None:
    """A log that was cut short has less than somebody has read of it."""
    assert await log.first_since(dated.partition, dated.times[-1] + APART, 1_000) == len(dated.times)


async def test_a_range_never_begins_in_front_of_its_log(kafka: SharedBroker, log: AccessLog, dated: Dated) -> None:
    """Retention may have left the end of a batch, and may have left nothing that was asked about."""
    await forget(kafka, dated.partition, 4)
    assert await log.first_since(dated.partition, 0, 90) == 4
    assert await log.first_since(dated.partition, 0, 3) == 3


async def test_the_broker_is_asked_for_few_batches(
    log: AccessLog, dated: Dated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For one, when all of them are younger than that."""
    asked: list[int] = []

    async def counted(client: object, tp: TopicPartition, offset: int) -> Head:
        asked.append(offset)
        return await head_at(client, tp, offset)

    monkeypatch.setattr("streams.access_log.head_at", counted)
    await log.first_since(dated.partition, 0, len(dated.times))
    assert asked == [0]
    await log.first_since(dated.partition, dated.times[BATCHES], len(dated.times))
    assert len(asked) < 2 + len(dated.times).bit_length()


async def test_what_is_past_its_retention_is_passed_over(
    kafka: SharedBroker, log: AccessLog, partition: Partition
) -> None:
    """Nobody waits for it for ever."""
    await forget(kafka, partition, 600)
    assert await log.beginning(partition) == 600
    assert set(await log.pick(partition, [3, 599, 600, 700])) == {600, 700}
    read = [said(m.value) async for some in log.read(partition, 0, 650) for m in some.messages]
    assert read == list(range(600, 650))
