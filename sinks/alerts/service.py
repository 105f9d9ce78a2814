"""The alerts service: findings into the store, acts out to their topic, and nothing begun on a store that was lost."""

from __future__ import annotations

import asyncio
from typing import Final

from schemas.act import Act
from schemas.errors import BrokenPromiseError, NotReadyError
from schemas.settings import Settings
from sinks.kafka import Broker
from sinks.store.engine import sqlite_url
from sinks.store.store import Store

from .chain import Head
from .hearing import Hearing
from .mirror import Mirror
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
    """Reading, mirroring and watching as three tasks, which end when it is closed."""

    def __init__(self, store: Store, broker: Broker, settings: Settings) -> None:
        topics = settings.topics
        self.store = store
        self._broker = broker
        self._topic = topics.alert_events
        self.mirror = Mirror(store, broker, topics.alert_events)
        self.hearing = Hearing(store, broker, topics.violations, self.mirror.news)
        self.watching = Watching(store, broker, topics.alert_events)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Brings the store up to this version and begins. Raises NotReadyError, and as `refuse_unless_whole`."""
        if await asyncio.to_thread(self.store.upgrade):
            await asyncio.to_thread(rebuild, self.store)
        refuse_unless_whole(self.store, await mirrored_act(self._broker, self._topic))
        self._tasks = [asyncio.create_task(part.run()) for part in (self.hearing, self.mirror, self.watching)]

    async def close(self) -> None:
        """Ends them; what they were about is done again by whoever begins next."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
