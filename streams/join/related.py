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

RELATED_MAX: Final = 200
"""Names that are kept of one person. Whoever has more, a director, is asked by the paths themselves."""
KEPT_MAX: Final = 200_000
"""Names that are kept of all people together, of 60 to 100 bytes each; most people have fewer than ten."""

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
        self._names = 0  # that are kept

    def forget(self) -> None:
        """People have come to be related otherwise."""
        self._kept.clear()
        self._names = 0

    def may_explain(self, staff: str, record: RecordKey) -> bool:
        """False: no path of any policy clears this person for this record, nor comes close; but for one by an alert
        that was taken about it, which is asked of few accesses (`Knowledge.reviews`)."""
        person, number = self._facts.people.get(staff), self._facts.records.get(plain_key(record))
        if person is None or number is None:  # no fact names them
            return False
        related = self._of(person)
        if related is None or self._has_one(related, number):
            return True
        return any(self._has_one(related, within) for within in self._others(_MEMBERSHIP, number))

    def _of(self, person: int) -> frozenset[int] | None:
        if person not in self._kept:
            related = self._related(person)
            size = 1 + len(related or ())
            if self._names + size > KEPT_MAX:
                self.forget()
            self._names += size
            self._kept[person] = related
        return self._kept[person]

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
        related = {person}
        level = [person, *self._add(related, _COVERAGE, [person])]
        while level:
            level = self._add(related, _SUPERVISION, level)
        self._add(related, _UNIT_MEMBER, list(related))
        return frozenset(related) if len(related) <= RELATED_MAX else None

    def _add(self, related: set[int], kind: int, names: Iterable[int]) -> list[int]:
        """Whom facts of this kind relate to these names and are new; no more of them once there are too many."""
        new: list[int] = []
        for name in names:
            for other in self._others(kind, name):
                if len(related) > RELATED_MAX:
                    return []
                if other not in related:
                    related.add(other)
                    new.append(other)
        return new

    def _others(self, kind: int, name: int) -> Iterator[int]:
        """The second name of each revision of a fact that ever bore this name as its first."""
        facts, asked = self._facts, set[int]()
        for row in facts.chain(kind, ONE, name):
            yield facts.names[TWO][row]
            fact = facts.fact[row]
            if not facts.is_single(fact) and fact not in asked:
                asked.add(fact)
                yield from (facts.names[TWO][other] for other in facts.rows(fact))
