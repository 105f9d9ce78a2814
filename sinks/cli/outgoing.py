"""What a file becomes on a topic: pure. Files are checked as a whole before any of it is sent."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from schemas.cloud_event import Header, cloud_event
from schemas.codec import check_sent, decode, decode_access, encode, read_json
from schemas.errors import RejectedInputError
from schemas.fact import Fact, Mark
from schemas.ids import FeedName, SourceName, format_instant
from schemas.topics import CANONICAL, FEEDS
from streams.sources import jnet_login

FILE_MAX: Final = 1 << 30  # bytes of a file of facts: held in memory, so that what is sent is what was checked
STRANGE_MAX: Final = 20  # names told
NOTHING_SENT: Final = "correct the file and send it again; nothing was sent"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to store."""

    key: bytes
    value: bytes
    headers: tuple[Header, ...]
    is_mark: bool = False


def numbered_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers from 1, without what ends them."""
    for number, raw in enumerate(lines, start=1):
        if line := raw.strip(b" \t\r\n"):
            yield number, line


def at_line(number: int, error: RejectedInputError) -> RejectedInputError:
    """The error with the line before its place and what to do behind its reason."""
    return RejectedInputError(f"line {number}: {error.place}", f"{error.reason}; {NOTHING_SENT}")


def access_lines(lines: Iterable[bytes], source: SourceName) -> Iterator[Outgoing]:
    """Canonical accesses, one JSON object a line; key = id of the record, so one record's accesses stay in order.

    Raises RejectedInputError naming line and field; whoever made the file must act.
    """
    for number, line in numbered_lines(lines):
        try:
            yield access_message(line, source)
        except RejectedInputError as error:
            raise at_line(number, error) from None


def access_message(line: bytes, source: SourceName) -> Outgoing:
    """One canonical access, its bytes as they are; RejectedInputError when it is none, or of another source."""
    access = check_sent(decode_access(line))
    if access.source != source:
        raise RejectedInputError("source", f"must be {source}, the source this file is sent for")
    time = format_instant(access.occurred_at)
    headers = cloud_event(access.event_id, f"/sources/{source}", "needtoknow.access.v1", CANONICAL, time)
    return Outgoing(access.record.id.encode(), line, headers)


def fact_lines(lines: Iterable[bytes], feed: FeedName) -> Iterator[Outgoing]:
    """Facts and marks, one JSON object a line. Raises RejectedInputError as `access_lines`."""
    for number, line in numbered_lines(lines):
        try:
            is_mark = "complete_through" in read_json(line)
            yield mark_message(decode(Mark, line), feed) if is_mark else fact_message(decode(Fact, line), feed)
        except RejectedInputError as error:
            raise at_line(number, error) from None


def fact_message(fact: Fact, feed: FeedName) -> Outgoing:
    """A fact under its id, once this feed may state facts of its kind; RejectedInputError when it may not."""
    if fact.body.kind not in FEEDS[feed].kinds:
        allowed = ", ".join(sorted(FEEDS[feed].kinds))
        raise RejectedInputError("body.kind", f"must be one that the feed {feed} may state: {allowed}")
    time = format_instant(fact.recorded_at)
    headers = cloud_event(f"{fact.fact_id}/{fact.revision}", f"/feeds/{feed}", "needtoknow.fact.v1", CANONICAL, time)
    return Outgoing(fact.fact_id.encode(), encode(fact), headers)


def strange_sources(messages: Iterable[Outgoing], sources: Container[SourceName]) -> list[SourceName]:
    """Sources that accounts name and that are not among these. No fault: they may be registered later."""
    named = {found[1].decode() for message in messages for found in _ACCOUNT_OF.finditer(message.value)}
    return sorted(name for name in named if name not in sources)[:STRANGE_MAX]


_ACCOUNT_OF: Final = re.compile(rb'"kind":"account","source":"([a-z][a-z0-9_]{0,31})"')  # as `encode` spells it


def misspelt(message: Outgoing) -> bool:
    """Whether it is an account of JNET whose login no audit message of JNET has, so that it would name nobody."""
    found = _JNET_LOGIN.search(message.value)
    return found is not None and jnet_login.spelled(found[1].decode()) != found[1].decode()


MISSPELT: Final = (
    "is in no spelling that JNET's messages are compared in: it names nobody there",
    f"write {jnet_login.FORM}, in capitals up to USER:, and what follows as the provider writes it",
)
"""Reason and fix."""
_JNET_LOGIN: Final = re.compile(rb'"kind":"account","source":"jnet","login":"((?:[^"\\]++|\\.)*+)"')


def mark_message(mark: Mark, feed: FeedName) -> Outgoing:
    """A mark under its feed; RejectedInputError when it speaks for another feed."""
    if mark.feed != feed:
        raise RejectedInputError("feed", f"must be {feed}, the feed this file is loaded for")
    time = format_instant(mark.complete_through)
    headers = cloud_event(f"mark/{mark.sequence}", f"/feeds/{feed}", "needtoknow.mark.v1", CANONICAL, time)
    return Outgoing(feed.encode(), encode(mark), headers, is_mark=True)
