"""What the logs of a run tell about what was sent, and when it came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemas.access import Access
from schemas.codec import decode
from schemas.errors import RejectedInputError
from schemas.fact import Fact, Mark
from sinks.kafka import Message
from streams.sources import translate
from tests.faults.harness import Running
from tests.harness.department_plan import DAY_START
from tests.harness.steps import Step


class Came(NamedTuple):
    """A fact or a mark with its append time in UTC ms of the broker's clock."""

    at: int
    what: Fact | Mark


class Opened(NamedTuple):
    """An access with its append time and the bytes it came as."""

    at: int
    access: Access
    message: Message


def point(steps: Sequence[Step], share: float) -> int:
    """The place in these steps by which this share of the day itself, not of what is known before, has been sent."""
    before = sum(1 for step in steps if step.at_ms < DAY_START)
    return before + int((len(steps) - before) * share)


def came(one: Running, feed: str) -> list[Came]:
    """All facts and marks of a feed, in order; what cannot be read is left out."""
    return [found for message in one.messages(one.topics.feed(feed)) for found in _read(message)]


def _read(message: Message) -> Iterator[Came]:
    kind: type[Fact] | type[Mark] = Mark if b'"complete_through"' in (message.value or b"") else Fact
    try:
        yield Came(message.timestamp, decode(kind, message.value))
    except RejectedInputError:
        return


def opened(one: Running, source: str | None = None) -> list[Opened]:
    """All accesses (of one source), in the order of their append times."""
    found = [
        Opened(message.timestamp, access, message)
        for topic, name in one.topics.accesses().items()
        if source in (None, name)
        for message in one.messages(topic)
        for access in _accesses(name, message)
    ]
    return sorted(found, key=lambda o: o.at)


def _accesses(source: str, message: Message) -> Sequence[Access]:
    try:
        return translate(source, message.value, message.headers, message.timestamp).accesses
    except RejectedInputError:
        return ()
