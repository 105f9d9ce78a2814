"""What facts that have come may decide otherwise is found apart from learning them, a few at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import mode

from .join.knowledge import Knowledge
from .join.touched import Query, touched
from .turns import others_first

SOME: Final = 20  # facts of which is found what they touch before others get the loop: 100 to 400 µs each


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

    def is_done(self) -> bool:
        """Whether `on_change` has been told what every fact touches."""
        return not self._rows

    @mode.Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._told.wait(), self._stopped.wait())
            self._told.clear()
            while self._rows and not self.should_stop:
                self.find_some()
                await others_first()

    def find_some(self) -> None:
        """One step."""
        rows = [self._rows.popleft() for _ in range(min(SOME, len(self._rows)))]
        changes = [self._knowledge.change(at) for at in rows]
        self._on_change([query for change in changes for query in touched(self._knowledge, *change, self._depth)])
