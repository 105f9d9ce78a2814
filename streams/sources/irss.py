"""IRSS: one row of an ad-hoc CSV or TSV export, with the export's header line before it, is one message.

The layout is synthetic; the real one is not public. A message is the header line, a newline (LF) and one row without
its line end, both byte-exact as in the file: Windows-1252, quoted as RFC 4180 has it, separated by commas, tabs or
semicolons.

    User ID,Function,Record Type,Record Number,Date,Time,Status,Workstation,Reason
    mhenders,Print Screen,Case,C0042,01/05/2026,2:05 PM,Success,WS-0417,"For court, ""as is"", today"

Columns come in any order and are known by a table of spellings (irss_columns.py). Times are local, most to the minute.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeVar

from schemas.access import Access, Action, Purpose, Record, RecordKind, Result
from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from schemas.ids import ID_MAX, SourceName
from schemas.topics import SOURCES

from .codes import must_be_one_of
from .irss_columns import Column, Row, folded, read_header, read_row
from .local_time import YEARS, readings, zone_of
from .translated import Translated

REASON_MAX: Final = 2000  # characters, as the contract has it
RESULTS_MAX: Final = 1_000_000_000
SECOND_MS: Final = 1_000

_ZONE = zone_of("irss")
_PRECISION_MS: Final = SOURCES["irss"].precision_ms
_WORD = re.compile(r"[\x21-\x7e]+")
_BY_SPREADSHEET = re.compile(r"[0-9](\.[0-9]+)?[Ee]\+[0-9]+")
_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?: ?([AaPp])[Mm])?")
_NUMBER = re.compile(r"[0-9]{1,10}|[0-9]{1,3}(?:,[0-9]{3}){1,3}")

_FUNCTIONS: Final[Mapping[str, Action]] = {
    "search": "search",
    "view": "view",
    "add": "edit",
    "update": "edit",
    "delete": "edit",
    "print": "print",
    "printscreen": "print",
    "report": "export",
}
_KINDS: Final[Mapping[str, RecordKind]] = {
    "person": "person",
    "case": "case",
    "intake": "intake",
    "document": "document",
    "service": "service",
    "criteria": "criteria",
}
_RESULTS: Final[Mapping[str, Result]] = {
    "success": "success",
    "successful": "success",
    "denied": "denied",
    "failed": "failed",
    "failure": "failed",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class When:
    """`minute` as clocks showed it, and the first and the last millisecond (UTC) that the written time can mean."""

    minute: str
    first: int
    last: int


def translate(source: SourceName, value: bytes) -> Translated:
    """The one access in `value`, a header line and a row of at most 65,536 bytes together.

    Raises RejectedInputError naming column and fix; whoever makes the exports must act. A time is the
    minute or second that it names, and in the hour that happens twice from the first of them to the end of the other.
    """
    if len(value) > MESSAGE_MAX:
        raise RejectedInputError("message", f"is larger than {MESSAGE_MAX} bytes; shorten the row, or close its quotes")
    header, newline, row = value.partition(b"\n")
    if not newline:
        raise RejectedInputError("message", "must be the export's header line, a newline and one row")
    return Translated(accesses=(_access(source, read_row(read_header(header), row)),), is_control=False)


def _access(source: SourceName, row: Row) -> Access:
    user = _word(row, "user")
    function, action = _coded(row, "function", _FUNCTIONS)
    _, kind = _coded(row, "record type", _KINDS)
    number = _record_number(row)
    _, result = _coded(row, "status", _RESULTS)
    when = _when(row)
    reason, workstation = _reason(row), row.text("workstation")
    return Access(
        # By function and not by action: a print and a print screen are two accesses.
        event_id=_event_id(user, function, kind, number, when.minute, result),
        source=source,
        actor=user,
        action=action,
        record=Record(kind=kind, id=number),
        purpose=Purpose(text=reason) if reason else None,
        result=result,
        occurred_at=when.first,
        occurred_until=when.last,
        device=_word(row, "workstation") if workstation else None,
        object_count=_results(row),
    )


def _event_id(*parts: str) -> str:
    """From what every export has, so that it is the same in all: none has a number that the others have too."""
    return "irss-" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _when(row: Row) -> When:
    """What the row says of its time, in two columns or in one."""
    is_one = "date and time" in row.header.places
    if is_one:
        day, _, clock = row.text("date and time").partition(" ")
    else:
        day, clock = row.text("date"), row.text("time")
    try:
        return _read(day, clock.lstrip(" "))
    except RejectedInputError as error:
        column: Column = "date and time" if is_one else "date" if error.place == "date" else "time"
        raise row.reject(column, error.reason) from None


@lru_cache(maxsize=4096)  # the rows of one minute lie together; it keeps what could be read, which is short
def _read(day: str, clock: str) -> When:
    """Raises RejectedInputError for the place "date" or "time" when it is none, or one that no clock showed."""
    numbers, has_seconds = _clock(clock)
    wall = _wall(day, numbers)
    if (found := readings(wall, _ZONE, SECOND_MS if has_seconds else _PRECISION_MS)) is None:
        raise RejectedInputError("time", "does not exist on this date: the clocks went forward")
    return When(wall.isoformat(timespec="minutes"), *found)


def _wall(text: str, clock: tuple[int, int, int]) -> datetime:
    """What a calendar and a clock showed together."""
    if not (found := _DATE.fullmatch(text)):
        raise RejectedInputError("date", "must have the date as MM/DD/YYYY")
    month, day, year = map(int, found.groups())
    if year not in YEARS:
        raise RejectedInputError("date", "must lie between the years 1900 and 9998")
    try:
        return datetime(year, month, day, *clock)  # noqa: DTZ001 - as clocks show it
    except ValueError:  # the clock is checked
        raise RejectedInputError("date", "must have a date that exists, MM/DD/YYYY") from None


def _clock(text: str) -> tuple[tuple[int, int, int], bool]:
    """Hour, from 0 to 23, minute and second; whether the second is written."""
    if not (found := _TIME.fullmatch(text)):
        raise RejectedInputError("time", "must have the time as HH:MM or HH:MM:SS, with or without AM or PM")
    hour, minute, second, half = int(found[1]), int(found[2]), int(found[3] or 0), found[4]
    if minute > 59 or second > 59:
        raise RejectedInputError("time", "must have minutes and seconds from 00 to 59")
    if half is None and hour > 23:
        raise RejectedInputError("time", "must have an hour from 0 to 23, or from 1 to 12 and AM or PM")
    if half is not None:
        if not 1 <= hour <= 12:
            raise RejectedInputError("time", "must have an hour from 1 to 12 before AM or PM")
        hour = hour % 12 + (12 if half in "Pp" else 0)
    return (hour, minute, second), found[3] is not None


def _word(row: Row, column: Column) -> str:
    word = row.text(column)
    if len(word) > ID_MAX or not _WORD.fullmatch(word):
        raise row.reject(column, f"must be 1 to {ID_MAX} printable ASCII characters without spaces")
    return word


def _record_number(row: Row) -> str:
    number = _word(row, "record number")
    if _BY_SPREADSHEET.fullmatch(number):  # 1.2E+11 is what is left of a thousand millions of numbers
        raise row.reject("record number", "was shortened by a spreadsheet; export again and open it in none")
    return number


def _coded(row: Row, column: Column, codes: Mapping[str, T]) -> tuple[str, T]:
    """The code in its one spelling, and what it means."""
    code = folded(row.text(column))
    if (found := codes.get(code)) is None:
        raise row.reject(column, f"{must_be_one_of(codes)}; case, spaces and underscores do not matter")
    return code, found


def _reason(row: Row) -> str:
    reason = row.text("reason").replace("\r\n", "\n")
    if len(reason) > REASON_MAX:
        raise row.reject("reason", f"must have at most {REASON_MAX} characters")
    return reason


def _results(row: Row) -> int | None:
    text = row.text("results")
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or (count := int(text.replace(",", ""))) > RESULTS_MAX:
        raise row.reject("results", f"must be a whole number from 0 to {RESULTS_MAX}")
    return count
