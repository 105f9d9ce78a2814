"""Walks the chain of all acts again and again while people work, so that a change is noticed without an auditor.

What it can notice: an act that was changed, taken out or put in, an end that was cut off, and, by the topic's end, a
chain that was linked anew after the change. It is no proof to others, who need not believe this process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from aiokafka.errors import KafkaError

from schemas.errors import NotReadyError, RejectedInputError
from sinks.kafka import Broker
from sinks.store.store import Store

from .rebuilding import BrokenHistoryError
from .tail import differences, mirrored_act
from .walking import Walk

log: Final = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 1.0  # between two steps: the 900,000 acts of 300,000 alerts take 17 minutes, and 8 % of a core
ROUND_SECONDS: Final = 60.0  # between two walks, so that a short chain is not walked all day


class Watching:
    """The task that watches. `holds`: nothing wrong was found since the last walk without a fault began.

    `checked_at`: when a walk last came to its end, and the topic was looked at (UTC ms); at first, when this was made.
    """

    def __init__(self, store: Store, broker: Broker, topic: str) -> None:
        self._store, self._broker, self._topic = store, broker, topic
        self.holds = True
        self.checked_at = int(time.time() * 1000)

    async def run(self) -> None:
        """Watches for ever; when the broker or the store is away it says so, and goes on when they are back."""
        while True:
            try:
                await self.walk()
            except (NotReadyError, KafkaError, OSError) as error:
                log.warning("the chain of acts is not checked: %s", error)
            await asyncio.sleep(ROUND_SECONDS)

    async def walk(self, pause: float = PAUSE_SECONDS) -> None:
        """One round: the topic's end after the walk, since a broker that is away must not keep it from the store."""
        walk, is_sound = Walk(), True
        while not walk.is_over:
            is_sound &= self._is_sound(await asyncio.to_thread(self._step, walk))
            await asyncio.sleep(pause)
        is_sound &= self._is_sound(await self._compare())
        self.holds = is_sound
        self.checked_at = int(time.time() * 1000)

    def _step(self, walk: Walk) -> list[str]:
        with self._store.reading() as reading:
            return walk.step(reading)

    async def _compare(self) -> list[str]:
        try:
            mirrored = await mirrored_act(self._broker, self._topic)
            return await asyncio.to_thread(lambda: list(differences(self._store, mirrored)))
        except (BrokenHistoryError, RejectedInputError) as error:
            return [str(error)]

    def _is_sound(self, found: list[str]) -> bool:
        for sentence in found:
            log.error("the chain of acts does not hold: %s", sentence)
        if found:
            self.holds = False
        return not found
