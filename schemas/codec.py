"""Bytes in, values out, and back: the only place where JSON is read or written.

orjson and pydantic both keep the last of two equal keys silently, which would let one message say two things to two
readers. So a duplicate is looked for: without a backslash in the message each key and text has exactly two quotes,
and a key that was dropped leaves fewer quotes in the value read than in the message. All else takes the exact way.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final, TypeVar, get_args

import orjson
from pydantic import BaseModel, ValidationError

from . import finding, ledger, policy  # noqa: F401 - their models' names must be known before an error names one
from .access import THIN_ACCESS, Access, Action, RecordKind, Result, ThinAccess
from .errors import RejectedInputError
from .fact import FactKind
from .finding import Finding
from .ids import ID_MAX
from .model import Strict
from .topics import SOURCES

MESSAGE_MAX: Final = 65_536  # bytes; a page of text is 3,000, and a queue of 8 batches of 5,000 must fit in memory
DEPTH_MAX: Final = 16  # the deepest record of the contract has 4 levels

_read_thin: Final = THIN_ACCESS.validator.validate_json  # past the adapter's own wrapper: 5 % of a canonical access

T = TypeVar("T", bound=BaseModel)


def decode(model: type[T], raw: bytes | None) -> T:
    """The value in `raw`, checked strictly. Raises RejectedInputError naming the field, never its content."""
    document = read_json(raw)
    try:
        return model.model_validate(document, context={"wire": True})
    except ValidationError as error:
        raise _rejected(error) from None


def encode(value: BaseModel) -> bytes:
    """Compact JSON in the order of the model's fields."""
    if isinstance(value, Finding):  # the one that is written thousands of times a second
        return orjson.dumps(finding.document(value))
    return orjson.dumps(value.model_dump(mode="json"))


def decode_thin(raw: bytes | None) -> ThinAccess | None:
    """The fast way for an access of one record at one instant; None when only the exact way can tell."""
    if raw is None:
        return None
    if (plain := _read_plain(raw)) is not None:
        return plain
    try:
        thin: ThinAccess = _read_thin(raw)
    except ValidationError:
        return None
    if len(raw) > MESSAGE_MAX or b"\\" in raw or raw.count(b'"') != orjson.dumps(thin).count(b'"'):
        return None
    return thin


# What a plain access may consist of: with no other byte in it, no id has a space and no key or text has an escape.
_PLAIN: Final = bytes(b for b in range(0x21, 0x7F) if b != 0x5C)
_ACTIONS: Final = frozenset(get_args(Action))
_KINDS: Final = frozenset(get_args(RecordKind))
_RESULTS: Final = frozenset(get_args(Result))
# Two around each key and each text: seven keys with six texts, and the record's two keys with two texts.
_PLAIN_QUOTES: Final = 2 * (7 + 6 + 2 + 2)


def _read_plain(raw: bytes) -> ThinAccess | None:
    """The fields that every access has, spelt compactly in ASCII: checked by hand, half the time of the model.

    None says nothing but that the model must look. `occurred_at` is checked by whoever reads the instant.
    """
    if len(raw) > MESSAGE_MAX or raw.translate(None, _PLAIN):
        return None
    try:
        found = orjson.loads(raw)
        event_id, actor, record = found["event_id"], found["actor"], found["record"]
        source, action, result, when = found["source"], found["action"], found["result"], found["occurred_at"]
        kind, name = record["kind"], record["id"]
    except (ValueError, KeyError, TypeError):
        return None
    quotes = _PLAIN_QUOTES
    if len(found) == 8:
        if type(number := found.get("sequence")) is not int or not 0 <= number < 2**63:
            return None
        quotes += 2
    elif len(found) != 7:
        return None
    is_text = type(event_id) is type(actor) is type(name) is type(source) is type(when) is str
    if not is_text or not (type(action) is type(kind) is type(result) is str) or len(record) != 2:
        return None
    is_known = action in _ACTIONS and kind in _KINDS and result in _RESULTS and source in SOURCES
    is_sized = 0 < len(event_id) <= ID_MAX and 0 < len(actor) <= ID_MAX and 0 < len(name) <= ID_MAX
    # Keys that are there twice were dropped by the parser, their quotes are still in the message.
    return found if is_known and is_sized and raw.count(b'"') == quotes else None


def decode_access(raw: bytes | None) -> Access:
    """An access, the exact way."""
    return decode(Access, raw)


def read_json(raw: bytes | None) -> Any:
    """A JSON object from bytes. Raises RejectedInputError for all that two readers could read differently."""
    if raw is None or not raw:
        raise RejectedInputError("message", "is empty; send one JSON object")
    if len(raw) > MESSAGE_MAX:
        raise RejectedInputError("message", f"is larger than {MESSAGE_MAX} bytes; split or shorten it")
    if _depth_exceeds(raw, DEPTH_MAX):
        raise RejectedInputError("message", f"is nested deeper than {DEPTH_MAX} levels")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RejectedInputError(f"byte {error.pos}", "is not JSON in UTF-8 without a byte order mark") from None
    if not isinstance(document, dict):
        raise RejectedInputError("message", "must be one JSON object")
    if b"\\" in raw or raw.count(b'"') != orjson.dumps(document).count(b'"'):
        _refuse_duplicate_keys(raw)
    return document


def _depth_exceeds(raw: bytes, limit: int) -> bool:
    """Whether brackets nest deeper; counts those inside texts too, but only once there are more than the limit."""
    if raw.count(b"{") + raw.count(b"[") <= limit:
        return False
    depth = deepest = 0
    inside = escaped = False
    for byte in raw:
        if inside:
            inside = escaped or byte != 0x22
            escaped = not escaped and byte == 0x5C
        elif byte == 0x22:
            inside = True
        elif byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest > limit


def _refuse_duplicate_keys(raw: bytes) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = dict(pairs)
        if len(names) != len(pairs):
            raise RejectedInputError("message", "names a field twice")
        return names

    json.loads(raw, object_pairs_hook=unique)


def _rejected(error: ValidationError) -> RejectedInputError:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = _place(first["loc"])
    if first["type"] == "extra_forbidden":
        return RejectedInputError(_place(first["loc"][:-1]), "has a field that the contract does not know")
    if first["type"] == "union_tag_invalid":  # pydantic would repeat the value
        return RejectedInputError(f"{place}.kind", "is no kind that the contract knows")
    return RejectedInputError(place, first["msg"].removeprefix("Value error, "))


def _place(loc: tuple[int | str, ...]) -> str:
    """Where the fault is, in names of the contract only: any other name came with the message and may be data."""
    known = _names()
    return ".".join(str(p) if isinstance(p, int) or p in known else "*" for p in loc) or "message"


@cache
def _names() -> frozenset[str]:
    found: set[str] = set()
    models: list[type[BaseModel]] = [Strict]
    while models:
        model = models.pop()
        models += model.__subclasses__()
        found |= set(model.model_fields)
    return frozenset(found) | frozenset(get_args(FactKind))
