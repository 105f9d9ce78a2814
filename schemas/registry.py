"""The registry: systems nobody wrote code for, since they send canonical JSON. One entry each (ADR 29).

A TOML file, named by NTK_SOURCES_FILE, that every process reads once when it starts:

    [sources.kiosk]
    title = "records room kiosk"
    zone = "America/New_York"
    precision_ms = 1000
    clock_error_ms = 2000

The name of the table is the name of the source: of its topic, `access.kiosk.v1`, and of its logins in account facts.

What is expected of sources of ours (ADR 31), which changes no verdict:

    [expected.ecms]
    heard_every_seconds = 120

And the keys of sources that sign their messages (ADR 36), ours too:

    [[keys.ecms]]
    id = "ecms-2026"
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    since = "2026-12-01T00:00:00Z"
"""

from __future__ import annotations

import dataclasses
import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from pydantic import TypeAdapter, ValidationError

from .calendar import faults
from .errors import RejectedInputError
from .ids import SourceName
from .ledger import Times
from .registry_expected import EXPECTED, expecting
from .registry_keys import signing
from .topics import CONSOLE, DAY_MS, SOURCES, Source

Sources = Mapping[SourceName, Source]
"""Name -> source: those of `schemas/topics.py` and those of a registry."""

FILE_MAX: Final = 1_048_576  # bytes; an entry takes some hundred
ENTRIES_MAX: Final = 50  # each is a topic of 4 partitions, and a value of a metric's label
TITLE_MAX: Final = 100  # characters: it stands in tables
CLOCK_ERROR_MAX_MS: Final = 3_600_000  # a clock that may be off by more than an hour is to be set, not declared

# Native messages need a translator; and whether no value is a fault changes cuts, which say of an entry its times only.
_OF_CODE: Final = frozenset({"content_types", "has_tombstones"})
_FIELDS: Final = tuple(f.name for f in dataclasses.fields(Source) if f.name not in {"name", "keys", *_OF_CODE})
_SOURCE: Final = TypeAdapter(Source)


def read_registry(path: Path | None) -> Sources:
    """All sources there are: ours, and those of this file. Raises RejectedInputError naming entry and field; whoever
    wrote the registry must act."""
    if path is None:
        return SOURCES
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_MAX + 1)
    except OSError as error:
        raise RejectedInputError("registry", f"cannot be read ({error.strerror}): {path}") from None
    return MappingProxyType({**SOURCES, **entries_in(raw)})


