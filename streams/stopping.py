"""A stop that never ends: a worker that was told to stop says after a while what it still waits for, and ends anyway.

It may: whoever comes next judges again what was not committed, as after a death (ADR 5).
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final

STOP_MAX: Final = 12.0
"""Seconds: the ten that a stop may take and two for a slow machine; whoever runs it kills it after fifteen."""
LEFT_OVER: Final = 70  # exit code: EX_SOFTWARE of sysexits.h

log = logging.getLogger(__name__)


class StopLimit:
    """Ends the process, from a thread of its own, when the loop has not been `done` for STOP_MAX after `begin`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, end: Callable[[int], Any] = os._exit) -> None:
        self._loop = loop
        self._end = end
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """The worker has been told to stop; the first time counts."""
        if self._timer is None:
            self._timer = threading.Timer(STOP_MAX, self._expire)
            self._timer.daemon = True
            self._timer.start()

    def done(self) -> None:
        """It has stopped."""
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
        log.critical("has not stopped after %.0f s and ends as it is: what is not committed is judged again", STOP_MAX)
        for line in unfinished(asyncio.all_tasks(self._loop)):
            log.critical("it waits for %s", line)
        logging.shutdown()
        self._end(LEFT_OVER)


async def ended_within(seconds: float, work: Awaitable[object]) -> bool:
    """Whether it came to its end in time. Where it did not it is cancelled, and nobody waits for what comes of that:
    Faust's commit takes being cancelled for a reason to begin again."""
    task = asyncio.ensure_future(work)
    await asyncio.wait([task], timeout=seconds)
    if task.done():
        task.result()  # raises what it raised
        return True
    task.cancel()
    return False


def unfinished(tasks: Iterable[asyncio.Task[Any]]) -> list[str]:
    """Where each task that is not done waits, outermost call first: names of functions and lines, nobody's data."""
    return sorted(" > ".join(_calls(task.get_coro())) for task in tasks if not task.done())


def _calls(awaited: Any) -> Iterator[str]:
    """A task knows its outermost call only; each call knows the next."""
    while (frame := getattr(awaited, "cr_frame", None)) is not None:
        yield f"{frame.f_code.co_qualname}:{frame.f_lineno}"
        awaited = awaited.cr_await
    if awaited is not None:
        yield type(awaited).__name__
