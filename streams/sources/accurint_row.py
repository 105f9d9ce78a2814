"""What both messages of Accurint share: lines of comma-separated fields, and what is read from them.

Fields that need it stand in double quotes, a quote inside doubled (RFC 4180); no field holds a line break. Both layouts
are synthetic; the real ones are not public.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.access import Purpose, Record
from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from schemas.topics import SOURCES

from .local_time import YEARS, readings, zone_of

LINE_MAX: Final = 16_384  # bytes; header, stating row and row fit into one message, so do a head and a line
TEXT_MAX: Final = 2_000  # characters of a reference code: what the contract takes
CRITERIA: Final = ("name", "ssn", "address", "phone")

_ZONE = zone_of("accurint")
_PRECISION_MS: Final = SOURCES["accurint"].precision_ms
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FIELD = re.compile(r'(?:"([^"]*+(?:""[^"]*+)*+)"|([^",]*+))(,|\Z)')
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_USER = re.compile(r"[0-9A-Za-z][0-9A-Za-z._@'+-]{0,99}")
_SESSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_PURPOSE = re.compile(r"0|[1-9][0-9]?")
_LEXID = re.compile(r"[0-9]{12}")
_COUNT = re.compile(r"0|[1-9][0-9]{0,8}")
_NOT_A_WORD = re.compile(r"[^\w*?]+|_+")  # * and ? stand for unknown letters in a search


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one kind of line, in their order, with their places from 0."""

    names: tuple[str, ...]
    places: Mapping[str, int]

    @staticmethod
    def of(*names: str) -> Columns:
        """Columns with these names."""
        return Columns(names, {name: place for place, name in enumerate(names)})


class Row(NamedTuple):  # two are made for nearly each access, and a frozen dataclass takes longer to make
    """One line taken apart. `where` says in errors which line of the message it is, as in " of line 3"."""

    columns: Columns
    fields: Sequence[str]
    where: str

    def of(self, name: str) -> str:
        """The text of this field, empty when it is left out."""
        return self.fields[self.columns.places[name]]

    def reject(self, name: str, reason: str) -> RejectedInputError:
        """The error that names this field and its column, never its content."""
        return RejectedInputError(f"{name} (column {self.columns.places[name] + 1}){self.where}", reason)

    def matching(self, name: str, pattern: re.Pattern[str], form: str) -> str:
        """The text of a field that must look like this. Raises RejectedInputError saying `form` when it does not."""
        text = self.of(name)
        if not pattern.fullmatch(text):
            raise self.reject(name, f"must be {form}")
        return text


def text_lines(value: bytes) -> list[str]:
    """The lines of a message. Raises RejectedInputError when it is too large or not UTF-8."""
    if len(value) > MESSAGE_MAX:
        raise RejectedInputError("message", f"is larger than {MESSAGE_MAX} bytes; cut the file with its own reader")
    try:
        return value.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise RejectedInputError(f"byte {error.start}", "is not UTF-8; export as UTF-8") from None


def read_row(line: str, columns: Columns, where: str) -> Row:
    """The fields of a line without its line end. Raises RejectedInputError as `fields_of`, and for what is no text."""
    if not line.isprintable() and _CONTROL.search(line):  # the first is fast, and nearly always enough
        fault = "must not hold control characters; take them out of the field they stand in"
        raise RejectedInputError(f"columns{where}", fault)
    return fields_of(line, columns, where)


def fields_of(line: str, columns: Columns, where: str) -> Row:
    """The fields of a line, whatever is in them. Raises RejectedInputError when quotes or columns do not fit."""
    place = f"columns{where}"
    fields = line.split(",") if '"' not in line else _quoted(line, place)
    if len(fields) != len(columns.names):
        fault = f"must have {len(columns.names)} columns, not {len(fields)}; put fields with commas in double quotes"
        raise RejectedInputError(place, fault)
    return Row(columns, fields, where)


def _quoted(line: str, place: str) -> list[str]:
    """The fields of a line with quotes in it, strictly: what two readers could read differently is refused."""
    fields, start = [], 0
    while found := _FIELD.match(line, start):
        quoted, plain, comma = found.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        if not comma:
            return fields
        start = found.end()
    fault = "has a double quote where none may be: enclose the whole field and double each quote inside it"
    raise RejectedInputError(place, f"{fault}; a field must end on its line")


