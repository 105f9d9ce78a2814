"""FACTS: the nightly file as a whole. A file that is short or altered is refused before any line of it is sent."""

from __future__ import annotations

import hashlib
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final, TypeVar

from schemas.errors import RejectedInputError
from schemas.ledger import FilePart

from .facts import (
    AUDIT_NUMBER,
    CONTROL_HASH,
    COUNT,
    FILE_NUMBER,
    LAST,
    LINE_LENGTH,
    OF_FILE,
    USER,
    read_header,
    read_trailer,
)
from .translated import LINE_BOUND, NativeMessage, Report, refuse

BEGINS_MAX: Final = 10_000  # different ones, 1 MB; in a row all are one, and each gap makes one more
ELSEWHERE: Final = -1  # of the rest, which so counts as off and not as ahead
_AGAIN: Final = "fetch the file again, whole and in binary mode"

T = TypeVar("T")


def read_file(raw: bytes) -> tuple[NativeMessage, ...]:
    """The messages of a file that is held in memory. Raises as `cut_file` does."""
    return tuple(cut_file(BytesIO(raw)))


def header_of(line: bytes) -> NativeMessage | None:
    """The header that a file begins with, also of one that was converted or stripped on its way; None: it is none, or
    one whose trailer would not say that it ends this file."""
    try:
        first, _, _ = line.removeprefix(BOM_UTF8).partition(b"\r")
        header = first.decode("ascii").rstrip(" \n\x1a").ljust(LINE_LENGTH)
        told = read_header(header) if header.startswith("H") and len(header) == LINE_LENGTH else None
    except (UnicodeDecodeError, RejectedInputError):
        return None
    return None if told is None else _control(told.file, header, 1)


def cut_file(lines: Iterable[bytes], report: Report = refuse) -> Iterator[NativeMessage]:
    """Every line of a nightly file as a message, in its order; no more than one is held in memory.

    Checks encoding, the length of every line, header, trailer, count and control hash (the first 16 hexadecimal digits
    of SHA-256 over all detail lines with their newlines). Count and hash can only be compared at the end, so whoever
    sends goes through it once before. It does not look into detail lines: a wrong one becomes a dead letter of its own
    and must not hold up the rest of the night. Reports, or raises where it cannot go on, RejectedInputError naming the
    line and what to do; whoever fetched the file must act, or else the FACTS team.
    """
    night = _Night(report)
    for number, raw in enumerate(lines, start=1):
        if (message := night.take(number, raw)) is not None:
            yield message
    night.end()


