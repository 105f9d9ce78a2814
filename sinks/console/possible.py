"""What somebody may do to an alert now: what their role and standing allow, and the alert as it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

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
from sinks.alerts.authorizer import deed_of
from sinks.alerts.commanding import refuse
from sinks.alerts.front_desk import Seen

Step = Literal["acknowledge", "close", "note", "reveal", "export", "record", "release", "reopen"]
"""A form of the page, named as its command."""


def _closing(disposition: Disposition) -> Body:
    return Closed(kind="closed", disposition=disposition, why="-", refer=False)


def _recording(obligation: Obligation) -> Body:
    return Recorded(kind="recorded", obligation=obligation, reference="-")


_DISPOSITIONS: Final[tuple[Disposition, ...]] = ("justified", "policy_unclear", "data_error", "confirmed")
TRIED: Final[Mapping[Step, tuple[Body, ...]]] = MappingProxyType(
    {
        "acknowledge": (Acknowledged(kind="acknowledged"),),
        "close": (_closing("justified"), _closing("confirmed")),
        "note": (Noted(kind="noted", text="-"),),
        "reveal": (Revealed(kind="revealed", why="-"),),
        "export": (Exported(kind="exported", why="-"),),
        "record": (_recording("discipline"), _recording("referral")),
        "release": (Released(kind="released", why="-"),),
        "reopen": (Reopened(kind="reopened", why="-"),),
    }
)
"""What each form may lead to, in the order of the forms. It is offered when any of them would be taken."""


def steps(seen: Seen, actor: Actor) -> tuple[Step, ...]:
    """What they may do now, by trying it on the rules that decide when they do."""
    return tuple(
        step for step, bodies in TRIED.items() if any(_would_do(seen.alert, actor, body, seen.deeds) for body in bodies)
    )


def dispositions(seen: Seen) -> tuple[Disposition, ...]:
    """With which dispositions they may close one that they hold."""
    return tuple(one for one in _DISPOSITIONS if deed_of(_closing(one), seen.alert) in seen.deeds)


def _would_do(alert: Alert, actor: Actor, body: Body, deeds: frozenset[str]) -> bool:
    if deed_of(body, alert) not in deeds:
        return False
    try:
        refuse(alert, actor, body, expected=None)
    except NeedToKnowError:
        return False
    return True
