"""own-assignment: the actor, or a unit they are in, is assigned to the record or to the case it belongs to."""

from __future__ import annotations

from schemas.policy import Paths
from streams.join.bodies import RecordKey
from streams.join.during import During
from streams.join.view import View
from streams.policy.duties import Shares
from streams.policy.reach import Grounds, has


def explain(view: View, paths: Paths, staff: str, record: RecordKey, instant: int) -> Grounds | None:
    """The facts that clear the access, or None."""
    return has(view, staff, record, instant) if paths.own_assignment.enabled else None


def shares(during: During, paths: Paths, staff: str) -> Shares:
    """Whose duties clear the access, and when."""
    return {staff: during.whole} if paths.own_assignment.enabled else {}
