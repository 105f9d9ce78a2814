"""FACTS: the nightly file as a whole. A file that is short or altered is refused before any line of it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from schemas.errors import RejectedInputError

from .facts import AUDIT_NUMBER, CONTROL_HASH, COUNT, FILE_NUMBER, LINE_LENGTH, USER, check_header, check_trailer
from .translated import NativeMessage

_AGAIN: Final = "fetch the file again, whole and in binary mode"

T = TypeVar("T")


def read_file(raw: bytes) -> tuple[NativeMessage, ...]:
    """Every line of a nightly file as a message, in its order, once the whole file holds together.

    Checks encoding, the length of every line, header, trailer, count and control hash (the first 16 hexadecimal digits
    of SHA-256 over all detail lines with their newlines). It does not look into detail lines: a wrong one becomes a
    dead letter of its own and must not hold up the rest of the night. Raises RejectedInputError naming the line and
    what to do; whoever fetched the file must act, or else the FACTS team.
    """
    lines = _lines(raw)
    _check_order(lines)
    _on_line(1, check_header, lines[0])
    count, control_hash = _on_line(len(lines), check_trailer, lines[-1])
    details = lines[1:-1]
    if count != len(details):
        fault = COUNT.reject(f"says {count} detail lines but the file has {len(details)}; {_AGAIN}")
        raise _located(len(lines), fault)
    if control_hash != control_hash_of(details):
        raise _located(len(lines), CONTROL_HASH.reject(f"does not match the detail lines; {_AGAIN}"))
    return _messages(lines)


def control_hash_of(details: Sequence[str]) -> str:
    """Control hash over detail lines, given here without the newlines that it includes."""
    return hashlib.sha256("".join(f"{line}\n" for line in details).encode("ascii")).hexdigest()[:16]


def _lines(raw: bytes) -> list[str]:
    """Lines without their newlines, each of the right length. Raises RejectedInputError at the first that is not."""
    if not raw:
        raise RejectedInputError("file", f"is empty; {_AGAIN}")
    pieces = raw.split(b"\n")
    for number, piece in enumerate(pieces[:-1], start=1):
        _check_line(number, piece)
    if pieces[-1]:
        raise RejectedInputError(f"line {len(pieces)}", f"is cut off: the file ends inside it; {_AGAIN}")
    return [piece.decode("ascii") for piece in pieces[:-1]]


def _check_line(number: int, line: bytes) -> None:
    place = f"line {number}"
    if not line.isascii() or b"\0" in line:
        raise RejectedInputError(place, f"is not ASCII: the file was converted on its way; {_AGAIN}")
    if line.endswith(b"\r"):
        raise RejectedInputError(place, f"ends in CR LF: the file was converted on its way; {_AGAIN}")
    if len(line) != LINE_LENGTH:
        raise RejectedInputError(place, f"must have {LINE_LENGTH} characters, not {len(line)}; {_AGAIN}")


def _check_order(lines: Sequence[str]) -> None:
    """One header first, details, one trailer last."""
    if not lines[0].startswith("H"):
        raise RejectedInputError("line 1", f"must be the header: the start of the file is missing; {_AGAIN}")
    trailer = next((n for n, line in enumerate(lines, start=1) if line.startswith("T")), None)
    if trailer is None:
        raise RejectedInputError(f"line {len(lines)}", f"is the last but no trailer: the file is short; {_AGAIN}")
    if trailer != len(lines):
        raise RejectedInputError(
            f"line {trailer + 1}", "follows the trailer: send each file by itself, not several joined together"
        )
    for number, line in enumerate(lines[1:-1], start=2):
        if not line.startswith("D"):
            raise RejectedInputError(f"line {number}", f"must be a detail line (column 1 D); {_AGAIN}")


def _on_line(number: int, check: Callable[[str], T], line: str) -> T:
    try:
        return check(line)
    except RejectedInputError as error:
        raise _located(number, RejectedInputError(error.place, f"{error.reason}; {_AGAIN}")) from None


def _located(number: int, error: RejectedInputError) -> RejectedInputError:
    return RejectedInputError(f"line {number}: {error.place}", error.reason)


def _messages(lines: Sequence[str]) -> tuple[NativeMessage, ...]:
    """Header and trailer say up to which audit number the file goes: where sending it ends halfway, that is missed.

    Numbers are dense, so a wrong line with a high number says nothing of the others.
    """
    file_number = FILE_NUMBER.of(lines[0])
    numbers = [int(n) for n in map(AUDIT_NUMBER.of, lines[1:-1]) if n.isdigit()]
    given = min(max(numbers), min(numbers) + len(numbers) - 1) if numbers else None

    def control(line: str) -> NativeMessage:
        return NativeMessage(file_number.encode(), line.encode(), f"facts-file-{file_number}-{line[0]}", given)

    def detail(line: str) -> NativeMessage:
        return NativeMessage(USER.of(line).strip().encode(), line.encode(), f"facts-{AUDIT_NUMBER.of(line)}")

    return (control(lines[0]), *(detail(line) for line in lines[1:-1]), control(lines[-1]))
