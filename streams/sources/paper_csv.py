"""Paper: the CSV that slips are typed into (RFC 4180; a line may end in LF alone): header, rows, and their cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from schemas.errors import RejectedInputError

COLUMNS: Final = (
    *("Slip Number", "Date Out", "Time Out", "Date Returned", "Record Type", "Record Number", "Signed By"),
    *("Requested For", "Purpose", "Copies", "Given To", "Result", "Typed By", "Typed On"),
)

_NAMES: Final[Mapping[str, str]] = {name.replace(" ", "").lower(): name for name in COLUMNS}
_FIELD = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",\r\n]*+))(,|\r?\n|\Z)')
_OPEN_QUOTE = re.compile(r'"(?:[^"]++|"")*+\Z')
# Controls but tab and newline, marks that turn or hide text, and what stands where a character was lost.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    r"\U000e0000-\U000e007f]|\r(?!\n)"
)


@dataclass(frozen=True, slots=True)
class Header:
    """The header line: its cells as they are, and where each of our columns is (the first is 0)."""

    cells: tuple[str, ...]
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one slip under their header."""

    header: Header
    cells: Sequence[str]

    def of(self, column: str) -> str:
        """What was typed there, without the spaces around it."""
        return self.cells[self.header.places[column]].strip(" ")

    def reject(self, column: str, reason: str) -> RejectedInputError:
        """The error that names this column and its place (the first is 1), never its content."""
        return RejectedInputError(f"{column} (column {self.header.places[column] + 1})", reason)


@lru_cache(maxsize=16)  # the same line in every message of a file
def read_header(line: str) -> Header:
    """The header in `line`, given without its line end. Raises RejectedInputError when a column is missing or twice."""
    cells, _ = record_at(line, 0, "header")
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        name = _NAMES.get(cell.replace(" ", "").lower())
        if name in places:
            raise RejectedInputError("header", f"has the column {name} twice; keep one")
        if name is not None:
            places[name] = place
    if missing := [name for name in COLUMNS if name not in places]:
        raise RejectedInputError("header", f"must have the column {', '.join(missing)}, with commas between columns")
    return Header(tuple(cells), places)


def read_row(text: str) -> Row:
    """The one row of a message under its header. Raises RejectedInputError naming header, row or column."""
    line, newline, rest = text.partition("\n")
    if not newline:
        raise RejectedInputError("message", "must be the header line, a newline and one row")
    header = read_header(line.removesuffix("\r"))
    cells, end = record_at(rest, 0, "row")
    if end != len(rest):
        raise RejectedInputError("row", "must be one; send each slip as a message of its own")
    if len(cells) != len(header.cells):
        raise RejectedInputError("row", f"has {len(cells)} cells under {len(header.cells)} columns; quote its commas")
    row = Row(header, cells)
    if _UNSEEN.search(rest):
        _refuse_unseen(row)
    return row


def record_at(text: str, at: int, place: str) -> tuple[list[str], int]:
    """The cells of the CSV record that begins at `at`, and where the next begins (RFC 4180; a line may end in LF).

    Raises RejectedInputError naming `place`: quotes that do not pair are refused, for two readers could pair them
    differently.
    """
    cells = []
    while found := _FIELD.match(text, at):
        quoted, plain, end = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        at = found.end()
        if end != ",":
            return cells, at
    if _OPEN_QUOTE.match(text, at):
        raise RejectedInputError(place, "opens a quotation mark that is never closed: it is cut off; export it again")
    raise RejectedInputError(
        place, "is no CSV: a cell that holds a quotation mark or a line end must be quoted, and its quotes doubled"
    )


def _refuse_unseen(row: Row) -> None:
    """Columns that are ignored may hold anything."""
    for column in COLUMNS:
        if _UNSEEN.search(row.of(column)):
            raise row.reject(column, "holds a character that is not seen or was damaged; type it again as plain text")
