"""What the acts of an alert come to, one after the other, so that rows can be made anew from acts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from schemas.act import (
    Act,
    ActKind,
    Closed,
    LookedBack,
    Obligation,
    OfFinding,
    Raised,
    Recorded,
    Revised,
    Supplemented,
)
from schemas.alert import Alert, Owed
from schemas.errors import BrokenPromiseError
from schemas.finding import Finding

from . import severity
from .grouping import record_of, who_of
from .life import status_after
from .telling import NOTHING, Telling, counted, telling_of

Changes = dict[str, Any]
_HELD_BY_NOBODY: Final = {"holder": None, "holder_login": None, "held_since": None}


def fold(alert: Alert | None, act: Act, before: OfFinding | None = None, beside: Telling = NOTHING) -> Alert:
    """The alert after one more act.

    `before`: what the act's finding said in this alert until now; None where it is new to it. `beside`: what weighs
    most of this alert's other findings of the same access. Raises NotNowError when the life of an alert has no such
    step, BrokenPromiseError when the act is not the next one.
    """
    if act.version != (alert.version + 1 if alert else 1):
        raise BrokenPromiseError(f"act {act.number} is version {act.version} of its alert, which is not the next one")
    status = status_after(alert.status if alert else None, act.body.kind)
    if alert is None:
        assert isinstance(act.body, Raised)
        alert = _begun(act, act.body.finding)
    changes: Changes = {"version": act.version, "status": status, "last_by": None, "last_by_login": None}
    changes["last_at"] = act.at
    if act.by is not None:
        changes |= {"last_by": act.by.staff, "last_by_login": act.by.login, "is_touched": True, "supplements": 0}
    if isinstance(act.body, OfFinding):
        changes |= _with_finding(alert, act.body, before, beside)
    elif (change := _CHANGES.get(act.body.kind)) is not None:
        changes |= change(alert, act)
    return alert.model_copy(update=changes)


def is_here(body: OfFinding) -> bool:
    """Whether the finding is one of this alert after the act; if not it names another person or clause."""
    return not (isinstance(body, Revised | Supplemented) and body.moved_to is not None)


def is_standing(body: OfFinding) -> bool:
    """Whether the finding counts for this alert: it is here, and not withdrawn."""
    return is_here(body) and body.finding.outcome != "explained"


def tells(body: OfFinding | None) -> Telling:
    """What a finding tells in this alert; NOTHING where it does not count."""
    return telling_of(body.finding, body.certainty) if body is not None and is_standing(body) else NOTHING


def _begun(act: Act, finding: Finding) -> Alert:
    return Alert(
        alert_id=act.alert_id,
        version=1,
        status="open",
        severity="low",
        outcome="explained",
        certainty="incomplete",
        circumstances=(),
        who=who_of(finding),
        record=record_of(finding.access),
        clause=finding.clause,
        sources=(),
        why="",
        findings=0,
        standing=0,
        tallies=(),
        occurred_first=finding.access.occurred_at,
        occurred_last=finding.access.occurred_at,
        opened_at=act.at,
        supplements=0,
        is_touched=False,
        holder=None,
        holder_login=None,
        held_since=None,
        acknowledged_at=None,
        closed_at=None,
        closed_by=None,
        disposition=None,
        owed=(),
        looked_back=None,
        last_by=None,
        last_by_login=None,
        last_at=act.at,
    )


def _with_finding(alert: Alert, body: OfFinding, before: OfFinding | None, beside: Telling) -> Changes:
    tallies = counted(alert.tallies, max(beside, tells(before)), -1)
    tallies = counted(tallies, max(beside, tells(body)), 1)
    named = severity.circumstances(alert.who, alert.record, tallies)
    grave = severity.severity(tallies, named)
    access = body.finding.access
    return {
        "tallies": tallies,
        "circumstances": named,
        "severity": grave,
        "outcome": severity.outcome(tallies),
        "certainty": severity.certainty(tallies),
        "standing": alert.standing + is_standing(body) - (before is not None and is_standing(before)),
        "findings": alert.findings + is_here(body) - (before is not None and is_here(before)),
        "sources": tuple(sorted({*alert.sources, access.source})),
        "occurred_first": min(alert.occurred_first, access.occurred_at),
        "occurred_last": max(alert.occurred_last, access.occurred_until or access.occurred_at),
        "supplements": alert.supplements + isinstance(body, Supplemented),
        "why": _why(alert, body),
    }


def _why(alert: Alert, body: OfFinding) -> str:
    weight = severity.SEVERITIES.index
    if not is_standing(body):
        return alert.why
    heaviest = max((weight(t.severity) for t in alert.tallies), default=-1)
    if weight(severity.severity_of(body.finding)) < heaviest:
        return alert.why
    return body.finding.near_misses[0].why if body.finding.near_misses else ""


def _taken(alert: Alert, act: Act) -> Changes:
    assert act.by is not None
    taken = {"holder": act.by.staff, "holder_login": act.by.login, "held_since": act.at}
    return {**taken, "acknowledged_at": alert.acknowledged_at or act.at}


def _given_back(alert: Alert, act: Act) -> Changes:
    return dict(_HELD_BY_NOBODY)


def _closed(alert: Alert, act: Act) -> Changes:
    assert isinstance(act.body, Closed)
    assert act.by is not None
    calls_for: tuple[Obligation, ...] = ()
    if act.body.disposition == "confirmed":
        calls_for = ("discipline", "referral") if act.body.refer else ("discipline",)
    is_kept = act.body.disposition == "confirmed"  # confirmed once more, also what was owed on it before
    kept = {o.obligation: o for o in alert.owed if is_kept or o.reference is not None}
    owed = [kept.get(o) or Owed(obligation=o, since=act.at, reference=None) for o in calls_for]
    owed += [o for name, o in kept.items() if name not in calls_for]
    return {
        **_HELD_BY_NOBODY,
        "closed_at": act.at,
        "closed_by": act.by.staff,
        "disposition": act.body.disposition,
        "owed": tuple(owed),
    }


def _withdrawn(alert: Alert, act: Act) -> Changes:
    return {"closed_at": act.at, "closed_by": None, "disposition": None}


def _reopened(alert: Alert, act: Act) -> Changes:
    """The disposition no longer holds; what is owed stays so until somebody decides otherwise."""
    return {"closed_at": None, "closed_by": None, "disposition": None}


def _looked_back(alert: Alert, act: Act) -> Changes:
    assert isinstance(act.body, LookedBack)
    return {"looked_back": act.body.counted}


def _recorded(alert: Alert, act: Act) -> Changes:
    assert isinstance(act.body, Recorded)
    body = act.body
    owed = [
        o.model_copy(update={"reference": body.reference}) if o.obligation == body.obligation else o for o in alert.owed
    ]
    return {"owed": tuple(owed)}


_CHANGES: Final[Mapping[ActKind, Callable[[Alert, Act], Changes]]] = MappingProxyType(
    {
        "withdrawn": _withdrawn,
        "acknowledged": _taken,
        "released": _given_back,
        "closed": _closed,
        "reopened": _reopened,
        "looked_back": _looked_back,
        "recorded": _recorded,
    }
)
"""What an act changes beside the status; what is not listed changes nothing else."""