@dataclass(slots=True)
class _Night:
    """What the lines so far have said."""

    report: Report
    file_number: str = ""
    told_number: str | None = None  # what the trailer must say, too
    lines: int = 0
    numbers: int = 0
    lowest: int = 0
    highest: int = 0
    opening: int | None = None  # the number of the first detail line, and of the last; None: it has none
    closing: int | None = None
    begins: Counter[int] = field(default_factory=Counter)  # by where the night begins by its number: so many lines
    trailer: str | None = None
    digest: Any = field(default_factory=hashlib.sha256)

    def take(self, number: int, raw: bytes) -> NativeMessage | None:
        """The message of this line; None once its fault is reported."""
        self.lines = number
        line = raw.removesuffix(b"\n")
        if number > 1 and self.trailer is None and not line.startswith(b"T"):
            self.digest.update(raw)
        try:
            _check_line(number, line, raw)
            return self._message(number, line.decode("ascii"))
        except RejectedInputError as fault:
            if self.trailer is not None:
                raise  # of what follows the trailer nothing is known
            self.report(fault)
            return None

    def _message(self, number: int, line: str) -> NativeMessage:
        if self.trailer is not None:
            raise RejectedInputError(
                f"line {number}", "follows the trailer: send each file by itself, not several joined together"
            )
        if number == 1:
            if not line.startswith("H"):
                raise RejectedInputError("line 1", f"must be the header: the start of the file is missing; {_AGAIN}")
            told = _on_line(1, read_header, line)
            self.told_number = told and told.file
            self.file_number = FILE_NUMBER.of(line)
        elif line.startswith("T"):
            self.trailer = line
        elif line.startswith("D"):
            self._number(AUDIT_NUMBER.of(line), number - 2)
            key = USER.of(line).strip().encode()
            return NativeMessage(key, line.encode(), f"facts-{AUDIT_NUMBER.of(line)}", number)
        else:
            raise RejectedInputError(f"line {number}", f"must be a detail line (column 1 D); {_AGAIN}")
        return _control(self.file_number, line, number, self._given() if self.trailer is not None else None)

    def _number(self, text: str, index: int) -> None:
        self.closing = number = int(text) if text.isdigit() else None
        if index == 0:
            self.opening = number
        if number is not None:
            self.lowest = min(number, self.lowest) if self.numbers else number
            self.highest = max(number, self.highest)
            self.numbers += 1
            self.begins[number - index if len(self.begins) < BEGINS_MAX else ELSEWHERE] += 1

    def _given(self) -> int | None:
        """Up to which audit number the file goes. Numbers are dense, so a wrong line with a high one says nothing."""
        return min(self.highest, self.lowest + self.numbers - 1) if self.numbers else None

    def end(self) -> None:
        """Reports what only the end can tell."""
        if not self.lines:
            raise RejectedInputError("file", f"is empty; {_AGAIN}")
        if self.trailer is None:
            fault = f"is the last but no trailer: the file is short; {_AGAIN}"
            self.report(RejectedInputError(f"line {self.lines}", fault))
            return
        try:
            self._check_trailer(self.trailer)
        except RejectedInputError as fault:
            self.report(fault)

    def _check_trailer(self, line: str) -> None:
        said = _on_line(self.lines, read_trailer, line)
        if said.details != (details := self.lines - 2):
            words = f"says {said.details} detail lines but the file has {details}; {_AGAIN}"
            raise _located(self.lines, COUNT.reject(words))
        if said.control_hash != self.digest.hexdigest()[:16]:
            raise _located(self.lines, CONTROL_HASH.reject(f"does not match the detail lines; {_AGAIN}"))
        if self.file_number and (said.file and said.file.file) != self.told_number:
            raise _located(self.lines, OF_FILE.reject(f"must be the header's in layout 02, blank in 01; {_AGAIN}"))
        if said.file and not self._bears(said.file):
            raise _located(self.lines, LAST.reject(f"and the count name other numbers than the lines have; {_AGAIN}"))

    def _bears(self, file: FilePart) -> bool:
        """Whether the lines can be those that the trailer names: the last or the first of them has the number that it
        must, and of the others one at most is where none can be. One whose number is wrong makes the night no other."""
        if not self.numbers or file.numbers is None:
            return self.numbers == 0 and file.numbers is None
        if (self.lowest, self.highest) == file.numbers:
            return True
        first, last = file.numbers
        ahead = sum(count for begin, count in self.begins.items() if begin > first)
        off = sum(count for begin, count in self.begins.items() if begin != first)
        return (self.closing == last and ahead <= 1) or (self.opening == first and off <= 1)


def _control(file: str, line: str, number: int, given: int | None = None) -> NativeMessage:
    return NativeMessage(file.encode(), line.encode(), f"facts-file-{file}-{line[0]}", number, given)


def control_hash_of(details: Sequence[str]) -> str:
    """Control hash over detail lines, given here without the newlines that it includes."""
    return hashlib.sha256("".join(f"{line}\n" for line in details).encode("ascii")).hexdigest()[:16]


def _check_line(number: int, line: bytes, raw: bytes) -> None:
    place = f"line {number}"
    if not raw.endswith(b"\n") and len(raw) < LINE_BOUND:
        raise RejectedInputError(place, f"is cut off: the file ends inside it; {_AGAIN}")
    if not line.isascii() or b"\0" in line:
        raise RejectedInputError(place, f"is not ASCII: the file was converted on its way; {_AGAIN}")
    if line.endswith(b"\r"):
        raise RejectedInputError(place, f"ends in CR LF: the file was converted on its way; {_AGAIN}")
    if len(line) != LINE_LENGTH:
        raise RejectedInputError(place, f"must have {LINE_LENGTH} characters, not {len(line)}; {_AGAIN}")


def _on_line(number: int, check: Callable[[str], T], line: str) -> T:
    try:
        return check(line)
    except RejectedInputError as error:
        raise _located(number, RejectedInputError(error.place, f"{error.reason}; {_AGAIN}")) from None


def _located(number: int, error: RejectedInputError) -> RejectedInputError:
    return RejectedInputError(f"line {number}: {error.place}", error.reason)
