"""What browsers load beside the pages: read once, under an address that changes with its content, so it may be kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Final

from aiohttp import web

KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
KEPT: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
"""There is nothing of anybody in them."""


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """Content by name, and the folder under which they are."""

    files: dict[str, bytes]
    root: str

    async def answer(self, request: web.Request) -> web.Response:
        """One of them. Raises HTTPNotFound."""
        name = request.match_info["name"]
        if name not in self.files:
            raise web.HTTPNotFound
        kind = KINDS[name[name.rindex(".") :]]
        return web.Response(body=self.files[name], content_type=kind, charset="utf-8", headers=KEPT)


def read_static_files() -> StaticFiles:
    """All that the package carries."""
    folder = resources.files(__package__) / "static"
    found = {f.name: f.read_bytes() for f in folder.iterdir() if f.name.endswith(tuple(KINDS))}
    digest = hashlib.sha256(b"".join(name.encode() + found[name] for name in sorted(found))).hexdigest()
    return StaticFiles(found, f"/static/{digest[:16]}")
