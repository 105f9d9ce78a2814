"""CLEAN: a file of the switch's log, cut into requests with their responses. One with a gap is refused as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from schemas.errors import RejectedInputError

from .clean_lines import LINE_MAX
from .translated import NativeMessage

WAITING_MAX: Final = 10_000  # requests held until the response of the oldest has come: 3 MB, as places in the file
UNPAIRED_MAX: Final = 10_000  # responses left out: more are no edge of a file but the responses of another

_AGAIN: Final = "fetch the file again, whole and in binary mode"

_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]+")
_REQUEST: Final = re.compile(rb"TYP=REQ\|NUM=([0-9]{10})(?:\||\Z)")
_RESPONSE: Final = re.compile(rb"TYP=RSP\|NUM=([0-9]{10})\|REF=([0-9]{10})(?:\||\Z)")
_OPERATOR: Final = re.compile(rb"\|OPR=([A-Z0-9._-]{1,32})(?:\||\Z)")


@dataclass(frozen=True, slots=True)
class LogFile:
    """What a file of the log becomes. `messages` can be gone through once.

    `unpaired` are the lines (from 1) of responses that are left out, because their request is not in the file, or was
    sent already: it has a response, or 10,000 more requests were waiting behind it.
    """

    messages: Iterator[NativeMessage]
    unpaired: tuple[int, ...]


def read_file(raw: bytes) -> LogFile:
    """Every request of the log as a message, in the order of their numbers, once the whole file holds together.

    Goes through the file twice and holds, beside it, places of at most 10,000 requests and 10,000 line numbers.
    Checks each line's characters, length, type and number: both series must be dense, and no response may come before
    its request. It does not look into the other fields: a wrong line becomes a dead letter of its own and must not
    hold up the rest. Raises RejectedInputError naming the line and what to do; whoever fetched the file must act.
    """
    unpaired = tuple(part for part in _parts(raw) if isinstance(part, int))
    return LogFile(messages=(part for part in _parts(raw) if not isinstance(part, int)), unpaired=unpaired)


@dataclass(slots=True)
class _Pairing:
    """Where the lines of requests lie that were not sent yet, each with its response's once that has come.

    They are sent in their order: who waits for a response holds up those behind, so that one login's stay in order.
    """

    oldest: int | None = None
    next_request: int | None = None
    next_response: int | None = None
    last_answered: int = -1
    held: dict[int, tuple[slice, ...]] = field(default_factory=dict)

    def take_request(self, number: int, place: slice) -> None:
        """Raises RejectedInputError when lines are missing before it."""
        self.next_request = _next("NUM", number, self.next_request)
        if self.oldest is None:
            self.oldest = number
            if self.last_answered >= number:
                raise RejectedInputError("NUM", f"was answered before: lines are out of order; {_AGAIN}")
        self.held[number] = (place,)

    def take_response(self, number: int, request: int, place: slice) -> bool:
        """False when no request waits for it. Raises RejectedInputError when lines are missing or out of order."""
        self.next_response = _next("NUM", number, self.next_response)
        self.last_answered = max(self.last_answered, request)
        if self.next_request is not None and request >= self.next_request:
            raise RejectedInputError("REF", f"names a request that has not come: lines are out of order; {_AGAIN}")
        waiting = self.held.get(request, ())
        if len(waiting) != 1:
            return False
        self.held[request] = (*waiting, place)
        return True

    def ready(self, *, at_end: bool = False) -> Iterator[tuple[int, tuple[slice, ...]]]:
        """Number and lines of what can be sent now."""
        while self.oldest is not None and self.oldest in self.held:
            is_due = at_end or len(self.held[self.oldest]) == 2 or len(self.held) > WAITING_MAX
            if not is_due:
                return
            yield self.oldest, self.held.pop(self.oldest)
            self.oldest += 1


def _next(key: str, number: int, expected: int | None) -> int:
    if expected is not None and number != expected:
        raise RejectedInputError(key, f"is not one more than before: lines are missing or there twice; {_AGAIN}")
    return number + 1


def _parts(raw: bytes) -> Iterator[NativeMessage | int]:
    """Messages, and among them the numbers of lines that are left out."""
    pairing, unpaired = _Pairing(), 0
    for number, place in _lines(raw):
        try:
            is_paired = _take(pairing, raw, place)
        except RejectedInputError as error:
            raise RejectedInputError(f"line {number}: {error.place}", error.reason) from None
        if not is_paired:
            unpaired += 1
            if unpaired > UNPAIRED_MAX:
                raise RejectedInputError(
                    f"line {number}", f"is response {unpaired} without a request: send files of one log in their order"
                )
            yield number
        yield from (_message(raw, *ready) for ready in pairing.ready())
    yield from (_message(raw, *ready) for ready in pairing.ready(at_end=True))


def _take(pairing: _Pairing, raw: bytes, place: slice) -> bool:
    line = raw[place]
    if request := _REQUEST.match(line):
        pairing.take_request(int(request[1]), place)
        return True
    if response := _RESPONSE.match(line):
        return pairing.take_response(int(response[1]), int(response[2]), place)
    raise RejectedInputError(
        "TYP, NUM, REF (fields 1-3)", f"must begin TYP=REQ|NUM= or TYP=RSP|NUM=, |REF=, with 10 digits each; {_AGAIN}"
    )


def _lines(raw: bytes) -> Iterator[tuple[int, slice]]:
    """Number and place of each line, its newline left out. Raises RejectedInputError at the first that is none."""
    if not raw:
        raise RejectedInputError("file", f"is empty; {_AGAIN}")
    start, number = 0, 0
    while start < len(raw):
        number += 1
        end = raw.find(b"\n", start, start + LINE_MAX + 1)
        if end < 0:
            raise RejectedInputError(f"line {number}", _endless(len(raw) - start))
        _check_line(number, raw[start:end])
        yield number, slice(start, end)
        start = end + 1


def _endless(left: int) -> str:
    if left > LINE_MAX:
        return f"must have at most {LINE_MAX} characters; {_AGAIN}"
    return f"is cut off: the file ends inside it; {_AGAIN}"


def _check_line(number: int, line: bytes) -> None:
    if line.endswith(b"\r"):
        raise RejectedInputError(f"line {number}", f"ends in CR LF: the file was converted on its way; {_AGAIN}")
    if not _PRINTABLE.fullmatch(line):
        raise RejectedInputError(
            f"line {number}", f"is empty or not printable ASCII: the file was converted on its way; {_AGAIN}"
        )


def _message(raw: bytes, number: int, places: tuple[slice, ...]) -> NativeMessage:
    """Under its operator's login; under its number when that is none, and it will be a dead letter."""
    request = raw[places[0]]
    operator = _OPERATOR.search(request)
    key = operator[1] if operator else b"%010d" % number
    return NativeMessage(key, b"\n".join(raw[place] for place in places), f"clean-{number:010d}")
