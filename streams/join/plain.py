"""Duties and logins in the shape in which most accesses ask for them: a few look-ups in columns, no models."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final

from .bodies import ONE, TWO, UNIT
from .facts import Facts
from .moments import end_of, moment_of
from .rows import KINDS, NUMBER_OF, NewAssignments

Login = tuple[int, int, int, int]
"""The login's number, whose it is (the number of a person), from which moment, to which (half-open)."""

ASSIGNMENT: Final = NUMBER_OF["assignment"]
WIDTH: Final = 4  # numbers a duty takes in `duties`
_NEVER: Final = (1, 0)


class PlainDuties:
    """When own assignments explain an access of their staff member to their record, whatever else is known.

    `duties`, from each place on: staff, from which moment, to which (half-open), and the place of the next duty to the
    same record; 0: there is none. All in one column, since each column would be another line of the processor's cache.
    `first` gives the first place by the record's number.

    A duty explains an access from `valid_from` on, but not one that happened more than `grace_ms` before the duty was
    known: both are one moment here. Only the highest revision of a fact has its span.
    """

    def __init__(self, facts: Facts, grace_ms: int) -> None:
        self.facts = facts
        self._grace = grace_ms
        self.duties = array("q", [0] * WIDTH)
        self.first_places = array("I")
        self.places = array("I")  # by row; 0: it is no own assignment
        self.logins: dict[str, dict[str, Login]] = {}  # source -> login -> its only account

    def first(self) -> array[int]:
        """By the number of a record the place of its newest duty; 0: it has none."""
        missing = len(self.facts.records.all) - len(self.first_places)
        if missing > 0:
            self.first_places.frombytes(bytes(self.first_places.itemsize * missing))
        return self.first_places

    def hear(self, row: int) -> None:
        """Take in a row that was just added to the facts."""
        facts = self.facts
        number, kind = facts.fact[row], facts.kinds[facts.fact[row]]
        is_own = kind == ASSIGNMENT and not facts.variant[row] & UNIT
        self.places.append(self._append(row) if is_own else 0)
        if kind == ASSIGNMENT and facts.earlier[row]:
            for known in facts.rows(number):
                self._set(known, self._span(known) if known == facts.tops[number] else _NEVER)
        elif is_own:
            self._set(row, self._span(row))
        elif KINDS[kind] == "account":
            for known in facts.rows(number):
                self._set_login(facts.names[ONE][known])

    def extend(self, first_row: int, new: NewAssignments) -> None:
        """Take in assignments that were just added to the facts from this row on; as `hear`, one after the other."""
        names, duties, first = self.facts.names, self.duties, self.first()
        each = zip(names[ONE][first_row:], names[TWO][first_row:], new.variant, self._spans(new), strict=True)
        place, places = len(duties), list[int]()
        for staff, record, variant, span in each:
            if variant & UNIT:
                places.append(0)
                continue
            duties.extend((staff, *span, first[record]))
            first[record] = place
            places.append(place)
            place += WIDTH
        self.places.extend(places)

    def _spans(self, new: NewAssignments) -> Iterator[tuple[int, int]]:
        """As `_span`, with `valid_from` as it was cut out where nothing is later."""
        columns = new.is_void, new.valid_from, new.known_from, new.begins, new.valid_to
        for is_void, since, known, begin, end in zip(*columns, strict=True):
            known_from = known - self._grace
            yield _NEVER if is_void else (begin if known_from <= since else moment_of(known_from), end_of(end))

    def _append(self, row: int) -> int:
        record, place = self.facts.names[TWO][row], len(self.duties)
        first = self.first_places if record < len(self.first_places) else self.first()
        self.duties.extend((self.facts.names[ONE][row], *_NEVER, first[record]))
        first[record] = place
        return place

    def _set(self, row: int, span: tuple[int, int]) -> None:
        if place := self.places[row]:
            self.duties[place + 1], self.duties[place + 2] = span

    def _span(self, row: int) -> tuple[int, int]:
        facts = self.facts
        if facts.is_void[row]:
            return _NEVER
        begin = max(facts.valid_from[row], facts.known_from[row] - self._grace)
        return moment_of(begin), end_of(facts.valid_to[row])

    def _set_login(self, number: int) -> None:
        facts, key = self.facts, self.facts.people.all[number]
        source, _, login = key.partition(" ")
        bearing = facts.bearing("account", ONE, key)
        top = facts.tops[bearing[0]]
        if len(bearing) == 1 and not facts.is_void[top] and facts.names[ONE][top] == number:
            span = moment_of(facts.valid_from[top]), end_of(facts.valid_to[top])
            self.logins.setdefault(source, {})[login] = number, facts.names[TWO][top], *span
        else:
            self.logins.get(source, {}).pop(login, None)
