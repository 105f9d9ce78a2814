"""A stop that never ends: a worker that was told to stop says after a while what it still waits for, and ends anyway.

It may: whoever comes next judges again what was not committed, as after a death (ADR 5, ADR 23).
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
TELL_MAX: Final = 1.0  # seconds to write why: the log may be what stands still
LEFT_OVER: Final = 70  # exit code: EX_SOFTWARE of sysexits.h

log = logging.getLogger(__name__)


class StopLimit:
    """Ends the process STOP_MAX after `begin`, from a thread of its own; one that ends before never hears of it."""

    def __init__(self, end: Callable[[int], Any] = os._exit) -> None:
        self._end = end
        self._loops: tuple[asyncio.AbstractEventLoop, ...] = ()

    def begin(self, *loops: asyncio.AbstractEventLoop) -> None:
        """The worker has been told to stop, and runs in these loops; the first time counts."""
        if not self._loops:
            self._loops = loops
            _aside(self._expire, STOP_MAX)

    def _expire(self) -> None:
        try:
            _aside(self._tell).join(TELL_MAX)
        finally:
            self._end(LEFT_OVER)

    def _tell(self) -> None:
        log.critical("has not stopped after %.0f s and ends as it is: what is not committed is judged again", STOP_MAX)
        for loop in self._loops:
            for line in unfinished(asyncio.all_tasks(loop)):
                log.critical("it waits for %s", line)


def _aside(work: Callable[[], None], seconds: float = 0.0) -> threading.Timer:
    """In a thread that nobody waits for, after so long."""
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()
    return timer


async def ended_within(seconds: float, work: Awaitable[object]) -> BaseException | None:
    """What kept it from coming to its end: nothing, its own error, or TimeoutError when it did not in time.

    Then it is cancelled, and nobody waits for what comes of that: Faust's commit takes it for a reason to begin again.
    """
    task = asyncio.ensure_future(work)
    await asyncio.wait([task], timeout=seconds)
    if not task.done():
        task.cancel()
        return TimeoutError()
    return asyncio.CancelledError() if task.cancelled() else task.exception()  # aiokafka cancels itself


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
