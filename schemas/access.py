"""Access: one touch of one record by one login at one source (design section 4)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, NotRequired

import orjson
from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, model_validator
from typing_extensions import TypedDict

from .ids import Id, Instant, SourceName, format_instant
from .model import Sparse, Strict

Action = Literal["search", "view", "edit", "print", "export", "disclose", "subscribe", "check_out", "return"]
RecordKind = Literal["person", "case", "intake", "document", "service", "staff", "criteria"]
Result = Literal["success", "denied", "failed"]
Sequence = Annotated[int, Field(ge=0, lt=2**63)]

CANDIDATES_MAX = 200  # a search that resolves to more names nobody in particular
CANDIDATES_SPAN_MAX_MS = 48 * 3_600_000  # one search, whose time is not known better than the day
SEEKING: tuple[Action, ...] = ("search", "subscribe")  # what leads to candidates
UNTIL_AHEAD_MAX_MS = 48 * 3_600_000  # a local day has 25 hours, and a clock may be off by one either way (ADR 29)


NEVER_SENT = ("operator", "accounts")
"""Fields of an access that we put there, and no source."""


class Record(Strict):
    """What was opened."""

    kind: RecordKind
    id: Id


# The first wrong one ends it: of 25,000 each would be put into words, and all but one thrown away (0.1 s).
Candidates = Annotated[tuple[Record, ...], Field(max_length=CANDIDATES_MAX, strict=False, fail_fast=True)]


class Purpose(Sparse):
    """What the actor claimed; evidence of a claim, never an explanation."""

    code: Id | None = None
    text: Annotated[str, StringConstraints(max_length=2000)] | None = None


class Access(Sparse):
    """One touch of one record.

    Four parties are kept apart: `actor` is the login that did it, `requested_for` the login of whoever asked for it,
    `recipient` to whom it goes, `agency` the agency under whose authority it was done. Who asked is judged by an access
    of their own, which no source sends: there `actor` asked, and `operator` is the login that did it for them (ADR 27).
    Nor does a source send `accounts`, the source whose logins these are: the registry says so of it (ADR 29).
    `occurred_at` to `occurred_until` (both included) is an interval when the source cannot say the instant better.
    `sequence` is dense per source, so that a gap is a missing message.
    """

    event_id: Id
    source: SourceName
    sequence: Sequence | None = None
    actor: Id
    requested_for: Id | None = None
    operator: Id | None = None
    accounts: SourceName | None = None
    action: Action
    record: Record
    candidates: Candidates | None = None
    recipient: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    agency: Id | None = None
    purpose: Purpose | None = None
    result: Result
    occurred_at: Instant
    occurred_until: Instant | None = None
    session: Id | None = None
    device: Id | None = None
    batch_id: Id | None = None
    object_count: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None

    @property
    def login_source(self) -> SourceName:
        """Whose account facts say whom its logins belong to."""
        return self.accounts or self.source

    @model_validator(mode="after")
    def _interval_is_not_inverted(self) -> Access:
        if self.occurred_until is not None and self.occurred_until < self.occurred_at:
            raise ValueError("occurred_until must not be before occurred_at")
        return self


def document(access: Access) -> dict[str, Any]:
    """What `model_dump(mode="json")` gives, three times faster; a test holds the two together."""
    found: dict[str, Any] = {name: value for name, value in access.__dict__.items() if value is not None}
    found["record"] = {"kind": access.record.kind, "id": access.record.id}
    found["occurred_at"] = format_instant(access.occurred_at)
    if access.occurred_until is not None:
        found["occurred_until"] = format_instant(access.occurred_until)
    if access.candidates is not None:
        found["candidates"] = [{"kind": r.kind, "id": r.id} for r in access.candidates]
    if access.purpose is not None:
        found["purpose"] = {name: said for name, said in access.purpose.__dict__.items() if said is not None}
    return found


def canonical(access: Access) -> bytes:
    """The one spelling of an access: keys sorted, absent fields left out, instants in UTC with milliseconds."""
    return orjson.dumps(document(access), option=orjson.OPT_SORT_KEYS)


def is_dated_ahead(access: Access, appended_at: int) -> bool:
    """Whether it is dated past its append time (UTC ms), and so is judged as of then (ADR 17).

    An interval that begins before is not, but imprecise: its end is what the source's times leave open, and the same
    whenever it is sent. One that ends so far behind that no source's times can be meant is.
    """
    until = access.occurred_until
    is_endless = until is not None and until > appended_at + UNTIL_AHEAD_MAX_MS
    return access.occurred_at > appended_at or is_endless


def finding_id(access: Access, appended_at: int | None = None) -> str:
    """`f_` and 32 hex digits of SHA-256 over source, event_id and the canonical access, joined by 0x1F.

    What is dated past its append time (UTC ms) is judged as of then, and asks something else when it is sent again
    later: there the append time is the fourth part (ADR 17). None: it is not dated ahead.
    """
    parts = [access.source.encode(), access.event_id.encode(), canonical(access)]
    if appended_at is not None and is_dated_ahead(access, appended_at):
        parts.append(format_instant(appended_at).encode())
    return "f_" + hashlib.sha256(b"\x1f".join(parts)).hexdigest()[:32]


# The judge checks every access but looks closely only at those that nothing explains, so it reads most of them with
# this thinner shape of the same types (2.6 µs beside 9). A property test holds the two to the same answers.
_THIN = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class ThinRecord(TypedDict):
    """Record as a plain dictionary."""

    __pydantic_config__ = _THIN  # type: ignore[misc] # the documented way to configure a TypedDict
    kind: RecordKind
    id: Id


class ThinPurpose(TypedDict):
    """Purpose as a plain dictionary."""

    __pydantic_config__ = _THIN  # type: ignore[misc] # as above
    code: NotRequired[Id | None]
    text: NotRequired[Annotated[str, StringConstraints(max_length=2000)] | None]


class ThinAccess(TypedDict):
    """Access of one record at one instant as a plain dictionary; `occurred_at` is still text."""

    __pydantic_config__ = _THIN  # type: ignore[misc] # as above
    event_id: Id
    source: SourceName
    sequence: NotRequired[Sequence | None]
    actor: Id
    requested_for: NotRequired[Id | None]
    action: Action
    record: ThinRecord
    recipient: NotRequired[Annotated[str, StringConstraints(min_length=1, max_length=500)] | None]
    agency: NotRequired[Id | None]
    purpose: NotRequired[ThinPurpose | None]
    result: Result
    occurred_at: Annotated[str, StringConstraints(max_length=40)]
    session: NotRequired[Id | None]
    device: NotRequired[Id | None]
    batch_id: NotRequired[Id | None]
    object_count: NotRequired[Annotated[int, Field(ge=0, le=1_000_000_000)] | None]


THIN_ACCESS: TypeAdapter[ThinAccess] = TypeAdapter(ThinAccess)
