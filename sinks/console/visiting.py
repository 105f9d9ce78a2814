"""Somebody with a browser: who they are, what their forms send, and how pages tell them what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from schemas.errors import RejectedInputError
from schemas.policy import Clause
from sinks.alerts.front_desk import SignedIn

from .documents import Problem
from .forms import Forms
from .rendering import Pages
from .views import Query
from .web import as_document, now_ms, refuse_forged, signed_in, token_of

PAGES: Final = web.AppKey("pages", Pages)
FORMS: Final = web.AppKey("forms", Forms)
CLAUSES: Final = web.AppKey("clauses", Mapping[str, Clause])
"""What the policy says, by the names of its clauses. An alert may be of one that it no longer has."""
COUNTS: Final = "/alerts/counts"
FOR_PROGRAMS: Final = ("/api/", "/live", "/ready", "/metrics", "/static/", COUNTS)
SIGN_IN: Final = "/sign-in"
NOT_THERE: Final = "There is no such page, or it must be kept from you."


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is signed in."""

    request: web.Request
    who: SignedIn
    token: str

    @property
    def query(self) -> Query:
        """What is chosen."""
        query = self.request.query
        return {name: query.getall(name) for name in query}

    def render(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page for them."""
        app = self.request.app
        values |= {"me": self.who, "form_token": app[FORMS].token(self.token), "now": now_ms()}
        return app[PAGES].answer(template, status=status, **values)


async def visit_of(request: web.Request) -> Visit:
    """Raises as `signed_in`."""
    return Visit(request, await signed_in(request), token_of(request) or "")


async def sent_by(request: web.Request) -> Mapping[str, Any]:
    """What a form sends. Raises ForgedError, RejectedInputError."""
    refuse_forged(request)
    if request.content_type != "application/x-www-form-urlencoded":
        raise RejectedInputError("Content-Type", "must be that of a form")
    try:
        return await request.post()
    except (LookupError, ValueError):  # of a character set that nobody has
        raise RejectedInputError("body", "must be text") from None


def tell(request: web.Request, what: Problem) -> web.Response:
    """What is wrong: a page for people, a document for programs. Whoever is not signed in is sent to where they can."""
    if request.path.startswith(FOR_PROGRAMS):
        return as_document(request, what)
    if what.status == 401 and request.method == "GET":
        return web.Response(status=303, headers={"Location": f"{SIGN_IN}?{urlencode({'next': request.path_qs})}"})
    detail = NOT_THERE if what.status == 404 else what.detail
    return request.app[PAGES].answer("told.html", status=what.status, what=what, detail=detail)
