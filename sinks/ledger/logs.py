"""What the audit reads: messages, cuts, findings and dead letters, by partition and in the order of the logs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.access import Access
from schemas.finding import Finding
from schemas.ledger import Cut, FilePart, Note
from schemas.registry import Sources
from schemas.topics import SOURCES

Place = tuple[str, int]
"""(topic, partition)."""


class Read(NamedTuple):
    """One message of an access topic as its translator reads it: its accesses, or none and why (`kind`)."""

    offset: int
    appended_at: int
    accesses: tuple[Access, ...]
    kind: str  # translated, control, dead_letter
    judged: Callable[[], Read] | None = None
    """Of a message that was quarantined (`kind` says dead_letter): how it reads. Reading it may end whoever does, so it
    is asked only where the ledger says that somebody judged it."""
    given: int | None = None
    """Of a control message: the highest sequence number that it says its source has given."""
    file: FilePart | None = None
    """Of a header or trailer: of which file."""


def as_judged(message: Read) -> Read:
    """The message as somebody judged it before it was quarantined."""
    return message if message.judged is None else message.judged()


class StoredCut(NamedTuple):
    """A cut and the digest by which the next one names it."""

    cut: Cut
    digest: str


@dataclass(frozen=True, kw_only=True)
class Logs:
    """Everything the audit looks at, by partition, in the order of the logs."""

    messages: Mapping[Place, list[Read]]
    cuts: Mapping[Place, list[StoredCut]]
    findings: list[Finding]
    dead_letters: frozenset[str]  # keys: topic/partition/offset
    marks: Mapping[str, int]
    position: int
    promised: Mapping[str, int] = field(default_factory=dict)  # marks seen after cuts and findings; not given: `marks`
    notes: Mapping[Place, Note] = field(default_factory=dict)  # beside committed offsets, nothing under way
    indexed_since: int = 0  # append time, UTC ms: what is older has not been judged again under a later policy
    begins: Mapping[Place, int] = field(default_factory=dict)  # the first offset read; not given: of the first message
    ends: Mapping[Place, int] = field(default_factory=dict)  # of the log, seen after the findings; not given: as begins
    unreadable: Sequence[str] = ()  # places of what is none of ours on our own topics, and what it is not
    sources: Sources = field(default_factory=lambda: SOURCES)  # all that are registered where this is looked at
    is_whole: bool = True  # whether the ledger was read from its start, so that each cut that is named must be there

    def begin(self, place: Place) -> int:
        """The first offset of a partition that was read."""
        messages = self.messages.get(place)
        return self.begins.get(place, messages[0].offset if messages else 0)

    def never_given(self, marks: Mapping[str, int]) -> list[str]:
        """The feeds that have not given such a mark, nor a higher one."""
        highest = self.promised or self.marks
        return sorted(feed for feed, through in marks.items() if feed not in highest or highest[feed] < through)

    def end(self, place: Place) -> int:
        """The offset behind the last message of a partition of which a finding that was read may speak."""
        messages = self.messages.get(place)
        return self.ends.get(place, messages[-1].offset + 1 if messages else self.begin(place))


def between(messages: list[Read], first: int, following: int) -> list[Read]:
    """The messages at offsets [first, following). Not each offset has one: transactions leave marks between them."""
    begin, end = (bisect_left(messages, offset, key=lambda m: m.offset) for offset in (first, following))
    return messages[begin:end]


def inside_of(messages: list[Read], cut: Cut) -> list[Read]:
    """The messages that a cut is about, as it took them: what was quarantined counts as a dead letter, or as judged."""
    inside = between(messages, cut.first_offset, cut.next_offset)
    if any(m.judged for m in inside) and sum(m.kind == "dead_letter" for m in inside) != cut.messages.dead_letters:
        return [as_judged(m) for m in inside]
    return inside


def as_standing(messages: list[Read], cuts: Sequence[Cut]) -> list[Read]:
    """The messages as the newest cut about each took them; only what was quarantined can be taken in two ways."""
    if not any(m.judged for m in messages):
        return messages
    standing = list(messages)
    for number, message in enumerate(messages):
        if message.judged is None:
            continue
        about = [c for c in cuts if c.settled is None and c.first_offset <= message.offset < c.next_offset]
        if about:
            standing[number] = next(m for m in inside_of(messages, about[-1]) if m.offset == message.offset)
    return standing
