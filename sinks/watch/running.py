"""The process that watches the sources: one loop, three tasks, and a small web server. It writes nothing to Kafka.

Two of them side by side do no harm: each works out the same.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Set
from importlib.metadata import version
from typing import Any, Final

from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import NotReadyError
from schemas.ids import SourceName
from schemas.registry import registry_hash
from schemas.settings import Settings
from sinks import kafka
from sinks.kafka import Broker
from sinks.serving import serving
from streams.garbage import collect_seldom
from streams.sources import Translators
from streams.telemetry import Telemetry

from .files import ShortFile
from .keeping import Copy
from .ledger import LedgerReader
from .measures import measure
from .numbers import Gap
from .places import places
from .report import FILES_SHOWN, SourceReport, files_spelled, spelled
from .state import State, changes
from .tails import Tails

log: Final = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0  # between two looks at the topics' ends
PLACES_SECONDS: Final = 30.0  # between two questions which partitions there are
SAY_SECONDS: Final = 1.0  # between two looks at what is missing, for the log
KEEP_SECONDS: Final = 60.0  # between two copies on disk: so much is read again after a crash
AGAIN_SECONDS: Final = 1.0  # between two tries while the broker is away
STUCK_SECONDS: Final = (
    90.0  # without a step for so long a connection is given up; connecting takes a minute at the most
)
STEP_SECONDS: Final = 45.0  # a request takes 40 at the most, and what is lost in between is asked for anew
STALE_MS: Final = 60_000  # without a look or a cut read for so long it is not ready


Work = Callable[[AIOKafkaConsumer], Awaitable[None]]


class Watch:
    """All that is known, and how it is kept up to date."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._broker = broker_of(settings)
        self._patience = round(settings.missing_after_seconds * 1000)
        sources = {topic: settings.sources[name] for topic, name in settings.topics.accesses().items()}
        self.state = State(sources, _now())
        self._copy = Copy(settings.data_dir, settings.topics.ledger)
        self._ledger = LedgerReader(self.state, self._broker, settings.topics.ledger, self._copy)
        self._tails = Tails(self.state, Translators(settings.topics).translate)
        self._looked_at, self._stepped_at = 0, 0.0
        self._unseen: frozenset[str] = frozenset()
        self._said: dict[str, tuple[Gap, ...]] = {}
        self._said_files: dict[str, tuple[ShortFile, ...]] = {}
        self.telemetry = Telemetry("watch", given={"source": tuple(settings.sources)})
        known = {"version": version("needtoknow"), "sources_hash": registry_hash(settings.sources)[:12]}
        self.telemetry.set("needtoknow_watch_info", 1, **known)

    def why_not_ready(self) -> str | None:
        """One reason in words, or None."""
        oldest = _now() - STALE_MS
        if self._ledger.read_until < oldest:
            return "the ledger is still being read" if not self._ledger.read_until else "the ledger is not read"
        return "the access topics are not looked at" if self._looked_at < oldest else None

    def sees(self) -> bool:
        """Whether it gets on: with the ledger, of which there may be years to read, and with looking at the topics."""
        is_reading = time.monotonic() - self._ledger.stepped_at < STALE_MS / 1000
        return is_reading and self._looked_at >= _now() - STALE_MS

    def reports(self) -> list[SourceReport]:
        """How each source stands, as of the last look: who cannot look must not call anybody silent."""
        return self.state.reports(self._looked_at, self._patience)

    def document(self) -> dict[str, Any]:
        """The same as JSON, and of which installation."""
        return {
            "ledger": self._settings.topics.ledger,
            "not_ready": self.why_not_ready(),
            "sources": [report.document() for report in self.reports()],
        }

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        measure(self.telemetry, self.reports(), _now(), is_loaded=self._ledger.read_until > 0)
        self.telemetry.set("needtoknow_watch_ready", self.sees())
        return self.telemetry.page()

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            ledger = self._again("the ledger is not read", self._ledger.read, lambda: self._ledger.stepped_at)
            looks = self._again("the access topics are not looked at", self._look, lambda: self._stepped_at)
            group.create_task(ledger)
            group.create_task(looks)
            group.create_task(self._say())
            group.create_task(self._keep())

    async def _again(self, what: str, work: Work, done_at: Callable[[], float]) -> None:
        """Works for ever. What gets nothing done is left behind: a client may wait for a lost broker without end, also
        when it is told to stop. `done_at`: when it last got something done (monotonic)."""
        while True:
            began, attempt = time.monotonic(), asyncio.ensure_future(self._attempt(what, work))
            while not attempt.done() and time.monotonic() - max(began, done_at()) < STUCK_SECONDS:
                await asyncio.wait({attempt}, timeout=AGAIN_SECONDS)
            if not attempt.done():
                log.warning("%s: nothing for %d s, so it is begun anew", what, STUCK_SECONDS)
                attempt.cancel()
            else:
                attempt.result()  # what is no fault of the broker's ends the process, to be started again
            await asyncio.sleep(AGAIN_SECONDS)

    async def _attempt(self, what: str, work: Work) -> None:
        try:
            async with kafka.consumer(self._broker) as consumer:
                await work(consumer)
        except (NotReadyError, KafkaError, OSError) as error:
            log.warning("%s: %s", what, str(error) or "no answer")

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        held, asked_at = list[TopicPartition](), -math.inf
        while True:
            if time.monotonic() - asked_at >= PLACES_SECONDS:
                held, asked_at = await self._held(), time.monotonic()
            async with asyncio.timeout(STEP_SECONDS):
                await self._tails.look(consumer, held)
            self._looked_at, self._stepped_at = _now(), time.monotonic()
            self._mark_unseen(self._unseen | self._tails.refused)
            await asyncio.sleep(LOOK_SECONDS)

    async def _held(self) -> list[TopicPartition]:
        """The partitions as they are now: a topic may be given more, or go, or come while we watch."""
        found = await places(self._broker, self.state.by_topic)
        for topic in sorted(found.unseen - self._unseen):
            log.error("%s: not there, or not for us to see; nothing of its source is watched", topic)
        self._unseen = found.unseen
        self._tails.refused.clear()  # tried again
        return found.held

    def _mark_unseen(self, topics: Set[str]) -> None:
        for topic, state in self.state.by_topic.items():
            state.is_seen = topic not in topics

    async def _say(self) -> None:
        """What goes missing and what turns up, by number, in the log."""
        while True:
            await asyncio.sleep(SAY_SECONDS)
            self.say()

    def say(self) -> None:
        """Once. What goes missing beside what already is is counted: the gauge of a page that stands tells nobody."""
        for state in self.state.by_topic.values():
            name, missing = state.source.name, state.missing(self._patience)
            before = self._said.get(name, ())
            new, found = changes(before, missing)
            self._said[name] = missing
            if new:
                log.error("source %s: missing %s", name, spelled(new))
            if before:
                self.telemetry.count("needtoknow_more_missing_total", sum(gap.numbers for gap in new), source=name)
            if found:
                log.info("source %s: no longer missing %s", name, spelled(found))
            self._say_files(name, state.short(self._patience))

    def _say_files(self, name: SourceName, short: tuple[ShortFile, ...]) -> None:
        before, self._said_files[name] = set(self._said_files.get(name, ())), short
        if new := [one for one in short if one not in before]:
            log.error("source %s: short files: %s", name, files_spelled(new))
        if whole := sorted({one.file for one in before} - {one.file for one in short}):
            log.info("source %s: no longer short: %s", name, ", ".join(whole[:FILES_SHOWN]))

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            self.keep()

    def keep(self) -> None:
        """Writes the copy; a disk that is full costs time at the next start, nothing else."""
        if self._ledger.read_until:
            try:
                self._copy.write(self.state, self._ledger.reached, self._ledger.unreadable)
            except OSError as error:
                log.warning("no copy could be written: %s", type(error).__name__)


