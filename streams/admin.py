"""/live, /ready and /metrics of a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import mode
from aiohttp import web

from schemas.settings import Settings

from .telemetry import Telemetry

log = logging.getLogger(__name__)


class Admin(mode.Service):
    """A small web server for probes and Prometheus. It shows numbers, never a person or a record."""

    def __init__(
        self,
        settings: Settings,
        telemetry: Telemetry,
        *,
        why_not_ready: Callable[[], str | None],
        why_not_live: Callable[[], str | None],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._telemetry = telemetry
        self._why_not_ready = why_not_ready
        self._why_not_live = why_not_live
        self.port = 0

    async def on_start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_get("/live", self._live)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.admin_host, self._settings.admin_port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        log.info("metrics: http://%s:%d/metrics", self._settings.admin_host, self.port)

    async def on_stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _live(self, request: web.Request) -> web.Response:
        why_not = self._why_not_live()
        if why_not is None:
            return web.Response(text="live\n")
        log.error("not live: %s", why_not)
        return web.Response(text=f"not live: {why_not}\n", status=503)

    async def _ready(self, request: web.Request) -> web.Response:
        why_not = self._why_not_ready()
        if why_not is None:
            return web.Response(text="ready\n")
        return web.Response(text=f"not ready: {why_not}\n", status=503)

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(
            body=self._telemetry.page(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )
