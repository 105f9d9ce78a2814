"""Gauges that are looked at rather than counted, once a second; and whether the worker is ready."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from importlib.metadata import version
from typing import Any, Final

import mode

from schemas.policy import Policy
from schemas.registry import registry_hash
from schemas.settings import Settings
from schemas.topics import FEEDS
from streams.agents.judge import Judge
from streams.agents.take_over import DAY_MS
from streams.broadcast import Broadcast

from .snapshots import Snapshots
from .store import Store
from .telemetry import NEVER_MARKED, Telemetry

EVERY_SECONDS: Final = 1.0


class Gauges(mode.Service):
    """Looks at the worker and sets the gauges of the catalogue."""

    def __init__(
        self,
        settings: Settings,
        *,
        app: Any,
        broadcast: Broadcast,
        judge: Judge,
        store: Store,
        snapshots: Snapshots,
        telemetry: Telemetry,
        policy: Policy,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._sources = settings.topics.accesses()
        self._awaited = {f.name: settings.topics.access(f.explains) for f in FEEDS.values() if f.explains is not None}
        self._app = app
        self._broadcast = broadcast
        self._judge = judge
        self._store = store
        self._snapshots = snapshots
        self._telemetry = telemetry
        self._policy = policy

    def why_not_ready(self) -> str | None:
        """One reason in words, or None."""
        if not self._broadcast.is_loaded:
            return "loading what is known"
        if not self._store.is_reachable:
            return "the broker does not store"
        if self._app.rebalancing or not self._app.rebalancing_count:
            return "partitions are being handed over"
        return None

    @mode.Service.task
    async def _look(self) -> None:
        build = {"version": version("needtoknow"), "policy": self._policy.name, "policy_hash": self._policy.hash()[:12]}
        build |= {"sources_hash": registry_hash(self._settings.sources)[:12]}
        self._telemetry.set("needtoknow_build_info", 1, **build)
        while not self.should_stop:
            self._look_once(time.time() * 1000)
            await asyncio.sleep(EVERY_SECONDS)

    def _look_once(self, now: float) -> None:
        put = self._telemetry.set
        oldest = self._judge.open.oldest_pending()
        put("needtoknow_open_accesses", len(self._judge.open))
        put("needtoknow_pending_accesses", self._judge.open.pending())
        put("needtoknow_oldest_pending_seconds", 0 if oldest is None else (now - oldest) / 1000)
        put("needtoknow_facts_position", self._broadcast.knowledge.position)
        put("needtoknow_facts_held", len(self._broadcast.knowledge.facts))
        index = self._judge.judging.index
        oldest = int(now - self._settings.index_days * DAY_MS)
        index.forget(oldest, self._settings.index_max, self._judge.corrections.held())
        put("needtoknow_index_accesses", len(index))
        put("needtoknow_index_bytes", index.size())
        put("needtoknow_names", index.names())
        put("needtoknow_refused_partitions", self._judge.refused())
        put("needtoknow_facts_to_bring", self._judge.touching.waiting())
        put("needtoknow_look_back_messages", self._judge.take_over.to_look_back)
        written_at = self._snapshots.written_at
        put("needtoknow_snapshot_age_seconds", math.inf if written_at is None else now / 1000 - written_at)
        put("needtoknow_backfill_messages", self._judge.take_over.to_backfill)
        put("needtoknow_ready", 1 if self.why_not_ready() is None else 0)
        for feed, through in self._broadcast.heard_marks.items():
            put("needtoknow_mark_age_seconds", (now - through) / 1000, feed=feed)
            put("needtoknow_mark_silence_seconds", (now - self._broadcast.mark_rose_at[feed]) / 1000, feed=feed)
        self._look_at_awaited()
        self._look_at_lag(now)

    def _look_at_awaited(self) -> None:
        """The feed of one source has no gauges where neither is. From when on accesses wait for it, it is missed."""
        for feed, topic in self._awaited.items():
            if feed not in self._broadcast.heard_marks and self._judge.open.has_any(topic):
                for name in NEVER_MARKED:
                    self._telemetry.set(name, math.inf, feed=feed)

    def _look_at_lag(self, now: float) -> None:
        consumer = self._app.consumer
        self._telemetry.set("needtoknow_paused_partitions", len(consumer.full))
        messages: defaultdict[str, int] = defaultdict(int)
        seconds: defaultdict[str, float] = defaultdict(float)
        for tp, (unread, newest) in consumer.unread().items():
            source = self._sources.get(tp.topic)
            if source is None:
                continue
            messages[source] += unread
            behind = (now - newest) / 1000 if unread and newest is not None else 0.0
            seconds[source] = max(seconds[source], behind)
        for source, number in messages.items():
            self._telemetry.set("needtoknow_lag_messages", number, source=source)
            self._telemetry.set("needtoknow_lag_seconds", seconds[source], source=source)
