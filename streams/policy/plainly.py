"""Most accesses need no closer look: one account and one own assignment explain them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from operator import attrgetter
from typing import Final, NamedTuple, Protocol

from schemas.plain import NOT_PLAIN, read_plain
from schemas.topics import CANONICAL
from streams.join.moments import moment_of, moments_of
from streams.join.plain import Login, PlainDuties
from streams.join.stretch import PlainAccesses
from streams.sources import Headers

CANONICAL_BYTES: Final = CANONICAL.encode()
READ_MAX: Final = 1_000  # messages read at a time; their rows are 0.3 MB
NOBODY: Final[dict[str, Login]] = {}
_VALUE, _TIMESTAMP, _HEADERS, _OFFSET = map(attrgetter, ("value", "timestamp", "headers", "offset"))


class Message(Protocol):
    """A Kafka record; `timestamp` is its append time in UTC milliseconds."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


class Plainly(NamedTuple):
    """What needs no closer look, and what does."""

    explained: PlainAccesses  # in order
    sequences: list[int]  # of those
    others: list[int]  # places in the batch of all other messages, in order


def nothing_plain(messages: Sequence[Message]) -> Plainly:
    """All of them are looked at closely."""
    return Plainly(PlainAccesses([], [], [], []), [], list(range(len(messages))))


def plainly_explained(plain: PlainDuties, source: str, messages: Sequence[Message]) -> Plainly:
    """Which of those messages one account and one own assignment explain by revisions known in time.

    Most accesses end here, so it looks things up in columns, in one loop with hardly a call; whatever it cannot tell is
    looked at closely. Some at a time: what is read of them stays in the processor's caches.
    """
    explained = PlainAccesses([], [], [], [])
    sequences: list[str] = []
    others: list[int] = []
    for first in range(0, len(messages), READ_MAX):
        some = messages[first : first + READ_MAX]
        found = _read(source, some)
        unclear = _look_up(plain, source, some, found, explained)
        kept = _all_but(unclear, len(some))
        explained.offsets.extend(compress(map(_OFFSET, some), kept))
        explained.moments.extend(compress(found.moments, kept))
        sequences.extend(compress(found.sequences, kept))
        others += [first + place for place in unclear]
    return Plainly(explained, list(map(int, filter(None, sequences))), others)


class _Found(NamedTuple):
    """What was cut out of messages, in columns; nothing where one is not plain."""

    sequences: Sequence[str]
    actors: Sequence[str]
    records: Sequence[str]
    moments: Sequence[int]


def _read(source: str, messages: Sequence[Message]) -> _Found:
    rows = read_plain(source, list(map(_VALUE, messages)))
    if any(map(_HEADERS, messages)):
        rows = [row if is_canonical(message) else NOT_PLAIN for row, message in zip(rows, messages, strict=True)]
    sequences, actors, records, instants = zip(*rows, strict=True)
    if "" in instants:
        instants = tuple(instant or "0" for instant in instants)
    return _Found(sequences, actors, records, moments_of(instants))


def _look_up(
    plain: PlainDuties, source: str, messages: Sequence[Message], found: _Found, explained: PlainAccesses
) -> list[int]:
    """The places of those that are not explained; adds login and record of those that are."""
    others: list[int] = []
    past = moment_of(min(map(_TIMESTAMP, messages)))  # no clock is ahead before it, so one comparison settles most
    duties, first = plain.duties, plain.first()
    login_of, number_of = plain.logins.get(source, NOBODY).get, plain.facts.records.get
    add_login, add_record = explained.logins.append, explained.records.append
    for place, (actor, record, moment) in enumerate(zip(found.actors, found.records, found.moments, strict=True)):
        login = login_of(actor)
        if login is not None and (moment <= past or moment <= moment_of(messages[place].timestamp)):
            name, staff, begin, end = login
            number = number_of(record)
            if number is not None and begin <= moment < end:
                at = first[number]
                while at:
                    if duties[at] == staff and duties[at + 1] <= moment < duties[at + 2]:
                        add_login(name)
                        add_record(number)
                        break
                    at = duties[at + 3]
                else:
                    others.append(place)
                continue
        others.append(place)
    return others


def _all_but(places: Sequence[int], number: int) -> bytearray:
    kept = bytearray(b"\1") * number
    for place in places:
        kept[place] = 0
    return kept


class Headed(Protocol):
    """Whatever has headers."""

    @property
    def headers(self) -> Headers: ...


def is_canonical(message: Headed) -> bool:
    """Whether the message says, or says nothing against, that it is canonical JSON."""
    if not message.headers:
        return True
    return all(name.lower() != "content-type" or value == CANONICAL_BYTES for name, value in message.headers)
