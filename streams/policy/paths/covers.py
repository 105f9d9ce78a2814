"""covers: the actor stands in for somebody who is assigned or, where policy says so, who supervises somebody who is."""

from __future__ import annotations

from schemas.fact import Coverage
from schemas.policy import Paths
from streams.join.bodies import RecordKey
from streams.join.view import View
from streams.policy.reach import Grounds, has, line


def explain(view: View, paths: Paths, staff: str, record: RecordKey, instant: int) -> Grounds | None:
    """The facts that clear the access, or None."""
    if not paths.covers.enabled:
        return None
    for used in view.holding(view.knowledge.stands_in(staff), instant):
        body = used.revision.body
        if not isinstance(body, Coverage) or body.covering != staff or body.covered == staff:
            continue
        grounds = has(view, body.covered, record, instant)
        if grounds is None and paths.covers.carries_line:
            grounds = line(view, body.covered, record, instant, paths.supervises.depth)
        if grounds is not None:
            return (used, *grounds)
    return None
