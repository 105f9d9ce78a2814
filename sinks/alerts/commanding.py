"""What a person wants to do to an alert, and whether the alert as it is allows it. Pure.

Whether this person may is the authorizer's question, and comes first.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.act import Acknowledged, Actor, Body, Closed, Recorded, Released
from schemas.alert import Alert
from schemas.errors import NeedToKnowError

from .life import status_after


class TooLateError(NeedToKnowError):
    """Somebody acted before; whoever wanted to act must look again. `by`: who, None: the service; `at`: UTC ms.

    `is_stale`: they acted on a version that is no longer the newest.
    """

    def __init__(self, reason: str, *, by: str | None, at: int, is_stale: bool = False) -> None:
        super().__init__(reason)
        self.is_stale, self.by, self.at = is_stale, by, at


class NotHeldError(NeedToKnowError):
    """Only whoever holds an alert may do this; the caller must take it first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a person wants to do to one alert, in one step.

    `key`: the client's own, so that it may be sent again; None: it cannot be. `expected`: the version of the alert that
    the person has seen; None: they act whatever happened since.
    """

    actor: Actor
    bodies: tuple[Body, ...]
    key: str | None = None
    expected: int | None = None


def refuse(alert: Alert, actor: Actor, body: Body, *, expected: int | None) -> None:
    """Raises when the alert does not allow it: TooLateError when somebody was faster, NotHeldError, NotNowError."""
    if isinstance(body, Acknowledged) and alert.holder is not None:
        raise TooLateError("it is held already", by=alert.holder, at=alert.held_since or alert.last_at)
    if expected is not None and expected != alert.version:
        words = "it has changed since you looked"
        raise TooLateError(words, by=alert.last_by, at=alert.last_at, is_stale=True)
    status_after(alert.status, body.kind)
    if isinstance(body, Closed) and alert.holder != actor.staff:
        raise NotHeldError("take it before you close it")
    if isinstance(body, Released) and alert.holder != actor.staff and actor.role != "admin":
        raise NotHeldError("only its holder, or an admin, gives it back")
    if isinstance(body, Recorded):
        _refuse_unless_owed(alert, body)


def _refuse_unless_owed(alert: Alert, body: Recorded) -> None:
    found = [o for o in alert.owed if o.obligation == body.obligation]
    if not found:
        raise NotHeldError(f"no {body.obligation} is owed on it")
    if found[0].reference is not None:
        raise TooLateError(f"its {body.obligation} is recorded already", by=alert.last_by, at=alert.last_at)
