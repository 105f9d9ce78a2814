"""Paper: the CSV file of slips as a whole. One that is cut off, or that could be cut in two ways, is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError

from .paper import SLIP
from .paper_csv import Header, read_header, record_at
from .translated import NativeMessage

_AGAIN: Final = "export the file again as CSV UTF-8"


def read_file(raw: bytes) -> tuple[NativeMessage, ...]:
    """Every slip of a CSV file as a message, in its order: the header line, a newline, and its row byte-exact.

    Checks encoding, header, quotes and the end of the file, but does not look into rows: a wrong one becomes a dead
    letter of its own and must not hold up the rest. Blank rows, which spreadsheets leave at the end, are no slips.
    Raises RejectedInputError naming the line and what to do; whoever exported the file must act.
    """
    text = _text(raw)
    head, newline, _ = text.partition("\n")
    if not newline:
        raise RejectedInputError("line 1", f"is cut off: the file ends inside the header; {_AGAIN}")
    line = head.removesuffix("\r")
    try:
        header = read_header(line)
    except RejectedInputError as error:
        raise RejectedInputError(f"line 1: {error.place}", error.reason) from None
    return tuple(_messages(text, len(head) + 1, line, header))


def _text(raw: bytes) -> str:
    if not raw:
        raise RejectedInputError("file", f"is empty; {_AGAIN}")
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RejectedInputError(f"line {line}", f"is not UTF-8; {_AGAIN}") from None


def _messages(text: str, at: int, line: str, header: Header) -> Iterator[NativeMessage]:
    """The rows of `text` from `at` on, each under the header `line`; a row is named by the line on which it begins."""
    number = 2
    while at < len(text):
        place = f"line {number}"
        cells, end = record_at(text, at, place)
        if text[end - 1] != "\n":
            raise RejectedInputError(place, f"is cut off: the file ends before the end of the line; {_AGAIN}")
        if [cell.removeprefix("\ufeff") for cell in cells] == list(header.cells):
            raise RejectedInputError(
                place, "is the header again: send each file by itself, not several joined together"
            )
        if any(cell.strip() for cell in cells):
            row = text[at : end - 1].removesuffix("\r")
            yield _message(place, f"{line}\n{row}".encode(), cells, header)
        number += text.count("\n", at, end)
        at = end


def _message(place: str, value: bytes, cells: list[str], header: Header) -> NativeMessage:
    """Under its slip number: only two messages of one partition that differ are seen to be in conflict."""
    if len(value) > MESSAGE_MAX:
        raise RejectedInputError(
            place, f"is larger than {MESSAGE_MAX} bytes with its header: is a quotation mark missing there? {_AGAIN}"
        )
    message_id = f"paper-slip-{hashlib.sha256(value).hexdigest()[:32]}"
    at = header.places["Slip Number"]
    slip = cells[at].strip(" ") if at < len(cells) else ""
    return NativeMessage((slip if SLIP.fullmatch(slip) else message_id).encode(), value, message_id)
