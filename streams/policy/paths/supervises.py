"""supervises: somebody whose work the actor answers for is assigned."""

from __future__ import annotations

from schemas.policy import Paths
from streams.join.bodies import RecordKey
from streams.join.view import View
from streams.policy.reach import Grounds, line


def explain(view: View, paths: Paths, staff: str, record: RecordKey, instant: int) -> Grounds | None:
    """The facts that clear the access, or None."""
    return line(view, staff, record, instant, paths.supervises.depth) if paths.supervises.enabled else None
