"""IRSS: the columns of an export, known by their names, and the cells of one row (RFC 4180, Windows-1252)."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from schemas.errors import RejectedInputError

Column = Literal[
    "user", "function", "record type", "record number", "date", "time", "date and time", "status",
    "workstation", "reason", "results", "log number",
]  # fmt: skip
Delimiter = Literal[",", "\t", ";"]

HEADER_MAX: Final = 8_192  # bytes: it goes before every row, and no table has so many columns
DELIMITERS: Final[tuple[Delimiter, ...]] = (",", "\t", ";")

# Not known on purpose: "User Name", which is a person's name and often stands beside the login; "Result", which some
# would take for the status and others for the number of results.
SPELLINGS: Final[Mapping[Column, tuple[str, ...]]] = {
    "user": ("User", "User ID", "Login", "Login ID"),
    "function": ("Function", "Action", "Activity"),
    "record type": ("Record Type", "Rec Type"),
    "record number": ("Record Number", "Record No", "Record No.", "Record #", "Record ID", "Rec No"),
    "date": ("Date", "Access Date", "Log Date"),
    "time": ("Time", "Access Time", "Log Time"),
    "date and time": ("Date and Time", "Date Time", "Date/Time", "Access Date Time", "Timestamp"),
    "status": ("Status", "Access Status", "Outcome"),
    "workstation": ("Workstation", "Workstation ID", "Terminal", "Terminal ID"),
    "reason": ("Reason", "Reason for Access", "Access Reason"),
    "results": ("Results", "Result Count", "Hits"),
    "log number": ("Log Number", "Log No", "Log No.", "Log #", "Log ID"),
}
_NEEDED: Final[tuple[Column, ...]] = ("user", "function", "record type", "record number", "status")

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # all but tab and the two of line ends
# Possessive, so that a quote that is never closed costs one look at the row.
_CELL: Final = r'(?:"(?:[^"]++|"")*+"|[^"{d}\r\n]*+)'
_ROW: Final[Mapping[Delimiter, re.Pattern[str]]] = {
    d: re.compile(f"{_CELL}(?:{{d}}{_CELL})*+".format(d=d)) for d in DELIMITERS
}


def folded(text: str) -> str:
    """A name or a code without what does not matter in it: case, spaces and underscores."""
    return text.lower().replace(" ", "").replace("_", "")


_KNOWN: Final[Mapping[str, Column]] = {
    folded(spelling): column for column, spellings in SPELLINGS.items() for spelling in spellings
}


@dataclass(frozen=True, slots=True)
class Header:
    """What tells the cells of a row apart: the delimiter, how many there are, where (from 0) each known column is."""

    delimiter: Delimiter
    width: int
    places: Mapping[Column, int]


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row, quotes taken off, under its header."""

    header: Header
    cells: Sequence[str]

    def text(self, column: Column) -> str:
        """What is in this column, without spaces around it; nothing where the export has no such column."""
        place = self.header.places.get(column)
        return "" if place is None else self.cells[place].strip(" ")

    def reject(self, column: Column, reason: str) -> RejectedInputError:
        """The error that names this column and its number (from 1) in the export, never its content."""
        return RejectedInputError(f"{column} (column {self.header.places[column] + 1})", reason)


@lru_cache(maxsize=32)  # every message of an export has the same one
def read_header(line: bytes) -> Header:
    """The header of an export from its first line, without the line end.

    The delimiter is the one that tells most known columns apart. Raises RejectedInputError when it cannot be told, and
    naming a column that is missing or there twice; whoever makes the exports must act.
    """
    if len(line) > HEADER_MAX:
        raise RejectedInputError("header", f"is longer than {HEADER_MAX} bytes; export fewer columns")
    if line.startswith(_BYTE_ORDER_MARK):
        raise RejectedInputError("header", "begins with a byte order mark; export as Windows-1252, not as UTF-8")
    text = _decoded(line, "header")
    if "\r" in text:
        raise RejectedInputError("header", "holds a carriage return; end lines in LF or CR LF, and send it without")
    delimiter, columns = _told(text)
    _check_there_once(columns)
    _check_times(columns)
    places = {column: place for place, column in enumerate(columns) if column is not None}
    return Header(delimiter, len(columns), places)


