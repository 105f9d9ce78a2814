"""Who may do what to which alert: by role, and by how one stands to the people whom the alert is about. Pure.

There is no other place that decides this: pages, API, live rows and command line all ask here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from schemas.act import ActKind, Body, Closed, Reopened, Role
from schemas.alert import Alert
from schemas.errors import NeedToKnowError

from .directory import Person
from .parties import Party

Deed = Literal[
    "see",
    "search",
    "note",
    "acknowledge",
    "release",
    "close",
    "confirm",
    "reopen",
    "record",
    "reveal",
    "export",
]
"""`confirm`: to close as a confirmed violation, and to take that back."""
Standing = Literal["none", "about_them", "superior_of_actor"]
"""`about_them`: about themselves, or about somebody who answers for their work."""

MAY: Final[Mapping[Role, frozenset[Deed]]] = MappingProxyType(
    {
        "viewer": frozenset({"see"}),
        "analyst": frozenset({"see", "search", "note", "acknowledge", "release", "close", "reopen", "reveal"}),
        "investigator": frozenset(
            {"see", "search", "note", "acknowledge", "release", "close", "confirm", "reopen", "reveal", "export"}
        ),
        "law": frozenset(
            {
                "see",
                "search",
                "note",
                "acknowledge",
                "release",
                "close",
                "confirm",
                "reopen",
                "record",
                "reveal",
                "export",
            }
        ),
        "auditor": frozenset({"see", "search", "note", "reveal", "export"}),
        "admin": frozenset({"see", "note", "release", "record"}),
    }
)
"""By role. Whoever looks after the system need not look at records; whoever audits does not decide."""
SUPERIORS_MAY: Final[frozenset[Deed]] = frozenset({"see", "note"})
"""The actor's own superiors see and comment, whatever their role; they never dispose."""


_DEEDS: Final[Mapping[ActKind, Deed]] = MappingProxyType(
    {
        "acknowledged": "acknowledge",
        "released": "release",
        "reopened": "reopen",
        "noted": "note",
        "revealed": "reveal",
        "exported": "export",
        "recorded": "record",
    }
)


class NotAllowedError(NeedToKnowError):
    """This person may not do this to this alert, which they may see; somebody else must."""


def standing(person: Person, parties: frozenset[Party]) -> Standing:
    """How somebody stands to the people an alert is about. What must be hidden goes first."""
    if parties & person.hidden():
        return "about_them"
    actors = {Party("actor", staff) for staff in person.below} | {Party("login", name) for name in person.logins_below}
    return "superior_of_actor" if parties & actors else "none"


def may(role: Role, stands: Standing, deed: Deed) -> bool:
    """Whether this deed is allowed."""
    if stands == "about_them":
        return False
    if stands == "superior_of_actor":
        return deed in SUPERIORS_MAY
    return deed in MAY[role]


def deed_of(body: Body, alert: Alert) -> Deed:
    """What somebody must be allowed to do to write this act on the alert as it is.

    What somebody confirmed is undone, and what is owed on it let go of, only by those who may confirm. Raises KeyError
    for what only the service writes.
    """
    if isinstance(body, Closed):
        is_grave = body.disposition == "confirmed" or any(o.reference is None for o in alert.owed)
        return "confirm" if is_grave else "close"
    if isinstance(body, Reopened) and alert.disposition == "confirmed":
        return "confirm"
    return _DEEDS[body.kind]
