"""What messages of a feed give: facts stamped, the highest mark, dead letters; when to judge without a feed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from schemas.codec import decode, read_json
from schemas.errors import QuarantinedError, RejectedInputError, SpeaksForAnotherError
from schemas.fact import MARK_AHEAD_MAX_MS, Fact, Mark, RegisteredFact
from schemas.topics import FEEDS, Topics
from streams.join.open import Partition
from streams.join.stamp import register
from streams.policy.aside import NotRead, fault
from streams.policy.plainly import Message
from streams.store import Outgoing

from .outgoing import dead_letter_message, has_own_letter, reason_class

WAIVER_CHECKS: Final = 20  # times within decide_without_feed_after that a feed is looked at: 5 % late at the most


@dataclass
class Hold:
    """What register remembers of a feed while it holds its partition."""

    mark: int | None  # highest instant declared complete, UTC ms
    position: int  # `facts.v1` offset that every fact read so far lies below
    since: float  # when the hold began, UTC ms
    waived: int | None = None


@dataclass
class Reading:
    """What some messages of one feed give, in order."""

    facts: list[RegisteredFact] = field(default_factory=list)
    mark: Mark | None = None
    dead: list[Outgoing] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def waiver_through(hold: Hold, rose_at: int | None, now: float, patience: float) -> int | None:
    """Through which instant to judge without a feed; None: go on waiting (all in UTC ms).

    Patience counts from when the mark last rose, not from the instant it names: a feed that is loading last year's
    facts is alive, and judging without it would accuse people of what it is about to explain (ADR 7).
    """
    still_since = max(hold.since if rose_at is None else rose_at, 0)
    through = int(now - patience)
    if still_since > through or (hold.mark is not None and hold.mark >= through):
        return None
    if hold.waived is not None and through - hold.waived < patience / WAIVER_CHECKS:
        return None
    return through


def read(feed: str, hold: Hold, partition: Partition, messages: Iterable[Message], topics: Topics) -> Reading:
    """Facts stamped, the highest mark, and dead letters of some messages; raises `hold.mark` as marks are met."""
    reading = Reading()
    for message in messages:
        try:
            value = _read_safely(feed, message)
        except RejectedInputError as error:
            stage = "quarantine" if isinstance(error, QuarantinedError) else "register"
            if has_own_letter(message):
                reading.dead.append(
                    dead_letter_message(
                        topics,
                        topic=partition.topic,
                        partition=partition.partition,
                        message=message,
                        stage=stage,
                        error=error,
                    )
                )
            reading.reasons.append(reason_class(error))
            continue
        if isinstance(value, Fact):
            reading.facts.append(register(value, feed, hold.mark, appended_at=message.timestamp))
        elif hold.mark is None or value.complete_through > hold.mark:
            hold.mark = value.complete_through
            reading.mark = value
    return reading


def _read_safely(feed: str, message: Message) -> Fact | Mark:
    """As `read_one`; QuarantinedError when it raises what it must not. Not looked for: a fact that kills its worker."""
    if isinstance(message.value, NotRead):
        raise message.value.error
    try:
        return read_one(feed, message.value, message.timestamp)
    except (RejectedInputError, MemoryError):
        raise
    except Exception as error:
        raise QuarantinedError("raises", f"makes its reader fail: {fault(error)}") from None


def read_one(feed: str, raw: bytes | None, appended_at: int) -> Fact | Mark:
    """A fact that this feed may state, or its mark. Raises RejectedInputError; whoever runs the feed must act.

    `appended_at` is the broker's append time in UTC milliseconds.
    """
    if "complete_through" in read_json(raw):
        mark = decode(Mark, raw)
        if mark.feed != feed:
            raise SpeaksForAnotherError("feed", "must be the feed whose topic this is")
        if mark.complete_through > appended_at + MARK_AHEAD_MAX_MS:
            raise RejectedInputError("complete_through", "is more than 5 minutes after the message was stored")
        return mark
    fact = decode(Fact, raw)
    if fact.body.kind not in FEEDS[feed].kinds:
        raise SpeaksForAnotherError("body.kind", "is a kind that this feed may not state")
    return fact
