"""The alerts service: findings into the store, acts out to their topic, a look back from each confirmed alert.

Nothing is begun on a store that was lost.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Final

from schemas.act import Act
from schemas.errors import BrokenPromiseError, NotReadyError
from schemas.settings import Settings
from sinks import kafka
from sinks.facts import FactsReader
from sinks.kafka import Broker
from sinks.store.engine import sqlite_url
from sinks.store.store import Store
from streams.policy.aside import fault

from .chain import Head
from .hearing import Hearing
from .mirror import Mirror
from .reading_back import ReadingBack
from .rebuilding import read_act

log: Final = logging.getLogger(__name__)

HOW: Final = "run `needtoknow alerts rebuild --from-kafka` first"


def open_store(settings: Settings) -> Store:
    """The store that the settings name, without a look at it. Raises StoreNotReadyError when they name none."""
    return Store(settings.store_url or sqlite_url(settings.data_dir))


async def mirrored_act(broker: Broker, topic: str) -> Act | None:
    """The newest act that the topic has; None: it has none. Raises as reading does."""
    newest: Act | None = None
    async with aclosing(kafka.read_topic(broker, topic, start=1)) as messages:
        async for message in messages:
            newest = read_act(message.value)
    return newest


def refuse_unless_whole(store: Store, mirrored: Act | None) -> None:
    """Raises NotReadyError when the topic has acts that the store lacks: it was lost, or is an old copy.

    Acts written then would have the numbers of others. Raises BrokenPromiseError when the two tell different histories.
    """
    if mirrored is None:
        return
    with store.reading() as reading:
        head = reading.head()
        found = reading.acts(after=mirrored.number - 1, count=1)
    if head.number < mirrored.number:
        raise NotReadyError(f"the store ends at act {head.number}, its topic at {mirrored.number}: {HOW}")
    if Head(found[0].number, found[0].digest) != Head(mirrored.number, mirrored.digest):
        raise BrokenPromiseError(
            f"act {mirrored.number} of the store is not that of its topic: of another installation?"
        )


def _say_why(ended: asyncio.Task[None]) -> None:
    """None of them ends by itself."""
    if not ended.cancelled() and (error := ended.exception()) is not None:
        log.critical("%s has ended: %s; start the console anew", ended.get_name(), fault(error))


class AlertService:
    """Hearing, mirroring and looking back as tasks, with all facts beside them; they end when it is closed."""

    def __init__(self, store: Store, broker: Broker, settings: Settings) -> None:
        topics = settings.topics
        self.store = store
        self._broker = broker
        self._topic = topics.alert_events
        self.mirror = Mirror(store, broker, topics.alert_events)
        self.hearing = Hearing(store, broker, topics.violations, self.mirror.news)
        self.facts = FactsReader(broker, topics.facts)
        self.reading_back = ReadingBack(store, broker, topics, self.facts, self.mirror.news)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Brings the store up to this version and begins. Raises NotReadyError, and as `refuse_unless_whole`."""
        await asyncio.to_thread(self.store.upgrade)
        refuse_unless_whole(self.store, await mirrored_act(self._broker, self._topic))
        tasks = (self.facts, self.hearing, self.mirror, self.reading_back)
        self._tasks = [asyncio.create_task(task.run(), name=type(task).__name__) for task in tasks]
        for begun in self._tasks:
            begun.add_done_callback(_say_why)

    def written(self) -> None:
        """A person's act is in the store: whoever waits for one looks now."""
        self.mirror.news()
        self.reading_back.news()

    async def close(self) -> None:
        """Ends all; what they were about is done again by whoever begins next."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
