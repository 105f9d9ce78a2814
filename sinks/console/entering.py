"""The pages for signing in and out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from schemas.act import Role
from sinks.alerts.authorizer import MAY
from sinks.alerts.front_desk import DEEDS

from .entry import begin, drop_cookie, put_cookie
from .visiting import FORMS, PAGES, SIGN_IN, sent_by
from .web import CONSOLE, ForgedError, NotSignedInError, apart, session_of, token_of

HOME: Final = "/"
_DEED_WORDS: Final = {
    "see": "see alerts",
    "confirm": "confirm a violation",
    "record": "record obligations",
    "reveal": "reveal records",
    "export": "take copies",
    "release": "give back",
    "audit": "check the chain",
}


def may_words(role: Role) -> str:
    """What a role may do, in words."""
    words = [_DEED_WORDS.get(deed, deed) for deed in DEEDS if deed in MAY[role]]
    return f"may {words[0]}" if len(words) == 1 else f"may {', '.join(words[:-1])} and {words[-1]}"


async def sign_in_page(request: web.Request) -> web.StreamResponse:
    """Who may sign in, and what each may do."""
    return ask_who(request, after=request.query.get("next", HOME))


def ask_who(
    request: web.Request, *, after: str, status: int = 200, words: str = "", lost: Mapping[str, str] | None = None
) -> web.Response:
    """The page that asks who it is. `lost`: what somebody had typed when their session ended, for them to keep."""
    users = [(login, role, may_words(role)) for login, role in request.app[CONSOLE].sign_in.offered().items()]
    kept = {name: text for name, text in (lost or {}).items() if text}
    values = {"users": users, "after": _ours(after), "words": words, "lost": kept}
    return request.app[PAGES].answer("sign_in.html", status=status, **values)


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Begins a session, and goes on to where they wanted."""
    sent, console = await sent_by(request), request.app[CONSOLE]
    login, after = (sent.get(name) for name in ("login", "next"))
    try:
        _, token = await begin(console, login if isinstance(login, str) else "")
    except NotSignedInError as error:
        return ask_who(request, after=str(after), status=401, words=str(error))
    response = web.Response(status=303, headers={"Location": _ours(str(after))})
    put_cookie(response, console, token)
    return response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """Ends the session, everywhere."""
    sent, console, token = await sent_by(request), request.app[CONSOLE], token_of(request) or ""
    await session_of(request)
    if not request.app[FORMS].is_ours(token, str(sent.get("token"))):
        raise ForgedError("this form was made for an earlier sign-in")
    await apart(console.sessions.sign_out, token)
    response = web.Response(status=303, headers={"Location": SIGN_IN})
    drop_cookie(response, console)
    return response


def _ours(address: str) -> str:
    """The address if it is one of our pages, else where everybody begins: nobody is sent elsewhere from here."""
    is_plain = address.isascii() and address.isprintable() and "\\" not in address
    return address if is_plain and address.startswith(("/alerts", "/health")) else HOME
