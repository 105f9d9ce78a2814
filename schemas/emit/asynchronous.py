"""AsyncEmitter: the same for a program on asyncio, whose loop never waits for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from .core import Core
from .face import Face


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
        self._core = await asyncio.to_thread(Core, self._settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


async def _wait(future: Future[None], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await asyncio.wrap_future(future)
    except TimeoutError:
        return False
    return True
