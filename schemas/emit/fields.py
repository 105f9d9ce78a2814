"""What a host says of an access, made into one of the contract. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NotRequired, TypedDict

import orjson
from pydantic import TypeAdapter, ValidationError

from ..access import Access, Action, Purpose, Record, Result, document
from ..codec import MESSAGE_MAX, check_sent, rejected_by
from ..errors import RejectedInputError, SpeaksForAnotherError
from ..ids import SourceName

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_INSTANTS: Final = ("occurred_at", "occurred_until")
_validate: Final = TypeAdapter(Access).validator.validate_python  # past the model's own wrapper: 5 % of an access

Instant = datetime | str
"""A datetime with a zone, or RFC 3339 with an offset. No number: seconds would be read as the year 1970."""


class Fields(TypedDict):
    """The fields of an access, as `schemas.access.Access` explains them; the emitter knows its source.

    Without an `event_id` the emitter makes one: what is emitted twice is then two accesses.
    """

    event_id: NotRequired[str]
    sequence: NotRequired[int]
    actor: str
    requested_for: NotRequired[str | None]
    action: Action
    record: Record | Mapping[str, str]
    candidates: NotRequired[Sequence[Record | Mapping[str, str]] | None]
    recipient: NotRequired[str | None]
    agency: NotRequired[str | None]
    purpose: NotRequired[Purpose | Mapping[str, str] | None]
    result: Result
    occurred_at: Instant
    occurred_until: NotRequired[Instant | None]
    session: NotRequired[str | None]
    device: NotRequired[str | None]
    batch_id: NotRequired[str | None]
    object_count: NotRequired[int | None]


def read_access(source: SourceName, access: Access | None, fields: Mapping[str, Any]) -> Access:
    """The access. Raises RejectedInputError naming the field, never its content; the host's programmer must act."""
    if access is None:
        return _from_fields(source, fields)
    if fields:
        raise RejectedInputError("access", "is given whole and in fields; give one of them")
    if not isinstance(access, Access):
        raise RejectedInputError("access", "must be an Access; give its fields by name otherwise")
    if access.source != source:
        raise SpeaksForAnotherError("source", f"must be {source}, the source of this emitter")
    return check_sent(access)


def _from_fields(source: SourceName, fields: Mapping[str, Any]) -> Access:
    if fields.get("source", source) != source:
        raise SpeaksForAnotherError("source", f"must be {source}, the source of this emitter")
    given = {**fields, "source": source}
    if given.get("event_id") is None:
        given["event_id"] = uuid.uuid4().hex
    for name in _INSTANTS:
        if (value := given.get(name)) is not None and not isinstance(value, str):
            given[name] = _instant(name, value)
    try:
        access = _validate(given)
    except ValidationError as error:
        raise rejected_by(error) from None
    return check_sent(access)


def _instant(name: str, value: object) -> int:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise RejectedInputError(name, "must be a datetime with a zone, or RFC 3339 like 2026-01-05T14:14:03.120Z")
    return (value - _EPOCH) // _MILLISECOND


def spell(access: Access, sequence: int | None) -> bytes:
    """The access under this number, as `codec.encode` spells it: what has the contract's order is judged fastest.

    Raises RejectedInputError as `read_access`.
    """
    found = document(access)
    if sequence is not None and access.sequence is None:
        found = {"event_id": access.event_id, "source": access.source, "sequence": sequence} | found
    try:
        value = orjson.dumps(found)
    except orjson.JSONEncodeError:
        raise RejectedInputError("access", "has a text that is not Unicode: half a surrogate pair") from None
    if len(value) > MESSAGE_MAX:
        raise RejectedInputError("access", f"is larger than {MESSAGE_MAX} bytes; shorten candidates or purpose.text")
    return value
