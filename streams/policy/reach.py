"""The two relations that every path is made of (ADR 6, rule 5)."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.fact import Assignment, Membership, Supervision, UnitMember
from streams.join.bodies import RecordKey, record_key
from streams.join.view import Used, View

Grounds = tuple[Used, ...]
"""The facts that an explanation rests on, in the order in which they lead from the staff member to the record."""


def has(view: View, staff: str, record: RecordKey, instant: int) -> Grounds | None:
    """An assignment of this staff member, or of a unit they are in, to the record or to what it is within."""
    if (grounds := _assigned(view, staff, record, instant)) is not None:
        return grounds
    for membership in view.holding(view.knowledge.memberships(record), instant):
        body = membership.revision.body
        if not isinstance(body, Membership) or record_key(body.record) != record:
            continue
        if (grounds := _assigned(view, staff, record_key(body.within), instant)) is not None:
            return (*grounds, membership)
    return None


def line(view: View, staff: str, record: RecordKey, instant: int, depth: int) -> Grounds | None:
    """Somebody at most `depth` supervision steps below `staff` has it. Nearest first; loops end by themselves."""
    reached: dict[str, Grounds] = {staff: ()}
    level = [staff]
    for _ in range(depth):
        below: list[str] = []
        for upper in level:
            for edge, lower in _supervised(view, upper, instant):
                if lower in reached:
                    continue
                reached[lower] = (*reached[upper], edge)
                if (grounds := has(view, lower, record, instant)) is not None:
                    return (*reached[lower], *grounds)
                below.append(lower)
        level = below
    return None


def _assigned(view: View, staff: str, record: RecordKey, instant: int) -> Grounds | None:
    own, units = view.knowledge.assigned(record, staff)
    for used in view.holding(own, instant):
        body = used.revision.body
        if isinstance(body, Assignment) and body.staff == staff and record_key(body.record) == record:
            return (used,)
    for used in view.holding(units, instant):
        body = used.revision.body
        if not isinstance(body, Assignment) or body.unit is None or record_key(body.record) != record:
            continue
        if (member := _member_of(view, staff, body.unit, instant)) is not None:
            return (member, used)
    return None


def _member_of(view: View, staff: str, unit: str, instant: int) -> Used | None:
    for used in view.holding(view.knowledge.units(staff), instant):
        body = used.revision.body
        if isinstance(body, UnitMember) and body.staff == staff and body.unit == unit:
            return used
    return None


def _supervised(view: View, upper: str, instant: int) -> Iterator[tuple[Used, str]]:
    for used in view.holding(view.knowledge.below(upper), instant):
        body = used.revision.body
        if isinstance(body, Supervision) and body.supervisor == upper:
            yield used, body.staff
