"""What a request asks for: queries and commands as values, checked. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Protocol, get_args

from pydantic import StringConstraints

from schemas.act import (
    TEXT_PATTERN,
    Acknowledged,
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
    Words,
)
from schemas.alert import Alert, Status
from schemas.errors import RejectedInputError
from schemas.finding import Outcome, Severity
from schemas.ids import ID_MAX, Id
from schemas.model import Strict
from sinks.alerts.severity import SEVERITIES
from sinks.store.listing import Order, Place, place_of
from sinks.store.reading import PAGE_MAX, Filter

PAGE: Final = 50
SEARCH_MAX: Final = 200  # characters of a search
_LISTS: Final[dict[str, tuple[str, ...]]] = {
    "status": get_args(Status),
    "severity": get_args(Severity),
    "outcome": get_args(Outcome),
    "disposition": get_args(Disposition),
}
_ORDERS: Final[tuple[Order, ...]] = get_args(Order)
_ID: Final = re.compile(r"[\x21-\x7E]+")  # as schemas.ids says; used with fullmatch
_ALERT: Final = re.compile(r"a_[0-9a-f]{32}")


class SignInRequest(Strict):
    """Who signs in."""

    login: Id


class Command(Protocol):
    """What a person asks to be done."""

    def bodies(self) -> tuple[Body, ...]:
        """The acts it is."""


class Acknowledge(Strict):
    """Take it."""

    def bodies(self) -> tuple[Body, ...]:
        """As Command says."""
        return (Acknowledged(kind="acknowledged"),)


class Release(Strict):
    """Give it back."""

    why: Words

    def bodies(self) -> tuple[Body, ...]:
        """As Command says."""
        return (Released(kind="released", why=self.why),)


class Close(Strict):
    """Decide. `refer`: ask the Law Department whether it is prosecuted; only of a confirmed violation."""

    disposition: Disposition
    why: Words
    refer: bool = False

    def bodies(self) -> tuple[Body, ...]:
        """As Command says."""
        if self.refer and self.disposition != "confirmed":
            raise RejectedInputError("refer", "only a confirmed violation is referred")
        return (Closed(kind="closed", disposition=self.disposition, why=self.why, refer=self.refer),)


class Reopen(Strict):
    """Open it once more."""

    why: Words

    def bodies(self) -> tuple[Body, ...]:
        """As Command says."""
        return (Reopened(kind="reopened", why=self.why),)


class Note(Strict):
    """Write something down."""

    text: Words

    def bodies(self) -> tuple[Body, ...]:
        """As Command says."""
        return (Noted(kind="noted", text=self.text),)


class Reveal(Strict):
    """See whose record it is. This is an access, and judged as one."""

    why: Words

    def bodies(self) -> tuple[Body, ...]:
        """As Command says."""
        return (Revealed(kind="revealed", why=self.why),)


class Export(Strict):
    """Take a copy away. This is an access, and judged as one."""

    why: Words

    def bodies(self) -> tuple[Body, ...]:
        """As Command says."""
        return (Exported(kind="exported", why=self.why),)


class Record(Strict):
    """Name the record by which an obligation was met."""

    obligation: Obligation
    reference: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=TEXT_PATTERN)]

    def bodies(self) -> tuple[Body, ...]:
        """As Command says."""
        return (Recorded(kind="recorded", obligation=self.obligation, reference=self.reference),)


COMMANDS: Final[dict[str, type[Any]]] = {
    "acknowledge": Acknowledge,
    "release": Release,
    "close": Close,
    "reopen": Reopen,
    "note": Note,
    "reveal": Reveal,
    "export": Export,
    "record": Record,
}
"""The last part of a command's path, and what it takes."""


