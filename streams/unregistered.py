"""Looks for access topics that no source is registered for: what comes there is judged by nobody, and not in silence.

Every worker looks, each by its own registry: so one that lacks an entry is found, too (ADR 29).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import mode
from aiokafka.errors import KafkaError

from schemas.topics import Topics

from .telemetry import Telemetry

EVERY_SECONDS: Final = 30.0  # issue 6; one question to the broker for the names of all topics
SHOWN: Final = 10  # names in one line of the log
METRIC: Final = "needtoknow_unregistered_topics"

log = logging.getLogger(__name__)


class Unregistered(mode.Service):
    """Counts them for Prometheus, and names them in the log when there are others than before.

    `list_topics` gives the names of all topics on the broker, or raises KafkaError. While it does, nobody knows: no
    number is shown, rather than an old one.
    """

    def __init__(
        self,
        topics: Topics,
        telemetry: Telemetry,
        *,
        list_topics: Callable[[], Awaitable[Iterable[str]]],
        every: float = EVERY_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._topics = topics
        self._telemetry = telemetry
        self._list_topics = list_topics
        self._every = every
        self._known: tuple[str, ...] = ()
        telemetry.set(METRIC, math.nan)

    @mode.Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            await self.look()
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Ask the broker once."""
        try:
            async with asyncio.timeout(self._every):
                found = self._topics.unregistered(await self._list_topics())
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("whether all access topics are registered is not known: %s", type(error).__name__)
            self._telemetry.set(METRIC, math.nan)
            return
        if found != self._known:
            self._known = found
            shown = ", ".join(found[:SHOWN]) or "none any more"
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            log.warning("not registered, nobody reads them: %s%s", shown, more)
        self._telemetry.set(METRIC, len(found))
