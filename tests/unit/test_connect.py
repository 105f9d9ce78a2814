"""A broker is asked until it answers, and asking it leaves nothing behind."""

from __future__ import annotations

import gc

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.connect import answered

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
