"""A broker is asked until it answers, asking it leaves nothing behind, and a connection to it closes in time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from streams import connect
from streams.connect import answered, closed

ASKED = 200


@pytest.mark.parametrize("failures", [0, 1, 2])
async def test_whoever_does_not_answer_is_asked_again(failures: int) -> None:
    """As often as it takes."""
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        if asked <= failures:
            raise KafkaConnectionError
        return asked

    assert await answered(ask) == failures + 1


async def test_an_answer_leaves_nothing_for_the_collector() -> None:
    """Circles of thousands of objects a second would make it stop everything for a third of a second."""

    async def ask() -> int:
        return 1

    gc.collect()
    gc.disable()
    try:
        for _ in range(ASKED):
            await answered(ask)
        assert gc.collect() < ASKED
    finally:
        gc.enable()


class Client:
    """A client of Kafka that closes as it is told to."""

    def __init__(self, *closes: str) -> None:
        self._closes = closes
        self.has_closed = False

    async def stop(self) -> None:
        """Fails, or is deaf to being cancelled once, or always; or closes."""
        for how in self._closes:
            if how == "fails":
                raise KafkaConnectionError
            if how == "cancels itself":
                raise asyncio.CancelledError
            with suppress(asyncio.CancelledError):  # as aiokafka's, while what is to be fetched changes
                await asyncio.Event().wait()
            await asyncio.Event().wait()
        self.has_closed = True


@pytest.mark.parametrize(
    ("closes", "is_in_order", "has_closed"),
    [
        ((), True, True),
        (("fails",), False, False),
        (("cancels itself",), False, False),
        (("waits",), False, False),
    ],
)
async def test_nobody_waits_for_ever_for_a_connection_to_close(
    monkeypatch: pytest.MonkeyPatch, closes: Sequence[str], is_in_order: bool, has_closed: bool
) -> None:
    """Nor dies of one that does not close in order: whatever else is to be stopped would be left to itself."""
    monkeypatch.setattr(connect, "STOP_SECONDS", 0.05)
    client: Any = Client(*closes)
    assert await closed(client) is is_in_order
    assert client.has_closed is has_closed
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
