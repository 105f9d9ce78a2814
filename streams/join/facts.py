"""Every revision of every fact, in columns (design sections 4 and 5): a fact takes some 200 bytes.

A row is one revision, and rows go in the order in which they were heard. What a fact is about are two names, `one` and
`two`, each the number of a person (staff, unit or login) or of a record; rows that share a name are a chain from the
newest back. Models are made when somebody asks for them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from schemas.fact import Body, FactKind

from .bodies import IS_RECORD, Said, body_of
from .names import NONE, FactIds, Names
from .rows import KINDS, NUMBER_OF, NewAssignments, Row

_ASSIGNMENT: Final = NUMBER_OF["assignment"]
_MADE_MAX: Final = 8_192  # revisions kept as they were made, for those who ask again


class Revision(NamedTuple):
    """One revision; instants in UTC milliseconds, [valid_from, valid_to). Ordered by `revision`."""

    revision: int
    valid_from: int
    valid_to: int
    known_from: int
    is_void: bool
    body: Body
    recorded_at: int
    recorded_by: str | None  # nobody judges by it, but stating it twice differently is a conflict (ADR 6, rule 2)


class Facts:
    """The columns. Numbers of facts and rows are given as they come and never change."""

    def __init__(self) -> None:
        self.people = Names()
        self.records = Names()  # as `plain_record` spells them: a message's record is looked up as it was cut out
        self.ids = FactIds()
        self.kinds = array("B")  # of each fact
        self.tops = array("I")  # the row of its highest revision
        self.latest = array("I")  # the row of it that was heard last
        # of each row
        self.fact = array("I")
        self.earlier = array("I")  # the row of the same fact heard before, + 1
        self.revision = array("I")
        self.valid_from = array("q")
        self.valid_to = array("q")
        self.known_from = array("q")
        self.recorded_at = array("q")
        self.recorded_by = array("I")  # a person's number + 1
        self.is_void = array("B")
        self.variant = array("B")  # what else its body says (bodies.py)
        self.names = array("I"), array("I")  # one, two
        self.before = array("I"), array("I")  # the row before of the same kind and name, + 1
        # by kind, side and a name's number: the newest row that bears it, + 1
        self.newest_by_side = {(kind, side): array("I") for kind in range(len(KINDS)) for side in (0, 1)}
        self._tables = [[self.records if is_record else self.people for is_record in IS_RECORD[k]] for k in KINDS]
        self._made: dict[int, Revision] = {}

    def __len__(self) -> int:
        return len(self.tops)

    def add(self, row: Row) -> int | None:
        """Take in a revision: its row; NONE: it was heard before; None: in conflict with what was heard first."""
        number, is_new = self.ids.number(row.feed, row.fact_id)
        if is_new:
            at = self._append(number, row, 0)
            self.kinds.append(row.kind)
            self.tops.append(at)
            self.latest.append(at)
            return at
        if self.kinds[number] != row.kind:
            return None
        if (known := self.row_of(number, row.revision)) != NONE:
            return NONE if self._says(known, row) else None
        at = self._append(number, row, self.latest[number] + 1)
        self.latest[number] = at
        if row.revision > self.revision[self.tops[number]]:
            self.tops[number] = at
        return at

    def extend(self, new: NewAssignments) -> None:
        """Take in assignments that `ids` has just numbered; as `add`, one after the other, a column at a time."""
        many, at = len(new.revision), len(self.fact)
        rows, none = range(at, at + many), bytes(self.earlier.itemsize * many)
        self.kinds.frombytes(bytes([_ASSIGNMENT]) * many)
        self.tops.extend(rows)
        self.latest.extend(rows)
        self.fact.extend(range(len(self.ids) - many, len(self.ids)))
        self.earlier.frombytes(none)
        self.revision.extend(new.revision)
        self.valid_from.extend(new.valid_from)
        self.valid_to.extend(new.valid_to)
        self.known_from.extend(new.known_from)
        self.recorded_at.extend(new.recorded_at)
        people, by = self.people, list[int]()
        for recorded_by, one in zip(new.recorded_by, new.one, strict=True):  # numbered in the order of `add`
            by.append(0 if recorded_by is None else people[recorded_by] + 1)
            people[one]
        self.recorded_by.extend(by)
        self.is_void.extend(new.is_void)
        self.variant.extend(new.variant)
        for side, names in enumerate((new.one, new.two)):
            self._bear_all(at, _ASSIGNMENT, side, names)

    def newest(self, kind: int, side: int) -> array[int]:
        """By a name's number the newest row of this kind that bears it on this side, + 1; 0: there is none."""
        newest = self.newest_by_side[kind, side]
        missing = len(self._tables[kind][side].all) - len(newest)
        if missing > 0:
            newest.frombytes(bytes(newest.itemsize * missing))
        return newest

    def bearing(self, kind: FactKind, side: int, name: str) -> list[int]:
        """Numbers of the facts that ever bore this name on this side, in the order in which they were heard."""
        newest = self.newest_by_side[NUMBER_OF[kind], side]
        number = (self.records if IS_RECORD[kind][side] else self.people).get(name, NONE)
        row = newest[number] if 0 <= number < len(newest) else 0
        if not row:
            return []
        found, before, fact = list[int](), self.before[side], self.fact
        while row:
            found.append(fact[row - 1])
            row = before[row - 1]
        return list(dict.fromkeys(reversed(found)))

    def chain(self, kind: int, side: int, name: int) -> Iterator[int]:
        """Rows of this kind that bear the name on this side, newest first."""
        row, before = self.newest(kind, side)[name], self.before[side]
        while row:
            yield row - 1
            row = before[row - 1]

    def rows(self, number: int) -> list[int]:
        """All rows of a fact, lowest revision first."""
        rows, row = list[int](), self.latest[number]
        while row != NONE:
            rows.append(row)
            row = self.earlier[row] - 1
        return sorted(rows, key=self.revision.__getitem__)

    def is_single(self, number: int) -> bool:
        """Whether only one revision of it was heard."""
        return self.earlier[self.latest[number]] == 0

    def row_as_of(self, number: int, known_by: int | None) -> int:
        """The row of the highest revision known by this instant; None asks for *now*. NONE: nothing was known."""
        top = self.tops[number]
        if known_by is None or self.known_from[top] <= known_by:
            return top
        return next((row for row in reversed(self.rows(number)) if self.known_from[row] <= known_by), NONE)

    def made(self, row: int) -> Revision:
        """A row as a value of the contract's words."""
        found = self._made.get(row)
        if found is None:
            if len(self._made) >= _MADE_MAX:
                self._made.clear()
            found = self._made[row] = self._make(row)
        return found

    def _append(self, number: int, row: Row, earlier: int) -> int:
        at, kind = len(self.fact), row.kind
        self.fact.append(number)
        self.earlier.append(earlier)
        self.revision.append(row.revision)
        self.valid_from.append(row.valid_from)
        self.valid_to.append(row.valid_to)
        self.known_from.append(row.known_from)
        self.recorded_at.append(row.recorded_at)
        self.recorded_by.append(0 if row.recorded_by is None else self.people[row.recorded_by] + 1)
        self.is_void.append(row.is_void)
        self.variant.append(row.said.variant)
        self._bear(at, kind, 0, row.said.one)
        self._bear(at, kind, 1, row.said.two)
        return at

    def _bear(self, at: int, kind: int, side: int, name: str) -> None:
        names, newest = self._tables[kind][side], self.newest_by_side[kind, side]
        number = names[name]
        if number >= len(newest):
            newest.frombytes(bytes(newest.itemsize * (len(names.all) - len(newest))))
        self.names[side].append(number)
        self.before[side].append(newest[number])
        newest[number] = at + 1

    def _bear_all(self, at: int, kind: int, side: int, names: Sequence[str]) -> None:
        table = self._tables[kind][side]
        numbers = [table[name] for name in names]
        newest, before = self.newest(kind, side), list[int]()
        for row, number in enumerate(numbers, at + 1):
            before.append(newest[number])
            newest[number] = row
        self.names[side].extend(numbers)
        self.before[side].extend(before)

    def row_of(self, number: int, revision: int) -> int:
        """The row of this revision of a fact. NONE: it was not heard."""
        return next((row for row in self.rows(number) if self.revision[row] == revision), NONE)

    def _says(self, at: int, row: Row) -> bool:
        """`known_from` is register's stamp, not content: a fact registered twice may carry a later one."""
        columns = (self.valid_from, self.valid_to, self.recorded_at, self.is_void)
        said = (row.valid_from, row.valid_to, row.recorded_at, row.is_void)
        by = self.recorded_by[at]
        is_same = tuple(column[at] for column in columns) == said and self._said(at, row.kind) == row.said
        return is_same and (self.people.all[by - 1] if by else None) == row.recorded_by

    def _said(self, at: int, kind: int) -> Said:
        one, two = (self._tables[kind][side].all[self.names[side][at]] for side in (0, 1))
        return Said(one, two, self.variant[at])

    def _make(self, row: int) -> Revision:
        kind = self.kinds[self.fact[row]]
        by = self.recorded_by[row]
        return Revision(
            revision=self.revision[row],
            valid_from=self.valid_from[row],
            valid_to=self.valid_to[row],
            known_from=self.known_from[row],
            is_void=bool(self.is_void[row]),
            body=body_of(KINDS[kind], self._said(row, kind)),
            recorded_at=self.recorded_at[row],
            recorded_by=self.people.all[by - 1] if by else None,
        )


class History:
    """One fact with all its revisions. `top` is the highest: what is known *now*."""

    __slots__ = ("_facts", "number")

    def __init__(self, facts: Facts, number: int) -> None:
        self._facts = facts
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and (self.number, self._facts) == (other.number, other._facts)

    def __hash__(self) -> int:
        return hash(self.number)

    @property
    def feed(self) -> str:
        """Who stated it."""
        return self._facts.ids.text(self.number)[0]

    @property
    def fact_id(self) -> str:
        """Its name at the feed."""
        return self._facts.ids.text(self.number)[1]

    @property
    def top(self) -> Revision:
        """The highest revision."""
        return self._facts.made(self._facts.tops[self.number])

    def all(self) -> list[Revision]:
        """Every revision, lowest first."""
        return [self._facts.made(row) for row in self._facts.rows(self.number)]
