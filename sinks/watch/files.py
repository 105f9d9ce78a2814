"""Which files of a source came short: begun and never ended, or ended and lacking some of their numbers. Pure.

Cuts tell of headers and trailers, in any order and as often as they come. Whatever the order, the answer is the same: a
file that ended is short by those of its numbers that are missing; one of which only the header came is short as a
whole, once no line has followed for a while. A file's number never comes again, so that a file which has ended begins
no more: what is sent again was there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from schemas.ledger import FilePart

from .numbers import Gap

FILES_MAX: Final = 2_000  # of one source, a nightly one's five years; 400 KB. Those heard of first are let go of first
QUIET: Final = 4  # times the patience with a number: a file is sent in one go, and its trailer with it
LONGEST_MS: Final = 3_600_000  # however slowly it goes on: within the hour somebody is told


class ShortFile(NamedTuple):
    """A file, and how many of its numbers never came; None: its trailer did not, so nobody knows."""

    file: str
    missing: int | None


class Files:
    """Those of one source. `begun`: since when (UTC ms) a file is known whose trailer has not come; `ended`: the
    trailers that have. `forgotten`: so many that were begun were let go of, as there were too many; each is short."""

    def __init__(self, begun: Mapping[str, int] = {}, ended: Iterable[FilePart] = (), forgotten: int = 0) -> None:
        self.begun = dict(begun)
        self.ended = dict.fromkeys(ended)
        self.forgotten = forgotten
        self._have_ended = {part.file for part in self.ended}

    def see(self, parts: Iterable[FilePart], at: int) -> None:
        """These came, shown at `at` (UTC ms)."""
        for part in parts:
            if part.first is not None:
                self.begun.pop(part.file, None)
                self.ended[part] = None
                self._have_ended.add(part.file)
            elif part.file not in self._have_ended:
                self.begun[part.file] = min(at, self.begun.get(part.file, at))
        while len(self.begun) > FILES_MAX:
            del self.begun[next(iter(self.begun))]
            self.forgotten += 1
        if len(self.ended) > FILES_MAX:
            self.ended = dict.fromkeys(list(self.ended)[-FILES_MAX:])
            self._have_ended = {part.file for part in self.ended}

    def short(self, missing: Sequence[Gap], went_on_at: int, through: int, patience_ms: int) -> tuple[ShortFile, ...]:
        """Those that are, given what is `missing`, when a line last came of the source, and that everything stored by
        `through` is judged (UTC ms)."""
        found = _lacking(self.ended, missing)
        for file, at in self.begun.items():
            is_quiet = through - max(at, went_on_at) >= QUIET * patience_ms
            if is_quiet or through - at >= LONGEST_MS:
                found[file] = None
        return tuple(ShortFile(file, found[file]) for file in sorted(found))


def _lacking(ended: Iterable[FilePart], gaps: Sequence[Gap]) -> dict[str, int | None]:
    """By file how many of its numbers are in the gaps, which are in order; of several trailers the one that lacks most.

    Two look-ups a trailer, however many gaps there are: nobody may be made blind by a source that has ten thousand.
    """
    firsts, lasts = [gap.first for gap in gaps], [gap.last for gap in gaps]
    below = [0, *accumulate(gap.numbers for gap in gaps)]
    found = dict[str, int | None]()
    for part in ended:
        if part.numbers is None:
            continue
        first, last = part.numbers
        begin, end = bisect_left(lasts, first), bisect_right(firsts, last)
        if begin < end:
            outside = max(0, first - firsts[begin]) + max(0, lasts[end - 1] - last)
            found[part.file] = max(below[end] - below[begin] - outside, found.get(part.file) or 0)
    return found
