"""Long work in small steps: whoever has more to do lets others have the loop in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

T = TypeVar("T")

TURNS: Final = 8  # of the loop: taking new accesses, judging and storing them takes so many
OWED_MAX: Final = 0.02  # seconds of work in small pieces before others have had as many turns as they need


async def others_first() -> None:
    """Let new accesses be judged and stored before going on. A single turn is not enough: each of their steps is one,
    and every other step would be whole work of whoever gives way once."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


class Pieces:
    """Work in pieces of any size: a turn for others after each, and all they need once the work adds up.

    Pieces of a millisecond that each gave way to everybody else's steps would be done at a hundredth of their pace.
    """

    def __init__(self) -> None:
        self._owed = 0.0

    @contextmanager
    def piece(self) -> Iterator[None]:
        """The time it takes is owed to others."""
        began = time.perf_counter()
        yield
        self._owed += time.perf_counter() - began

    async def give_way(self) -> None:
        """After each piece."""
        if self._owed < OWED_MAX:
            await asyncio.sleep(0)
        else:
            self._owed = 0.0
            await others_first()


def slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """So many at a time, in order."""
    return (items[first : first + size] for first in range(0, len(items), size))
