"""What people do to alerts, with words filled in, and alerts of a store to which they do it."""

from __future__ import annotations

from typing import Any, Final, Protocol

from schemas.act import (
    Acknowledged,
    Actor,
    Body,
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
from schemas.alert import Alert
from schemas.errors import NeedToKnowError
from schemas.finding import Finding
from sinks.alerts.commanding import Command
from sinks.alerts.writing import act_on, hear

from .findings import make_finding, place

NOW: Final = 1_767_600_000_000

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


class AnyStore(Protocol):
    """A store of whatever kind."""

    def writing(self) -> Any:
        """A transaction."""


def act(store: AnyStore, alert_id: str, who: str, *bodies: Body, at: int = NOW, **rest: object) -> Alert | None:
    """Somebody acts; None when it was refused."""
    command = Command(actor=Actor(staff=who, login=f"{who}-login", role="analyst"), bodies=bodies, **rest)
    try:
        with store.writing() as writing:
            return act_on(writing, alert_id, command, at)[1]
    except NeedToKnowError:
        return None


def raised(store: AnyStore, finding: Finding | None = None, at: int = NOW) -> str:
    """The id of the alert that a finding raises."""
    with store.writing() as writing:
        return hear(writing, finding or make_finding(), place(), at)[0].alert_id
