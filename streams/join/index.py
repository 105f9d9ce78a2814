"""Every access of the horizon, found by record or by login, so that a fact that changes what was true finds whom it
concerns (design section 7). Columns, not objects: 32 bytes an access, and the names once. Pure.

What stands in it follows from the messages alone, not from what is known: so it stays when a partition goes, and is
as good when the partition comes back.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Final

from .bodies import plain_key
from .moments import moment_of
from .names import Names
from .open import Partition
from .question import Question
from .stretch import Place, PlainAccesses, Stretch, Wanted
from .touched import Query

_FIRST: Final = attrgetter("first")
_AT_ANY_TIME: Final = 0
Gap = tuple[int, int]
"""Offsets [first, next) of messages that are not in the index."""


class Taking:
    """Messages being indexed: what of them is there already stays as it is."""

    def __init__(self, gaps: list[tuple[Gap, Stretch]], people: Names, records: Names) -> None:
        self._gaps = gaps
        self._people = people
        self._records = records

    def add_plain(self, plain: PlainAccesses) -> None:
        """Add plain accesses; their offsets ascend."""
        offsets = plain.offsets
        if not offsets:
            return
        for (first, following), stretch in self._gaps:
            if first <= offsets[0] and offsets[-1] < following:
                stretch.add_plain(plain)
                return
            begin, end = bisect_left(offsets, first), bisect_left(offsets, following)
            stretch.add_plain(PlainAccesses(*(column[begin:end] for column in plain)))

    def add(self, place: Place, question: Question) -> None:
        """Add one access of any shape."""
        for (first, following), stretch in self._gaps:
            if first <= place.offset < following:
                stretch.add(place, question, self._people, self._records)


class AccessIndex:
    """The accesses of the partitions that are held, and of those that were and may come back."""

    def __init__(self, people: Names, records: Names) -> None:
        self._people = people  # logins as `login_key` spells them
        self._records = records  # as `plain_record` spells them
        self._stretches: dict[Partition, list[Stretch]] = {}
        self._said: dict[Partition, Stretch] = {}

    def __len__(self) -> int:
        return sum(len(stretch) for stretches in self._stretches.values() for stretch in stretches)

    def size(self) -> int:
        """Bytes of the columns; names are extra."""
        kept = [*self._stretches.values(), list(self._said.values())]
        return sum(stretch.size() for stretches in kept for stretch in stretches)

    def names(self) -> int:
        """How many names of people and records there are, those of facts and of accesses let go of included."""
        return len(self._people.all) + len(self._records.all)

    @contextmanager
    def taking(self, partition: Partition, gap: Gap, appended: tuple[int, int]) -> Iterator[Taking]:
        """Index all accesses of these messages; the first and the last of them were appended then (UTC ms).

        All or none of them: after an error the index is as it was.
        """
        first, last = appended
        parts = [(part, self._ending_at(partition, part[0], first)) for part in self.lacking(partition, *gap)]
        before = [len(stretch) for _, stretch in parts]
        try:
            yield Taking(parts, self._people, self._records)
        except BaseException:
            for (_, stretch), rows in zip(parts, before, strict=True):
                stretch.cut_back(rows)
            raise
        for (_, following), stretch in parts:
            stretch.end(following, last)
        if parts:
            self._put(partition, [stretch for _, stretch in parts])

    def lacking(self, partition: Partition, first: int, following: int) -> list[Gap]:
        """Which of these messages are not in the index."""
        gaps: list[Gap] = []
        for stretch in self._stretches.get(partition, ()):
            if stretch.next_offset <= first:
                continue
            if stretch.first >= following:
                break
            if first < stretch.first:
                gaps.append((first, stretch.first))
            first = stretch.next_offset
        return [*gaps, (first, following)] if first < following else gaps

    def reach(self, partition: Partition) -> tuple[int, int] | None:
        """From which offset on everything up to now is there, and by when all before was appended (UTC ms)."""
        stretches = self._stretches.get(partition)
        return (stretches[-1].first, stretches[-1].since) if stretches else None

    def has(self, partition: Partition, before: int) -> bool:
        """Whether it has anything of a partition before this offset."""
        return any(stretch.first < before for stretch in self._stretches.get(partition, ()))

    def knows(self, partition: Partition, before: int) -> bool:
        """The same, or something was said of an access there."""
        said = self._said.get(partition)
        return self.has(partition, before) or (said is not None and any(offset < before for offset in said.offsets))

    def partitions(self) -> list[Partition]:
        """The partitions that have any."""
        return list(self._stretches)

    def wanted(self, queries: Iterable[Query]) -> list[Wanted]:
        """These queries by numbers: worked out once for all partitions. Without those that nothing can match."""
        found = [
            Wanted(
                None if query.records is None else _numbers(self._records, map(plain_key, query.records)),
                None if query.logins is None else _numbers(self._people, query.logins),
                moment_of(query.start),
                moment_of(query.end),
                query.start,
            )
            for query in queries
        ]
        return [one for one in found if one.records != set() and one.logins != set()]

    def matching(self, partition: Partition, wanted: Iterable[Wanted]) -> Iterator[tuple[Place, Question]]:
        """The accesses of this partition that are wanted, perhaps more than once.

        Found as they are asked for: accesses may be added, forgotten and dropped meanwhile.
        """
        for one in wanted:
            for stretch in list(self._stretches.get(partition, ())):
                for row in stretch.matching(one, len(self._people.all), len(self._records.all)):
                    yield stretch.access(row, self._people, self._records)

    def say(self, partition: Partition, offset: int, login: str, records: Iterable[str]) -> None:
        """Something was said of this access for the first time; names as facts spell them. It is kept for ever."""
        targets = [self._records[record] for record in records]
        number = len(targets)
        if (said := self._said.get(partition)) is None:
            said = self._said[partition] = Stretch(0, 0)
        said.add_plain(
            PlainAccesses([offset] * number, [self._people[login]] * number, targets, [_AT_ANY_TIME] * number)
        )

    def said(self, partition: Partition, wanted: Iterable[Wanted] | None, before: int) -> set[int]:
        """The messages before this offset of whose accesses something has been said, and that these names fit; None:
        any names."""
        if (said := self._said.get(partition)) is None:
            return set()
        if wanted is None:
            return {offset for offset in said.offsets if offset < before}
        names = len(self._people.all), len(self._records.all)
        timeless = (one._replace(first=_AT_ANY_TIME, last=_AT_ANY_TIME + 1) for one in wanted)
        found = (said.offsets[row - 1] for one in timeless for row in said.matching(one, *names))
        return {offset for offset in found if offset < before}

    def stretches(self, partition: Partition) -> list[Stretch]:
        """What there is of a partition, in order."""
        return list(self._stretches.get(partition, ()))

    def all_said(self) -> Iterable[tuple[Partition, Stretch]]:
        """Of whom something has been said, by partition; their moments mean nothing."""
        return self._said.items()

    def put(self, partition: Partition, stretch: Stretch, *, is_said: bool) -> None:
        """Take in a stretch that was put away."""
        if is_said:
            self._said[partition] = stretch
        else:
            self._put(partition, [stretch])

    def become(self, other: AccessIndex) -> None:
        """Hold what the other holds, names too, instead; the other is of no more use."""
        vars(self).update(vars(other))

    def link(self, partition: Partition, rows: int) -> bool:
        """Link so many rows of each stretch ahead of the first question; whether all are."""
        names = len(self._people.all), len(self._records.all)
        waiting = [one for one in self._stretches.get(partition, ()) if not one.link(rows, *names)]
        return not waiting

    def drop(self, partition: Partition) -> None:
        """Forget all of a partition."""
        self._stretches.pop(partition, None)

    def forget(self, before: int, most: int, held: Collection[Partition]) -> None:
        """Let go of accesses appended before this instant (UTC ms); and of the oldest when there are too many, first
        of partitions that are not held."""
        for partition in list(self._stretches):
            for stretch in self._stretches[partition]:
                if ages := stretch.past(before):
                    stretch.shrink(ages)
            self._put(partition, ())
        while len(self) > most:
            away = [partition for partition in self._stretches if partition not in held]
            partition = max(away or self._stretches, key=lambda p: sum(map(len, self._stretches[p])))
            self._stretches[partition][0].shrink(1)
            self._put(partition, ())

    def _ending_at(self, partition: Partition, offset: int, appended_at: int) -> Stretch:
        """The stretch that goes on here, or a new one."""
        found = (s for s in self._stretches.get(partition, ()) if s.next_offset == offset)
        return next(found, None) or Stretch(offset, appended_at)

    def _put(self, partition: Partition, grown: Collection[Stretch]) -> None:
        """In the order of their offsets, in as few stretches as can be, and none that is empty."""
        known = self._stretches.get(partition, [])
        if len(known) == 1 and (not grown or (len(grown) == 1 and known[0] in grown)) and known[0].ages:
            return
        kept: list[Stretch] = []
        for stretch in sorted({*known, *grown}, key=_FIRST):
            if not stretch.ages:
                continue
            if kept and kept[-1].next_offset == stretch.first:
                kept[-1].join(stretch)
            else:
                kept.append(stretch)
        if kept:
            self._stretches[partition] = kept
        else:
            self._stretches.pop(partition, None)


def _numbers(names: Names, wanted: Iterable[str]) -> set[int]:
    return {names[name] for name in wanted if name in names}
