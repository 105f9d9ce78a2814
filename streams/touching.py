"""What facts that have come may decide otherwise is found apart from learning them, a few at a time."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import mode

from .join.knowledge import Knowledge
from .join.touched import Query, touched
from .turns import others_first

STEP: Final = 0.005  # seconds of it before others get the loop; a fact takes 100 to 400 µs, a hot record's some ms


class Touching(mode.Service):
    """Tells `on_change` which accesses each fact touches.

    Apart from learning them, since new accesses wait for the marks behind a storm of facts: these count as soon as the
    facts are known, and what the facts touch among the accesses judged before is found behind them.
    """

    def __init__(
        self, knowledge: Knowledge, *, depth: int, on_change: Callable[[list[Query]], None], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._knowledge = knowledge
        self._depth = depth  # of supervision, as the policy counts it
        self._on_change = on_change
        self._rows = deque[int]()
        self._told = asyncio.Event()

    def learned(self, at: int) -> None:
        """This row is new."""
        self._rows.append(at)
        self._told.set()

    def waiting(self) -> int:
        """Of how many facts it is still to be found."""
        return len(self._rows)

    def is_done(self) -> bool:
        """Whether `on_change` has been told what every fact touches."""
        return not self._rows

    @mode.Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._told.wait(), self._stopped.wait())
            self._told.clear()
            until = time.perf_counter() + STEP
            while self._rows and not self.should_stop:
                self.find_next()
                if time.perf_counter() > until:
                    await others_first()
                    until = time.perf_counter() + STEP

    def find_next(self) -> None:
        """Of one fact. It waits until `on_change` has been told: whoever ends by an error must not seem to be done."""
        self._on_change(touched(self._knowledge, *self._knowledge.change(self._rows[0]), self._depth))
        self._rows.popleft()
