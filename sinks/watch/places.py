"""Which partitions there are to look at."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from aiokafka import TopicPartition

from sinks import kafka
from sinks.kafka import Broker


class Places(NamedTuple):
    """The partitions of the topics that Kafka shows us, and the topics that it does not: not made, or not for us."""

    held: list[TopicPartition]
    unseen: frozenset[str]


async def places(broker: Broker, topics: Collection[str]) -> Places:
    """As Kafka says now. One topic that is not there must not keep us from the others. Raises NotReadyError."""
    async with kafka.admin(broker) as client:
        described = await client.describe_topics()  # all: asked for one by name, a broker may create it
    counts = {t["topic"]: len(t["partitions"]) for t in described if not t["error_code"]}
    held = [TopicPartition(topic, number) for topic in topics for number in range(counts.get(topic, 0))]
    return Places(held, frozenset(topics) - counts.keys())
