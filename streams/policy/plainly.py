"""Most accesses need no closer look: one account and one own assignment explain them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from operator import attrgetter
from typing import Final, NamedTuple, Protocol, TypeVar

from schemas.ids import LATEST_MS, format_instant
from schemas.plain import NOT_PLAIN, Plain, read_plain
from schemas.topics import CANONICAL
from streams.join.plain import Login, PlainDuties, Spans
from streams.sources import Headers

CANONICAL_BYTES: Final = CANONICAL.encode()
READ_MAX: Final = 1_000  # messages read at a time; their rows are 0.3 MB
NOBODY: Final[dict[str, Login]] = {}
NEVER: Final[Spans] = ("", "")
T = TypeVar("T")
_VALUE, _TIMESTAMP, _HEADERS = attrgetter("value"), attrgetter("timestamp"), attrgetter("headers")


class Message(Protocol):
    """A Kafka record; `timestamp` is its append time in UTC milliseconds."""

    offset: int
    timestamp: int
    value: bytes | None
    headers: Headers


class Plainly(NamedTuple):
    """What needs no closer look, and what does."""

    explained: list[Plain]  # as they were cut out of their messages, in order
    others: list[int]  # places in the batch of all other messages, in order


def plainly_explained(plain: PlainDuties, source: str, messages: Sequence[Message]) -> Plainly:
    """Which of those messages one account and one own assignment explain by revisions known in time.

    Most accesses end here, so it asks for nothing but two look-ups, in one loop without a call; whatever it cannot tell
    is looked at closely. Some at a time: what is read of them stays in the processor's caches.
    """
    explained: list[Plain] = []
    others: list[int] = []
    for first in range(0, len(messages), READ_MAX):
        some = messages[first : first + READ_MAX]
        rows = read_plain(source, list(map(_VALUE, some)))
        if any(map(_HEADERS, some)):
            rows = [row if is_canonical(message) else NOT_PLAIN for row, message in zip(rows, some, strict=True)]
        unclear = _look_up(plain, source, some, rows)
        explained += without(rows, unclear)
        others += [first + place for place in unclear]
    return Plainly(explained, others)


def without(items: Sequence[T], places: Sequence[int]) -> Sequence[T]:
    """All items but those at these places."""
    if not places:
        return items
    kept = bytearray(b"\1") * len(items)
    for place in places:
        kept[place] = 0
    return list(compress(items, kept))


def _look_up(plain: PlainDuties, source: str, messages: Sequence[Message], rows: Sequence[Plain]) -> list[int]:
    """The places of rows that are not explained."""
    others: list[int] = []
    past = _text(min(map(_TIMESTAMP, messages)))  # no clock is ahead before it, so one comparison settles most
    login_of, spans_of = plain.logins.get(source, NOBODY).get, plain.duties.get
    for place, (_, actor, record, instant) in enumerate(rows):
        login = login_of(actor)
        if login is not None and (instant <= past or instant <= _text(messages[place].timestamp)):
            staff, begin, end = login
            if begin <= instant < end:
                spans = spans_of(record + staff, NEVER)
                if spans[0] <= instant < spans[1] or (len(spans) > 2 and _holds(spans, instant)):
                    continue
        others.append(place)
    return others


def _text(timestamp: int) -> str:
    return format_instant(min(timestamp, LATEST_MS))


def _holds(spans: Spans, instant: str) -> bool:
    return any(spans[n] <= instant < spans[n + 1] for n in range(2, len(spans), 2))


def is_canonical(message: Message) -> bool:
    """Whether the message says, or says nothing against, that it is canonical JSON."""
    if not message.headers:
        return True
    return all(name.lower() != "content-type" or value == CANONICAL_BYTES for name, value in message.headers)
