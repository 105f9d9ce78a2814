"""Requestor and operator: of an access that somebody asked for, both are judged, each by their own duties (ADR 27).

FBI CJIS Security Policy AU-3(1): operator, requestor, agency and recipient are four parties, and never one "user".
"""

from __future__ import annotations

from schemas.access import Access


def parties(access: Access) -> tuple[Access, ...]:
    """The access of whoever did it, and that of whoever asked for it, where that is somebody else.

    Both have the event id of the one that was sent; its sequence number counts once.
    """
    asked_by = access.requested_for
    if asked_by is None or asked_by == access.actor:
        return (access,)
    asked = {"actor": asked_by, "requested_for": None, "operator": access.actor, "sequence": None}
    return access, access.model_copy(update=asked)