def broker_of(settings: Settings) -> Broker:
    """Where Kafka is, and who we are to it."""
    return Broker(settings.broker, settings.broker_wait_seconds, settings.security)


def _now() -> int:
    return int(time.time() * 1000)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Watches until `stop` is set. Raises NotReadyError when it cannot begin."""
    watch = Watch(settings)
    await kafka.partitions(broker_of(settings), [settings.topics.ledger])
    collect_seldom()
    server = serving(_pages(watch), settings.admin_host, settings.watch_port, "NTK_WATCH_PORT")
    async with server as address, asyncio.TaskGroup() as group:
        log.info("watch: http://%s/sources", address)
        task = group.create_task(watch.run())
        await stop.wait()
        task.cancel()
    watch.keep()


def _pages(watch: Watch) -> web.Application:
    app = web.Application()
    app.router.add_get("/live", _live)
    app.router.add_get("/ready", _ready(watch))
    app.router.add_get("/metrics", _metrics(watch))
    app.router.add_get("/sources", _sources(watch))
    return app


Handler = Callable[[web.Request], Awaitable[web.Response]]


async def _live(request: web.Request) -> web.Response:
    return web.Response(text="live\n")


def _ready(watch: Watch) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        why_not = watch.why_not_ready()
        if why_not is None:
            return web.Response(text="ready\n")
        return web.Response(text=f"not ready: {why_not}\n", status=503)

    return handle


def _metrics(watch: Watch) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=watch.page(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    return handle


def _sources(watch: Watch) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response(watch.document())

    return handle
