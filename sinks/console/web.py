"""What every answer of the console has in common: who asks, how errors are told, what browsers must not do with it."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel

from schemas.codec import encode
from schemas.errors import NeedToKnowError, NotReadyError, RejectedInputError
from schemas.ids import Id
from sinks.alerts.authorizer import NotAllowedError
from sinks.alerts.commanding import NotHeldError, TooLateError
from sinks.alerts.directory import Person, person, staff_of
from sinks.alerts.front_desk import FrontDesk, SignedIn
from sinks.alerts.life import NotNowError
from sinks.alerts.writing import KeyReusedError, NoSuchAlertError
from sinks.store.sessions import Session, Sessions
from streams.join.knowledge import Knowledge

from .documents import Problem
from .health import Health, NothingKnown
from .limits import Limits
from .proof import Proofs, nothing_proved
from .showing import Showing
from .signing_in import SignIn

log: Final = logging.getLogger(__name__)

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_MAX: Final = 32_768  # bytes of a request: the longest note is 4,000 characters
PLAIN_COOKIE: Final = "needtoknow"
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all browsers send our own forms as if from nowhere
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""On every answer: nothing from elsewhere, nothing inline, no text taken for markup, nothing kept."""


class NotSignedInError(NeedToKnowError):
    """Nobody, or nobody any more, is signed in with this token."""


class UnknownPersonError(NeedToKnowError):
    """No fact says which staff member this sign-in is: the directory must state it."""


class ForgedError(NeedToKnowError):
    """The request was made by another site, in the name of whoever is signed in here."""


class TooManyError(NeedToKnowError):
    """This client asks too often."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"ask again in {seconds} s")
        self.seconds = seconds


class Facts(Protocol):
    """Everything known, kept up to date by somebody else."""

    knowledge: Knowledge

    is_loaded: bool
    """Whether all was read once: before, nobody answers for anybody. A broker that is away later changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Console:
    """All that handlers need."""

    desk: FrontDesk
    sessions: Sessions
    sign_in: SignIn
    facts: Facts
    showing: Showing
    limits: Limits
    health: Health = field(default_factory=NothingKnown)
    proofs: Proofs = nothing_proved
    is_https: bool = False
    metrics_token: str = ""
    """Of whoever may read /metrics. Empty: nobody, but where anybody may sign in."""
    serves: Callable[[str], bool] = lambda host: True
    """Whether a request for this host is for us. Where anybody may sign in, a name that another site has pointed here
    must not be: that site's script would be taken for our own pages (DNS rebinding)."""

    @property
    def cookie(self) -> str:
        """The name of the session's cookie: over HTTPS one that only this very host can set."""
        return f"__Host-{PLAIN_COOKIE}" if self.is_https else PLAIN_COOKIE


CONSOLE: Final = web.AppKey("console", Console)


def now_ms() -> int:
    """UTC milliseconds."""
    return int(time.time() * 1000)


