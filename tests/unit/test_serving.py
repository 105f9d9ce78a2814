"""An HTTP server of ours: where it says it is, and what is said where it cannot be."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from schemas.errors import NotReadyError
from sinks.serving import serving


def pages() -> web.Application:
    """One that says yes."""

    async def here(request: web.Request) -> web.Response:
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", here)
    return app


async def test_it_is_where_it_says_and_a_second_one_cannot_be() -> None:
    """The setting to change is named, and the first goes on."""
    async with serving(pages(), "127.0.0.1", 0, "NTK_X_PORT") as address, aiohttp.ClientSession() as session:
        port = int(address.rpartition(":")[2])
        with pytest.raises(NotReadyError, match=rf"cannot listen on {address} \(.*in use.*\); set NTK_X_PORT"):
            async with serving(pages(), "127.0.0.1", port, "NTK_X_PORT"):
                pass
        async with session.get(f"http://{address}/") as answer:
            assert await answer.text() == "here"
