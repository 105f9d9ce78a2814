"""Which numbers of a source are missing, from the ranges that cuts have seen. Pure.

A source numbers its accesses densely, so a number that was given and never came is an access that nobody judged. Cuts
say which came; they overlap after a crash, repeat, and come in any order from several partitions. Whatever the order,
the answer is the same: a number is missing when it lies above the lowest that is known to be given, and no cut has it,
since the earliest time at which a higher one, or a word of the source, showed that it was given.

Only gaps are kept, so a source without any takes no room, however much it sends.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, NamedTuple

GAPS_MAX: Final = 10_000  # of one source, 2 MB; where accesses are numbered densely there are hardly any

Range = tuple[int, int]
"""First and last number, both included."""


class Gap(NamedTuple):
    """Numbers first to last, both missing like all between them; that they were given was shown at `since` (UTC ms)."""

    first: int
    last: int
    since: int

    @property
    def numbers(self) -> int:
        """How many."""
        return self.last - self.first + 1


class Standing(NamedTuple):
    """All that is known of a source's numbers, to be kept."""

    gaps: tuple[Gap, ...]
    lowest: int | None
    top: int
    earliest: int
    latest: int
    forgotten: int
    again: int


class Numbers:
    """The numbers of one source; from `lowest` on they are watched, and given through `top`.

    `forgotten`: so many missing ones were let go of, the lowest, when there were more gaps than `gaps_max`.
    `again`: so many had come before, with another message.
    """

    def __init__(self, gaps_max: int = GAPS_MAX) -> None:
        self._gaps: list[Gap] = []  # in order; two of different times may touch
        self._gaps_max = gaps_max
        self._earliest = self._latest = 0  # of the times at which anything was shown
        self.lowest: int | None = None
        self.top = -1
        self.forgotten = 0
        self.again = 0

    @classmethod
    def of(cls, standing: Standing, gaps_max: int = GAPS_MAX) -> Numbers:
        """As they were kept."""
        numbers = cls(gaps_max)
        numbers._gaps = list(standing.gaps)
        numbers.lowest, numbers.top = standing.lowest, standing.top
        numbers._earliest, numbers._latest = standing.earliest, standing.latest
        numbers.forgotten, numbers.again = standing.forgotten, standing.again
        return numbers

    def standing(self) -> Standing:
        """To be kept."""
        return Standing(self.gaps, self.lowest, self.top, self._earliest, self._latest, self.forgotten, self.again)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """All that is missing, in order."""
        return tuple(_joined(self._gaps))

    @property
    def missing(self) -> int:
        """How many numbers are."""
        return sum(gap.numbers for gap in self._gaps)

    def due(self, before: int) -> tuple[Gap, ...]:
        """What has been missing since `before` (UTC ms) or longer."""
        return tuple(gap for gap in self.gaps if gap.since <= before)

    def see(
        self,
        ranges: Iterable[Range],
        given: int | None,
        at: int,
        *,
        is_new: bool = True,
        lowest: int | None = None,
    ) -> None:
        """These numbers came, and the source says that it has given all through `given`, and those from `lowest` on;
        shown at `at` (UTC ms).

        `is_new`: with messages that nobody has judged before.
        """
        seen = list(ranges)
        shown = max([last for _, last in seen] + ([] if given is None else [given]), default=None)
        if shown is None:
            return
        said = shown + 1 if lowest is None else lowest
        self._reach_down(min([first for first, _ in seen] + [said, shown + 1]), shown, at)
        self._show(shown, at)
        for first, last in seen:
            filled = self._fill(first, last)
            self.again += last - first + 1 - filled if is_new else 0
        if len(self._gaps) > self._gaps_max:
            self._bound()

    def pass_over(self, ranges: Iterable[Range]) -> None:
        """These numbers were never given, the source says so: nobody misses them."""
        for first, last in ranges:
            self._fill(first, last)

    def _reach_down(self, lowest: int, shown: int, at: int) -> None:
        """Numbers are watched from here on. Whatever was shown before shows also those in between to be given."""
        if self.lowest is None:
            self.lowest, self.top = shown + 1, shown
            self._earliest = self._latest = at
        if lowest < self.lowest and not self.forgotten:
            self._gaps.insert(0, Gap(lowest, self.lowest - 1, self._earliest))
            self.lowest = lowest

    def _show(self, shown: int, at: int) -> None:
        """All numbers through `shown` were given by `at`."""
        if at < self._latest:  # a cut of before that is read late: what it shows was known then
            self._gaps = [part for gap in self._gaps for part in _known_by(gap, shown, at)]
        self._earliest, self._latest = min(self._earliest, at), max(self._latest, at)
        if shown > self.top:
            self._gaps.append(Gap(self.top + 1, shown, at))
            self.top = shown

    def _fill(self, first: int, last: int) -> int:
        """These are not missing; how many of them were."""
        begin = end = bisect_left(self._gaps, first, key=lambda gap: gap.last)
        left: list[Gap] = []
        filled = 0
        while end < len(self._gaps) and self._gaps[end].first <= last:
            gap = self._gaps[end]
            filled += min(gap.last, last) - max(gap.first, first) + 1
            left += [gap._replace(last=first - 1)] if gap.first < first else []
            left += [gap._replace(first=last + 1)] if gap.last > last else []
            end += 1
        self._gaps[begin:end] = left
        return filled

    def _bound(self) -> None:
        """Joins what touches, at the price of saying some of it is older than it is; then forgets the lowest."""
        self._gaps = _joined(self._gaps, is_exact=False)
        while len(self._gaps) > self._gaps_max:
            oldest = self._gaps.pop(0)
            self.forgotten += oldest.numbers
            self.lowest = oldest.last + 1


def _known_by(gap: Gap, shown: int, at: int) -> tuple[Gap, ...]:
    """The gap, with those of its numbers that are not above `shown` missing since `at` at the latest."""
    if gap.first > shown or gap.since <= at:
        return (gap,)
    if gap.last <= shown:
        return (gap._replace(since=at),)
    return Gap(gap.first, shown, at), gap._replace(first=shown + 1)


def _joined(gaps: Iterable[Gap], *, is_exact: bool = True) -> list[Gap]:
    """Gaps that touch as one: those of the same time, or all of them since the earlier of their times."""
    found: list[Gap] = []
    for gap in gaps:
        before = found[-1] if found else None
        if before and before.last + 1 == gap.first and (not is_exact or before.since == gap.since):
            found[-1] = Gap(before.first, gap.last, min(before.since, gap.since))
        else:
            found.append(gap)
    return found
