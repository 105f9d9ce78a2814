"""Access topics that nobody registered are counted and named, and an answer that does not come is no zero."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

import pytest
from aiokafka.errors import KafkaConnectionError

from schemas.topics import Topics
from streams.telemetry import Telemetry
from streams.unregistered import EVERY_SECONDS, METRIC, SHOWN, Unregistered

TOPICS = Topics("t7.")
OURS = {topic.name for topic in TOPICS.all()}


def looking(
    list_topics: Callable[[], Awaitable[set[str]]], every: float = EVERY_SECONDS
) -> tuple[Unregistered, Telemetry]:
    """One that looks, and what it tells Prometheus."""
    telemetry = Telemetry()
    return Unregistered(TOPICS, telemetry, list_topics=list_topics, every=every), telemetry


def shown(telemetry: Telemetry) -> float:
    """What Prometheus sees."""
    value = telemetry.registry.get_sample_value(METRIC)
    assert value is not None
    return value


async def test_they_are_counted_and_named_when_there_are_others(caplog: pytest.LogCaptureFixture) -> None:
    """Once, not every half minute; and that there are none any more."""
    there = set(OURS)

    async def list_topics() -> set[str]:
        return there

    one, telemetry = looking(list_topics)
    assert math.isnan(shown(telemetry))  # nobody has looked
    await one.look()
    assert (shown(telemetry), caplog.text) == (0, "")
    there |= {"t7.access.kiosk.v1", "t7.access.gate.v1", "t8.access.kiosk.v1"}
    for _ in range(3):
        await one.look()
    assert shown(telemetry) == 2
    [line] = caplog.messages
    assert line == "not registered, nobody reads them: t7.access.gate.v1, t7.access.kiosk.v1"
    there -= {"t7.access.kiosk.v1", "t7.access.gate.v1"}
    await one.look()
    assert (shown(telemetry), caplog.messages[1:]) == (0, ["not registered, nobody reads them: none any more"])


async def test_somebody_who_makes_a_thousand_topics_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A line has a limit, and the number says how many there are."""

    async def list_topics() -> set[str]:
        return {f"t7.access.k{n:04d}.v1" for n in range(1_000)}

    one, telemetry = looking(list_topics)
    await one.look()
    assert shown(telemetry) == 1_000
    [line] = caplog.messages
    assert line.count("t7.access.") == SHOWN
    assert line.endswith(" and 990 more")


async def test_a_broker_that_does_not_say_makes_it_unknown(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody knows then, and the last number would be a claim; nor does it wait for ever."""
    caplog.set_level(logging.WARNING)
    answers: list[set[str] | Exception | None] = [OURS | {"t7.access.kiosk.v1"}, KafkaConnectionError(), None]

    async def list_topics() -> set[str]:
        answer = answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer

    one, telemetry = looking(list_topics, every=0.01)
    await one.look()
    assert shown(telemetry) == 1
    await one.look()
    assert math.isnan(shown(telemetry))
    await one.look()
    assert [line.rpartition(": ")[2] for line in caplog.messages[1:]] == ["KafkaConnectionError", "TimeoutError"]


async def test_it_looks_at_once_and_again_and_again() -> None:
    """Also after the broker was away."""
    looks = asyncio.Semaphore(0)

    async def list_topics() -> set[str]:
        looks.release()
        raise KafkaConnectionError

    one, _ = looking(list_topics, every=0.01)
    async with one, asyncio.timeout(60):
        for _ in range(3):
            await looks.acquire()