def entries_in(raw: bytes) -> Sources:
    """The sources that a registry adds, and those of ours to which it gives keys or expectations. Pure. Raises
    RejectedInputError naming entry and field."""
    if len(raw) > FILE_MAX:
        raise RejectedInputError("registry", f"is larger than {FILE_MAX} bytes")
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RejectedInputError("registry", f"is not UTF-8 at byte {error.start}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RejectedInputError("registry", f"is not TOML: {error}") from None
    tables, keys, expected = (document.pop(name, {}) for name in ("sources", "keys", "expected"))
    if document:
        raise RejectedInputError(
            f"registry.{min(document)}",
            "is unknown: entries are tables [sources.NAME] or [expected.NAME], keys are [[keys.NAME]]",
        )
    if not isinstance(tables, dict):
        raise RejectedInputError("sources", "must be tables [sources.NAME]")
    if len(tables) > ENTRIES_MAX:
        raise RejectedInputError("sources", f"must be at most {ENTRIES_MAX}")
    entries = {name: _entry(name, table) for name, table in tables.items()}
    _accounts_are_known(entries)
    found = entries | expecting(SOURCES, expected)
    return found | signing({**SOURCES, **found}, keys)


def registered(sources: Sources) -> Sources:
    """Those that an entry made."""
    return {name: source for name, source in sources.items() if name not in SOURCES}


def is_declared(source: Source) -> bool:
    """Whether an installation itself has said what it expects of a source: it has, of one that it registered."""
    ours = SOURCES.get(source.name)
    return ours is None or any(getattr(source, field) != getattr(ours, field) for field in EXPECTED)


def registry_hash(sources: Sources) -> str:
    """SHA-256 over all that the registry says, in hex: the same for the same entries, in whatever order."""
    said = [source for name, source in sources.items() if SOURCES.get(name) != source]
    entries = sorted((dataclasses.asdict(source) for source in said), key=lambda e: e["name"])
    return hashlib.sha256(orjson.dumps(entries, default=_plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


def times_in(source: Source) -> Times:
    """What a time of canonical JSON of this source means. Native messages beside it have their precision in them
    already, and what they do not tell it tells by the instant."""
    precision_ms = 1 if source.content_types else source.precision_ms
    return Times(precision_ms=precision_ms, clock_error_ms=source.clock_error_ms, accounts=source.accounts)


def written_times(sources: Sources, name: SourceName) -> Times | None:
    """What is written beside whatever is judged of a source. None of our own: they change with the code, as their
    translators do."""
    return times_in(sources[name]) if name in sources and name not in SOURCES else None


def _entry(name: str, table: Any) -> Source:
    place = f"sources.{name}"
    if name in SOURCES:
        raise RejectedInputError(place, f"is a source of ours: choose another name, or [expected.{name}]")
    if not isinstance(table, dict):
        raise RejectedInputError(place, f"must be a table [{place}]")
    if "name" in table:
        raise RejectedInputError(f"{place}.name", "must be left out: the name of the table is the name of the source")
    if "keys" in table:
        raise RejectedInputError(f"{place}.keys", f"must be left out: keys are tables [[keys.{name}]]")
    for field in sorted(_OF_CODE & table.keys()):
        raise RejectedInputError(f"{place}.{field}", "must be left out: what is no canonical JSON is read by code")
    try:
        # Through JSON, as strict as a message: nothing is taken for a number that is none.
        found = _SOURCE.validate_json(orjson.dumps({**table, "name": name}), strict=True)
    except (orjson.JSONEncodeError, RecursionError):
        raise RejectedInputError(place, "holds a number that is too large, or is nested too deep") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        at_name = field == "name"
        raise RejectedInputError(
            place if at_name else f"{place}.{field}",
            "must be named by a small letter and at most 31 more small letters, digits and _"
            if at_name
            else first["msg"],
        ) from None
    _nothing_unknown(table, found, place)
    _in_bounds(found, place)
    return found


def _nothing_unknown(table: Mapping[str, Any], value: Any, place: str) -> None:
    """A field that is misspelled must not be left to its default, at whatever depth."""
    fields = {f.name for f in dataclasses.fields(value)}
    for key, inner in table.items():
        if key not in fields:
            known = _FIELDS if isinstance(value, Source) else sorted(fields)
            raise RejectedInputError(f"{place}.{key}", f"is unknown; there are {', '.join(known)}")
        made = getattr(value, key)
        pairs = zip(inner, made, strict=False) if isinstance(inner, list) else [(inner, made)]
        for number, (one, of) in enumerate(pairs, 1):
            if isinstance(one, dict) and dataclasses.is_dataclass(of):
                at = f"{place}.{key}.{number}" if isinstance(inner, list) else f"{place}.{key}"
                _nothing_unknown(one, of, at)


def _in_bounds(source: Source, place: str) -> None:
    if not source.title.strip() or len(source.title) > TITLE_MAX or not source.title.isprintable():
        raise RejectedInputError(f"{place}.title", f"must be 1 to {TITLE_MAX} printable characters")
    if source.zone is not None:
        try:
            ZoneInfo(source.zone)
        except (ValueError, KeyError, OSError):  # no name of a zone, none of that name, a name too long for a file
            raise RejectedInputError(f"{place}.zone", _NO_ZONE) from None
    for field, low, high in (("precision_ms", 1, DAY_MS), ("clock_error_ms", 0, CLOCK_ERROR_MAX_MS)):
        if not low <= getattr(source, field) <= high:
            raise RejectedInputError(f"{place}.{field}", f"must be from {low} to {high} milliseconds")
    for field, reason in faults(source):
        raise RejectedInputError(f"{place}.{field}", reason)


def _accounts_are_known(entries: Sources) -> None:
    """One step only: whose logins another's are must not depend on a third."""
    for name, source in entries.items():
        if source.accounts is None:
            continue
        there = {**SOURCES, **entries}.get(source.accounts)
        if there is None or there.accounts is not None or there.name in {name, CONSOLE}:
            raise RejectedInputError(
                f"sources.{name}.accounts", "must be another source, which has logins of its own and is not the console"
            )


_NO_ZONE: Final = "must be a zone of the IANA database, such as America/New_York"


def _plain(value: Any) -> Any:
    """What a field may hold that JSON has not; in one order."""
    return sorted(value, key=repr) if isinstance(value, set | frozenset) else repr(value)