def read_row(header: Header, row: bytes) -> Row:
    """The cells of one row, given without its line end. Raises RejectedInputError when there are others than named."""
    text = _decoded(row, "row")
    cells = _cells(text, header.delimiter, "row")
    if len(cells) != header.width:
        raise RejectedInputError(
            "row", f"must have {header.width} cells as the header, not {len(cells)}; quote cells that hold a delimiter"
        )
    return Row(header, cells)


def _decoded(raw: bytes, place: str) -> str:
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError as error:
        raise RejectedInputError(
            f"{place} (byte {error.start + 1})", "is not defined in Windows-1252; export in that encoding"
        ) from None
    if not text.isprintable() and (found := _CONTROL.search(text)):
        raise RejectedInputError(
            f"{place} (byte {found.start() + 1})", "is a control character; export as plain text in Windows-1252"
        )
    return text


def _cells(text: str, delimiter: Delimiter, place: str) -> Sequence[str]:
    if '"' not in text and "\n" not in text and "\r" not in text:
        return text.split(delimiter)
    if not _ROW[delimiter].fullmatch(text):  # the csv module would read on, each version in its own way
        raise RejectedInputError(
            _where_it_stops(text, delimiter, place),
            "must be in quotes as a whole, and quotes in it doubled, when it holds a quote or a line end; "
            "send one row a message, without its line end",
        )
    return next(csv.reader([text], delimiter=delimiter, strict=True))


def _where_it_stops(text: str, delimiter: Delimiter, place: str) -> str:
    """The first cell that is quoted wrongly: of the cells before it, the whole can be read."""
    found = _ROW[delimiter].match(text)
    good = text[: found.end()] if found else ""
    return f"{place} (cell {len(next(csv.reader([good], delimiter=delimiter))) or 1})"


def _told(text: str) -> tuple[Delimiter, list[Column | None]]:
    """The delimiter and the known column in each place. By two delimiters, two readers could read two things."""
    by_delimiter = {delimiter: _known_columns(text, delimiter) for delimiter in DELIMITERS}
    counts = {d: sum(column is not None for column in columns) for d, columns in by_delimiter.items()}
    most = max(counts.values())
    best = [delimiter for delimiter, count in counts.items() if count == most]
    if len(best) > 1:
        raise RejectedInputError(
            "header", "must be the names of columns, separated by commas, tabs or semicolons; send it before each row"
        )
    return best[0], by_delimiter[best[0]]


def _known_columns(text: str, delimiter: Delimiter) -> list[Column | None]:
    try:
        return [_KNOWN.get(folded(name)) for name in _cells(text, delimiter, "header")]
    except RejectedInputError:  # by this delimiter it is none
        return []


def _check_there_once(columns: Sequence[Column | None]) -> None:
    for column in SPELLINGS:
        if columns.count(column) > 1:
            known = ", ".join(SPELLINGS[column])
            raise RejectedInputError(f"header: {column}", f"is there more than once; export one of {known}")
    for column in _NEEDED:
        if column not in columns:
            raise _missing(column)


def _check_times(columns: Sequence[Column | None]) -> None:
    has_date, has_time = "date" in columns, "time" in columns
    if "date and time" in columns:
        if has_date or has_time:
            raise RejectedInputError("header: date and time", "is there beside date or time; export one or the other")
    elif not has_date and not has_time:
        raise _missing("date and time")
    elif not has_date or not has_time:
        raise _missing("time" if has_date else "date")


def _missing(column: Column) -> RejectedInputError:
    known = ", ".join(SPELLINGS[column])
    return RejectedInputError(f"header: {column}", f"is missing; export it under one of these names: {known}")
