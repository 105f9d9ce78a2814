"""What people do to alerts, with words filled in."""

from __future__ import annotations

from typing import Final

from schemas.act import (
    Acknowledged,
    Closed,
    Disposition,
    Exported,
    Noted,
    Obligation,
    Recorded,
    Released,
    Reopened,
    Revealed,
)

TAKE: Final = Acknowledged(kind="acknowledged")
GIVE_BACK: Final = Released(kind="released", why="my shift ends")
NOTE: Final = Noted(kind="noted", text="asked the unit")
REVEAL: Final = Revealed(kind="revealed", why="to ask the unit")
EXPORT: Final = Exported(kind="exported", why="for the hearing")
REOPEN: Final = Reopened(kind="reopened", why="the unit has answered")


def close(disposition: Disposition = "justified", *, refer: bool = False) -> Closed:
    """Closed as this."""
    return Closed(kind="closed", disposition=disposition, why="the unit has explained it", refer=refer)


def record_of(obligation: Obligation = "discipline") -> Recorded:
    """An obligation met."""
    return Recorded(kind="recorded", obligation=obligation, reference="HR-2026-17")
