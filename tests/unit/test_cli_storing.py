"""Storing a file: what the broker confirmed is counted, and a broker that goes silent is not waited for for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from sinks.cli.outgoing import Outgoing
from sinks.cli.storing import store_batch
from sinks.kafka import Broker

BATCH = [Outgoing(b"k", b"%d" % number, (("content-type", b"application/json"),)) for number in range(5)]


class Producer:
    """A producer whose futures are answered as the test says, by the number of the message."""

    def __init__(self, answer: Callable[[int, asyncio.Future[Any]], None]) -> None:
        self.sent: list[bytes] = []
        self._answer = answer

    async def send(self, topic: str, value: bytes, **_: object) -> asyncio.Future[Any]:
        """A future as aiokafka gives it."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.sent.append(value)
        self._answer(len(self.sent) - 1, future)
        return future


async def stored(answer: Callable[[int, asyncio.Future[Any]], None], patience: float = 30) -> int:
    """How many of the batch were stored."""
    client = cast(AIOKafkaProducer, Producer(answer))
    return await store_batch(client, Broker("kafka.example:9092", patience), "access.ecms.v1", BATCH)


async def test_everything_confirmed_is_counted() -> None:
    """The good day."""
    assert await stored(lambda number, future: future.set_result(number)) == len(BATCH)


async def test_what_was_refused_is_not_counted_and_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """The others of the batch are."""

    def answer(number: int, future: asyncio.Future[Any]) -> None:
        future.set_exception(MessageSizeTooLargeError()) if number == 3 else future.set_result(number)

    assert await stored(answer) == 4
    assert "access.ecms.v1: MessageSizeTooLargeError" in capsys.readouterr().err


async def test_a_client_that_gives_up_ends_the_batch(capsys: pytest.CaptureFixture[str]) -> None:
    """What it had taken before counts if it was confirmed."""

    def answer(number: int, future: asyncio.Future[Any]) -> None:
        if number == 2:
            raise KafkaTimeoutError
        future.set_result(number)

    assert await stored(answer) == 2
    assert "KafkaTimeoutError" in capsys.readouterr().err


async def test_a_broker_that_goes_silent_is_given_up() -> None:
    """aiokafka would try for ever once an idempotent batch is under way (seen on a stopped broker)."""
    async with asyncio.timeout(20):
        assert await stored(lambda number, future: future.set_result(number) if number < 2 else None, patience=0.2) == 2
