"""Paper: one slip of the records room's sign-out book, typed by a clerk later. The layout is synthetic; the real one is
not public. A message is a CSV header line (UTF-8, with or without a byte order mark), a newline, and one row.

The columns, in any order; capitals and spaces in their names do not matter, other columns are ignored:

    Slip Number    as printed: capitals and digits, hyphens between      Signed By      staff number as on the slip
    Date Out       MM/DD/YYYY or YYYY-MM-DD                              Requested For  staff number or blank
    Time Out       HH:MM or blank                                        Purpose        free text or blank
    Date Returned  as Date Out, or blank                                 Copies         how many were made, or blank
    Record Type    case, person, intake, document, service, staff        Given To       somebody outside, or blank
    Record Number  as on the folder                                      Result         given or refused
    Typed On       as Date Out                                           Typed By       not read

Days are whole local days, and what happened on one happened at some time in that interval.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.access import Access, Action, Purpose, Record, RecordKind
from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from schemas.ids import SourceName

from .codes import meaning
from .local_time import YEARS, readings, whole_day, zone_of
from .paper_csv import Row, read_row
from .translated import Translated

SLIP: Final = re.compile(r"(?=.{1,32}\Z)[A-Z0-9]+(?:-[A-Z0-9]+)*")

_ZONE = zone_of("paper")
_KINDS: Final[Mapping[str, RecordKind]] = {
    "case": "case", "person": "person", "intake": "intake", "document": "document", "service": "service",
    "staff": "staff",
}  # fmt: skip
# A spreadsheet turns a long number into 1.2E+11, and its last digits are lost. A formula begins with none of these.
_NUMBER = re.compile(r"(?![0-9.]+[Ee]\+[0-9]+\Z)[A-Za-z0-9][\x21-\x7e]{0,199}")
_US_DATE = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_COPIES = re.compile(r"[0-9]{1,5}")
_MINUTE_MS: Final = 60_000
_PURPOSE_MAX, _GIVEN_TO_MAX = 2000, 500  # characters: what the contract takes


class Span(NamedTuple):
    """From the first to the last UTC millisecond, both included."""

    first: int
    last: int


class Day(NamedTuple):
    """A date as it was typed, and the local day that it was."""

    date: date
    span: Span


def translate(source: SourceName, value: bytes) -> Translated:
    """The one to four accesses of a slip, as its life goes: out, copied, given away, returned.

    No slip can be copied before it is out or given away after its return; the order is fixed so that the same bytes are
    the same list. Raises RejectedInputError naming column and fix; the clerk must type the slip again, or whoever made
    the file must.
    """
    row = read_row(_text(value))
    if row.of("Result").lower() == "refused":
        return Translated(accesses=(_refused(source, row),), is_control=False)
    if row.of("Result").lower() != "given":
        raise row.reject("Result", "must be given or refused")
    return Translated(accesses=tuple(_given(source, row)), is_control=False)


def _text(value: bytes) -> str:
    if len(value) > MESSAGE_MAX:
        raise RejectedInputError("message", f"is larger than {MESSAGE_MAX} bytes; shorten the slip's texts")
    try:
        return value.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise RejectedInputError(f"byte {error.start}", "is not UTF-8; export the file as CSV UTF-8") from None


def _refused(source: SourceName, row: Row) -> Access:
    for column in ("Date Returned", "Given To"):
        if row.of(column):
            raise row.reject(column, "must be blank when the result is refused: nothing went out")
    if _copies(row):
        raise row.reject("Copies", "must be blank or 0 when the result is refused: nothing went out")
    out, _, _ = _days(row)
    return _access(source, row, "out", "check_out", _time_out(row, out), is_refused=True)


def _given(source: SourceName, row: Row) -> Iterator[Access]:
    out, returned, typed = _days(row)
    signed = _time_out(row, out)
    # From when it was signed for: before that nobody's duty covers what the room did, and whoever signed would be
    # suspected of a morning on which they had asked for nothing. To what whoever typed it could know of.
    kept = Span(signed.first, (returned or typed).span.last)
    yield _access(source, row, "out", "check_out", signed)
    if copies := _copies(row):
        yield _access(source, row, "copy", "print", kept, copies=copies)
    if given_to := _given_to(row):
        yield _access(source, row, "given", "disclose", kept, recipient=given_to)
    if returned is not None:
        back = Span(max(signed.first, returned.span.first), returned.span.last)
        yield _access(source, row, "return", "return", back)


def _access(
    source: SourceName,
    row: Row,
    suffix: str,
    action: Action,
    span: Span,
    *,
    is_refused: bool = False,
    copies: int | None = None,
    recipient: str | None = None,
) -> Access:
    slip = row.of("Slip Number")
    if not SLIP.fullmatch(slip):
        raise row.reject("Slip Number", "must be as printed: capitals and digits with hyphens between, at most 32")
    purpose = _words(row, "Purpose", _PURPOSE_MAX)
    return Access(
        event_id=f"paper-{slip}-{suffix}",
        source=source,
        actor=_number(row, "Signed By"),
        requested_for=_number(row, "Requested For") if row.of("Requested For") else None,
        action=action,
        record=Record(kind=_kind(row), id=_number(row, "Record Number")),
        recipient=recipient,
        purpose=Purpose(text=purpose) if purpose else None,
        result="denied" if is_refused else "success",
        occurred_at=span.first,
        occurred_until=span.last,
        object_count=copies,
    )


def _days(row: Row) -> tuple[Day, Day | None, Day]:
    """Out, returned and typed, in an order that can be; so no interval ends after the day on which it was typed."""
    out, typed = _day(row, "Date Out"), _day(row, "Typed On")
    if typed.date < out.date:
        raise row.reject("Typed On", "must not be before Date Out: no slip is typed before it was written")
    returned = _day(row, "Date Returned") if row.of("Date Returned") else None
    if returned is not None and returned.date < out.date:
        raise row.reject("Date Returned", "must not be before Date Out")
    if returned is not None and typed.date < returned.date:
        raise row.reject("Date Returned", "must not be after Typed On: nobody can know it yet")
    return out, returned, typed


def _day(row: Row, column: str) -> Day:
    try:
        return _day_of(row.of(column))
    except ValueError as error:
        raise row.reject(column, str(error)) from None


@lru_cache(maxsize=4096)  # two or three of them in every slip, and mostly the same
def _day_of(text: str) -> Day:
    """Raises ValueError that says what is wrong with it and not what it is."""
    if us := _US_DATE.fullmatch(text):
        month, day, year = us.groups()
    elif iso := _ISO_DATE.fullmatch(text):
        year, month, day = iso.groups()
    else:
        raise ValueError("must be MM/DD/YYYY or YYYY-MM-DD, the year with four digits")
    if int(year) not in YEARS:
        raise ValueError("must lie between the years 1900 and 9998")
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError("must be a date that exists, MM/DD/YYYY or YYYY-MM-DD") from None
    return Day(found, Span(*whole_day(found, _ZONE)))


def _time_out(row: Row, out: Day) -> Span:
    """The minute that was written; both, and what is between, in the hour that happens twice; else the whole day."""
    text = row.of("Time Out")
    if not text:
        return out.span
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        raise row.reject("Time Out", "must be HH:MM from 00:00 to 23:59, or blank")
    found = readings(datetime.combine(out.date, time(int(clock[1]), int(clock[2]))), _ZONE, _MINUTE_MS)
    if found is None:
        raise row.reject("Time Out", "does not exist on this date: the clocks went forward")
    return Span(*found)


def _kind(row: Row) -> RecordKind:
    return meaning(_KINDS, row.of("Record Type").lower(), row.reject, "Record Type")


def _number(row: Row, column: str) -> str:
    number = row.of(column)
    if not _NUMBER.fullmatch(number):
        raise row.reject(
            column, "must begin with a letter or digit, have no spaces, and not be rounded by a spreadsheet (1E+9)"
        )
    return number


def _copies(row: Row) -> int:
    text = row.of("Copies")
    if text and not _COPIES.fullmatch(text):
        raise row.reject("Copies", "must be a whole number up to 99999, or blank")
    return int(text or "0")


def _given_to(row: Row) -> str:
    text = _words(row, "Given To", _GIVEN_TO_MAX)
    if text and (text[0] in "=+-@" or not any(character.isalnum() for character in text)):
        raise row.reject("Given To", "must be a name, or blank when nobody took it out of the house")
    return text


def _words(row: Row, column: str, most: int) -> str:
    text = row.of(column).strip().replace("\r\n", "\n")
    if len(text) > most:
        raise row.reject(column, f"must have at most {most} characters")
    return text
