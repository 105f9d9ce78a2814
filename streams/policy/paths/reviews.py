"""reviews: the actor holds an alert about that very record. Asked of accesses at the alert console only (decide.py)."""

from __future__ import annotations

from schemas.fact import Review
from schemas.policy import Paths
from streams.join.bodies import RecordKey, record_key
from streams.join.during import During
from streams.join.spans import NEVER, Spans, union
from streams.join.view import View
from streams.policy.reach import Grounds


def explain(view: View, paths: Paths, staff: str, record: RecordKey, instant: int) -> Grounds | None:
    """The facts that clear the access, or None."""
    if not paths.reviews.enabled:
        return None
    for used in view.holding(view.knowledge.reviews(record), instant):
        body = used.revision.body
        if isinstance(body, Review) and body.staff == staff and record_key(body.record) == record:
            return (used,)
    return None


def spans(during: During, paths: Paths, staff: str, record: RecordKey) -> Spans:
    """When the access is cleared: here the duty is one's own, and of that very record."""
    if not paths.reviews.enabled:
        return NEVER
    facts, found = during.knowledge.facts, list[Spans]()
    for row, holds in during.holding(during.knowledge.reviews(record)):
        body = facts.made(row).body
        if isinstance(body, Review) and body.staff == staff and record_key(body.record) == record:
            found.append(holds)
    return union(found)
