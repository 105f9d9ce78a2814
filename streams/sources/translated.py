"""What a translator answers, the accesses that one message names; and what a file of native messages is cut into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from schemas.access import Access
from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from schemas.ids import Instant
from schemas.ledger import FilePart

LINE_BOUND: Final = MESSAGE_MAX + 2  # bytes of a line that are looked at: one that is longer is refused everywhere

Report = Callable[[RejectedInputError], None]
"""Takes what is wrong with a file; whoever sends one raises it, whoever only looks goes on with the next line."""


class Translated(NamedTuple):
    """The accesses of one message, in its order. A control message (header, trailer, heartbeat) names none.

    What a control message may say of its source: `given`, the highest sequence number that it has given to an access;
    `beat_at`, what its clock showed when it sent a heartbeat (UTC ms); `file`, which file begins or ends with it.
    """

    accesses: tuple[Access, ...]
    is_control: bool
    given: int | None = None
    beat_at: Instant | None = None
    file: FilePart | None = None


CONTROL = Translated(accesses=(), is_control=True)


@dataclass(frozen=True, slots=True)
class NativeMessage:
    """One message of a file as it is sent: `value` byte-exact, or with what it inherits from others put before it.

    `key` keeps what belongs together in order; `message_id` is unique in the source, and the same when the file is sent
    again. `line` is where in the file it begins, from 1. `given`: of a control message of the file, the highest
    sequence number in it.
    """

    key: bytes
    value: bytes
    message_id: str
    line: int = field(default=0, compare=False)
    given: int | None = None


def refuse(fault: RejectedInputError) -> None:
    """The report of whoever takes a file whole or not at all."""
    raise fault


def bounded_lines(readline: Callable[[int], bytes]) -> Iterator[bytes]:
    """The lines of a file opened in binary mode, given its `readline`, with their ends.

    Of a line that is longer than any message only the beginning is given, without an end: no line can fill memory.
    """
    while line := readline(LINE_BOUND):
        if len(line) == LINE_BOUND and not line.endswith(b"\n"):
            while (rest := readline(LINE_BOUND)) and not rest.endswith(b"\n"):
                pass
        yield line
