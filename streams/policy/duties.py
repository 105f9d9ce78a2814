"""What one person may open over a stretch of time, as one question knows it: worked out once for all targets.

It answers what the paths answer, at all instants instead of one, and without the facts that an explanation rests on. A
property test holds the two together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from streams.join.bodies import ONE, TWO, UNIT, RecordKey, plain_key, record_key_of
from streams.join.during import During
from streams.join.spans import NEVER, Spans, both, union, without

Shares = dict[str, Spans]
"""Whose duties count as one's own, and when."""


def line(during: During, staff: str, depth: int, within: Spans) -> Shares:
    """Everybody at most `depth` supervision steps below `staff`, and when; loops end by themselves."""
    reached: Shares = {staff: within}
    level = reached
    for _ in range(depth):
        level = {
            lower: new
            for lower, when in _below(during, level).items()
            if (new := without(when, reached.get(lower, NEVER)))
        }
        reached = together((reached, level))
    return {lower: when for lower, when in reached.items() if lower != staff}


def stood_in_for(during: During, staff: str) -> Shares:
    """Whom `staff` stands in for, and when; nobody stands in for themselves."""
    facts, found = during.knowledge.facts, list[Shares]()
    for row, holds in during.holding(during.knowledge.stands_in(staff)):
        covering, covered = (facts.people.all[facts.names[side][row]] for side in (ONE, TWO))
        if covering == staff != covered:
            found.append({covered: holds})
    return together(found)


def together(parts: Iterable[Shares]) -> Shares:
    """All of these."""
    found: defaultdict[str, list[Spans]] = defaultdict(list)
    for part in parts:
        for name, when in part.items():
            found[name].append(when)
    return {name: whens[0] if len(whens) == 1 else union(whens) for name, whens in found.items()}


def _below(during: During, level: Shares) -> Shares:
    facts, found = during.knowledge.facts, list[Shares]()
    for upper, when in level.items():
        for row, holds in during.holding(during.knowledge.below(upper)):
            if facts.people.all[facts.names[ONE][row]] == upper and (common := both(when, holds)):
                found.append({facts.people.all[facts.names[TWO][row]]: common})
    return together(found)


class Duties:
    """When whoever shares these people's duties has which record."""

    def __init__(self, during: During, shares: Shares) -> None:
        self._during, self._shares = during, shares
        self._units: Shares | None = None  # most records are assigned to no unit
        self._found: dict[RecordKey, Spans] = {}  # many records are within the same one

    def to(self, record: RecordKey) -> Spans:
        """When there is an assignment of any of them, or of a unit of theirs, to the record or to what it is within."""
        if not self._shares:
            return NEVER
        during = self._during
        facts = during.knowledge.facts
        parts, name = [self._assigned(record)], plain_key(record)
        for row, holds in during.holding(during.knowledge.memberships(record)):
            one, two = (facts.records.all[facts.names[side][row]] for side in (ONE, TWO))
            if one == name:
                parts.append(both(holds, self._assigned(record_key_of(two))))
        return union(parts)

    def _assigned(self, record: RecordKey) -> Spans:
        found = self._found.get(record)
        if found is None:
            found = self._found[record] = union(self._assignments(record))
        return found

    def _assignments(self, record: RecordKey) -> Iterator[Spans]:
        facts, name = self._during.knowledge.facts, plain_key(record)
        for row, holds in self._during.rows_holding(facts.bearing("assignment", TWO, name)):
            if facts.records.all[facts.names[TWO][row]] == name:
                whose = self._of_units() if facts.variant[row] & UNIT else self._shares
                yield both(holds, whose.get(facts.people.all[facts.names[ONE][row]], NEVER))

    def _of_units(self) -> Shares:
        if self._units is None:
            facts, found = self._during.knowledge.facts, list[Shares]()
            for staff, when in self._shares.items():
                for row, holds in self._during.holding(self._during.knowledge.units(staff)):
                    if facts.people.all[facts.names[ONE][row]] == staff:
                        found.append({facts.people.all[facts.names[TWO][row]]: both(when, holds)})
            self._units = together(found)
        return self._units
