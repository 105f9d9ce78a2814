"""FACTS: one line of the nightly fixed-width audit file is one message. The layout is synthetic; the real one is not
public. Columns count from 1:

    header   1 "H"  2-9 "FACTSAUD"  10-11 layout "02"  12-19 business date  20-25 file number
    detail   1 "D"  2-11 audit number (dense over all files)  12-19 date  20-25 local time  26-33 user  34-36 function
             37 record kind  38-57 record  58-65 terminal (may be blank)  66 result
    trailer  1 "T"  2-11 count of details  12-27 control hash  28-33 file number  34-43 last audit number

Every line has 96 characters, the unused ones spaces. Layout 01 is the same but for the last two fields, which it
leaves blank: of such a file nobody who sees the topic can say whether it came whole.

User ids are cut to 8 characters, so two people may share one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from schemas.access import Access, Action, Record, RecordKind, Result
from schemas.errors import RejectedInputError
from schemas.ids import SourceName
from schemas.ledger import FilePart
from schemas.topics import SOURCES

from .codes import meaning
from .local_time import YEARS, readings, zone_of
from .translated import CONTROL, Translated

LINE_LENGTH: Final = 96

_ZONE = zone_of("facts")
_PRECISION_MS: Final = SOURCES["facts"].precision_ms
_WORD = re.compile(r"[\x21-\x7e]+")
_CONTROL_HASH = re.compile(r"[0-9a-f]{16}")

_FUNCTIONS: Final[Mapping[str, Action]] = {
    "INQ": "search",
    "VEW": "view",
    "UPD": "edit",
    "PRT": "print",
    "RPT": "export",
}
_KINDS: Final[Mapping[str, RecordKind]] = {"P": "person", "C": "case", "I": "intake", "D": "document", "S": "service"}
_RESULTS: Final[Mapping[str, Result]] = {"S": "success", "D": "denied", "F": "failed"}


@dataclass(frozen=True, slots=True)
class Field:
    """A place in the line: what it is called, its first and last column (both included, from 1)."""

    name: str
    first: int
    last: int

    def of(self, line: str) -> str:
        """The characters of this field."""
        return line[self.first - 1 : self.last]

    def reject(self, reason: str) -> RejectedInputError:
        """The error that names this field and its columns, never its content."""
        columns = f"column {self.first}" if self.first == self.last else f"columns {self.first}-{self.last}"
        return RejectedInputError(f"{self.name} ({columns})", reason)


_SYSTEM = Field("system", 2, 9)
_LAYOUT = Field("layout", 10, 11)
_DATE = Field("date", 12, 19)
FILE_NUMBER: Final = Field("file number", 20, 25)
AUDIT_NUMBER: Final = Field("audit number", 2, 11)
_TIME = Field("time", 20, 25)
USER: Final = Field("user", 26, 33)
_FUNCTION = Field("function", 34, 36)
_KIND = Field("record kind", 37, 37)
_RECORD = Field("record", 38, 57)
_TERMINAL = Field("terminal", 58, 65)
_RESULT = Field("result", 66, 66)
COUNT: Final = Field("count", 2, 11)
CONTROL_HASH: Final = Field("control hash", 12, 27)
OF_FILE: Final = Field("file number", 28, 33)
LAST: Final = Field("last audit number", 34, 43)
_UNTOLD: Final = "01"  # the layout whose trailers do not say which numbers the file has
_LAYOUTS: Final = (_UNTOLD, "02")


class Trailer(NamedTuple):
    """What a trailer says: how many detail lines, and the control hash over them. `file`: which file it ends, and its
    audit numbers, which are dense; None: layout 01 does not say."""

    details: int
    control_hash: str
    file: FilePart | None


def translate(source: SourceName, value: bytes) -> Translated:
    """The access that a detail line names; none for the header and the trailer, which are control messages.

    `value` is one line of 96 ASCII characters without its newline. Raises RejectedInputError naming field and columns;
    the FACTS team must act. A local time is the whole second that it names, since a duty may begin within it; in the
    hour that happens twice it reaches from the first such second to the end of the other.
    """
    line = _text(value)
    match line[0]:
        case "D":
            return Translated(accesses=(_access(source, line),), is_control=False)
        case "H":
            return CONTROL._replace(file=read_header(line))
        case "T":
            return _ended(read_trailer(line).file)
        case _:
            raise RejectedInputError("line type (column 1)", "must be H, D or T")


def _ended(file: FilePart | None) -> Translated:
    """What a trailer says. That of a file without lines repeats a number of before, and says nothing of its own."""
    numbers = None if file is None else file.numbers
    return CONTROL._replace(file=file, given=None if numbers is None else numbers[1])


def read_header(line: str) -> FilePart | None:
    """Which file begins; None: one whose trailer will not say which it is. Raises RejectedInputError when this is no
    header of a layout we know."""
    if _SYSTEM.of(line) != "FACTSAUD":
        raise _SYSTEM.reject("must be FACTSAUD")
    if (layout := _LAYOUT.of(line)) not in _LAYOUTS:
        raise _LAYOUT.reject("must be 01 or 02, the layouts known here")
    _day(_DATE, line)
    number = _digits(FILE_NUMBER, line)
    _rest_is_blank(line, after=25)
    return None if layout == _UNTOLD else FilePart(number)


def read_trailer(line: str) -> Trailer:
    """What it says. Raises RejectedInputError when the line is malformed."""
    count, control_hash = int(_digits(COUNT, line)), CONTROL_HASH.of(line)
    if not _CONTROL_HASH.fullmatch(control_hash):
        raise CONTROL_HASH.reject("must be 16 lower-case hexadecimal digits")
    if not line[CONTROL_HASH.last :].strip(" "):
        return Trailer(count, control_hash, None)
    number, last = _digits(OF_FILE, line), int(_digits(LAST, line))
    _rest_is_blank(line, after=LAST.last)
    if count > last + 1:
        raise COUNT.reject("is more than there are numbers up to the last audit number")
    return Trailer(count, control_hash, FilePart(number, last - count + 1, last))


def _text(value: bytes) -> str:
    if not value.isascii():
        raise RejectedInputError("line", "must be ASCII")
    if len(value) != LINE_LENGTH:
        raise RejectedInputError("line", f"must have {LINE_LENGTH} characters, not {len(value)}")
    return value.decode("ascii")


def _access(source: SourceName, line: str) -> Access:
    number = _digits(AUDIT_NUMBER, line)
    first, last = _instants(line)
    access = Access(
        event_id=f"facts-{number}",
        source=source,
        sequence=int(number),
        actor=_user(line),
        action=meaning(_FUNCTIONS, _FUNCTION.of(line), _FUNCTION.reject),
        record=Record(kind=meaning(_KINDS, _KIND.of(line), _KIND.reject), id=_word(_RECORD, line)),
        device=None if _TERMINAL.of(line).isspace() else _word(_TERMINAL, line),
        result=meaning(_RESULTS, _RESULT.of(line), _RESULT.reject),
        occurred_at=first,
        occurred_until=last,
    )
    _rest_is_blank(line, after=66)
    return access


def _instants(line: str) -> tuple[int, int]:
    """The first and the last millisecond (UTC) at which the local date and time may have been."""
    day = _day(_DATE, line)
    clock = _digits(_TIME, line)
    try:
        wall = day.replace(hour=int(clock[:2]), minute=int(clock[2:4]), second=int(clock[4:]))
    except ValueError:
        raise _TIME.reject("must be a time of day, HHMMSS") from None
    found = readings(wall, _ZONE, _PRECISION_MS)
    if found is None:
        raise _TIME.reject("does not exist on this date: the clocks went forward")
    return found


def _day(field: Field, line: str) -> datetime:
    text = _digits(field, line)
    try:
        day = datetime(int(text[:4]), int(text[4:6]), int(text[6:]))  # noqa: DTZ001 - as clocks show it
    except ValueError:
        raise field.reject("must be a date that exists, YYYYMMDD") from None
    if day.year not in YEARS:
        raise field.reject("must lie between the years 1900 and 9998")
    return day


def _digits(field: Field, line: str) -> str:
    text = field.of(line)
    if not text.isdigit():  # the line is ASCII, so these are 0 to 9
        raise field.reject("must be digits, filled with zeros on the left")
    return text


def _word(field: Field, line: str) -> str:
    word = field.of(line).rstrip(" ")
    if not _WORD.fullmatch(word):
        raise field.reject("must be printable characters without spaces, filled with spaces on the right")
    return word


def _user(line: str) -> str:
    user = _word(USER, line)
    if user != user.upper():
        raise USER.reject("must be upper case")
    return user


def _rest_is_blank(line: str, *, after: int) -> None:
    if line[after:].strip(" "):
        raise Field("filler", after + 1, LINE_LENGTH).reject("must be spaces")
