"""A small TCP proxy before a broker, that can be cut, stalled and slowed: the network between two machines, on one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from deploy.local.ports import HOST, free_port

CHUNK: Final = 65_536  # bytes passed on at once
WAIT_SECONDS: Final = 10.0  # for its thread, which has nothing else to do

T = TypeVar("T")


class Proxy:
    """Passes connections at `port` on to `upstream`, both on loopback. It runs in a thread of its own."""

    def __init__(self, upstream: int) -> None:
        self.port = free_port()
        self._upstream = upstream
        self.passed = 0  # bytes, both ways
        self.cut_off = 0  # connections that were open when it was cut
        self.refused = 0  # attempts to connect while it was cut
        self._is_cut = False
        self._delay = 0.0
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, HOST, self.port))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_SECONDS)
        self._loop.close()

    @property
    def address(self) -> str:
        """For clients, as host:port."""
        return f"{HOST}:{self.port}"

    def cut(self) -> None:
        """Reset every connection, and every new one, until `mend`: the cable is out and both ends notice."""
        self._call(self._cut())

    def stall(self) -> None:
        """Keep connections open and pass nothing until `mend`: what was sent meanwhile arrives then."""
        self._call(self._set(is_open=False))

    def slow(self, delay: float) -> None:
        """Pass each chunk after so many seconds, one after the other, until `mend`."""
        self._call(self._set(delay=delay))

    def mend(self) -> None:
        """All is well again."""
        self._call(self._set())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_SECONDS)

    async def _set(self, *, is_open: bool = True, delay: float = 0.0) -> None:
        self._is_cut, self._delay = False, delay
        if is_open:
            self._open.set()
        else:
            self._open.clear()

    async def _cut(self) -> None:
        self._is_cut = True
        self.cut_off += len(self._writers) // 2
        for writer in self._writers:
            _reset(writer)

    async def _end(self) -> None:
        self._server.close()
        await self._cut()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            self.refused += 1
            _reset(writer)
            return
        try:
            there_reader, there = await asyncio.open_connection(HOST, self._upstream)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there}
        with contextlib.suppress(asyncio.CancelledError):  # only the end of the proxy cancels it
            await asyncio.gather(self._pump(reader, there), self._pump(there_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                await self._open.wait()
                if self._delay:
                    await asyncio.sleep(self._delay)  # what a slow line does, not a wait for something
                self.passed += len(chunk)
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass  # one end is gone; so is the connection
        finally:
            writer.transport.abort()
            self._writers.discard(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """The other end is told at once, and what was under way is gone: closing would send it first."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
