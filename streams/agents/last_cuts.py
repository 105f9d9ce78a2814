"""The last cut of each partition in the ledger: where a run goes on from."""

from __future__ import annotations

import logging
from typing import Final, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.settings import Settings
from streams.join.open import Partition

from .outgoing import cut_digest

log = logging.getLogger(__name__)

LOOK_BACK: Final = 20_000  # cuts of one ledger partition; a partition whose last cut is further back starts a new chain
FETCH_MS: Final = 500


class LastCut(NamedTuple):
    """What a run's first cut names as the one before it, and the position it had reconciled its partition through."""

    digest: str | None
    reconciled: int


async def last_cuts(settings: Settings) -> dict[Partition, LastCut]:
    """The newest cut of each partition that has one within the last LOOK_BACK of its ledger partition."""
    topic = settings.topics.ledger
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.broker, enable_auto_commit=False)
    await consumer.start()
    try:
        known = await consumer._client._wait_on_metadata(topic)
        partitions = [TopicPartition(topic, p) for p in sorted(known)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        for tp in partitions:
            consumer.seek(tp, max(starts[tp], ends[tp] - LOOK_BACK))
        return await _read(consumer, ends)
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> dict[Partition, LastCut]:
    newest: dict[bytes, bytes] = {}
    waiting = {tp for tp, end in ends.items() if end and await consumer.position(tp) < end}
    while waiting:
        fetched = await consumer.getmany(*waiting, timeout_ms=FETCH_MS)
        for tp, messages in fetched.items():
            for message in messages:
                newest[message.key] = message.value
            if messages[-1].offset + 1 >= ends[tp]:
                waiting.discard(tp)
    return {
        _partition(key): LastCut(cut_digest(value), orjson.loads(value)["reconciled"]) for key, value in newest.items()
    }


def _partition(key: bytes) -> Partition:
    topic, _, number = key.decode().rpartition("/")
    return Partition(topic, int(number))
