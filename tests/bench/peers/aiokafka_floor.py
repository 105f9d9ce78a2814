"""Peer: the join written by hand on aiokafka, in one process and in memory. The floor of the others.

It reads all assignments first, then both topics from the start. It keeps no offsets and no state, checks nothing,
takes the last revision read for the highest, and never waits for assignments while it judges. Login and staff id are
taken to be the same.

Environment: BROKER (host:port), ACCESSES, ASSIGNMENTS, VIOLATIONS (topics), PARTITIONS.
"""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

BROKER = os.environ["BROKER"]
ACCESSES, ASSIGNMENTS, VIOLATIONS = os.environ["ACCESSES"], os.environ["ASSIGNMENTS"], os.environ["VIOLATIONS"]
PARTITIONS = int(os.environ["PARTITIONS"])

Interval = tuple[datetime, "datetime | None"]  # [from, to); None = open
held: dict[tuple[str, str], dict[str, Interval]] = {}  # (record, staff) -> fact_id -> interval
instant = datetime.fromisoformat


def hold(value: bytes) -> None:
    """Take in an assignment fact."""
    fact = orjson.loads(value)
    body, end = fact["body"], fact["valid_to"]
    interval = instant(fact["valid_from"]), None if end is None else instant(end)
    held.setdefault((body["record"]["id"], body["staff"]), {})[fact["fact_id"]] = interval


def covered(access: dict[str, Any]) -> bool:
    """Whether some assignment of this person to this record holds at the moment of the access."""
    intervals = held.get((access["record"]["id"], access["actor"]))
    if intervals is None:
        return False
    moment = instant(access["occurred_at"])
    return any(start <= moment and (end is None or moment < end) for start, end in intervals.values())


def violation(access: dict[str, Any]) -> bytes:
    """What is written about an access that nothing covers."""
    return orjson.dumps({"access": access, "reason": "no_active_assignment", "detected_at": int(time.time() * 1000)})


def partitions(topic: str) -> list[TopicPartition]:
    """All partitions of a topic."""
    return [TopicPartition(topic, number) for number in range(PARTITIONS)]


async def read_assignments(consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
    """Read to the present end of the topic; the next offset of each partition."""
    tps = partitions(ASSIGNMENTS)
    consumer.assign(tps)
    ends = await consumer.end_offsets(tps)
    positions = dict.fromkeys(tps, 0)
    while any(positions[tp] < ends[tp] for tp in tps):
        for tp, messages in (await consumer.getmany(timeout_ms=200, max_records=5000)).items():
            for message in messages:
                hold(message.value)
            positions[tp] = messages[-1].offset + 1
    return positions


async def judge(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer) -> None:
    """Judge for ever."""
    while True:
        for tp, messages in (await consumer.getmany(timeout_ms=20, max_records=2000)).items():
            for message in messages:
                if tp.topic == ASSIGNMENTS:
                    hold(message.value)
                    continue
                access = orjson.loads(message.value)
                if not covered(access):
                    await producer.send(VIOLATIONS, key=access["record"]["id"].encode(), value=violation(access))


async def main() -> None:
    """Read the assignments, then judge."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=BROKER,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=5,
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    positions = await read_assignments(consumer)
    positions |= dict.fromkeys(partitions(ACCESSES), 0)
    consumer.assign(list(positions))
    for tp, offset in positions.items():
        consumer.seek(tp, offset)
    producer = AIOKafkaProducer(bootstrap_servers=BROKER, linger_ms=2, acks="all")
    await producer.start()
    await judge(consumer, producer)


if __name__ == "__main__":
    asyncio.run(main())
