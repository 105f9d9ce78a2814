"""The facts that concern one person and one record, whenever they hold and whatever became of them. Pure.

Of other people only what lies on a way from this person to the record: that somebody below them, or somebody they stand
in for, was once assigned to it, and each step up from there. Nobody else's duties are anybody's business here. Each
revision of such a fact counts, also one that names somebody else: it is why it leads there no longer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from schemas.fact import Assignment, Body, Coverage, Membership, Review, Supervision, UnitMember
from schemas.finding import PathName
from schemas.policy import Paths
from streams.join.bodies import TWO, RecordKey, plain_key, record_key
from streams.join.facts import History
from streams.join.knowledge import Knowledge
from streams.join.question import Question

ASSIGNED_MAX: Final = 500  # assignments of others to one record that are looked at, the newest; a case has some ten
REACHED_MAX: Final = 500  # people looked at on the way up from one of them

Concerns = Mapping[History, frozenset[PathName]]
"""Each fact, with the paths on which it lies."""
Found = defaultdict[History, set[PathName]]


def concerning(knowledge: Knowledge, paths: Paths, staff: str, question: Question) -> Concerns:
    """The facts through which this person could ever have come to any record that is asked about.

    Which alerts they took is told of accesses at the alert console only: elsewhere that explains nothing.
    """
    found: Found = defaultdict(set)
    for target in question.targets:
        if question.is_at_console:
            _add_reviews(found, knowledge, staff, target)
        _add(found, _leading_to(knowledge, paths, staff, target))
        for within, memberships in _wholes(knowledge, target).items():
            leading = _leading_to(knowledge, paths, staff, within)
            ways = set[PathName]().union(*leading.values())
            _add(found, leading)
            if ways:
                _add(found, dict.fromkeys(memberships, ways))
    return {history: frozenset(ways) for history, ways in found.items()}


def _add(found: Found, more: Mapping[History, set[PathName]]) -> None:
    for history, ways in more.items():
        found[history] |= ways


def _leading_to(knowledge: Knowledge, paths: Paths, staff: str, record: RecordKey) -> Found:
    """What leads to this very record: their own assignments, and those of others to whom a way leads."""
    found: Found = defaultdict(set)
    covered = _covered(knowledge, staff)
    _add_own(found, knowledge, staff, record)
    for assignment, other in _assigned_to_others(knowledge, staff, record):
        ways = _upwards(knowledge, other, paths.supervises.depth)
        for supervision in ways.get(staff, ()):
            found[supervision].add("supervises")
            found[assignment].add("supervises")
        lines = ways if paths.covers.carries_line else {}
        for name, coverages in covered.items():
            if name == other or name in lines:
                for step in (assignment, *coverages, *lines.get(name, ())):
                    found[step].add("covers")
    return found


def _add_own(found: Found, knowledge: Knowledge, staff: str, record: RecordKey) -> None:
    own, of_units = knowledge.assigned(record, staff)
    for history in own:
        found[history].add("own-assignment")
    units = _units(knowledge, staff)
    for history in of_units:
        for name in _holders(history, record) & units.keys():
            for step in (history, *units[name]):
                found[step].add("own-assignment")


def _add_reviews(found: Found, knowledge: Knowledge, staff: str, record: RecordKey) -> None:
    for history in knowledge.reviews(record):
        bodies = (revision.body for revision in history.all())
        if any(isinstance(b, Review) and b.staff == staff and record_key(b.record) == record for b in bodies):
            found[history].add("reviews")


def _holders(history: History, record: RecordKey) -> set[str]:
    """The units to which this fact ever gave the record."""
    bodies = (revision.body for revision in history.all())
    return {b.unit for b in bodies if isinstance(b, Assignment) and b.unit and record_key(b.record) == record}


def _units(knowledge: Knowledge, staff: str) -> Mapping[str, set[History]]:
    """The units they ever were in, with the facts that say so."""
    return _by(knowledge.units(staff), lambda b: b.unit if isinstance(b, UnitMember) and b.staff == staff else None)


def _covered(knowledge: Knowledge, staff: str) -> Mapping[str, set[History]]:
    """Whom they ever stood in for, with the facts that say so."""
    return _by(
        knowledge.stands_in(staff),
        lambda b: b.covered if isinstance(b, Coverage) and b.covering == staff else None,
    )


def _wholes(knowledge: Knowledge, record: RecordKey) -> Mapping[RecordKey, set[History]]:
    """What the record ever was within, with the facts that say so."""
    return _by(
        knowledge.memberships(record),
        lambda b: record_key(b.within) if isinstance(b, Membership) and record_key(b.record) == record else None,
    )


def _by(histories: Iterable[History], named: Callable[[Body], str | None]) -> Mapping[str, set[History]]:
    """What each fact ever named at its other end."""
    found: defaultdict[str, set[History]] = defaultdict(set)
    for history in histories:
        for revision in history.all():
            if (name := named(revision.body)) is not None:
                found[name].add(history)
    return found


def _assigned_to_others(knowledge: Knowledge, staff: str, record: RecordKey) -> Iterator[tuple[History, str]]:
    """Each assignment to the record that ever named somebody else, and whom."""
    facts = knowledge.facts
    numbers = facts.bearing("assignment", TWO, plain_key(record))[-ASSIGNED_MAX:]
    for history in (History(facts, number) for number in numbers):
        bodies = (revision.body for revision in history.all())
        others = {b.staff for b in bodies if isinstance(b, Assignment) and b.staff and record_key(b.record) == record}
        for other in others - {staff}:
            yield history, other


def _upwards(knowledge: Knowledge, lower: str, depth: int) -> Mapping[str, set[History]]:
    """Who is at most so many steps above somebody, by facts of any time, with the facts of the shortest ways there."""
    reached: dict[str, set[History]] = {lower: set()}
    level: Mapping[str, set[History]] = {lower: set()}
    for _ in range(depth):
        above: defaultdict[str, set[History]] = defaultdict(set)
        for name, steps in level.items():
            for history, upper in _supervisions(knowledge, name):
                if upper not in reached:
                    above[upper] |= {*steps, history}
        reached |= above
        if not above or len(reached) > REACHED_MAX:
            break
        level = above
    del reached[lower]
    return reached


def _supervisions(knowledge: Knowledge, staff: str) -> Iterator[tuple[History, str]]:
    for history in knowledge.above(staff):
        for revision in history.all():
            if isinstance(revision.body, Supervision) and revision.body.staff == staff:
                yield history, revision.body.supervisor