def instants(row: Row, name: str) -> tuple[int, int]:
    """The first and the last millisecond (UTC) at which a local time may have been.

    Raises RejectedInputError when no clock showed it.
    """
    text = row.matching(name, _TIME, "a local time, YYYY-MM-DD HH:MM:SS")
    try:
        found = _readings(text)
    except ValueError:
        form = "YYYY-MM-DD HH:MM:SS between the years 1900 and 9998"
        raise row.reject(name, f"must be a date and a time of day that exist, {form}") from None
    if found is None:
        raise row.reject(name, "does not exist on this date: the clocks went forward; export local times as recorded")
    return found


def _readings(text: str) -> tuple[int, int] | None:
    minute, second = int(text[14:16]), int(text[17:])
    if minute > 59 or second > 59:
        raise ValueError
    if (hour := _hour(text[:13])) is None:
        return None
    past = (minute * 60 + second) * 1000
    return hour[0] + past, hour[1] + past + _PRECISION_MS - 1


@lru_cache(maxsize=4096)  # since 1900 clocks here were changed on the hour only, and by hours: one reading does
def _hour(text: str) -> tuple[int, int] | None:
    wall = datetime.fromisoformat(text)
    if wall.year not in YEARS:
        raise ValueError
    return readings(wall, _ZONE)


def user_of(row: Row) -> str:
    """The login. Raises RejectedInputError when it is none."""
    return row.matching("user_id", _USER, "a login of 1 to 100 letters, digits and . _ @ ' + -")


def session_of(row: Row) -> str:
    """The session. Raises RejectedInputError when it is none."""
    return row.matching("session_id", _SESSION, "a session id of 1 to 64 letters, digits and . _ -")


def states_purposes(row: Row) -> bool:
    """Whether the line says what the data is for; one of the two codes is enough."""
    return bool(row.of("dppa") or row.of("glba"))


def purpose_code(row: Row) -> str | None:
    """The purposes that the line states, as `DPPA3/GLBA5`; None when it states none."""
    form = "a permissible-use code from 0 to 99 without leading zeros, or empty"
    dppa = f"DPPA{row.matching('dppa', _PURPOSE, form)}" if row.of("dppa") else None
    glba = f"GLBA{row.matching('glba', _PURPOSE, form)}" if row.of("glba") else None
    return f"{dppa}/{glba}" if dppa and glba else dppa or glba


def purpose_of(row: Row, code: str | None) -> Purpose | None:
    """What was claimed: the permissible uses and the line's own reference code. None when nothing was."""
    text = row.of("reference_code")
    if len(text) > TEXT_MAX:
        raise row.reject("reference_code", f"must have at most {TEXT_MAX} characters")
    if not text.replace("\u00a0", " ").isprintable():  # office programs put spaces there that do not break
        raise row.reject("reference_code", "must not hold characters that cannot be seen; take them out")
    return Purpose(code=code, text=text or None) if code or text else None


def lexid_of(row: Row) -> Record:
    """The person whom a line names by LexID."""
    form = "a LexID of 12 digits, zeros on the left included; a table program drops them"
    return Record(kind="person", id=row.matching("lexid", _LEXID, form))


def count_of(row: Row, name: str) -> int | None:
    """A number of things; None when it is left out."""
    return int(row.matching(name, _COUNT, "a number of at most 9 digits, or empty")) if row.of(name) else None


def criteria_of(row: Row) -> Record | None:
    """What was searched by, as `name+ssn-` and 32 hexadecimal digits of SHA-256; None when the line has no criteria.

    The same id for the same criteria, however they are spaced, accented, punctuated, in capitals or small letters. It
    does not hold them, but it is no secret either: who can try all numbers of nine digits finds an SSN.
    """
    used = [(name, text) for name in CRITERIA if (raw := row.of(name)) and (text := _normal(name, raw))]
    if not used:
        return None
    digest = hashlib.sha256("\x1f".join(f"{name}={text}" for name, text in used).encode()).hexdigest()[:32]
    return Record(kind="criteria", id=f"{'+'.join(name for name, _ in used)}-{digest}")


def _normal(name: str, text: str) -> str:
    """One spelling of a criterion; empty when there is nothing but space."""
    if not text.isascii():
        text = _plain(text)
    text = text.casefold()
    words = _NOT_A_WORD.sub("" if name in ("ssn", "phone") else " ", text).strip() or text.strip()
    return words[1:] if name == "phone" and len(words) == 11 and words.startswith("1") else words


def _plain(text: str) -> str:
    """Letters without their accents and what cannot be seen: `José` as `Jose`."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(character for character in apart if not _is_dropped(character))


@lru_cache(maxsize=4096)
def _is_dropped(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Cf")
