"""Everything `facts.v1` has said up to a position, and the questions that judging asks of it."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

from schemas.fact import (
    Account,
    Assignment,
    Body,
    Coverage,
    FactKind,
    Membership,
    RegisteredFact,
    Review,
    Supervision,
    UnitMember,
    Waiver,
)

from .bodies import ONE, TWO, UNIT, RecordKey, plain_key, record_key, staff_key
from .facts import Facts, History, Revision
from .names import NONE
from .plain import ASSIGNMENT, PlainDuties
from .related import BETWEEN_PEOPLE, Related
from .rows import NUMBER_OF, NewAssignments, Row, row_of

BORNE_MAX: Final = 16_384  # answers of `_bearing` kept: some 3 MB

Side = tuple[FactKind, int]
RECORDS: Final[tuple[Side, ...]] = (("assignment", TWO), ("membership", ONE), ("membership", TWO))
"""Where facts name records."""
STAFF: Final[tuple[Side, ...]] = (
    ("assignment", ONE),
    ("unit_member", ONE),
    ("account", TWO),
    ("supervision", ONE),
    ("supervision", TWO),
    ("coverage", ONE),
    ("coverage", TWO),
)
"""Where facts name staff members, who are records too, since somebody may look them up (ADR 6, rule 7)."""


class Learned(Enum):
    """What became of one message of `facts.v1`."""

    NEW = "new"
    REPEAT = "repeat"
    CONFLICT = "conflict"
    """The same revision with other content, or another kind: the first in the log stands."""


class Change(NamedTuple):
    """A revision that was new, and the fact it is of."""

    history: History
    revision: Revision


def knowing(log: Iterable[RegisteredFact | Waiver | None], grace_ms: int) -> Knowledge:
    """What is known after all of this log, which begins at offset 0; None: what stands there says nothing."""
    knowledge = Knowledge(grace_ms)
    for offset, said in enumerate(log):
        if said is None:
            knowledge.skip(offset)
        else:
            knowledge.hear(offset, said)
    return knowledge


class Knowledge:
    """All facts below `position` (the next offset of `facts.v1`). One writer: whoever reads the log, in order.

    Facts are found under every name they ever bore. `grace_ms`: the policy's, for `plain`. With less, more accesses are
    looked at closely; no verdict differs.
    """

    def __init__(self, grace_ms: int = 0) -> None:
        self.position = 0
        self.waivers: dict[str, int] = {}
        self.facts = Facts()
        self.plain = PlainDuties(self.facts, grace_ms)
        self.related = Related(self.facts)
        self.offsets = array("Q")  # of each row in the log
        self._borne: dict[tuple[FactKind, int, str], tuple[History, ...]] = {}  # what `_bearing` found; no assignments
        self._witnesses: dict[RecordKey, int] = {}  # rows that were found to name it

    def waive(self, offset: int, waiver: Waiver) -> None:
        """Take in a waiver; the highest of a feed counts."""
        self.position = offset + 1
        self.waivers[waiver.feed] = max(waiver.through, self.waivers.get(waiver.feed, waiver.through))

    def skip(self, offset: int) -> None:
        """Pass a message that says nothing."""
        self.position = offset + 1

    def learn(self, offset: int, fact: RegisteredFact) -> tuple[Learned, Change | None]:
        """Take in the fact at this offset of the log; the change is there when it was new."""
        learned, at = self.take(offset, row_of(fact))
        return learned, None if learned is not Learned.NEW else self.change(at)

    def hear(self, offset: int, said: RegisteredFact | Waiver) -> Change | None:
        """Take in whatever stands at this offset of the log."""
        if isinstance(said, Waiver):
            self.waive(offset, said)
            return None
        return self.learn(offset, said)[1]

    def take(self, offset: int, row: Row) -> tuple[Learned, int]:
        """The same for a fact as a row; where it stands when it was new."""
        self.position = offset + 1
        at = self.facts.add(row)
        if at is None:
            return Learned.CONFLICT, NONE
        if at == NONE:
            return Learned.REPEAT, NONE
        self.plain.hear(at)
        self.offsets.append(offset)
        if row.kind != ASSIGNMENT:
            self._borne.clear()
        if row.kind in BETWEEN_PEOPLE:
            self.related.forget()
        return Learned.NEW, at

    def take_new(self, offsets: Sequence[int], new: NewAssignments) -> None:
        """The same for assignments that `facts.ids` has just numbered, in the order of the log."""
        at = len(self.offsets)
        self.position = offsets[-1] + 1
        self.facts.extend(new)
        self.plain.extend(at, new)
        self.offsets.extend(offsets)

    def row_at(self, position: int) -> int:
        """The first row that was learned from this position on."""
        return bisect_left(self.offsets, position)

    def change(self, at: int) -> Change:
        """What a row that was new has changed."""
        return Change(History(self.facts, self.facts.fact[at]), self.facts.made(at))

    def become(self, other: Knowledge) -> None:
        """Know what the other knows, instead; the other is of no more use."""
        vars(self).update(vars(other))

    # who has what

    def assigned(self, record: RecordKey, staff: str) -> tuple[list[History], list[History]]:
        """Assignments of this staff member to the record, and those of units."""
        facts = self.facts
        number = facts.records.get(plain_key(record))
        if number is None:
            return [], []
        person, variant, one, before = facts.people.get(staff, NONE), facts.variant, facts.names[ONE], facts.before[TWO]
        own, units = list[int](), list[int]()
        row = facts.newest(ASSIGNMENT, TWO)[number]
        while row:
            row -= 1
            if variant[row] & UNIT:
                units.append(facts.fact[row])
            elif one[row] == person:
                own.append(facts.fact[row])
            row = before[row]
        return self._histories(own), self._histories(units)

    def memberships(self, record: RecordKey) -> Sequence[History]:
        """What the record is within."""
        return self._bearing("membership", ONE, plain_key(record))

    def members(self, record: RecordKey) -> Sequence[History]:
        """What is within the record."""
        return self._bearing("membership", TWO, plain_key(record))

    def units(self, staff: str) -> Sequence[History]:
        """Units of this staff member."""
        return self._bearing("unit_member", ONE, staff)

    def below(self, supervisor: str) -> Sequence[History]:
        """Whom they supervise."""
        return self._bearing("supervision", ONE, supervisor)

    def above(self, staff: str) -> Sequence[History]:
        """Who supervises them."""
        return self._bearing("supervision", TWO, staff)

    def stands_in(self, covering: str) -> Sequence[History]:
        """Whom they stand in for."""
        return self._bearing("coverage", ONE, covering)

    def stood_in_for(self, covered: str) -> Sequence[History]:
        """Who stands in for them."""
        return self._bearing("coverage", TWO, covered)

    def accounts(self, login: str) -> Sequence[History]:
        """Whose login it is, as `login_key` spells it."""
        return self._bearing("account", ONE, login)

    def logins_of(self, staff: str) -> Sequence[History]:
        """Their logins."""
        return self._bearing("account", TWO, staff)

    def reviews(self, record: RecordKey) -> Sequence[History]:
        """Who took alerts about the record."""
        return self._bearing("review", TWO, plain_key(record))

    def is_named(self, record: RecordKey, *, before: int | None = None) -> bool:
        """Whether a fact known now, not void, whenever valid, names the record; `before` a row: only facts of which
        nothing was heard from there on."""
        witness = self._witnesses.get(record, NONE)
        if witness != NONE and self._names_now(
            witness, before
        ):  # in a storm about one person all newer rows are in doubt
            return True
        kind, _, name = record.partition("/")
        sides = [(side, plain_key(record)) for side in RECORDS]
        if kind == "staff":
            sides += [(side, name) for side in STAFF]
        row = next(
            (row for side, one in sides for row in self._naming(side, one) if self._names_now(row, before)), NONE
        )
        if row != NONE:
            if len(self._witnesses) >= BORNE_MAX:
                self._witnesses.clear()
            self._witnesses[record] = row
        return row != NONE

    def _names_now(self, row: int, before: int | None) -> bool:
        facts, fact = self.facts, self.facts.fact[row]
        is_known = facts.tops[fact] == row and not facts.is_void[row]
        return is_known and (before is None or facts.latest[fact] < before)

    def _naming(self, side: Side, name: str) -> Iterator[int]:
        """The rows that name it on this side, whatever became of them, newest first."""
        facts, (kind, which) = self.facts, side
        number = (facts.records if side in RECORDS else facts.people).get(name)
        if number is None:
            return
        for row in facts.chain(NUMBER_OF[kind], which, number):
            if side != ("assignment", ONE) or not facts.variant[row] & UNIT:  # a unit is no staff member
                yield row

    def _histories(self, newest_first: list[int]) -> list[History]:
        return [History(self.facts, fact) for fact in dict.fromkeys(reversed(newest_first))]

    def _bearing(self, kind: FactKind, side: int, name: str) -> Sequence[History]:
        """Who is who and who answers for whom hardly changes, and is asked ten times about every finding."""
        found = self._borne.get((kind, side, name))
        if found is None:
            if len(self._borne) >= BORNE_MAX:
                self._borne.clear()
            numbers = self.facts.bearing(kind, side, name)
            found = self._borne[kind, side, name] = tuple(History(self.facts, number) for number in numbers)
        return found


def names(body: Body) -> set[RecordKey]:
    """The records that a fact names; staff members are records too, since somebody may look them up (ADR 6, rule 7)."""
    match body:
        case Assignment(staff=str(staff), record=record):
            return {record_key(record), staff_key(staff)}
        case Assignment(record=record):
            return {record_key(record)}
        case Membership(record=record, within=within):
            return {record_key(record), record_key(within)}
        case UnitMember(staff=staff) | Account(staff=staff):
            return {staff_key(staff)}
        case Supervision(supervisor=upper, staff=lower) | Coverage(covering=upper, covered=lower):
            return {staff_key(upper), staff_key(lower)}
        case Review():  # repeats what an access named: whoever takes an alert must not decide what is found elsewhere
            return set()
