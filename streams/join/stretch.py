"""A stretch of one partition's accesses in columns: what the index (index.py) is made of. Pure.

A row is one access to one record; rows of one name are a chain from the newest back, linked when somebody first asks:
a backlog is read without it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from .bodies import plain_key, record_key_of
from .moments import instant_of, moment_of
from .names import Names
from .question import Question

AGE_ROWS: Final = 65_536  # rows that are let go of together: seldom enough for the columns to be moved
AGE_MS: Final = 60_000


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


class Age(NamedTuple):
    """So many rows, and all messages before an offset, were appended by this time (UTC ms)."""

    appended_at: int
    rows: int
    next_offset: int


class Wanted(NamedTuple):
    """What a query asks for, by numbers; None: any. Moments and an instant for [start, end)."""

    records: set[int] | None
    logins: set[int] | None
    first: int
    last: int
    start: int  # UTC milliseconds


class Chain:
    """For each row the row before it of the same name, and for each name its newest row."""

    def __init__(self) -> None:
        self.before = array("I")
        self.newest = array("I")
        self.length = array("I")  # of each name's chain, rows past the horizon included

    def link(self, names: Sequence[int], base: int, known: int, rows: int | None = None) -> None:
        """Take in the rows that came since, or so many of them; `known`: how many names there are."""
        if missing := known - len(self.newest):
            self.newest.frombytes(bytes(self.newest.itemsize * missing))
            self.length.frombytes(bytes(self.length.itemsize * missing))
        newest, length, before = self.newest, self.length, self.before
        if len(before) == len(names):
            return
        end = None if rows is None else len(before) + rows
        for row, name in enumerate(names[len(before) : end], base + len(before) + 1):
            before.append(newest[name])
            newest[name] = row
            length[name] += 1

    def rows(self, name: int, held: Stretch) -> Iterator[int]:
        """Rows of a name that are still there, newest first."""
        row = self.newest[name]
        while row > held.base:
            following = self.before[row - held.base - 1]
            yield row
            row = following


class Stretch:
    """All accesses of the messages [first, next_offset). Row n is at n - base - 1 of each column; rows begin at 1.

    Every message before `first` was appended by `since` (UTC ms).
    """

    __slots__ = (
        "ages",
        "base",
        "by_login",
        "by_record",
        "first",
        "logins",
        "moments",
        "next_offset",
        "offsets",
        "records",
        "since",
        "wide",
        "wide_from",
    )

    def __init__(self, first: int, since: int) -> None:
        self.first = self.next_offset = first
        self.since = since
        self.base = 0  # rows that are no longer there
        self.offsets = array("Q")
        self.moments = array("q")
        self.records = array("I")
        self.logins = array("I")
        self.by_record = Chain()
        self.by_login = Chain()
        self.wide_from = array("Q")  # the first row of each wide access
        self.wide: list[Wide] = []
        self.ages: list[Age] = []

    def __len__(self) -> int:
        return len(self.offsets)

    def size(self) -> int:
        """Bytes of the columns; names are extra."""
        chains = (c for chain in (self.by_record, self.by_login) for c in (chain.before, chain.newest, chain.length))
        return sum(c.itemsize * len(c) for c in (self.offsets, self.moments, self.records, self.logins, *chains))

    def add_plain(self, plain: PlainAccesses) -> None:
        """Add plain accesses."""
        self.offsets.extend(plain.offsets)
        self.moments.extend(plain.moments)
        self.records.extend(plain.records)
        self.logins.extend(plain.logins)

    def add(self, place: Place, question: Question, people: Names, records: Names) -> None:
        """Add one access of any shape, a row for each record it is about."""
        if place.number > 0 or len(question.targets) > 1 or question.end != question.start:
            self.wide_from.append(self.base + len(self.offsets) + 1)
            self.wide.append(Wide(place.number, len(question.targets), question.end))
        login, moment = people[question.login], moment_of(question.start)
        for target in question.targets:
            self.offsets.append(place.offset)
            self.moments.append(moment)
            self.records.append(records[plain_key(target)])
            self.logins.append(login)

    def end(self, next_offset: int, appended_at: int) -> None:
        """What was added is all there is before this offset; the last message was appended then."""
        self.next_offset = next_offset
        rows = self.base + len(self.offsets)
        newest = self.ages[-1] if self.ages else None
        if newest is None or appended_at > newest.appended_at + AGE_MS or rows - self._begun() >= AGE_ROWS:
            self.ages.append(Age(appended_at, rows, next_offset))
        else:
            self.ages[-1] = Age(max(newest.appended_at, appended_at), rows, next_offset)

    def cut_back(self, rows: int) -> None:
        """Take back what was added since there were so many rows; nobody has looked at it yet."""
        for column in (self.offsets, self.moments, self.records, self.logins):
            del column[rows:]
        wide = bisect_right(self.wide_from, self.base + rows)
        del self.wide_from[wide:], self.wide[wide:]

    def join(self, following: Stretch) -> None:
        """Take in the stretch that begins where this one ends."""
        shift = self.base + len(self.offsets) - following.base
        self.offsets.extend(following.offsets)
        self.moments.extend(following.moments)
        self.records.extend(following.records)
        self.logins.extend(following.logins)
        self.wide_from.extend(row + shift for row in following.wide_from)
        self.wide += following.wide
        self.ages += [age._replace(rows=age.rows + shift) for age in following.ages]
        self.next_offset = following.next_offset

    def past(self, before: int) -> int:
        """How many of its ages are before this instant (UTC ms); 0 while they hold too few rows to be worth it."""
        place = bisect_left(self.ages, (before,))
        if place == len(self.ages) or (place and self.ages[place - 1].rows - self.base >= AGE_ROWS):
            return place
        return 0

    def shrink(self, ages: int) -> None:
        """Let go of that many ages from the front."""
        last = self.ages[ages - 1]
        number = last.rows - self.base
        chains = (self.by_record.before, self.by_login.before)
        for column in (self.offsets, self.moments, self.records, self.logins, *chains):
            del column[:number]
        del self.ages[:ages]
        self.base, self.first, self.since = last.rows, last.next_offset, last.appended_at
        gone = bisect_right(self.wide_from, self.base)
        del self.wide_from[:gone], self.wide[:gone]

    def link(self, rows: int, people: int, records: int) -> bool:
        """Link so many rows more; whether all are. It takes half a microsecond a row, and nobody may wait long."""
        self.by_record.link(self.records, self.base, records, rows)
        self.by_login.link(self.logins, self.base, people, rows)
        return len(self.by_login.before) == len(self)

    def matching(self, wanted: Wanted, people: int, records: int) -> Iterator[int]:
        """Rows of what is wanted: along the shorter chains of the two names, the other checked row by row."""
        self.by_record.link(self.records, self.base, records)
        self.by_login.link(self.logins, self.base, people)
        chain, walked, other, checked = self.by_record, wanted.records, self.logins, wanted.logins
        if walked is None or (
            checked is not None and _length(self.by_record, walked) > _length(self.by_login, checked)
        ):
            chain, walked, other, checked = self.by_login, wanted.logins, self.records, wanted.records
        for name in walked or ():
            for row in chain.rows(name, self):
                at = row - self.base - 1
                if self.moments[at] >= wanted.last:
                    continue
                if self.moments[at] < wanted.first and (
                    (wide := self._wide_at(row)) is None or wide[1].end < wanted.start
                ):
                    continue
                if checked is None or other[at] in checked:
                    yield row

    def access(self, row: int, people: Names, records: Names) -> tuple[Place, Question]:
        """What stands in a row."""
        at = row - self.base - 1
        login = people.all[self.logins[at]]
        start = instant_of(self.moments[at])
        if (found := self._wide_at(row)) is None:
            target = record_key_of(records.all[self.records[at]])
            return Place(self.offsets[at], 0), Question(login, (target,), start, start)
        first, wide = found
        rows = self.records[first - self.base - 1 : first - self.base - 1 + wide.rows]
        targets = tuple(record_key_of(records.all[record]) for record in rows)
        return Place(self.offsets[at], wide.number), Question(login, targets, start, wide.end)

    def _begun(self) -> int:
        """The rows before its newest age."""
        return self.ages[-2].rows if len(self.ages) > 1 else self.base

    def _wide_at(self, row: int) -> tuple[int, Wide] | None:
        """The wide access that this row belongs to, and its first row."""
        place = bisect_right(self.wide_from, row) - 1
        if place >= 0 and row < self.wide_from[place] + self.wide[place].rows:
            return self.wide_from[place], self.wide[place]
        return None


def _length(chain: Chain, names: set[int]) -> int:
    return sum(chain.length[name] for name in names)
