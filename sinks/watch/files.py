"""Which files of a source came short: begun and never ended, or ended and lacking some of their numbers. Pure.

Cuts tell of headers and trailers, in any order and as often as they come. Whatever the order, the answer is the same: a
file that ended is short by those of its numbers that are missing; one of which only the header came is short as a
whole, once nothing has followed for a while.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.ledger import FilePart

from .numbers import Gap, Range

FILES_MAX: Final = 2_000  # of one source, a nightly one's five years; 200 KB. Those heard of first are let go of first
QUIET: Final = 4  # times the patience with a number: a file is sent in one go, and its trailer with it
LONGEST_MS: Final = 3_600_000  # however slowly it goes on: within the hour somebody is told


class ShortFile(NamedTuple):
    """A file, and how many of its numbers never came; None: its trailer did not, so nobody knows."""

    file: str
    missing: int | None


class Files:
    """Those of one source. `begun`: since when (UTC ms) a file is known whose trailer has not come; `ended`: the first
    and last number of one whose trailer has."""

    def __init__(self, begun: Mapping[str, int] | None = None, ended: Mapping[str, Range] | None = None) -> None:
        self.begun = dict(begun or {})
        self.ended = dict(ended or {})

    def see(self, parts: Iterable[FilePart], at: int) -> None:
        """These came, shown at `at` (UTC ms). A file that has ended begins no more: what is sent again was there."""
        for file, first, last in parts:
            if first is not None and last is not None:
                self.begun.pop(file, None)
                self.ended[file] = first, last
            elif file not in self.ended:
                self.begun[file] = min(at, self.begun.get(file, at))
        for held in (self.begun, self.ended):
            while len(held) > FILES_MAX:
                del held[next(iter(held))]

    def short(self, missing: Sequence[Gap], heard_at: int, through: int, patience_ms: int) -> tuple[ShortFile, ...]:
        """Those that are, given what is `missing`, when the source was last heard, and that everything stored by
        `through` is judged (UTC ms)."""
        found = list[ShortFile]()
        for file, (first, last) in self.ended.items():
            if lacks := _within(missing, first, last):
                found.append(ShortFile(file, lacks))
        for file, at in self.begun.items():
            is_quiet = through - max(at, heard_at) >= QUIET * patience_ms
            if is_quiet or through - at >= LONGEST_MS:
                found.append(ShortFile(file, None))
        return tuple(sorted(found, key=lambda short: short.file))


def _within(gaps: Sequence[Gap], first: int, last: int) -> int:
    """How many of these numbers are in the gaps, which are in order."""
    begin = bisect_left(gaps, first, key=lambda gap: gap.last)
    end = bisect_right(gaps, last, key=lambda gap: gap.first)
    return sum(min(gap.last, last) - max(gap.first, first) + 1 for gap in gaps[begin:end])
