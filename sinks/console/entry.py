"""Coming in: a session, and the cookie that a browser keeps of it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from sinks.store.sessions import Session

from .web import Console, NotSignedInError, apart, now_ms

SESSION_MS: Final = 8 * 3_600_000  # a shift


async def begin(console: Console, login: str) -> tuple[Session, str]:
    """A session, and its token. Raises NotSignedInError when nobody of this name may come in."""
    role = console.sign_in.role_of(login)
    if role is None:
        raise NotSignedInError("nobody of this name may sign in")
    now = now_ms()
    session = Session(login, role, now, now + SESSION_MS)
    token = await apart(console.sessions.sign_in, session)
    console.limits.trust(token)
    return session, token


def put_cookie(response: web.Response, console: Console, token: str) -> None:
    """No script can read it, and no other site can have it sent."""
    response.set_cookie(
        console.cookie,
        token,
        max_age=SESSION_MS // 1000,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=console.is_https,
    )


def drop_cookie(response: web.Response, console: Console) -> None:
    """The browser forgets it."""
    response.del_cookie(console.cookie, path="/", secure=console.is_https, httponly=True, samesite="Strict")
