"""Every access of the horizon, found by record or by login, so that a fact that changes what was true finds whom it
concerns (design section 7). Columns, not objects: 32 bytes an access, and the names once. Pure.

A row is one access to one record; rows of one name are a chain from the newest back, linked when somebody first asks:
a backlog is read without it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from .bodies import plain_key, record_key_of
from .moments import instant_of, moment_of
from .names import Names
from .open import Partition
from .question import Question
from .touched import Query

NO_ROW: Final = 0  # rows are numbered from 1
SHRINK_AT: Final = 65_536  # rows past the horizon before the columns are moved: seldom enough not to matter


class Place(NamedTuple):
    """Where an access lies in its partition: the offset, and which access of that message it is."""

    offset: int
    number: int


class PlainAccesses(NamedTuple):
    """Columns of accesses of one record at one instant; logins and records by their numbers among the names."""

    offsets: list[int]
    logins: list[int]
    records: list[int]
    moments: list[int]


class Wide(NamedTuple):
    """What a row cannot hold: an access over a span, of several records (a row each), or not first in its message."""

    number: int
    rows: int
    end: int  # UTC milliseconds


class Chain:
    """For each row the row before it of the same name, and for each name its newest row."""

    def __init__(self) -> None:
        self.before = array("I")
        self.newest = array("I")
        self.length = array("I")  # of each name's chain, rows past the horizon included

    def link(self, names: Sequence[int], base: int, known: int) -> None:
        """Take in the rows that came since; `known`: how many names there are."""
        missing = bytes(self.newest.itemsize * (known - len(self.newest)))
        self.newest.frombytes(missing)
        self.length.frombytes(missing)
        newest, length, before = self.newest, self.length, self.before
        for row, name in enumerate(names[len(before) :], base + len(before) + 1):
            before.append(newest[name])
            newest[name] = row
            length[name] += 1

    def rows(self, name: int, held: _Rows) -> Iterator[int]:
        """Rows of a name that are still there, newest first."""
        row = self.newest[name]
        while row > held.base:
            following = self.before[row - held.base - 1]
            yield row
            row = following


class _Rows:
    """The rows of one partition. Row n is at n - base - 1 of each column."""

    __slots__ = (
        "appended",
        "base",
        "by_login",
        "by_record",
        "logins",
        "moments",
        "offsets",
        "records",
        "wide",
        "wide_from",
    )

    def __init__(self) -> None:
        self.base = 0  # rows that are no longer there
        self.offsets = array("Q")
        self.moments = array("q")
        self.records = array("I")
        self.logins = array("I")
        self.by_record = Chain()
        self.by_login = Chain()
        self.wide_from = array("Q")  # the first row of each wide access
        self.wide: list[Wide] = []
        self.appended: list[tuple[int, int]] = []  # append time, UTC ms, and the rows up to there

    def wide_at(self, row: int) -> tuple[int, Wide] | None:
        """The wide access that this row belongs to, and its first row."""
        place = bisect_right(self.wide_from, row) - 1
        if place >= 0 and row < self.wide_from[place] + self.wide[place].rows:
            return self.wide_from[place], self.wide[place]
        return None

    def columns(self) -> tuple[array[int], ...]:
        return self.offsets, self.moments, self.records, self.logins, self.by_record.before, self.by_login.before


class AccessIndex:
    """The accesses of the partitions held. Whoever holds a partition adds each access once."""

    def __init__(self, people: Names, records: Names) -> None:
        self._logins = people  # as `login_key` spells them
        self._records = records  # as `plain_record` spells them
        self._rows: dict[Partition, _Rows] = {}

    def __len__(self) -> int:
        return sum(len(rows.offsets) for rows in self._rows.values())

    def size(self) -> int:
        """Bytes of the columns; names are extra."""
        columns = (c for rows in self._rows.values() for c in (*rows.columns(), *_heads(rows)))
        return sum(c.itemsize * len(c) for c in columns)

    def add_plain(self, partition: Partition, plain: PlainAccesses, appended_at: int) -> None:
        """Add plain accesses; `appended_at`: of the last one, UTC ms."""
        held = self._rows.get(partition) or self._begun(partition)
        held.offsets.extend(plain.offsets)
        held.moments.extend(plain.moments)
        held.records.extend(plain.records)
        held.logins.extend(plain.logins)
        self._age(held, appended_at)

    def add(self, partition: Partition, place: Place, question: Question, appended_at: int) -> None:
        """Add one access of any shape, a row for each record it is about."""
        held = self._rows.get(partition) or self._begun(partition)
        if place.number > 0 or len(question.targets) > 1 or question.end != question.start:
            held.wide_from.append(held.base + len(held.offsets) + 1)
            held.wide.append(Wide(place.number, len(question.targets), question.end))
        login, moment = self._logins[question.login], moment_of(question.start)
        for target in question.targets:
            held.offsets.append(place.offset)
            held.moments.append(moment)
            held.records.append(self._records[plain_key(target)])
            held.logins.append(login)
        self._age(held, appended_at)

    def partitions(self) -> list[Partition]:
        """The partitions that have any."""
        return list(self._rows)

    def matching(self, partition: Partition, queries: Iterable[Query]) -> Iterator[tuple[Place, Question]]:
        """The accesses of this partition that the queries are about, perhaps more than once.

        Found as they are asked for: accesses may be added, forgotten and dropped meanwhile.
        """
        held = self._rows.get(partition)
        if held is not None:
            for query in queries:
                for row in self._matching(held, query):
                    yield self._access(held, row)

    def drop(self, partition: Partition) -> None:
        """The partition is no longer held."""
        self._rows.pop(partition, None)

    def forget(self, before: int, most: int) -> None:
        """Let go of accesses appended before this instant (UTC ms), and of the oldest when there are too many."""
        for held in self._rows.values():
            place = bisect_left(held.appended, (before, 0))
            if place and (past := held.appended[place - 1][1] - held.base) >= SHRINK_AT:
                _shrink(held, past)
                del held.appended[:place]
        while len(self) > most:
            fullest = max(self._rows.values(), key=lambda held: len(held.offsets))
            _shrink(fullest, min(SHRINK_AT, len(self) - most, len(fullest.offsets)))

    def _begun(self, partition: Partition) -> _Rows:
        held = self._rows[partition] = _Rows()
        return held

    @staticmethod
    def _age(held: _Rows, appended_at: int) -> None:
        """Kept in order of time also when an older part of the log is read later."""
        rows = held.base + len(held.offsets)
        if held.appended and held.appended[-1][0] >= appended_at - 60_000:
            held.appended[-1] = max(held.appended[-1][0], appended_at), rows
        else:
            held.appended.append((appended_at, rows))

    def _matching(self, held: _Rows, query: Query) -> Iterator[int]:
        """Rows that the query is about: along the shorter chains of the two, the other checked row by row."""
        records = None if query.records is None else _numbers(self._records, map(plain_key, query.records))
        logins = None if query.logins is None else _numbers(self._logins, query.logins)
        if records == set() or logins == set():
            return
        held.by_record.link(held.records, held.base, len(self._records.all))
        held.by_login.link(held.logins, held.base, len(self._logins.all))
        chain, walked, other, checked = held.by_record, records, held.logins, logins
        if records is None or (logins is not None and _longer(held.by_record, records, held.by_login, logins)):
            chain, walked, other, checked = held.by_login, logins, held.records, records
        first, last = moment_of(query.start), moment_of(query.end)
        for name in walked or ():
            for row in chain.rows(name, held):
                at = row - held.base - 1
                if held.moments[at] >= last:
                    continue
                if held.moments[at] < first and ((wide := held.wide_at(row)) is None or wide[1].end < query.start):
                    continue
                if checked is None or other[at] in checked:
                    yield row

    def _access(self, held: _Rows, row: int) -> tuple[Place, Question]:
        at = row - held.base - 1
        login = self._logins.all[held.logins[at]]
        start = instant_of(held.moments[at])
        if (found := held.wide_at(row)) is None:
            target = record_key_of(self._records.all[held.records[at]])
            return Place(held.offsets[at], 0), Question(login, (target,), start, start)
        first, wide = found
        records = held.records[first - held.base - 1 : first - held.base - 1 + wide.rows]
        targets = tuple(record_key_of(self._records.all[record]) for record in records)
        return Place(held.offsets[at], wide.number), Question(login, targets, start, wide.end)


def _shrink(held: _Rows, number: int) -> None:
    if (cut := held.wide_at(held.base + number)) is not None:
        number = cut[0] + cut[1].rows - 1 - held.base  # an access goes with all its rows
    for column in held.columns():
        del column[:number]
    held.base += number
    past = bisect_right(held.wide_from, held.base)
    del held.wide_from[:past], held.wide[:past]


def _heads(rows: _Rows) -> tuple[array[int], ...]:
    return rows.by_record.newest, rows.by_record.length, rows.by_login.newest, rows.by_login.length


def _numbers(names: Names, wanted: Iterable[str]) -> set[int]:
    return {names[name] for name in wanted if name in names}


def _longer(a: Chain, some: set[int], b: Chain, others: set[int]) -> bool:
    return sum(a.length[n] for n in some) > sum(b.length[n] for n in others)
