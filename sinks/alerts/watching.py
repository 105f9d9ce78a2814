"""Walks the chain of all acts again and again while people work, so that a change is noticed without an auditor.

What it can notice: an act that was changed, taken out or put in, an end that was cut off, and, by the topic, a chain
that was linked anew after the change: the whole topic is compared at the start and with each walk, and what comes to it
in between every ten seconds. The newest act that was found alike is remembered here; a history that was linked anew
from before it does not lead to it, and that is seen in the next ten seconds. So a change that was made before a walk
began is known when it ends, whatever was written since. An act that was changed before it was mirrored is in no other
place, and can be noticed by nobody. It is no proof to others, who need not believe this process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Final

from aiokafka.errors import KafkaError

from schemas.errors import NotReadyError
from sinks.kafka import Broker, Start
from sinks.store.store import Store

from .comparing import Anchor, Comparison, in_pieces
from .walking import Walk

log: Final = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 1.0
"""Between two steps in the store, and two in the topic at the same time. The 900,000 acts of 300,000 alerts take
17 minutes, 9 % of a core for the one and 8 % for the other, and 1 MB/s of the broker's: nobody who works is to feel it,
and two hours without a whole walk are a page."""
ROUND_SECONDS: Final = 60.0  # between two walks, so that a short chain is not walked all day
NEWS_SECONDS: Final = 10.0  # between two looks at what came to the topic: each makes a connection
LOGGED_MAX: Final = 50  # faults of one walk that the log names: where all was linked anew, each act is one


class Watching:
    """The task that watches. `holds`: nothing wrong was found since the last walk without a fault began.

    `checked_at`: when a walk last came to its end, and the topic was compared (UTC ms); at first, when this was made.
    """

    def __init__(self, store: Store, broker: Broker, topic: str) -> None:
        self._store, self._broker, self._topic = store, broker, topic
        self._anchor = Anchor()
        self._reached: dict[int, int] | None = None  # by partition the offset to read on from; None: not compared yet
        self._faults = 0
        self._logged = 0
        self.holds = True
        self.checked_at = int(time.time() * 1000)

    async def run(self) -> None:
        """Watches for ever; when the broker or the store is away it says so, and goes on when they are back."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_again(self.walk, ROUND_SECONDS))
            group.create_task(_again(self.news, NEWS_SECONDS))

    async def walk(self, pause: float = PAUSE_SECONDS) -> None:
        """One round, over the store and over the topic: a broker that is away must not keep it from the store."""
        before, self._logged = self._faults, 0
        both = await asyncio.gather(self._walk_store(pause), self._walk_topic(pause), return_exceptions=True)
        for failed in both:
            if failed is not None:
                raise failed
        self.holds = self._faults == before
        self.checked_at = int(time.time() * 1000)

    async def news(self, pause: float = PAUSE_SECONDS) -> None:
        """What was compared is still there; and what has come to the topic since."""
        self._report(await asyncio.to_thread(self._look))
        if (reached := self._reached) is not None:
            comparison = await asyncio.to_thread(Comparison, self._store, self._anchor)
            await self._compare(comparison, dict(reached), pause, reached)

    async def _walk_store(self, pause: float) -> None:
        walk = Walk()
        while not walk.is_over:
            self._report(await asyncio.to_thread(self._step, walk))
            await asyncio.sleep(pause)

    async def _walk_topic(self, pause: float) -> None:
        comparison = await asyncio.to_thread(Comparison, self._store, self._anchor)
        reached: dict[int, int] = {}
        await self._compare(comparison, "first", pause, reached)
        self._report(comparison.missing())
        self._reached = reached

    async def _compare(self, comparison: Comparison, start: Start, pause: float, reached: dict[int, int]) -> None:
        async with aclosing(in_pieces(self._broker, self._topic, start)) as pieces:
            async for piece in pieces:
                self._report(await asyncio.to_thread(comparison.take, piece))
                reached.update({message.partition: message.offset + 1 for message in piece})
                await asyncio.sleep(pause)

    def _step(self, walk: Walk) -> list[str]:
        with self._store.reading() as reading:
            return walk.step(reading)

    def _look(self) -> list[str]:
        with self._store.reading() as reading:
            return self._anchor.faults(reading)

    def _report(self, found: list[str]) -> None:
        for sentence in found[: max(0, LOGGED_MAX - self._logged)]:
            log.error("the chain of acts does not hold: %s", sentence)
        self._logged += len(found)
        if found:
            self._faults += len(found)
            self.holds = False


async def _again(work: Callable[[], Awaitable[None]], seconds: float) -> None:
    while True:
        try:
            await work()
        except (NotReadyError, KafkaError, OSError) as error:
            log.warning("the chain of acts is not checked: %s", error)
        await asyncio.sleep(seconds)
