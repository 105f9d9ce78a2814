"""Live rows over HTTP: server-sent events, which browsers read and resume by themselves."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from aiohttp import web

from sinks.alerts.front_desk import SignedIn

from .live import Live, Reader
from .web import HEADERS, NotSignedInError, session_of, signed_in

LIVE: Final = web.AppKey("live", Live)
READERS_MAX: Final = 500  # of one console: each holds a connection and up to 256 rows
BEAT_SECONDS: Final = 15.0  # a proxy cuts what is silent for a minute; and so often it is asked who is signed in
PAGE_AGAIN: Final = b'event: missed\ndata: {"missed":%d}\n\n'


async def stream(request: web.Request) -> web.StreamResponse:
    """Rows as they change, for as long as somebody is signed in."""
    who = await signed_in(request)
    live = request.app[LIVE]
    if live.readers >= READERS_MAX:
        raise web.HTTPServiceUnavailable(reason="too many readers")
    response = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    await response.write(b"retry: 2000\n: here\n\n")
    with suppress(NotSignedInError, ConnectionResetError):  # signed out, or gone: either way the stream ends
        await _write(request, response, who, live)
    return response


async def _write(request: web.Request, response: web.StreamResponse, who: SignedIn, live: Live) -> None:
    since = request.headers.get("Last-Event-ID") or request.query.get("since")  # a page names what it has shown
    reader = Reader(who.person.hidden())
    rows = live.rows(reader, since)
    clock = asyncio.get_running_loop().time
    due = clock() + BEAT_SECONDS
    waiting = asyncio.ensure_future(anext(rows))
    try:
        while True:
            await asyncio.wait([waiting], timeout=max(0.0, due - clock()))
            if clock() >= due:
                due = clock() + BEAT_SECONDS
                if await _differs(request, who):
                    return
                await response.write(b": still here\n\n")
            if waiting.done():
                try:
                    row = waiting.result()
                except StopAsyncIteration:
                    return
                if row is None:
                    await response.write(PAGE_AGAIN % reader.missed)  # 0: nobody can know how many
                else:
                    await response.write(b"id: %s\nevent: alert\ndata: %s\n\n" % (row.name.encode(), row.raw))
                waiting = asyncio.ensure_future(anext(rows))
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await rows.aclose()  # type: ignore[attr-defined] # it is a generator


async def _differs(request: web.Request, who: SignedIn) -> bool:
    """Whether what must be kept from them has changed: then the stream begins anew. Raises NotSignedInError."""
    await session_of(request)
    return (await signed_in(request)).person.hidden() != who.person.hidden()
