"""Facts from CSV: a table with a header, as a spreadsheet writes it. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

from schemas.codec import decode
from schemas.errors import RejectedInputError
from schemas.fact import Fact, FactKind
from schemas.ids import FeedName
from streams.sources.translated import Report, refuse

from .outgoing import Outgoing, at_line, fact_message

COMMON: Final = ("kind", "fact_id", "revision", "valid_from", "valid_to", "recorded_at", "recorded_by", "void")
BODY: Final[Mapping[FactKind, tuple[str, ...]]] = MappingProxyType(
    {
        "assignment": ("staff", "unit", "record_kind", "record_id", "role"),
        "supervision": ("supervisor", "staff"),
        "coverage": ("covering", "covered"),
        "account": ("source", "login", "staff"),
        "membership": ("record_kind", "record_id", "within_kind", "within_id"),
        "unit_member": ("staff", "unit"),
        "review": ("staff", "record_kind", "record_id", "alert"),
    }
)
COLUMNS: Final = (*COMMON, *dict.fromkeys(name for names in BODY.values() for name in names))

# Columns of a pair stand for one record of the contract.
_RECORDS: Final = {"record_kind": "record", "record_id": "record", "within_kind": "within", "within_id": "within"}


def fact_rows(raw: bytes, feed: FeedName, report: Report = refuse) -> Iterator[Outgoing]:
    """The facts in a CSV file in UTF-8; an empty cell is an absent field. A CSV file states no marks.

    Reports RejectedInputError naming line and column; whoever made the file must act.
    """
    try:
        text = raw.decode("utf-8-sig")  # spreadsheets write a byte order mark; ids are ASCII, so it can hide nothing
    except UnicodeDecodeError:
        report(RejectedInputError("file", "is not UTF-8; save it as CSV UTF-8; nothing was sent"))
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = _header(next(reader, []))
        for cells in filter(None, reader):
            try:
                message = fact_message(_fact(header, cells), feed)
            except RejectedInputError as error:
                report(at_line(reader.line_num, error))
            else:
                yield message
    except _HeaderError as error:
        report(at_line(max(reader.line_num, 1), error))
    except csv.Error:
        report(at_line(max(reader.line_num, 1), RejectedInputError("row", "is not CSV (quotes, commas)")))


class _HeaderError(RejectedInputError):
    """Nothing below it can be read."""


def _header(cells: list[str]) -> list[str]:
    if len(set(cells)) != len(cells):
        raise _HeaderError("header", "names a column twice")
    if set(cells) - set(COLUMNS):
        raise _HeaderError("header", f"must name columns out of: {', '.join(COLUMNS)}")
    if missing := {"kind", "fact_id", "revision", "valid_from", "recorded_at"} - set(cells):
        raise _HeaderError("header", f"must also name: {', '.join(sorted(missing))}")
    return cells


def _fact(header: list[str], cells: list[str]) -> Fact:
    if len(cells) != len(header):
        raise RejectedInputError("row", f"has {len(cells)} cells, the header {len(header)}")
    row = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
    kind = next((known for known in BODY if known == row.get("kind")), None)
    if kind is None:
        raise RejectedInputError("column kind", f"must be one of {', '.join(BODY)}")
    for name in row:
        if name not in (*COMMON, *BODY[kind]):
            raise RejectedInputError(f"column {name}", f"must be empty for the kind {kind}")
    try:
        return decode(Fact, orjson.dumps(_document(row, kind)))
    except RejectedInputError as error:
        raise RejectedInputError(_column(error.place), error.reason) from None


def _document(row: Mapping[str, str], kind: FactKind) -> dict[str, Any]:
    body: dict[str, Any] = {"kind": kind}
    for name in BODY[kind]:
        if name not in row:
            continue
        if name in _RECORDS:
            body.setdefault(_RECORDS[name], {})[name.partition("_")[2]] = row[name]
        else:
            body[name] = row[name]
    document: dict[str, Any] = {name: row[name] for name in COMMON if name in row and name != "kind"}
    document["revision"] = _revision(row.get("revision", ""))
    document["void"] = _void(row.get("void", "false"))
    return document | {"body": body}


def _revision(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise RejectedInputError("column revision", "must be a whole number from 1")
    return int(text)


def _void(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise RejectedInputError("column void", "must be true or false")
    return text.lower() == "true"


def _column(place: str) -> str:
    """The column that a place in the record stands for: `body.assignment.record.id` is `record_id`."""
    parts = place.split(".")
    if parts[0] == "body" and len(parts) > 2:
        name = "_".join(parts[2:])
        return f"columns {name}_kind and {name}_id" if name in _RECORDS.values() else f"column {name}"
    return f"column {place}" if place in COLUMNS else place
