"""AsyncEmitter: the same for a program on asyncio, whose loop never waits for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Self

from .core import Core
from .face import Face
from .settings import Settings


class AsyncEmitter(Face):
    """Begins where `async with` does: see `Face` for how. `emit` is no coroutine, since it never waits."""

    async def flush(self, timeout: float = 10.0) -> bool:  # noqa: ASYNC109 - the same face as the other one
        """As `Emitter.flush`."""
        return await _wait(self._begun.kept(), timeout)

    async def drain(self, timeout: float = 10.0) -> bool:  # noqa: ASYNC109 - as above
        """As `Emitter.drain`."""
        return await _wait(self._begun.stored(), timeout)

    async def close(self, timeout: float = 5.0) -> bool:  # noqa: ASYNC109 - as above
        """As `Emitter.close`."""
        return await asyncio.to_thread(self._begun.close, timeout)

    async def __aenter__(self) -> Self:
        begun: Future[Core] = Future()
        Thread(target=_begin, args=(self._settings, begun), name="needtoknow-begin").start()
        try:
            self._core = await asyncio.wrap_future(begun)
        except asyncio.CancelledError:
            if not begun.cancel() and begun.exception() is None:  # it came just before
                await asyncio.to_thread(begun.result().close, 0)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


def _begin(settings: Settings, begun: Future[Core]) -> None:
    """In a thread of its own: what has begun when nobody waits any more would keep its spool for ever."""
    try:
        core = Core(settings)
    except BaseException as error:  # whoever waits gets it
        with suppress(InvalidStateError):
            begun.set_exception(error)
        return
    try:
        begun.set_result(core)
    except InvalidStateError:
        core.close(0)


async def _wait(future: Future[None], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await asyncio.wrap_future(future)
    except TimeoutError:
        return False
    return True
