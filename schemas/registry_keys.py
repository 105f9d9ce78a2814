"""The registry's `[[keys.NAME]]`: the public keys of sources that sign their messages (ADR 36). Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Any, Final

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from .base64url import decoded
from .errors import RejectedInputError
from .ids import Id, SourceName, parse_instant
from .topics import CONSOLE, Source, SourceKey

KEYS_MAX: Final = 20  # of one source: a new one each year, and the old ones stay for what they have signed
KEY_ID_MAX: Final = 100  # characters: it stands in every message
_KEY_BYTES: Final = 32  # of Ed25519
_KEYS: Final = TypeAdapter(Annotated[tuple[SourceKey, ...], Field(min_length=1, max_length=KEYS_MAX)])
_ID: Final = TypeAdapter(Id)
_FIELDS: Final = tuple(field.name for field in dataclasses.fields(SourceKey))


def signing(sources: Mapping[SourceName, Source], tables: Any) -> dict[SourceName, Source]:
    """Those of the sources that have keys, with them. Raises RejectedInputError naming key and field; whoever wrote the
    registry must act."""
    if not isinstance(tables, dict):
        raise RejectedInputError("keys", "must be tables [[keys.NAME]]")
    if tables and find_spec("cryptography") is None:
        raise RejectedInputError("keys", "need what checks signatures: install the extra `signatures`")
    return {name: dataclasses.replace(_known(sources, name), keys=_keys(name, found)) for name, found in tables.items()}


def _known(sources: Mapping[SourceName, Source], name: str) -> Source:
    if name not in sources:
        raise RejectedInputError(f"keys.{name}", "is no source: it is none of ours, and has no table [sources.NAME]")
    if name == CONSOLE:
        raise RejectedInputError(f"keys.{name}", "must be left out: the console is a process of ours and does not sign")
    return sources[name]


def _keys(name: str, tables: Any) -> tuple[SourceKey, ...]:
    place = f"keys.{name}"
    for number, table in enumerate(tables if isinstance(tables, list) else (), start=1):
        for field in sorted(table.keys() - {*_FIELDS} if isinstance(table, dict) else ()):
            raise RejectedInputError(f"{place}.{number}.{field}", f"is unknown; there are {', '.join(_FIELDS)}")
    try:
        keys = _KEYS.validate_json(orjson.dumps(tables), strict=True)
    except (orjson.JSONEncodeError, RecursionError):
        raise RejectedInputError(place, "must be tables of texts") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise RejectedInputError(f"{place}.{at}" if at else place, first["msg"]) from None
    for number, key in enumerate(keys, start=1):
        _check(key, f"{place}.{number}")
    if len({key.id for key in keys}) < len(keys):
        raise RejectedInputError(place, "must have an id of its own for each key")
    return keys


def _check(key: SourceKey, place: str) -> None:
    try:
        _ID.validate_python(key.id)
    except ValidationError:
        raise _wrong_id(place) from None
    if len(key.id) > KEY_ID_MAX:
        raise _wrong_id(place)
    if not _is_key(key.x):
        raise RejectedInputError(f"{place}.x", "must be an Ed25519 key's 32 bytes as base64url: 43 characters, no =")
    moments = [_instant(text, f"{place}.{name}") for name, text in (("since", key.since), ("until", key.until)) if text]
    if len(moments) > 1 and moments[0] >= moments[1]:
        raise RejectedInputError(f"{place}.until", "must be later than since")


def _wrong_id(place: str) -> RejectedInputError:
    return RejectedInputError(f"{place}.id", f"must be 1 to {KEY_ID_MAX} printable ASCII characters without spaces")


def _is_key(x: str) -> bool:
    try:
        return len(decoded(x.encode("ascii"))) == _KEY_BYTES
    except ValueError:  # of what is not ASCII, too
        return False


def _instant(text: str, place: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise RejectedInputError(place, str(error)) from None
