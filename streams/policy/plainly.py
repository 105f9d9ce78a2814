"""Most accesses need no closer look: one account and one own assignment explain them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from schemas.plain import DAYS, MINUTES, SECONDS, Plain, read_plain
from schemas.topics import CANONICAL
from streams.join.knowledge import Knowledge
from streams.sources import Headers

CANONICAL_BYTES: Final = CANONICAL.encode()


class Message(Protocol):
    """A Kafka record; `timestamp` is its append time in UTC milliseconds."""

    offset: int
    timestamp: int
    value: bytes | None
    headers: Headers


def plainly_explained(
    knowledge: Knowledge, grace_ms: int, source: str, messages: Sequence[Message]
) -> list[Plain | None]:
    """The rows of those messages that one account and one own assignment explain by revisions known in time.

    Most accesses end here, so it asks for nothing but two look-ups, in one loop without a call (2 µs beside 4);
    whatever it cannot tell is None and looked at closely. `grace_ms`: the policy's, milliseconds.
    """
    rows = read_plain(source, [m.value for m in messages])
    logins, duties = knowledge.plain_logins, knowledge.plain_duties
    for n, row in enumerate(rows):
        if row is None:
            continue
        rows[n] = None
        message = messages[n]
        _, actor, kind, record, day, minute, second, milli = row
        login = logins.get(f"{source} {actor}")
        if login is None or (message.headers and not is_canonical(message)):
            continue
        instant = DAYS[day] + MINUTES[minute] + SECONDS[second] + int(milli)
        staff, valid_from, valid_to = login
        if instant > message.timestamp or not valid_from <= instant < valid_to:
            continue
        for valid_from, valid_to, known_from in duties.get(f"{kind}/{record} {staff}", ()):
            if valid_from <= instant < valid_to and known_from <= instant + grace_ms:
                rows[n] = row
                break
    return rows


def is_canonical(message: Message) -> bool:
    """Whether the message says, or says nothing against, that it is canonical JSON."""
    if not message.headers:
        return True
    return all(name.lower() != "content-type" or value == CANONICAL_BYTES for name, value in message.headers)
