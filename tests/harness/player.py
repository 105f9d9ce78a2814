"""Plays the steps of a day or a story to a real Kafka, at a chosen speed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer

from schemas.topics import Topics
from tests.harness.steps import Step, Topic

IN_FLIGHT: Final = 2_000  # messages sent and not yet stored; bounds the memory of a fast play
METADATA_MS: Final = 2_000  # a partition that was added is written to as soon as an emitter knows of it
WAIT_MS: Final = 240_000  # for a broker that was killed and takes its time to come back
TICK: Final = 0.02  # seconds; steps closer together than this are sent together


async def play(
    broker: str,
    topics: Topics,
    steps: Sequence[Step],
    *,
    seconds: float = 0.0,
    on_progress: Callable[[int], None] = lambda sent: None,
) -> int:
    """Send every step, in order, spread over `seconds` (0: as fast as the broker takes them); how many were stored.

    A step without a place in the time of the others keeps its order. Raises KafkaError when the broker refuses one.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=broker,
        enable_idempotence=True,
        acks="all",
        linger_ms=1,
        max_request_size=4 * 1_048_576,
        metadata_max_age_ms=METADATA_MS,
        request_timeout_ms=WAIT_MS,
    )
    await producer.start()
    try:
        return await _play(producer, topics, steps, seconds, on_progress)
    finally:
        await producer.stop()


async def _play(
    producer: AIOKafkaProducer,
    topics: Topics,
    steps: Sequence[Step],
    seconds: float,
    on_progress: Callable[[int], None],
) -> int:
    first = steps[0].at_ms if steps else 0
    span = max(1, (steps[-1].at_ms - first) if steps else 1)
    began = time.monotonic()
    flying: list[asyncio.Future[object]] = []
    stored = 0
    for step in steps:
        ahead = began + seconds * (step.at_ms - first) / span - time.monotonic()
        if ahead > TICK:
            on_progress(stored + len(flying))
            await asyncio.sleep(ahead)  # the play's own clock, not a wait for something
        name = topic_name(topics, step.topic)
        # aiokafka sends no message with neither key nor value; an empty key is the nearest that Kafka can hold.
        key = b"" if step.key is None and step.value is None else step.key
        flying.append(await producer.send(name, key=key, value=step.value, headers=list(step.headers)))
        if len(flying) >= IN_FLIGHT:
            stored += len(await asyncio.gather(*flying))
            flying.clear()
            on_progress(stored)
    stored += len(await asyncio.gather(*flying))
    on_progress(stored)
    return stored


def topic_name(topics: Topics, topic: Topic) -> str:
    """The name of a step's topic."""
    kind, name = topic
    return topics.access(name) if kind == "access" else topics.feed(name)
