"""Register: every fact of every feed, checked and stamped, into one log with one order (design sections 2 and 6)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, get_args

import mode
from aiokafka.errors import KafkaError

from schemas.errors import Harm, RejectedInputError
from schemas.fact import RegisteredMark, Waiver
from schemas.settings import Settings
from schemas.topics import FEEDS
from streams.broadcast import Broadcast
from streams.frontier import Batch
from streams.join.open import Partition
from streams.join.stamp import breaks_a_mark
from streams.policy.plainly import Message
from streams.store import Outgoing, Store
from streams.telemetry import Telemetry
from streams.turns import slices

from .outgoing import FORBIDDEN, dead_letter_message, value_message
from .reading import WAIVER_CHECKS, Hold, Reading, read, waiver_through

log = logging.getLogger(__name__)

READ: Final = 500  # messages of a feed read, or facts written, before others get the loop: 15 to 30 ms
CONFLICTS_KEPT: Final = 1_000  # of a feed that somebody else holds, newest: whoever holds it tells each at once


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
        self._waiting: list[Batch] = []
        self._told = asyncio.Event()
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

    def take(self, batch: Batch) -> None:
        """A batch of a feed, to be registered soon. The transport brings no more of a feed while too many wait."""
        self._taken[self._feeds[batch.topic]] += 1
        self._waiting.append(batch)
        self._told.set()

    @mode.Service.task
    async def _register_waiting(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._told.wait(), self._stopped.wait())
            self._told.clear()
            while self._waiting and not self.should_stop:
                await self.register(self._next())

    def _next(self) -> list[Batch]:
        """As many as are no more than one full batch: an import must not keep the loop for longer than that."""
        batches, left = [self._waiting.pop(0)], self._settings.batch_messages
        left -= len(batches[0].messages)
        while self._waiting and len(self._waiting[0].messages) <= left:
            batches.append(self._waiting.pop(0))
            left -= len(batches[-1].messages)
        return batches

    async def register(self, batches: Sequence[Batch]) -> None:
        """Register these, in order; marks are written only after all the facts are stored.

        All that came while others were stored go together: one by one each would wait for two answers of the broker.
        """
        adopted = [feed for feed in dict.fromkeys(self._feeds[b.topic] for b in batches) if feed not in self._holds]
        holds = self._holds | {feed: await self._adopt(feed) for feed in adopted}
        batches = [batch for batch in batches if not batch.is_abandoned]
        if not batches:
            return
        self._holds |= {feed: holds[feed] for feed in (self._feeds[batch.topic] for batch in batches)}
        found = [(batch, [reading async for reading in self._read(batch, holds)]) for batch in batches]
        kept = [(batch, some) for batch, some in found if not batch.is_abandoned]  # some may have been lost by now
        readings = [reading for _, some in kept for reading in some]
        await self._store_facts(holds, readings)
        if marks := {f: reading.mark for f, reading in readings if reading.mark is not None}:
            told = {f: RegisteredMark(**dict(mark), position=holds[f].position) for f, mark in marks.items()}
            await self._store.put([value_message(self._topics.marks, f, "mark", mark) for f, mark in told.items()])
        for batch, _ in kept:
            batch.finish()
        for feed, reading in readings:
            self._count(feed, reading)
        for feed in self._holds.keys() & set(adopted):
            # Once more, in case whoever held the feed before could not; new facts come first.
            await self._tell_conflicts(feed)

    async def _read(self, batch: Batch, holds: Mapping[str, Hold]) -> AsyncIterator[tuple[str, Reading]]:
        """What it gives, in pieces: new accesses are judged in between."""
        feed, partition = self._feeds[batch.topic], Partition(batch.topic, batch.partition)
        for some in slices(batch.messages, READ):
            if batch.is_abandoned:
                return
            yield feed, read(feed, holds[feed], partition, some, self._topics)
            await asyncio.sleep(0)  # no more: new accesses wait for the marks behind these facts

    async def _store_facts(self, holds: Mapping[str, Hold], readings: Sequence[tuple[str, Reading]]) -> None:
        """Raises the position of each feed that stated any."""
        facts = [(feed, fact) for feed, reading in readings for fact in reading.facts]
        dead = [letter for _, reading in readings for letter in reading.dead]
        if not facts and not dead:
            return
        messages = list[Outgoing]()
        for some in slices(facts, READ):
            messages += [value_message(self._topics.facts, f"{f}/{fact.fact_id}", "fact", fact) for f, fact in some]
            await asyncio.sleep(0)
        stored = await self._store.put([*messages, *dead])
        for (feed, _), place in zip(facts, stored, strict=False):  # the letters lie behind
            holds[feed].position = max(holds[feed].position, place.offset + 1)

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
            self._telemetry.count("needtoknow_feed_spoke_for_another_total", reason == FORBIDDEN, feed=feed)
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
            await asyncio.sleep(interval)
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
            if is_read[feed] and self._taken[feed] == taken[feed] and await self._is_awaited(feed):
                await self._waive_feed(feed, now)

    async def _is_awaited(self, feed: str) -> bool:
        """Whether an access may ever have waited for it: the feed of one source is not missed where that is not."""
        source = FEEDS[feed].explains
        if source is None:
            return True
        places = await self._broadcast.partitions_of(self._topics.access(source))
        return any((await self._broadcast.ends_of(places)).values())

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
        if waived is None or waived < (known.mark_rose_at.get(feed) or 0):  # the first since it last spoke
            log.warning("feed %s has stood still for %d s: judging without it", feed, patience / 1000)
