"""The registry's `[expected.NAME]`: what an installation expects of our own sources, and knows of their numbers. Pure.

    [expected.ecms]
    heard_every_seconds = 120
    never_given = [[17, 19]]

None of it changes how an access is judged: that of ours is in code (`topics.py`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from .calendar import faults
from .errors import RejectedInputError
from .ids import SourceName
from .topics import Source

EXPECTED: Final = (
    "is_online",
    "heard_every_seconds",
    "hours",
    "due",
    "due_within_hours",
    "workdays_only",
    "numbers_since",
    "never_given",
)
"""The fields of a source that only say when it is missed."""
NOTHING: Final = ""
"""Of `due` or `hours`: none, although the table of sources has some."""
_SOURCE: Final = TypeAdapter(Source)


def expecting(sources: Mapping[SourceName, Source], tables: Any) -> dict[SourceName, Source]:
    """Those of these sources, ours, of which something else is expected, with it. Raises RejectedInputError naming
    source and field; whoever wrote the registry must act."""
    if not isinstance(tables, dict):
        raise RejectedInputError("expected", "must be tables [expected.NAME]")
    return {name: _as_expected(sources, name, table) for name, table in tables.items()}


def _as_expected(sources: Mapping[SourceName, Source], name: str, table: Any) -> Source:
    place = f"expected.{name}"
    if name not in sources:
        raise RejectedInputError(place, f"is no source of ours; of another it belongs into [sources.{name}]")
    if not isinstance(table, dict):
        raise RejectedInputError(place, f"must be a table [{place}]")
    for field in sorted(table.keys() - {*EXPECTED}):
        raise RejectedInputError(f"{place}.{field}", f"is unknown; there are {', '.join(EXPECTED)}")
    said = {field: None if field in ("due", "hours") and value == NOTHING else value for field, value in table.items()}
    found = _read(sources[name], said, place)
    for field, reason in faults(found):
        raise RejectedInputError(f"{place}.{field}", reason)
    return found


def _read(source: Source, said: Mapping[str, Any], place: str) -> Source:
    try:
        # Through JSON, as strict as a message: nothing is taken for a number that is none.
        read = _SOURCE.validate_json(orjson.dumps({"name": source.name, "title": source.title, **said}), strict=True)
    except (orjson.JSONEncodeError, RecursionError):
        raise RejectedInputError(place, "holds a number that is too large, or is nested too deep") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise RejectedInputError(f"{place}.{'.'.join(map(str, first['loc']))}", first["msg"]) from None
    return dataclasses.replace(source, **{field: getattr(read, field) for field in said})
