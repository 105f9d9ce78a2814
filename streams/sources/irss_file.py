"""IRSS: an export as a whole. A partial one is refused before any row of it is sent."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError

from .irss import translate
from .irss_columns import DELIMITERS, Delimiter, Header, read_header, read_row
from .translated import NativeMessage

_AGAIN: Final = "export it again, whole, and send it as it is"

# Of a row with wrong quotes it finds the end, too: that becomes a dead letter of its own. No match: the file ends
# inside a quoted cell. Possessive, so that this costs one look at the file.
_CELL: Final = rb'(?:"(?:[^"]++|"")*+"[^%b\n]*+|[^"%b\n][^%b\n]*+|)'
_ROW: Final[Mapping[Delimiter, re.Pattern[bytes]]] = {
    d: re.compile(b"%b(?:%b%b)*+(?:\n|\\Z)" % (_CELL.replace(b"%b", c), c, _CELL.replace(b"%b", c)))
    for d, c in ((d, d.encode()) for d in DELIMITERS)
}
_COUNT: Final = rb"([0-9]{1,3}(?:,[0-9]{3}){1,3}|[0-9]{1,12})"
_FOOTER: Final = re.compile(rb"(?i:\(%b rows?(?: [a-z]+)?\)|(?:total )?rows?(?: count)?: ?%b)" % (_COUNT, _COUNT))


@dataclass(frozen=True, slots=True)
class _Line:
    """A row or the footer without its line end, and the number (from 1) of the line that it begins on."""

    number: int
    content: bytes

    def reject(self, reason: str) -> RejectedInputError:
        """The error that names this line."""
        return RejectedInputError(f"line {self.number}", reason)


def read_file(raw: bytes) -> tuple[NativeMessage, ...]:
    """Every row of an export as a message, the header before each, in their order; the footer becomes none.

    Checks encoding, header, the end of the file, and the footer's count where there is a footer. It does not look into
    rows: a wrong one becomes a dead letter of its own and must not hold up the rest. Raises RejectedInputError naming
    the line and what to do; whoever made the export must act.
    """
    _check_encoding(raw)
    first, newline, _ = raw.partition(b"\n")
    if not newline:
        raise RejectedInputError("line 1", f"is cut off: the file ends inside its header; {_AGAIN}")
    header_line = first.removesuffix(b"\r")
    header = _header(header_line)
    lines = list(_lines(raw, len(first) + 1, header))
    rows = _checked(lines, header, header_line)
    if rows and rows[-1] is lines[-1] and not raw.endswith(b"\n"):
        _check_not_cut(rows[-1], header_line)
    return tuple(_messages(rows, header, header_line))


def _check_encoding(raw: bytes) -> None:
    if not raw:
        raise RejectedInputError("file", f"is empty; {_AGAIN}")
    if raw.isascii():
        return
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return
    raise RejectedInputError("file", "is in UTF-8 and not in Windows-1252; export it again in Windows-1252")


def _header(line: bytes) -> Header:
    try:
        return read_header(line)
    except RejectedInputError as error:
        raise RejectedInputError(f"line 1: {error.place}", f"{error.reason}; {_AGAIN}") from None


def _lines(raw: bytes, at: int, header: Header) -> Iterator[_Line]:
    """What follows the header, empty lines left out. Raises RejectedInputError when the file ends inside quotes."""
    pattern, number = _ROW[header.delimiter], 2
    while at < len(raw):
        if (found := pattern.match(raw, at)) is None:
            raise RejectedInputError(
                f"line {number}", f"has a quoted cell that is still open where the file ends: it is cut off; {_AGAIN}"
            )
        line = _Line(number, found[0].removesuffix(b"\n").removesuffix(b"\r"))
        if line.content.strip(b" "):
            yield line
        number += found[0].count(b"\n")
        at = found.end()


def _checked(lines: Sequence[_Line], header: Header, header_line: bytes) -> Sequence[_Line]:
    """The rows, once the footer agrees and nothing follows it."""
    last = len(lines) - 1
    for place, line in enumerate(lines):
        if line.content == header_line:
            raise line.reject("is the header again: send each file by itself, not several joined together")
        if (count := _footer_count(line, header)) is None:
            continue
        if place != last:
            raise lines[place + 1].reject("follows the footer: send each file by itself, not several joined together")
        if count != last:
            raise line.reject(
                f"says {count} rows but the file has {last}: the export is partial, or a quoted cell is not "
                f"closed; {_AGAIN}"
            )
        return lines[:last]
    return lines


def _footer_count(line: _Line, header: Header) -> int | None:
    """How many rows the footer says; None when this is no footer. Spreadsheets quote it and fill it with delimiters."""
    text = line.content.rstrip(header.delimiter.encode() + b" ").strip(b'" ')
    found = _FOOTER.fullmatch(text)
    return int((found[1] or found[2]).replace(b",", b"")) if found else None


def _check_not_cut(line: _Line, header_line: bytes) -> None:
    """A last row without a line end may be whole: it is when it can be read."""
    try:
        translate("irss", b"%b\n%b" % (header_line, line.content))
    except RejectedInputError:
        raise line.reject(f"has no line end and cannot be read: the file is cut off in it; {_AGAIN}") from None


def _messages(rows: Sequence[_Line], header: Header, header_line: bytes) -> Iterator[NativeMessage]:
    """Rows that are equal byte for byte are told apart by their order, so that each is one message."""
    seen: Counter[str] = Counter()
    for row in rows:
        value = b"%b\n%b" % (header_line, row.content)
        if len(value) > MESSAGE_MAX:
            raise row.reject(f"has more than {MESSAGE_MAX} bytes with the header: shorten it, or close its quotes")
        digest = hashlib.sha256(value).hexdigest()[:32]
        seen[digest] += 1
        message_id = f"irss-row-{digest}" + (f"-{seen[digest]}" if seen[digest] > 1 else "")
        yield NativeMessage(_key(row, header) or message_id.encode(), value, message_id)


def _key(row: _Line, header: Header) -> bytes:
    """The user, so that one person's accesses stay in order; nothing when the row cannot be read."""
    try:
        return read_row(header, row.content).text("user").encode("cp1252")
    except RejectedInputError:
        return b""