async def apart(call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Runs what waits for the database beside the loop."""
    return await asyncio.to_thread(functools.partial(call, *args, **kwargs))


def answer(document: BaseModel, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A document as JSON."""
    return web.Response(body=encode(document), status=status, content_type="application/json", headers=headers)


def token_of(request: web.Request) -> str | None:
    """The session's token: of the header, else of the cookie."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token
    return request.cookies.get(request.app[CONSOLE].cookie)


async def session_of(request: web.Request) -> Session:
    """The session of a request. Raises NotSignedInError; ForgedError for a cookie that another site makes use of."""
    token = token_of(request)
    if not token:
        raise NotSignedInError("sign in first")
    if "Authorization" not in request.headers:
        refuse_forged(request)
    console = request.app[CONSOLE]
    session = await apart(console.sessions.find, token, now_ms())
    if session is None or console.sign_in.role_of(session.login) != session.role:  # no longer, or not as that
        console.limits.distrust(token)
        raise NotSignedInError("sign in again: this session is over")
    console.limits.trust(token)
    return session


def refuse_forged(request: web.Request) -> None:
    """A browser says where a request comes from; what changes something must come from here."""
    if request.method in {"GET", "HEAD"}:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_ours = origin == f"{'https' if request.app[CONSOLE].is_https else 'http'}://{request.host}"
    if site not in {None, "same-origin", "none"} or not (is_ours or (origin is None and site is not None)):
        raise ForgedError("this must be asked for from the console's own pages")


async def signed_in(request: web.Request) -> SignedIn:
    """Who asks. Raises as `session_of`, UnknownPersonError, and NotReadyError until the facts are read."""
    session = await session_of(request)
    found = person_of(request.app[CONSOLE].facts, session)
    if found is None:
        raise UnknownPersonError("no fact says which staff member you are: ask for an account of the source `console`")
    return SignedIn(found, session.login)


def person_of(facts: Facts, session: Session) -> Person | None:
    """The person of a session, by the facts as they are now. Raises NotReadyError until they are read."""
    if not facts.is_loaded:
        raise NotReadyError("facts are still being read")
    now = now_ms()
    staff: Id | None = staff_of(facts.knowledge, session.login, now)
    return None if staff is None else person(facts.knowledge, staff, session.role, now)


class Telling(Protocol):
    """How somebody is told what is wrong."""

    def __call__(self, request: web.Request, what: Problem) -> web.Response:
        """The answer to this request."""


PROBES: Final = frozenset({"/live", "/ready", "/metrics"})  # whoever watches must hear, however much others ask
TELLING: Final = web.AppKey("telling", Telling)


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Limits, errors and headers of every answer."""
    try:
        if not request.app[CONSOLE].serves(request.url.host or ""):
            raise ForgedError("this console is reached as localhost or by a loopback address only")
        limits = request.app[CONSOLE].limits
        client = limits.client(token_of(request), request.remote or "")
        if request.path not in PROBES and (seconds := limits.wait(client)) > 0:
            raise TooManyError(seconds)
        response = await handler(request)
    except NeedToKnowError as error:
        response = request.app[TELLING](request, told(error))
        if isinstance(error, TooManyError):
            response.headers["Retry-After"] = str(error.seconds)
    except web.HTTPException as error:
        if error.status >= 400:
            what = problem(error.status, error.reason, "see /api/v1/openapi.json for what there is")
            response = request.app[TELLING](request, what)
        else:
            response = error
    except Exception:
        log.exception("a request failed")  # the traceback has our code, never the request
        response = request.app[TELLING](request, problem(500, *WE_ARE_WRONG))
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    return response


WE_ARE_WRONG: Final = ("we are wrong", "this is logged; tell whoever runs this")
_STATUS: Final[tuple[tuple[type[NeedToKnowError], int, str], ...]] = (
    (RejectedInputError, 400, "this cannot be read"),
    (NotSignedInError, 401, "not signed in"),
    (ForgedError, 403, "not from here"),
    (UnknownPersonError, 403, "not known"),
    (NotAllowedError, 403, "not allowed"),
    (NoSuchAlertError, 404, "not there"),
    (NotHeldError, 409, "not held"),
    (NotNowError, 409, "not now"),
    (KeyReusedError, 422, "key used before"),
    (TooManyError, 429, "too often"),
    (NotReadyError, 503, "not ready"),
)


def told(error: NeedToKnowError) -> Problem:
    """An error as a problem."""
    if isinstance(error, TooLateError):
        return problem(412 if error.is_stale else 409, "somebody was faster", str(error), by=error.by, at=error.at)
    for kind, status, title in _STATUS:
        if isinstance(error, kind):
            return problem(status, title, str(error))
    log.error("%s", error)
    return problem(500, *WE_ARE_WRONG)


def problem(status: int, title: str, detail: str, **more: Any) -> Problem:
    """A problem (RFC 9457)."""
    return Problem(type="about:blank", title=title, status=status, detail=detail, **more)


def as_document(request: web.Request, what: Problem) -> web.Response:
    """A problem as programs are told."""
    return web.Response(body=encode(what), status=what.status, content_type="application/problem+json")
