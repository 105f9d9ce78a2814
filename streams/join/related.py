"""Whether anything ever said could lead from a person to a record, whenever it holds and whatever became of it. Pure.

Most of those whom nothing explains are strangers to the record: nobody whom they ever were, led or stood in for ever
had it, nor a unit of any of them. Then no path leads there at any instant, by any revision, and none need be walked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from .bodies import ONE, TWO, RecordKey, plain_key
from .facts import Facts
from .rows import NUMBER_OF

RELATED_MAX: Final = 2_000
"""Names that are kept of one person. Whoever has more, a director, is asked by the paths themselves."""
KEPT_MAX: Final = 16_384  # people whose names are kept; most have fewer than ten

_ASSIGNMENT: Final = NUMBER_OF["assignment"]
_MEMBERSHIP: Final = NUMBER_OF["membership"]
_SUPERVISION: Final = NUMBER_OF["supervision"]
_COVERAGE: Final = NUMBER_OF["coverage"]
_UNIT_MEMBER: Final = NUMBER_OF["unit_member"]
BETWEEN_PEOPLE: Final = frozenset((_SUPERVISION, _COVERAGE, _UNIT_MEMBER))
"""Kinds of facts that relate people: after one of these `forget`."""


class Related:
    """Names are numbers, as `facts` gives them. May say too much, never too little."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._kept: dict[int, frozenset[int] | None] = {}

    def forget(self) -> None:
        """People have come to be related otherwise."""
        self._kept.clear()

    def may_explain(self, staff: str, record: RecordKey) -> bool:
        """False: no path of any policy clears this person for this record, nor comes close."""
        person, number = self._facts.people.get(staff), self._facts.records.get(plain_key(record))
        if person is None or number is None:  # no fact names them
            return False
        if person not in self._kept:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[person] = self._related(person)
        related = self._kept[person]
        if related is None or self._has_one(related, number):
            return True
        return any(self._has_one(related, within) for within in self._others(_MEMBERSHIP, number))

    def _has_one(self, related: frozenset[int], record: int) -> bool:
        """Whether an assignment to the record ever bore one of these names."""
        facts = self._facts
        row, names, before = facts.newest(_ASSIGNMENT, TWO)[record], facts.names[ONE], facts.before[TWO]
        while row:
            if names[row - 1] in related:
                return True
            row = before[row - 1]
        return False

    def _related(self, person: int) -> frozenset[int] | None:
        """The person, whom they stand in for, whoever is below any of these, however far, and the units of all."""
        people = {person, *self._others(_COVERAGE, person)}
        level = list(people)
        while level:
            level = [lower for lower in self._others_of(_SUPERVISION, level) if lower not in people]
            people.update(level)
            if len(people) > RELATED_MAX:
                return None
        related = people.union(self._others_of(_UNIT_MEMBER, people))
        return frozenset(related) if len(related) <= RELATED_MAX else None

    def _others_of(self, kind: int, names: Iterable[int]) -> Iterator[int]:
        return (other for name in names for other in self._others(kind, name))

    def _others(self, kind: int, name: int) -> Iterable[int]:
        """The second name of each revision of a fact that ever bore this name as its first."""
        facts = self._facts
        if not facts.newest(kind, ONE)[name]:
            return ()
        found = {facts.fact[row] for row in facts.chain(kind, ONE, name)}
        return {facts.names[TWO][row] for fact in found for row in facts.rows(fact)}
