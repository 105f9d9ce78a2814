"""/live by progress: a worker that has work, could do it, and does nothing must be started again.

An event loop that stands still gives no answer at all, and whoever asks knows. What else stands still is seen here: the
judge or register holds batches and finishes none; messages lie in the log and none is fetched (Faust's consumers can
fall silent). Not counted: the time while the broker is away or slow, while the group meets, while the worker loads what
is known, and while the judge waits for feeds with all the memory that it may take.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import mode
from aiokafka.errors import KafkaError

from schemas.metrics import LABEL_VALUES
from schemas.settings import Settings

from .broadcast import Broadcast
from .progress import Progress
from .store import Store
from .telemetry import Telemetry

EVERY_SECONDS: Final = 1.0
ASK_SECONDS: Final = 5.0  # for an answer of the broker, or of the thread that fetches; each takes milliseconds


class Liveness(mode.Service):
    """Looks once a second, with a question to the broker on a connection that fetches nothing."""

    def __init__(
        self,
        settings: Settings,
        *,
        app: Any,
        broadcast: Broadcast,
        store: Store,
        telemetry: Telemetry,
        is_waiting: Callable[[], bool],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._patience = settings.stuck_after_seconds
        self._feeds = settings.topics.feeds()
        self._app = app
        self._broadcast = broadcast
        self._store = store
        self._telemetry = telemetry
        self._is_waiting = is_waiting  # the judge, on purpose
        self._parts = {part: Progress() for part in LABEL_VALUES["part"]}

    def why_not_live(self) -> str | None:
        """One reason in words, or None."""
        now = time.monotonic()
        for part, progress in self._parts.items():
            if (seconds := progress.stuck_for(now)) > self._patience:
                return f"{part} has had work for {seconds:.0f} s and got nothing done"
        return None

    @mode.Service.task
    async def _look(self) -> None:
        while not self.should_stop:
            await self._look_once()
            now = time.monotonic()
            for part, progress in self._parts.items():
                self._telemetry.set("needtoknow_stuck_seconds", progress.stuck_for(now), part=part)
            await asyncio.sleep(EVERY_SECONDS)

    async def _look_once(self) -> None:
        consumer = self._app.consumer
        held = consumer.held()
        ends = await self._ends(held)
        is_free = bool(ends) and self._store.is_reachable and not self._app.rebalancing and consumer.flow_active
        under_way = {tp.topic in self._feeds for tp, f in consumer.frontiers.copy().items() if f.under_way}
        finished, now = consumer.finished, time.monotonic()
        of_feeds = sum(finished[topic] for topic in self._feeds)
        self._parts["register"].see(of_feeds, now, is_due=is_free and True in under_way)
        is_judging = is_free and False in under_way and not self._is_waiting()
        self._parts["judge"].see(finished.total() - of_feeds, now, is_due=is_judging)
        if is_free:
            positions = await _in_time(consumer.positions())
            unread = [tp for tp, end in ends.items() if tp not in consumer.full and (positions or {}).get(tp, 0) < end]
            place = self._parts["fetching"].place if positions is None else positions
            self._parts["fetching"].see(place, time.monotonic(), is_due=bool(unread))
        else:
            self._parts["fetching"].see(None, now, is_due=False)

    async def _ends(self, held: Iterable[Any]) -> Mapping[Any, int]:
        """Where the partitions held end; nothing while the broker does not say, or before all that is known is."""
        tps = list(held)
        if not tps or not self._broadcast.is_loaded:
            return {}
        return await _in_time(self._broadcast.ends_of(tps)) or {}


async def _in_time(asked: Any) -> Any:
    """The answer; None when there is none in time."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            return await asked
    except (KafkaError, TimeoutError):
        return None
