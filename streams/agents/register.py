"""Register: every fact of every feed, checked and stamped, into one log with one order (design sections 2 and 6)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, get_args

import mode
from aiokafka.errors import KafkaError

from schemas.codec import decode, read_json
from schemas.errors import Harm, QuarantinedError, RejectedInputError, SpeaksForAnotherError
from schemas.fact import MARK_AHEAD_MAX_MS, Fact, Mark, RegisteredFact, RegisteredMark, Waiver
from schemas.settings import Settings
from schemas.topics import FEEDS, Topics
from streams.broadcast import Broadcast
from streams.frontier import Batch
from streams.join.stamp import breaks_a_mark, register
from streams.policy.aside import NotRead, fault
from streams.policy.plainly import Message
from streams.store import Outgoing, Store
from streams.telemetry import Telemetry

from .outgoing import dead_letter_message, has_own_letter, reason_class, value_message

log = logging.getLogger(__name__)

WAIVER_CHECKS: Final = 20  # times within decide_without_feed_after that a feed is looked at: 5 % late at the most


CONFLICTS_KEPT: Final = 1_000  # of a feed that somebody else holds, newest: whoever holds it tells each at once


@dataclass
class Hold:
    """What register remembers of a feed while it holds its partition."""

    mark: int | None  # highest instant declared complete, UTC ms
    position: int  # `facts.v1` offset that every fact read so far lies below
    since: float  # when the hold began, UTC ms
    waived: int | None = None


@dataclass
class Reading:
    """What one batch of one feed gives, in order."""

    facts: list[RegisteredFact] = field(default_factory=list)
    mark: Mark | None = None
    dead: list[Outgoing] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


class Register(mode.Service):
    """Keeps nothing but each feed's highest mark."""

    def __init__(
        self,
        settings: Settings,
        *,
        gating: frozenset[str],
        broadcast: Broadcast,
        store: Store,
        telemetry: Telemetry,
        is_read: Callable[[], Mapping[str, bool]],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._is_read = is_read  # of each feed held: whether it has been read and registered to its end
        self._settings = settings
        self._topics = settings.topics
        self._feeds = settings.topics.feeds()
        self._gating = gating
        self._broadcast = broadcast
        self._store = store
        self._telemetry = telemetry
        self._holds: dict[str, Hold] = {}
        self._conflicts: dict[str, dict[int, Message]] = {}
        self._taken: Counter[str] = Counter()  # batches by feed
        self._held_since: dict[str, float] = {}  # UTC ms

    # what the transport asks

    def lose(self, tp: Any) -> None:
        """The feed's partition is no longer held."""
        feed = self._feeds[tp.topic]
        self._holds.pop(feed, None)
        self._forget_conflicts(feed)

    # new facts and marks

    async def take(self, batch: Batch) -> None:
        """Register one batch of one feed; its mark is written only after its facts are stored."""
        feed = self._feeds[batch.topic]
        self._taken[feed] += 1
        hold = self._holds.get(feed) or await self._adopt(feed)
        if batch.is_abandoned:
            return
        is_new = feed not in self._holds
        self._holds[feed] = hold
        reading = read(feed, hold, batch, self._topics)
        facts = [value_message(self._topics.facts, f"{feed}/{f.fact_id}", "fact", f) for f in reading.facts]
        if facts or reading.dead:
            stored = await self._store.put([*facts, *reading.dead])
            hold.position = max([hold.position, *(place.offset + 1 for place in stored[: len(facts)])])
        if reading.mark is not None:
            registered = RegisteredMark(**dict(reading.mark), position=hold.position)
            await self._store.put([value_message(self._topics.marks, feed, "mark", registered)])
        batch.finish()
        self._count(feed, reading)
        if is_new:  # they are told once more, in case whoever held the feed before could not; new facts come first
            await self._tell_conflicts(feed)

    async def _adopt(self, feed: str) -> Hold:
        await self._broadcast.catch_up()
        position = await self._broadcast.facts_end()
        return Hold(self._broadcast.heard_marks.get(feed), position, time.time() * 1000)

    def _count(self, feed: str, reading: Reading) -> None:
        for fact in reading.facts:
            self._telemetry.count("needtoknow_facts_total", feed=feed, kind=fact.body.kind)
        for reason in reading.reasons:
            stage = "quarantine" if reason in get_args(Harm) else "register"
            self._telemetry.count("needtoknow_dead_letters_total", stage=stage, reason=reason)
        broken = sum(1 for f in reading.facts if breaks_a_mark(f))
        self._telemetry.count("needtoknow_broken_marks_total", broken, feed=feed)

    # conflicts: the same revision with other content

    def conflict(self, feed: str, message: Message) -> None:
        """A conflict was found in `facts.v1`; whoever holds the feed tells it."""
        waiting = self._conflicts.setdefault(feed, {})
        waiting[message.offset] = message
        if feed not in self._holds:
            self._forget_conflicts(feed)
        elif len(waiting) == 1:  # those that come meanwhile are told with it
            asyncio.ensure_future(self._tell_conflicts(feed))  # noqa: RUF006 - kept until told, told again by the next holder

    def _forget_conflicts(self, feed: str) -> None:
        waiting = self._conflicts.get(feed, {})
        for offset in list(islice(waiting, max(0, len(waiting) - CONFLICTS_KEPT))):
            del waiting[offset]

    async def _tell_conflicts(self, feed: str) -> None:
        waiting = self._conflicts.pop(feed, {})
        error = RejectedInputError(
            "revision", "was stated before with other content, or as another kind; the first stands"
        )
        letters = [
            dead_letter_message(
                self._topics, topic=self._topics.facts, partition=0, message=message, stage="conflict", error=error
            )
            for message in waiting.values()
        ]
        if letters:
            await self._store.put(letters)
            self._telemetry.count("needtoknow_dead_letters_total", len(letters), stage="conflict", reason="conflict")

    # waivers: the one place where a clock is read

    @mode.Service.task
    async def _waive(self) -> None:
        interval = min(60.0, self._settings.decide_without_feed_after_seconds / WAIVER_CHECKS)
        while not self.should_stop:
            await self.sleep(interval)
            try:
                await self._waive_once(time.time() * 1000)
            except KafkaError as error:
                log.warning("cannot tell yet which feeds stand still: %s", type(error).__name__)

    async def _waive_once(self, now: float) -> None:
        """Of every feed held, also of one that has said nothing since this worker began, or ever."""
        taken = self._taken.copy()
        await self._broadcast.catch_up()  # with the newest marks and waivers, whoever wrote them
        is_read = self._is_read()
        self._held_since = {feed: self._held_since.get(feed, now) for feed in is_read}
        for feed in sorted(self._gating & set(is_read)):
            if is_read[feed] and self._taken[feed] == taken[feed]:
                await self._waive_feed(feed, now)

    async def _waive_feed(self, feed: str, now: float) -> None:
        known, patience = self._broadcast, self._settings.decide_without_feed_after_seconds * 1000
        waived = known.knowledge.waivers.get(feed)
        hold = Hold(known.heard_marks.get(feed), known.knowledge.position, self._held_since[feed], waived)
        through = waiver_through(hold, known.mark_rose_at.get(feed), now, patience)
        if through is None:
            return
        waiver = Waiver(feed=feed, through=through)
        await self._store.put([value_message(self._topics.facts, f"{feed}/waiver", "waiver", waiver)])
        self._telemetry.count("needtoknow_waivers_total", feed=feed)
        log.warning("feed %s has stood still for %d s: judging without it", feed, patience / 1000)


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


def read(feed: str, hold: Hold, batch: Batch, topics: Topics) -> Reading:
    """Facts stamped, the highest mark, and dead letters of one batch; raises `hold.mark` as marks are met."""
    reading = Reading()
    for message in batch.messages:
        try:
            value = _read_safely(feed, message)
        except RejectedInputError as error:
            stage = "quarantine" if isinstance(error, QuarantinedError) else "register"
            if has_own_letter(message):
                reading.dead.append(
                    dead_letter_message(
                        topics, topic=batch.topic, partition=batch.partition, message=message, stage=stage, error=error
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
