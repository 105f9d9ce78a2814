"""Long work in small steps: whoever has more to do lets others have the loop in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

TURNS: Final = 8  # of the loop: taking new accesses, judging and storing them takes so many


async def others_first() -> None:
    """Let new accesses be judged and stored before going on. A single turn is not enough: each of their steps is one,
    and every other step would be whole work of whoever gives way once."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """So many at a time, in order."""
    return (items[first : first + size] for first in range(0, len(items), size))
