"""What people do to an alert from its page: the same acts as through the API, with an answer in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from schemas.act import Act
from schemas.errors import NeedToKnowError, RejectedInputError
from sinks.alerts.commanding import TooLateError
from sinks.alerts.front_desk import FrontDesk, SignedIn
from sinks.alerts.writing import KeyReusedError, NoSuchAlertError
from streams.policy.sentences import duration

from . import asked
from .entering import ask_who
from .exporting import exported
from .forms import DECIDES, command_of, typed, version_of
from .opened import Refused, show
from .rendering import clock
from .screen import newest_acts, since_version
from .sentences import act_words
from .views import address
from .visiting import FORMS, Visit, sent_by, visit_of
from .web import CONSOLE, ForgedError, NotSignedInError, answer, apart, now_ms, told

NOT_FROM_HERE: Final = "this form was made for an earlier sign-in; look at it again, and send it once more"
SENT_BEFORE: Final = "this form was sent before, with other words; if you mean both, send it once more"
TOLD_MAX: Final = 3  # acts that somebody has missed, in one sentence each


async def look(request: web.Request) -> web.StreamResponse:
    """Whoever comes to the address of a form by a link, or loads it again, is led to the alert; nothing is done."""
    visit = await visit_of(request)
    return web.Response(status=303, headers={"Location": address(visit.query, alert_id=request.match_info["alert_id"])})


async def command(request: web.Request) -> web.StreamResponse:
    """Does what a form asks, and leads to the alert; or says why not, with what was typed."""
    name, alert_id = request.match_info["command"], request.match_info["alert_id"]
    sent = await sent_by(request)
    try:
        visit = await visit_of(request)
    except NotSignedInError as error:
        after = address({}, alert_id=alert_id)
        return ask_who(request, after=after, status=401, words=str(error), lost=typed(name, sent))
    try:
        act = await _do(visit, alert_id, name, sent)
    except NoSuchAlertError:
        raise
    except NeedToKnowError as error:
        return await show(visit, alert_id, refused=await _refused(visit, alert_id, error, name, sent))
    if name == "reveal":  # answered here and nowhere else: no address leads to whose record it was
        return await show(visit, alert_id, is_revealed=True)
    if name == "export":
        return await _copy(visit, alert_id, act)
    return web.Response(status=303, headers={"Location": address(visit.query, alert_id=alert_id)})


async def _do(visit: Visit, alert_id: str, name: str, sent: Mapping[str, Any]) -> Act:
    if not visit.request.app[FORMS].is_ours(visit.token, str(sent.get("token"))):
        raise ForgedError(NOT_FROM_HERE)
    key, version = str(sent.get("key")), version_of(sent)
    if not asked.is_id(key):
        raise RejectedInputError("key", "the form must have its key: load the page again")
    act, _ = await apart(
        visit.request.app[CONSOLE].desk.act,
        visit.who,
        alert_id,
        command_of(name, typed(name, sent)).bodies(),
        key=key,
        expected=version if name in DECIDES else None,
    )
    return act


async def _copy(visit: Visit, alert_id: str, act: Act) -> web.Response:
    console = visit.request.app[CONSOLE]
    response = answer(await apart(exported, console, visit.who, alert_id, console.showing.act(act)))
    response.headers["Content-Disposition"] = f'attachment; filename="{alert_id}.json"'  # kept, and never shown
    return response


async def _refused(visit: Visit, alert_id: str, error: NeedToKnowError, name: str, sent: Mapping[str, Any]) -> Refused:
    what = told(error)
    if isinstance(error, TooLateError):
        seen = version_of(sent) if error.is_stale else None
        words = await apart(_missed, visit.request.app[CONSOLE].desk, visit.who, alert_id, seen, now_ms())
        return Refused(what.status, f"{words or what.detail}.", name, typed(name, sent))  # a name keeps its letters
    if isinstance(error, KeyReusedError):
        words = SENT_BEFORE
    else:
        words = error.reason if isinstance(error, RejectedInputError) else what.detail
    return Refused(what.status, f"{words[:1].upper()}{words[1:]}.", name, typed(name, sent))


def _missed(desk: FrontDesk, who: SignedIn, alert_id: str, version: int | None, now: int) -> str:
    acts = newest_acts(desk, who, alert_id, desk.alert(who, alert_id).alert.version)
    return missed_words(since_version(acts, version), now)


def missed_words(acts: Sequence[Act], now: int) -> str:
    """Who was faster: "s22 took it at 14:05:12, 3 seconds before you"."""
    parts = [f"{act_words(act)} at {clock(act.at)}, {_before(now - act.at)} before you" for act in acts]
    more = f"; and {len(parts) - TOLD_MAX} more" if len(parts) > TOLD_MAX else ""
    return "; ".join(parts[:TOLD_MAX]) + more


def _before(ms: int) -> str:
    return duration(ms) if ms >= 1_000 else "less than a second"
