"""Live rows over HTTP: server-sent events, which browsers read and resume by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from aiohttp import web

from schemas.errors import NeedToKnowError
from sinks.alerts.front_desk import SignedIn

from .live import Live, Row
from .web import HEADERS, TooManyError, session_of, signed_in

LIVE: Final = web.AppKey("live", Live)
READERS_MAX: Final = 500  # of one console: each holds a connection and up to 256 rows
OWN_MAX: Final = 20  # of one person: a window each; nobody takes the others' places
BEAT_SECONDS: Final = 15.0  # a proxy cuts what is silent for a minute; and so often it is asked who is signed in
TAKE_SECONDS: Final = 30.0  # who takes nothing for so long is let go of; a browser comes back and names its last row
PAGE_AGAIN: Final = b'event: missed\ndata: {"missed":%d}\n\n'


async def stream(request: web.Request) -> web.StreamResponse:
    """Rows as they change, for as long as somebody is signed in."""
    who = await signed_in(request)
    live = request.app[LIVE]
    if live.readers >= READERS_MAX:
        raise web.HTTPServiceUnavailable(reason="too many readers")
    if live.readers_of(who.person.staff) >= OWN_MAX:
        raise TooManyError(round(BEAT_SECONDS))
    response = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    await response.write(b"retry: 2000\n: here\n\n")
    try:
        await _write(request, response, who, live)
    except (NeedToKnowError, ConnectionResetError):
        pass  # signed out, not known any more, or gone: what has begun to answer cannot say so
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()  # an end in good order would wait for them, too
    return response


async def _write(request: web.Request, response: web.StreamResponse, who: SignedIn, live: Live) -> None:
    name = request.headers.get("Last-Event-ID") or request.query.get("since")  # a page names what it has shown
    staff, hidden = who.person.staff, who.person.hidden()
    with live.looking_on(staff, hidden) as reader:  # first, so that nothing falls between what was and what comes
        if name is not None:
            rows = await live.since(name, hidden)
            reader.told = {row.alert_id: row.version for row in rows or ()}
            await _tell(response, PAGE_AGAIN % 0 if rows is None else _piece(rows))  # 0: nobody can know how many
        clock = asyncio.get_running_loop().time
        due = clock() + BEAT_SECONDS
        while not reader.missed:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await reader.news()
            if clock() >= due:  # asked of the clock: who takes rows slowly has some waiting each time
                due = clock() + BEAT_SECONDS
                if await _differs(request, who):
                    return
                await _tell(response, b": still here\n\n")
            await _tell(response, _piece(reader.take()))
        await _tell(response, _piece(reader.take()) + PAGE_AGAIN % reader.missed)


async def _tell(response: web.StreamResponse, words: bytes) -> None:
    """Raises TimeoutError when they do not take it."""
    if words:
        async with asyncio.timeout(TAKE_SECONDS):
            await response.write(words)


def _piece(rows: Iterable[Row]) -> bytes:
    return b"".join(row.event for row in rows)


async def _differs(request: web.Request, who: SignedIn) -> bool:
    """Whether what must be kept from them has changed: then the stream begins anew. Raises NotSignedInError."""
    await session_of(request)
    return (await signed_in(request)).person.hidden() != who.person.hidden()
