"""supervises: somebody whose work the actor answers for is assigned."""

from __future__ import annotations

from schemas.policy import Paths
from streams.join.bodies import RecordKey
from streams.join.during import During
from streams.join.view import View
from streams.policy import duties
from streams.policy.duties import Shares
from streams.policy.reach import Grounds, line


def explain(view: View, paths: Paths, staff: str, record: RecordKey, instant: int) -> Grounds | None:
    """The facts that clear the access, or None."""
    return line(view, staff, record, instant, paths.supervises.depth) if paths.supervises.enabled else None


def shares(during: During, paths: Paths, staff: str) -> Shares:
    """Whose duties clear the access, and when."""
    return duties.line(during, staff, paths.supervises.depth, during.whole) if paths.supervises.enabled else {}
