"""The alerts service: findings into the store, acts out to their topic, a look back from each confirmed alert.

Nothing is begun on a store that was lost.
"""

from __future__ import annotations

import asyncio
from typing import Final

from schemas.act import Act
from schemas.errors import BrokenPromiseError, NotReadyError
from schemas.settings import Settings
from sinks.facts import FactsReader
from sinks.kafka import Broker
from sinks.store.engine import sqlite_url
from sinks.store.store import Store

from .chain import Head
from .hearing import Hearing
from .mirror import Mirror
from .reading_back import ReadingBack
from .rebuilding import rebuild
from .tail import mirrored_act
from .watching import Watching

HOW: Final = "run `needtoknow alerts rebuild --from-kafka` first"


def open_store(settings: Settings) -> Store:
    """The store that the settings name, without a look at it. Raises StoreNotReadyError when they name none."""
    return Store(settings.store_url or sqlite_url(settings.data_dir))


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
    if not found or Head(found[0].number, found[0].digest) != Head(mirrored.number, mirrored.digest):
        raise BrokenPromiseError(
            f"act {mirrored.number} of the store is not that of its topic: of another installation?"
        )


class AlertService:
    """Hearing, mirroring, looking back and watching, as tasks; `facts` is read by somebody else, who shares it."""

    def __init__(self, store: Store, broker: Broker, settings: Settings, facts: FactsReader) -> None:
        topics = settings.topics
        self.store = store
        self._broker = broker
        self._topic = topics.alert_events
        self.mirror = Mirror(store, broker, topics)
        self.hearing = Hearing(store, broker, topics.violations, self.mirror.news)
        self.reading_back = ReadingBack(store, broker, topics, facts, self.mirror.news)
        self.watching = Watching(store, broker, topics.alert_events)

    async def start(self) -> None:
        """Brings the store up to this version, and asks the broker the time before anything is dated.

        Raises NotReadyError, and as `refuse_unless_whole`.
        """
        if await asyncio.to_thread(self.store.upgrade):
            await asyncio.to_thread(rebuild, self.store)
        refuse_unless_whole(self.store, await mirrored_act(self._broker, self._topic))
        await self.mirror.compare_clocks()

    async def run(self) -> None:
        """All of it until it is cancelled; what it was about is then done again by whoever begins next."""
        async with asyncio.TaskGroup() as group:
            for task in (self.hearing, self.mirror, self.reading_back, self.watching):
                group.create_task(task.run())

    def news(self) -> None:
        """Something was written: whoever waits for it looks now. To be called in the loop."""
        self.mirror.news()
        self.reading_back.news()
