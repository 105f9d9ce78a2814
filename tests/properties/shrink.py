"""A long list that breaks a law made as short as it goes: parts are left out for as long as it still does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shrink(parts: Sequence[T], breaks: Callable[[Sequence[T]], bool]) -> list[T]:
    """The parts that are needed (Zeller and Hildebrandt's ddmin): without any one of them it no longer breaks.

    `breaks` must hold of all the parts.
    """
    kept, size = list(parts), max(1, len(parts) // 2)
    while True:
        start, shorter = 0, False
        while start < len(kept):
            without = kept[:start] + kept[start + size :]
            if breaks(without):
                kept, shorter = without, True
            else:
                start += size
        if size == 1 and not shorter:
            return kept
        size = max(1, size // 2) if not shorter or size > 1 else 1
