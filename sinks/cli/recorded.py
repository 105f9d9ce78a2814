"""What the ledger recorded of a range of accesses: where each was judged, and what was known there. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from schemas.ledger import Cut
from sinks.kafka import Message
from streams.join.open import OpenAccess, Partition


class Moment(NamedTuple):
    """A position of `facts.v1`, and the marks (UTC ms) that counted there."""

    position: int
    marks: Mapping[str, int]


class _Range(NamedTuple):
    first: int
    following: int
    moment: Moment


class Recorded:
    """Cuts in the order of the ledger, some 300 bytes each. `judged_to`: all messages before that offset are in cuts.

    Without `with_cuts` only that is kept.
    """

    def __init__(self, *, with_cuts: bool) -> None:
        self.judged_to: defaultdict[Partition, int] = defaultdict(int)
        self._with_cuts = with_cuts
        self._ranges: defaultdict[Partition, list[_Range]] = defaultdict(list)
        self._longest: defaultdict[Partition, int] = defaultdict(int)
        self._settled: defaultdict[tuple[Partition, int, int], list[Moment]] = defaultdict(list)
        self._marks: dict[tuple[tuple[str, int], ...], Mapping[str, int]] = {}  # most cuts share theirs with others
        self._is_sorted = True

    def __len__(self) -> int:
        return sum(map(len, self._ranges.values()))

    def add(self, cut: Cut) -> None:
        """Take in a cut."""
        partition = Partition(cut.topic, cut.partition)
        self.judged_to[partition] = max(self.judged_to[partition], cut.next_offset)
        if not self._with_cuts:
            return
        moment = Moment(cut.position, self._marks.setdefault(tuple(sorted(cut.marks.items())), cut.marks))
        if cut.settled is None:
            self._ranges[partition].append(_Range(cut.first_offset, cut.next_offset, moment))
            self._longest[partition] = max(self._longest[partition], cut.next_offset - cut.first_offset)
            self._is_sorted = False
        for offset, index in cut.settled or ():
            self._settled[partition, offset, index].append(moment)

    def first_judged(self, partition: Partition, messages: Sequence[Message]) -> Iterator[tuple[Moment, list[Message]]]:
        """These messages (in order of their offsets) by the cut of the lowest position that they are in."""
        self._sort()
        taken, cuts = set[int](), self._around(partition, messages[0].offset, messages[-1].offset)
        for one in sorted(cuts, key=lambda r: r.moment.position):
            begin = bisect_left(messages, one.first, key=lambda m: m.offset)
            end = bisect_left(messages, one.following, key=lambda m: m.offset)
            if inside := [m for m in messages[begin:end] if m.offset not in taken]:
                taken.update(m.offset for m in inside)
                yield one.moment, inside

    def moments(self, entry: OpenAccess) -> list[Moment]:
        """Wherever this access was judged: in each cut it is in, and where it ended its wait without a finding."""
        self._sort()
        offset = entry.offset
        cuts = [r.moment for r in self._around(entry.partition, offset, offset) if r.first <= offset < r.following]
        return cuts + self._settled.get((entry.partition, offset, entry.index), [])

    def _around(self, partition: Partition, first: int, last: int) -> list[_Range]:
        ranges = self._ranges[partition]
        begin = bisect_left(ranges, first - self._longest[partition], key=lambda r: r.first)
        end = bisect_left(ranges, last + 1, key=lambda r: r.first)
        return ranges[begin:end]

    def _sort(self) -> None:
        if not self._is_sorted:
            for ranges in self._ranges.values():
                ranges.sort(key=lambda r: r.first)
            self._is_sorted = True
