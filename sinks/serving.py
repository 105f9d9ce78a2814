"""An HTTP server of ours on one address, for as long as it is wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from schemas.errors import NotReadyError

CLOSE_SECONDS: Final = 5.0  # for answers under way when it is to end; live rows never end by themselves


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int, setting: str) -> AsyncIterator[str]:
    """Serves the application meanwhile, on `host:port`, which it gives (port 0: a free one).

    Raises NotReadyError naming the setting when the address cannot be had; whoever runs this must act.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise NotReadyError(f"cannot listen on {host}:{port} ({error.strerror}); set {setting}") from None
        found_host, found_port = runner.addresses[0][:2]
        yield f"{found_host}:{found_port}"
    finally:
        await runner.cleanup()
