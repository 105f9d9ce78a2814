"""The console as one web application: wires routes, wires nothing by itself."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final

import orjson
from aiohttp import web

from schemas.policy import Clause

from . import openapi
from .api import ROOT, ROUTES
from .live import Live
from .pages import add_pages
from .stream import LIVE, stream
from .visiting import CLAUSES
from .web import BODY_MAX, CONSOLE, Console, guarded

VERSION: Final = "1"


def build(
    console: Console,
    live: Live,
    clauses: Iterable[Clause],
    *,
    why_not_ready: Callable[[], str | None],
    metrics: Callable[[], Awaitable[bytes]],
) -> web.Application:
    """The application, on a store that is there.

    `clauses` are those of the policy. `why_not_ready` says why nobody should be sent here now; `metrics` is Prometheus'
    page.
    """
    app = web.Application(middlewares=[guarded], client_max_size=BODY_MAX)
    app[CONSOLE] = console
    app[LIVE] = live
    app[CLAUSES] = {clause.name: clause for clause in clauses}
    add_pages(app, console)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.handler)
    described = orjson.dumps(openapi.document(ROUTES, VERSION), option=orjson.OPT_INDENT_2)
    app.router.add_get(f"{ROOT}/openapi.json", partial(_document, described))
    app.router.add_get(f"{ROOT}/stream", stream)
    app.router.add_get("/live", _live)
    app.router.add_get("/ready", partial(_ready, why_not_ready))
    app.router.add_get("/metrics", partial(_metrics, metrics))
    return app


async def _document(described: bytes, request: web.Request) -> web.Response:
    return web.Response(body=described, content_type="application/json")


async def _live(request: web.Request) -> web.Response:
    return web.Response(text="live\n")


async def _ready(why_not_ready: Callable[[], str | None], request: web.Request) -> web.Response:
    why_not = why_not_ready()
    return web.Response(
        text="ready\n" if why_not is None else f"not ready: {why_not}\n", status=503 if why_not else 200
    )


async def _metrics(metrics: Callable[[], Awaitable[bytes]], request: web.Request) -> web.Response:
    console = request.app[CONSOLE]
    sent, wanted = request.headers.get("Authorization", ""), f"Bearer {console.metrics_token}"
    is_theirs = bool(console.metrics_token) and hmac.compare_digest(
        sent.encode("utf-8", "surrogateescape"), wanted.encode()
    )
    if not is_theirs and not console.sign_in.offered():  # counts of all alerts would tell that some are kept from them
        raise web.HTTPForbidden(reason="send the token of NTK_CONSOLE_METRICS_TOKEN")
    return web.Response(body=await metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
