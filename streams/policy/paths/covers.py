"""covers: the actor stands in for somebody who is assigned or, where policy says so, who supervises somebody who is."""

from __future__ import annotations

from schemas.fact import Coverage
from schemas.policy import Paths
from streams.join.bodies import RecordKey
from streams.join.during import During
from streams.join.view import View
from streams.policy import duties
from streams.policy.duties import Shares
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


def shares(during: During, paths: Paths, staff: str) -> Shares:
    """Whose duties clear the access, and when."""
    if not paths.covers.enabled:
        return {}
    covered, depth = duties.stood_in_for(during, staff), paths.supervises.depth
    lines = (
        (duties.line(during, one, depth, when) for one, when in covered.items()) if paths.covers.carries_line else ()
    )
    return duties.together((covered, *lines))
