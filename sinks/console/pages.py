"""The pages: rendered here, whole without a script. What changes something is a form, and leads to a page again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson
from aiohttp import web

from schemas.alert import Who
from sinks.alerts.severity import TOLD
from sinks.watch.report import troubles

from .acting import command, look
from .asked import filter_of
from .documents import AlertDocument, RecordDocument
from .entering import sign_in, sign_in_page, sign_out
from .forms import FIELDS, Forms
from .health import LATE_MS, QUIET_MS, amiss, hushed, is_known
from .opened import list_values, show
from .rendering import Pages
from .sentences import DISPOSITIONS, extra_words, near_words, person_words, told_again_words, who_words
from .static_files import StaticFiles, read_static_files
from .views import TO_DO, address, counts, groups
from .visiting import COUNTS, FORMS, PAGES, SIGN_IN, tell, visit_of
from .web import CONSOLE, TELLING, Console, apart, now_ms

ALERT: Final = "/alerts/{alert_id:a_[0-9a-f]{32}}"
COMMANDS: Final = tuple(FIELDS)

NOBODY: Final = AlertDocument(
    alert_id="a_" + "0" * 32,
    version=1,
    status="open",
    severity="low",
    outcome="unexplained",
    certainty="final",
    circumstances=(),
    who=Who(staff="-"),
    record=RecordDocument(kind="case", mask="-"),
    sentence="-",
    because="-",
    clause="-",
    sources=(),
    findings=0,
    standing=0,
    accesses=0,
    shown=0,
    occurred_first=0,
    occurred_last=0,
    opened_at=0,
    supplements=0,
    owed=(),
    last_at=0,
)
"""What a script copies and fills for a row that is new: the markup of a row is written once."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class PageRoute:
    """One page, or one form."""

    method: str
    path: str
    handler: Handler


async def home(request: web.Request) -> web.StreamResponse:
    """Everybody begins with what is to be done."""
    return web.Response(status=303, headers={"Location": address(TO_DO)})


async def alerts(request: web.Request) -> web.StreamResponse:
    """The list."""
    visit = await visit_of(request)
    return visit.render("alerts.html", opened=None, **await list_values(visit))


async def count(request: web.Request) -> web.StreamResponse:
    """How many there are by each choice now, for a list that is open. Nothing is searched for: that is an access."""
    visit = await visit_of(request)
    filter_of(visit.query, visit.who.person.staff)
    found = await apart(request.app[CONSOLE].desk.facets, visit.who)
    return web.json_response(counts(groups(visit.query, found)))


async def alert(request: web.Request) -> web.StreamResponse:
    """One alert beside the list."""
    return await show(await visit_of(request), request.match_info["alert_id"])


async def health(request: web.Request) -> web.StreamResponse:
    """How the service is."""
    visit = await visit_of(request)
    found, now = request.app[CONSOLE].health.now(), now_ms()
    words: dict[str, Any] = {"amiss": amiss(found, now), "hushed": hushed(found, now), "is_known": is_known(found)}
    return visit.render("health.html", health=found, troubles=troubles, **words)


PAGE_ROUTES: Final[tuple[PageRoute, ...]] = (
    PageRoute("GET", "/", home),
    PageRoute("GET", SIGN_IN, sign_in_page),
    PageRoute("POST", SIGN_IN, sign_in),
    PageRoute("POST", "/sign-out", sign_out),
    PageRoute("GET", "/alerts", alerts),
    PageRoute("GET", COUNTS, count),
    PageRoute("GET", ALERT, alert),
    *(PageRoute("POST", f"{ALERT}/{{command:{name}}}", command) for name in COMMANDS),
    *(PageRoute("GET", f"{ALERT}/{{command:{name}}}", look) for name in COMMANDS),
    PageRoute("GET", "/health", health),
)


def add_pages(app: web.Application, console: Console) -> None:
    """Adds the pages to the application. Raises StoreNotReadyError."""
    files, app[PAGES] = carried()
    app[FORMS] = Forms(console.sessions.secret("forms"))
    app[TELLING] = tell
    for route in PAGE_ROUTES:
        app.router.add_route(route.method, route.path, route.handler)
    app.router.add_get(f"{files.root}/{{name}}", files.answer)


@cache  # the same for every application: what this package carries
def carried() -> tuple[StaticFiles, Pages]:
    """What browsers load, and the templates."""
    files = read_static_files()
    return files, Pages(_constants(files))


def _constants(files: StaticFiles) -> dict[str, Any]:
    return {
        "static": files.root,
        "who_words": who_words,
        "person_words": person_words,
        "extra_words": extra_words,
        "told_again_words": told_again_words,
        "near_words": near_words,
        "DISPOSITIONS": DISPOSITIONS,
        "TOLD": TOLD,
        "LATE_MS": LATE_MS,
        "QUIET_MS": QUIET_MS,
        "to_do": address(TO_DO),
        "nobody": NOBODY,
        "row_words": orjson.dumps({"dispositions": DISPOSITIONS, "circumstances": dict(TOLD)}).decode(),
    }
