"""Looks back once an alert is confirmed: one pass over all access topics for all alerts that wait for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from typing import Any, Final

from aiokafka.errors import KafkaError

from schemas.access import Access
from schemas.act import Act, OfFinding
from schemas.errors import NotReadyError, RejectedInputError
from schemas.finding import Finding, MessagePlace
from schemas.topics import Topics
from sinks.bulk import Reading, Some, read_whole
from sinks.facts import FactsReader
from sinks.kafka import Broker
from sinks.letters import Told, told_in
from sinks.progress import line
from sinks.store.reading import SqlReading
from sinks.store.store import Store
from streams.policy.aside import fault
from streams.sources import Translators

from .looking_back import LookBack, Sought, confirmed, sought_for, write_down

log: Final = logging.getLogger(__name__)

LOOKED_BACK: Final = "looked back"
"""Under which name the store keeps the number of an act up to which no confirmation waits any more."""
PIECE: Final = 1_000  # acts looked through at once
KEEP_EVERY: Final = 20_000  # acts looked through in vain before that is kept: a second or two at the next start
AT_ONCE: Final = 1_000  # alerts for which one pass seeks; those beyond wait for the next
LOOK_SECONDS: Final = 1.0  # between two looks when nobody says that something was written: another console may have
AGAIN_SECONDS: Final = 5.0  # between two tries: each begins the pass anew
SAY_SECONDS: Final = 10.0


class Waiting:
    """The confirmed alerts that nobody has looked back from, by the acts in the store: they survive any crash."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: dict[str, None] = {}  # in their order
        self._looked_to: int | None = None  # None: not even where an earlier run ended
        self._kept = 0

    def look(self) -> list[Sought]:
        """What is to be sought now: of the alerts that were confirmed first."""
        if self._looked_to is None:
            self._looked_to = self._kept = self._begin()
        while acts := self._acts(self._looked_to):
            self._looked_to = acts[-1].number
            self._names |= dict.fromkeys(confirmed(acts))
        sought = [one for name in list(self._names)[:AT_ONCE] if (one := self._sought(name)) is not None]
        if not sought and self._looked_to - self._kept >= KEEP_EVERY:
            self._keep(self._looked_to)
        return sought

    def done(self, sought: Iterable[Sought]) -> None:
        """These are looked back from."""
        for one in sought:
            self._names.pop(one.alert_id, None)
        if not self._names:
            assert self._looked_to is not None
            self._keep(self._looked_to)

    def _begin(self) -> int:
        with self._store.reading() as reading:
            return reading.progress(LOOKED_BACK) or 0

    def _acts(self, after: int) -> list[Act]:
        with self._store.reading() as reading:
            return reading.acts(after=after, count=PIECE)

    def _sought(self, alert_id: str) -> Sought | None:
        """None where somebody has looked back: then it waits no more."""
        with self._store.reading() as reading:
            alert = reading.alert(alert_id)
            if alert is None or alert.looked_back is not None:
                del self._names[alert_id]
                return None
            return sought_for(alert, _findings(reading, alert_id))

    def _keep(self, number: int) -> None:
        with self._store.writing() as writing:
            writing.advance(LOOKED_BACK, max(number, writing.progress(LOOKED_BACK) or 0))
        self._kept = number


def _findings(reading: SqlReading, alert_id: str) -> Iterator[Finding]:
    version = 0
    while acts := reading.history(alert_id, after=version):
        version = acts[-1].version
        yield from (act.body.finding for act in acts if isinstance(act.body, OfFinding))


class ReadingBack:
    """The task that looks back. `going`: how far the pass that is under way has come; None: none is."""

    def __init__(
        self, store: Store, broker: Broker, topics: Topics, facts: FactsReader, written: Callable[[], None]
    ) -> None:
        self._store, self._broker, self._topics, self._facts = store, broker, topics, facts
        self._translators = Translators(topics)
        self.written = written
        self._waiting = Waiting(store)
        self._news = asyncio.Event()
        self.going: Reading | None = None
        self.waiting = 0  # alerts that wait for a look-back, those of a pass under way included

    def news(self) -> None:
        """Something was confirmed: look now."""
        self._news.set()

    async def run(self) -> None:
        """Looks back for ever; when the broker or the store is away it says so, and begins again when they are back."""
        while True:
            try:
                await self._look()
            except (NotReadyError, KafkaError, OSError) as error:
                log.warning("no look-back: %s", error)
            finally:
                self.going = None
            await asyncio.sleep(AGAIN_SECONDS)

    async def _look(self) -> None:
        while True:
            self._news.clear()
            while sought := await asyncio.to_thread(self._waiting.look):
                self.waiting = len(sought)
                await self._look_back(sought)
                await asyncio.to_thread(self._waiting.done, sought)
            self.waiting = 0
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _look_back(self, sought: list[Sought]) -> None:
        """One pass, and what it found written down."""
        log.info("looking back from %d alerts", len(sought))
        await self._facts.reach()
        told = await told_in(self._broker, self._topics.dead_letters)
        self.going = reading = Reading()
        look_back, since, said = LookBack(sought), int(time.time() * 1000), reading.began
        sources = self._topics.accesses()
        async with aclosing(read_whole(self._broker, sources, reading)) as pieces:
            async for some in pieces:
                if some.messages:
                    since = min(since, some.messages[0].timestamp)
                self._take(look_back, told, sources[some.topic], some)
                if time.monotonic() - said > SAY_SECONDS:
                    said = time.monotonic()
                    log.info(line("looking back", reading.done, reading.total, reading.seconds))
        await asyncio.to_thread(_write, self._store, look_back, since)
        self.written()
        self.going = None
        log.info(line("looked back", reading.done, reading.total, reading.seconds))

    def _take(self, look_back: LookBack, told: Told, source: str, some: Some) -> None:
        """In the loop, as knowledge grows there; few messages come so far."""
        for message in look_back.near(some.messages):
            if told.aside(some.topic, some.partition, message.offset) is not None:
                continue  # it ends whoever looks at it
            place = MessagePlace(topic=some.topic, partition=some.partition, offset=message.offset)
            for access in _accesses(self._translators, source, message, place):
                look_back.take(self._facts.knowledge, access, message.timestamp, place)


def _accesses(by: Translators, source: str, message: Any, place: MessagePlace) -> tuple[Access, ...]:
    """What nobody can read names none: its source has been told by a dead letter."""
    try:
        return by.translate(source, message.value, message.headers, message.timestamp).accesses
    except RejectedInputError:
        return ()
    except MemoryError:
        raise
    except Exception as error:  # the judge sets it aside; a look-back must not end of it either
        log.error("%s/%d/%d makes its reader fail: %s", place.topic, place.partition, place.offset, fault(error))
        return ()


def _write(store: Store, look_back: LookBack, since: int) -> None:
    """An alert at a time: a person's act waits for no more than that."""
    now = int(time.time() * 1000)
    for alert_id, bodies in look_back.bodies(since):
        with store.writing() as writing:
            write_down(writing, alert_id, bodies, writing.moment(now))
