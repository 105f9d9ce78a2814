"""The API under `/api/v1`: what it has is a table, and the OpenAPI document is made from the same table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel

from schemas.codec import decode
from schemas.errors import RejectedInputError
from sinks.alerts.front_desk import SignedIn
from sinks.store.sessions import Session

from . import asked
from .documents import (
    ActPage,
    AlertDetail,
    AlertPage,
    Done,
    ExportedDocument,
    FacetsDocument,
    FindingPage,
    RevealedDocument,
    SessionDocument,
)
from .entry import begin, drop_cookie, put_cookie
from .exporting import exported
from .showing import facets
from .web import (
    CONSOLE,
    answer,
    apart,
    person_of,
    refuse_forged,
    session_of,
    signed_in,
    token_of,
)

ROOT: Final = "/api/v1"
HISTORY: Final = 100  # acts in one answer
FINDINGS: Final = 50

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked: where, what it takes, what it answers."""

    method: str
    path: str
    summary: str
    handler: Handler
    answers: type[BaseModel] | None
    takes: type[BaseModel] | None = None
    query: tuple[str, ...] = ()
    status: int = 200
    is_open: bool = False


def _query(request: web.Request) -> dict[str, list[str]]:
    return {name: request.query.getall(name) for name in request.query}


async def _body(request: web.Request, model: type[Any]) -> Any:
    if request.content_type != "application/json":
        raise RejectedInputError("Content-Type", "must be application/json")
    return decode(model, await request.read())


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Begins a session: its token in the answer, and in a cookie for a browser."""
    console, wanted = request.app[CONSOLE], await _body(request, asked.SignInRequest)
    if request.headers.get("Origin") is not None:
        refuse_forged(request)
    session, token = await begin(console, wanted.login)
    response = answer(_session(request, session, token), status=201)
    put_cookie(response, console, token)
    return response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """Ends the session, everywhere."""
    await session_of(request)
    console = request.app[CONSOLE]
    await apart(console.sessions.sign_out, token_of(request) or "")
    response = web.Response(status=204)
    drop_cookie(response, console)
    return response


async def me(request: web.Request) -> web.StreamResponse:
    """Who is signed in."""
    return answer(_session(request, await session_of(request), None))


def _session(request: web.Request, session: Session, token: str | None) -> SessionDocument:
    found = person_of(request.app[CONSOLE].facts, session)
    staff = found.staff if found else None
    return SessionDocument(login=session.login, role=session.role, staff=staff, until=session.until, token=token)


async def alerts(request: web.Request) -> web.StreamResponse:
    """A page of alerts."""
    who, console, query = await signed_in(request), request.app[CONSOLE], _query(request)
    wanted, limit = asked.filter_of(query, who.person.staff), asked.limit_of(query)
    found = await apart(console.desk.alerts, who, wanted, limit)
    more = asked.cursor(found[-1], wanted.order) if len(found) == limit else None
    return answer(AlertPage(alerts=tuple(map(console.showing.alert, found)), next=more))


async def facet_counts(request: web.Request) -> web.StreamResponse:
    """How many alerts there are, by what can be chosen."""
    who = await signed_in(request)
    return answer(facets(await apart(request.app[CONSOLE].desk.facets, who)))


async def alert(request: web.Request) -> web.StreamResponse:
    """One alert, and what one may do to it."""
    who, console = await signed_in(request), request.app[CONSOLE]
    seen = await apart(console.desk.alert, who, request.match_info["alert_id"])
    document = AlertDetail(alert=console.showing.alert(seen.alert), deeds=tuple(sorted(seen.deeds)))
    return answer(document, headers={"ETag": asked.etag(seen.alert.version)})


async def history(request: web.Request) -> web.StreamResponse:
    """The acts of an alert, the first first."""
    who, console = await signed_in(request), request.app[CONSOLE]
    after = asked.number_of(request.query.get("after"), "after") or 0
    acts = await apart(console.desk.history, who, request.match_info["alert_id"], after=after, count=HISTORY)
    more = str(acts[-1].version) if len(acts) == HISTORY else None
    return answer(ActPage(acts=tuple(map(console.showing.act, acts)), next=more))


async def findings(request: web.Request) -> web.StreamResponse:
    """The findings of an alert as they stand, the newest first."""
    who, console = await signed_in(request), request.app[CONSOLE]
    before = asked.number_of(request.query.get("before"), "before")
    acts = await apart(console.desk.findings, who, request.match_info["alert_id"], before=before, count=FINDINGS)
    more = str(acts[-1].version) if len(acts) == FINDINGS else None
    return answer(FindingPage(findings=tuple(map(console.showing.finding, acts)), next=more))


def _command(name: str) -> Handler:
    async def command(request: web.Request) -> web.StreamResponse:
        return answer((await done(request, name))[1])

    return command


async def done(request: web.Request, name: str) -> tuple[SignedIn, Done]:
    """Does what a request asks to be done to an alert."""
    who, console = await signed_in(request), request.app[CONSOLE]
    wanted = await _body(request, asked.COMMANDS[name])
    act, after = await apart(
        console.desk.act,
        who,
        request.match_info["alert_id"],
        wanted.bodies(),
        key=_key(request),
        expected=asked.expected_of(request.headers.get("If-Match")),
    )
    return who, Done(act=console.showing.act(act), alert=console.showing.alert(after))


def _key(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not asked.is_id(key):
        raise RejectedInputError("Idempotency-Key", "must be 1 to 200 printable characters without spaces")
    return key


async def reveal(request: web.Request) -> web.StreamResponse:
    """Whose record it was. This is an access, and judged as one."""
    who, what = await done(request, "reveal")
    console = request.app[CONSOLE]
    seen = await apart(console.desk.alert, who, request.match_info["alert_id"])
    acts = await apart(console.desk.findings, who, request.match_info["alert_id"], count=FINDINGS)
    shown = console.showing.alert(seen.alert, is_revealed=True)
    document = RevealedDocument(
        done=Done(act=what.act, alert=shown),
        findings=tuple(console.showing.finding(act, is_revealed=True) for act in acts),
    )
    return answer(document)


async def export(request: web.Request) -> web.StreamResponse:
    """A copy of everything about an alert. This is an access, and judged as one."""
    who, what = await done(request, "export")
    return answer(await apart(exported, request.app[CONSOLE], who, request.match_info["alert_id"], what.act))


ALERT: Final = f"{ROOT}/alerts/{{alert_id:a_[0-9a-f]{{32}}}}"
_CHOOSE: Final = ("status", "severity", "outcome", "clause", "disposition", "holder", "owed", "q")
_LIST: Final = (*_CHOOSE, "order", "after", "limit")
_SUMMARIES: Final = {
    "acknowledge": "Take an alert; it is yours until you give it back or close it.",
    "release": "Give an alert back.",
    "close": "Decide.",
    "reopen": "Open a closed alert once more.",
    "note": "Write something down.",
    "record": "Name the record by which an obligation was met.",
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "POST", f"{ROOT}/sessions", "Sign in.", sign_in, SessionDocument, asked.SignInRequest, status=201, is_open=True
    ),
    Route("DELETE", f"{ROOT}/sessions/current", "Sign out.", sign_out, None, status=204),
    Route("GET", f"{ROOT}/sessions/current", "Who is signed in?", me, SessionDocument),
    Route("GET", f"{ROOT}/alerts", "A page of alerts, in the order that is asked for.", alerts, AlertPage, query=_LIST),
    Route("GET", f"{ROOT}/facets", "How many alerts there are, by what can be chosen.", facet_counts, FacetsDocument),
    Route("GET", ALERT, "One alert, and what you may do to it.", alert, AlertDetail),
    Route("GET", f"{ALERT}/history", "What was done to an alert, the first first.", history, ActPage, query=("after",)),
    Route("GET", f"{ALERT}/findings", "Its findings, the newest first.", findings, FindingPage, query=("before",)),
    *(
        Route("POST", f"{ALERT}/{name}", summary, _command(name), Done, asked.COMMANDS[name])
        for name, summary in _SUMMARIES.items()
    ),
    Route(
        "POST",
        f"{ALERT}/reveal",
        "See whose record it was; an access, and judged.",
        reveal,
        RevealedDocument,
        asked.Reveal,
    ),
    Route("POST", f"{ALERT}/export", "Take a copy; judged as an access.", export, ExportedDocument, asked.Export),
)
