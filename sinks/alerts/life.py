"""The life of an alert as a table: in which status which act is possible, and what it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.act import ActKind
from schemas.alert import Status
from schemas.errors import NeedToKnowError

_ALWAYS: Final[tuple[ActKind, ...]] = ("noted", "revealed", "exported", "supplemented", "looked_back", "recorded")
"""Leave the status as it is, whatever it is."""


def _row(status: Status, leads: Mapping[ActKind, Status]) -> Mapping[ActKind, Status]:
    return MappingProxyType({**dict.fromkeys(_ALWAYS, status), **leads})


LIFE: Final[Mapping[Status | None, Mapping[ActKind, Status]]] = MappingProxyType(
    {
        None: MappingProxyType({"raised": "open"}),
        "open": _row(
            "open", {"added": "open", "revised": "open", "acknowledged": "acknowledged", "withdrawn": "closed"}
        ),
        "acknowledged": _row("acknowledged", {"released": "open", "closed": "closed"}),
        # `revised`: of an alert that the service closed, and that nobody has touched.
        "closed": _row("closed", {"revised": "closed", "reopened": "reopened"}),
        "reopened": _row(
            "reopened",
            {
                "added": "reopened",
                "revised": "reopened",
                "acknowledged": "acknowledged",
                "withdrawn": "closed",
            },
        ),
    }
)
"""None: there is no such alert yet. What is not listed is refused."""


class NotNowError(NeedToKnowError):
    """This act is not possible in the status the alert has; the message says what must be done first, if anything."""

    def __init__(self, status: Status | None, kind: ActKind) -> None:
        first = ": acknowledge it first" if kind == "closed" and "acknowledged" in LIFE[status] else ""
        super().__init__(f"an alert that is {status or 'not there'} cannot be {kind}{first}")


def status_after(status: Status | None, kind: ActKind) -> Status:
    """The status to which an act leads. Raises NotNowError when it is not possible."""
    try:
        return LIFE[status][kind]
    except KeyError:
        raise NotNowError(status, kind) from None
