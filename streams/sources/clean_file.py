"""CLEAN: a file of the switch's log, cut into requests with their responses. One with a gap is refused as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final, NamedTuple

from schemas.errors import RejectedInputError

from .clean_lines import LINE_MAX
from .translated import NativeMessage, Report, refuse

WAITING_MAX: Final = 10_000  # requests held until the response of the oldest has come: 3 MB
WAITING_BYTES_MAX: Final = 64 << 20  # and what they may take: ten thousand of the longest would be 640 MB
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
    """The messages of a file that is held in memory and that no other follows. Raises as `cut_file` does."""
    unpaired: list[int] = []
    messages = tuple(cut_file(BytesIO(raw), Told(unpaired.append)))
    return LogFile(iter(messages), tuple(unpaired))


class Told(NamedTuple):
    """Who is told the line of what is not sent, or not whole.

    `left_out`: of a response for which no request waits. `alone`: of a request that is sent without a response.
    `waiting`: of a request that is not sent, because its response may stand in the next file; without it such a
    request is sent alone.
    """

    left_out: Callable[[int], None]
    alone: Callable[[int], None] = lambda _: None
    waiting: Callable[[int], None] | None = None


def cut_file(lines: Iterable[bytes], told: Told, report: Report = refuse) -> Iterator[NativeMessage]:
    """Every request of the log as a message, in the order of their numbers, if the whole file holds together.

    Holds at most 10,000 requests. Checks each line's characters, length, type and number: both series must be
    dense, and no response may come before its request. It does not look into the other fields: a wrong line becomes a
    dead letter of its own and must not hold up the rest. Reports RejectedInputError naming the line and what to do,
    then begins anew behind the gap; whoever fetched the file must act.
    """
    pairing, unpaired, number = _Pairing(), 0, 0
    for number, raw in enumerate(lines, start=1):
        fault = _fault_of(number, raw) or _refused(pairing, number, raw[:-1])
        if fault is not None:
            report(fault)
            yield from map(_message, pairing.ready(at_end=True))
            pairing = _Pairing()
            continue
        if not pairing.is_paired:
            unpaired += 1
            if unpaired > UNPAIRED_MAX:
                raise RejectedInputError(
                    f"line {number}", f"is response {unpaired} without a request: send files of one log in their order"
                )
            told.left_out(number)
        yield from _sent(pairing.ready(), told.alone)
    if not number:
        raise RejectedInputError("file", f"is empty; {_AGAIN}")
    rest = list(pairing.ready(at_end=True))
    if told.waiting is not None:
        for held in rest:
            if not held.is_answered:
                told.waiting(held.line)
        rest = [held for held in rest if held.is_answered]
    yield from _sent(rest, told.alone)


def _sent(ready: Iterable[_Held], alone: Callable[[int], None]) -> Iterator[NativeMessage]:
    for held in ready:
        if not held.is_answered:
            alone(held.line)
        yield _message(held)


@dataclass(slots=True)
class _Held:
    """A request that was not sent yet: its number, its line, and these bytes."""

    number: int
    line: int
    parts: list[bytes]

    @property
    def is_answered(self) -> bool:
        """Whether its response has come."""
        return len(self.parts) == 2


@dataclass(slots=True)
class _Pairing:
    """The lines of requests that were not sent yet, each with its response's once that has come.

    They are sent in their order: who waits for a response holds up those behind, so that one login's stay in order.
    """

    oldest: int | None = None
    next_request: int | None = None
    next_response: int | None = None
    last_answered: int = -1
    is_paired: bool = True
    size: int = 0
    held: dict[int, _Held] = field(default_factory=dict)

    def take_request(self, number: int, at: int, line: bytes) -> None:
        """Raises RejectedInputError when lines are missing before it."""
        self.next_request = _next("NUM", number, self.next_request)
        if self.oldest is None:
            self.oldest = number
            if self.last_answered >= number:
                raise RejectedInputError("NUM", f"was answered before: lines are out of order; {_AGAIN}")
        self.is_paired = True
        self.size += len(line)
        self.held[number] = _Held(number, at, [line])

    def take_response(self, number: int, request: int, line: bytes) -> None:
        """`is_paired` says whether a request waits for it. Raises RejectedInputError when lines are missing or out of
        order."""
        self.next_response = _next("NUM", number, self.next_response)
        self.last_answered = max(self.last_answered, request)
        if self.next_request is not None and request >= self.next_request:
            raise RejectedInputError("REF", f"names a request that has not come: lines are out of order; {_AGAIN}")
        waiting = self.held.get(request)
        self.is_paired = waiting is not None and not waiting.is_answered
        if waiting is not None and self.is_paired:
            self.size += len(line)
            waiting.parts.append(line)

    def ready(self, *, at_end: bool = False) -> Iterator[_Held]:
        """What can be sent now."""
        while self.oldest is not None and self.oldest in self.held:
            is_full = len(self.held) > WAITING_MAX or self.size > WAITING_BYTES_MAX
            if not (at_end or is_full or self.held[self.oldest].is_answered):
                return
            held = self.held.pop(self.oldest)
            self.size -= sum(map(len, held.parts))
            self.oldest += 1
            yield held


def _next(key: str, number: int, expected: int | None) -> int:
    if expected is not None and number != expected:
        raise RejectedInputError(key, f"is not one more than before: lines are missing or there twice; {_AGAIN}")
    return number + 1


def _refused(pairing: _Pairing, number: int, line: bytes) -> RejectedInputError | None:
    """Takes the line, or says why it cannot."""
    try:
        _take(pairing, number, line)
    except RejectedInputError as error:
        return RejectedInputError(f"line {number}: {error.place}", error.reason)
    return None


def _take(pairing: _Pairing, number: int, line: bytes) -> None:
    if request := _REQUEST.match(line):
        pairing.take_request(int(request[1]), number, line)
    elif response := _RESPONSE.match(line):
        pairing.take_response(int(response[1]), int(response[2]), line)
    else:
        must = "must begin TYP=REQ|NUM= or TYP=RSP|NUM=, |REF=, with 10 digits each"
        raise RejectedInputError("TYP, NUM, REF (fields 1-3)", f"{must}; {_AGAIN}")


def _fault_of(number: int, raw: bytes) -> RejectedInputError | None:
    line = raw.removesuffix(b"\n")
    if len(line) > LINE_MAX:
        reason = f"must have at most {LINE_MAX} characters"
    elif not raw.endswith(b"\n"):
        reason = "is cut off: the file ends inside it"
    elif line.endswith(b"\r"):
        reason = "ends in CR LF: the file was converted on its way"
    elif not _PRINTABLE.fullmatch(line):
        reason = "is empty or not printable ASCII: the file was converted on its way"
    else:
        return None
    return RejectedInputError(f"line {number}", f"{reason}; {_AGAIN}")


def _message(held: _Held) -> NativeMessage:
    """Under its operator's login; under its number when that is none, and it will be a dead letter."""
    operator = _OPERATOR.search(held.parts[0])
    key = operator[1] if operator else b"%010d" % held.number
    return NativeMessage(key, b"\n".join(held.parts), f"clean-{held.number:010d}", held.line)