def filter_of(query: Mapping[str, Sequence[str]], staff: str) -> Filter:
    """Which alerts a query asks for; several values of a name are any of them. `staff`: who asks, for `holder=me`.

    Raises RejectedInputError naming the parameter.
    """
    if unknown := set(query) - {*_LISTS, "clause", "holder", "owed", "q", "order", "after", "limit"}:
        raise RejectedInputError("query", f"has {len(unknown)} parameters that are not known")
    for name, known in _LISTS.items():
        if set(query.get(name, ())) - set(known):
            raise RejectedInputError(name, f"must be of {', '.join(known)}")
    for name in ("clause", "holder"):
        if not all(is_id(value) for value in query.get(name, ())):
            raise RejectedInputError(name, "must be 1 to 200 printable characters without spaces")
    holder, order = _single(query, "holder"), order_of(query)
    return Filter(
        status=tuple(query.get("status", ())),  # type: ignore[arg-type] # checked above
        severity=tuple(query.get("severity", ())),  # type: ignore[arg-type] # as above
        outcome=tuple(query.get("outcome", ())),  # type: ignore[arg-type] # as above
        disposition=tuple(query.get("disposition", ())),  # type: ignore[arg-type] # as above
        clause=tuple(query.get("clause", ())),
        holder=staff if holder == "me" else holder,
        is_owed=_flag(query, "owed"),
        words=words_of(_single(query, "q") or ""),
        order=order,
        after=_place(_single(query, "after"), order),
    )


def filter_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one parameter of a query."""
    if name in _LISTS:
        return {"type": "array", "items": {"type": "string", "enum": list(_LISTS[name])}}
    one = {"type": "string", "minLength": 1, "maxLength": ID_MAX, "pattern": "^[!-~]+$"}
    schemas: dict[str, dict[str, Any]] = {
        "clause": {"type": "array", "items": one},
        "holder": one,
        "owed": {"type": "string", "enum": ["true", "false"]},
        "q": {"type": "string", "maxLength": SEARCH_MAX},
        "order": {"type": "string", "enum": list(_ORDERS)},
        "limit": {"type": "integer", "minimum": 1, "maximum": PAGE_MAX},
    }
    return schemas.get(name, {"type": "string", "description": "What an answer before gave as `next`."})


def words_of(text: str) -> tuple[str, ...]:
    """The words of a search. Raises RejectedInputError when it is longer than a search may be."""
    if len(text) > SEARCH_MAX:
        raise RejectedInputError("q", f"must be at most {SEARCH_MAX} characters")
    return tuple(text.split())


def limit_of(query: Mapping[str, Sequence[str]]) -> int:
    """How many are asked for. Raises RejectedInputError."""
    text = _single(query, "limit")
    if text is None:
        return PAGE
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= PAGE_MAX:
        raise RejectedInputError("limit", f"must be 1 to {PAGE_MAX}")
    return int(text)


def order_of(query: Mapping[str, Sequence[str]]) -> Order:
    """In which order they are asked for. Raises RejectedInputError."""
    order = _single(query, "order") or "change"
    if order not in _ORDERS:
        raise RejectedInputError("order", f"must be of {', '.join(_ORDERS)}")
    return order


def cursor(last: Alert, order: Order) -> str:
    """Where a page ended, for whoever asks for the next."""
    words = ".".join(str(part) for part in place_of(last, order) if part is not None)
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")


def number_of(text: str | None, name: str) -> int | None:
    """A number from a query. Raises RejectedInputError."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise RejectedInputError(name, "must be what an answer before gave")
    return int(text)


def expected_of(if_match: str | None) -> int | None:
    """The version that `If-Match` names; None: whatever it is. Raises RejectedInputError."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = re.fullmatch(r'"v([0-9]{1,9})"', if_match.strip())
    if found is None:
        raise RejectedInputError("If-Match", 'must be the ETag of an answer, like "v3"')
    return int(found[1])


def is_id(text: str) -> bool:
    """Whether it is spelled as ids are."""
    return len(text) <= ID_MAX and _ID.fullmatch(text) is not None


def etag(version: int) -> str:
    """How an answer names the version of an alert."""
    return f'"v{version}"'


def _place(text: str | None, order: Order) -> Place | None:
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
        last_at, alert_id, *rest = raw.split(".")
        severities = [one for one in SEVERITIES if rest == [one]]
        is_whole = re.fullmatch(r"[0-9]{1,15}", last_at) and _ALERT.fullmatch(alert_id)
        if not is_whole or len(severities) != len(rest) or len(rest) != (order == "severity"):
            raise ValueError
    except (binascii.Error, ValueError):
        raise RejectedInputError("after", "must be what an answer before, in this order, gave as `next`") from None
    return Place(int(last_at), alert_id, *severities)


def _single(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = query.get(name, ())
    if len(values) > 1:
        raise RejectedInputError(name, "must be given once")
    return values[0] if values else None


def _flag(query: Mapping[str, Sequence[str]], name: str) -> bool:
    value = _single(query, name)
    if value not in {None, "true", "false"}:
        raise RejectedInputError(name, "must be true or false")
    return value == "true"
