"""What facts touch is found apart from learning them, and nothing seems to be done that is not."""

from __future__ import annotations

import asyncio

import pytest

from streams.join.knowledge import Knowledge
from streams.join.rows import row_of
from streams.join.touched import Query
from streams.touching import Touching
from tests.harness.builders import assignment, registered

NUMBER = 30


def learned(touching: Touching, knowledge: Knowledge, number: int) -> None:
    """So many assignments."""
    for n in range(number):
        touching.learned(knowledge.take(n, row_of(registered(assignment("w028", fact_id=str(n)))))[1])


async def test_all_is_found_and_others_have_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long each takes; in the order in which the facts came."""
    monkeypatch.setattr("streams.touching.STEP", 0.0)  # as if each took longer
    knowledge, told = Knowledge(), list[list[Query]]()
    touching, done = Touching(knowledge, depth=2, on_change=told.append), asyncio.Event()
    learned(touching, knowledge, NUMBER)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while not touching.is_done():
            await asyncio.sleep(0)
            turns += 1
        done.set()

    waiting = asyncio.create_task(others())
    async with touching:
        await asyncio.wait_for(done.wait(), 10)
    await waiting
    assert len(told) == NUMBER
    assert touching.waiting() == 0
    assert turns > NUMBER


async def test_what_could_not_be_told_is_still_to_be_found() -> None:
    """A worker that ends by an error commits what is reconciled: not what nobody was told of."""
    knowledge = Knowledge()

    def fails(_: list[Query]) -> None:
        raise MemoryError

    touching = Touching(knowledge, depth=2, on_change=fails)
    learned(touching, knowledge, 1)
    with pytest.raises(MemoryError):
        touching.find_next()
    assert not touching.is_done()
