"""The page of alerts: the list, and beside it the alert that is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from schemas.act import Act, LookedBack, OfFinding
from schemas.finding import Outcome
from sinks.alerts.authorizer import may
from sinks.alerts.telling import access_key

from . import asked
from .possible import dispositions, steps
from .proof import Proof
from .screen import Listed, Opened, just_done, read_alert, read_list
from .sentences import did_words, finding_words
from .showing import Showing
from .timeline import TimeLine, Touch, draw
from .views import address, chosen, groups, orders, without
from .visiting import CLAUSES, FORMS, Visit
from .web import CONSOLE, apart, now_ms

THEN_AND_NOW: Final[Mapping[Outcome, tuple[str, str]]] = {
    "late": ("none", "all"),
    "revoked": ("all", "none"),
    "unexplained": ("none", "none"),
}
"""Whether a duty cleared the access (design section 5), where nobody has proved it anew."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What somebody asked for and did not get: why, in words, and what they had typed."""

    status: int
    words: str
    command: str
    typed: Mapping[str, str] = field(default_factory=dict)


async def show(
    visit: Visit, alert_id: str, *, refused: Refused | None = None, is_revealed: bool = False
) -> web.Response:
    """One alert beside the list. Raises NoSuchAlertError."""
    console, who = visit.request.app[CONSOLE], visit.who
    opened: Opened = await apart(read_alert, console.desk, who, alert_id)
    last = just_done(opened, who.person.staff, now_ms())
    proof = console.proofs(opened.seen.alert, opened.findings)
    return visit.render(
        "alerts.html",
        status=refused.status if refused else 200,
        refused=refused,
        is_revealed=is_revealed,
        done=None if refused or is_revealed or not last else did_words(last.body),
        clause=visit.request.app[CLAUSES].get(opened.seen.alert.clause),
        **_forms(visit, opened),
        **_evidence(console.showing, opened, proof, is_revealed=is_revealed),
        **await list_values(visit, alert_id),
    )


def _forms(visit: Visit, opened: Opened) -> dict[str, Any]:
    """What may be done now, and the key of each form."""
    alert, forms = opened.seen.alert, visit.request.app[FORMS]
    possible = steps(opened.seen, visit.who.actor)
    return {
        "steps": possible,
        "keys": {step: forms.key(visit.token, alert.alert_id, alert.version, step) for step in possible},
        "dispositions": dispositions(opened.seen),
        "unrecorded": [owed for owed in alert.owed if owed.reference is None],
    }


def _evidence(showing: Showing, opened: Opened, proof: Proof | None, *, is_revealed: bool) -> dict[str, Any]:
    """All that is known of it, masked unless it was revealed."""
    findings = [showing.finding(act, is_revealed=is_revealed) for act in opened.findings]
    first = findings[0] if findings else None
    then, now = (
        (proof.then, proof.now) if proof else THEN_AND_NOW.get(first.outcome, (None, None)) if first else (None,) * 2
    )
    return {
        "opened": showing.alert(opened.seen.alert, is_revealed=is_revealed),
        "title": showing.alert(opened.seen.alert).sentence,  # which browsers remember
        "findings": list(zip(findings, map(_because, opened.findings), _told_again(opened.findings), strict=True)),
        "proof": proof,
        "then": then,
        "known_now": now,
        "acts": [(showing.act(act), did_words(act.body)) for act in reversed(opened.history)],
        "is_unchanged": opened.is_unchanged,
        "drawing": draw(line_of(opened.findings, opened.history, proof)),
    }


def _told_again(acts: Sequence[Act]) -> list[bool]:
    """Of each whether another of them tells of the same access."""
    keys = [access_key(act.body.finding.access) for act in acts if isinstance(act.body, OfFinding)]
    counts = Counter(keys)
    return [counts[key] > 1 for key in keys]


def _because(act: Act) -> str:
    assert isinstance(act.body, OfFinding)
    return finding_words(act.body.finding)


def line_of(findings: Sequence[Act], history: Sequence[Act], proof: Proof | None) -> TimeLine:
    """The duties, the accesses that were found, and the earlier ones that a look-back has listed."""
    found = [act.body.finding.access for act in findings if isinstance(act.body, OfFinding)]
    looked = [access for act in history if isinstance(act.body, LookedBack) for access in act.body.accesses]
    return TimeLine(
        periods=proof.periods if proof else (),
        found=tuple(Touch(a.occurred_at, a.occurred_until or a.occurred_at, a.action) for a in found),
        earlier=tuple(Touch(a.occurred_at, a.occurred_at, a.action) for a in looked),
    )


async def list_values(visit: Visit, selected: str | None = None) -> dict[str, Any]:
    """The list. Raises RejectedInputError for what cannot be chosen, NotAllowedError for a search."""
    console, query = visit.request.app[CONSOLE], visit.query
    wanted, limit = asked.filter_of(query, visit.who.person.staff), asked.limit_of(query)
    listed: Listed = await apart(read_list, console.desk, visit.who, wanted, limit)
    found = groups(query, listed.facets)
    return {
        "rows": [console.showing.alert(alert) for alert in listed.alerts],
        "hrefs": {alert.alert_id: address(query, alert_id=alert.alert_id) for alert in listed.alerts},
        "groups": found,
        "chosen": chosen(found),
        "query": query,
        "orders": orders(query),
        "back": address(query),
        "older": _older(query, listed, limit),
        "newest": address(without(query, "after")) if "after" in query else None,
        "since": listed.since,
        "selected": selected,
        "health": console.health.now(),
        "may_search": may(visit.who.person.role, "none", "search"),
    }


def _older(query: Mapping[str, Sequence[str]], listed: Listed, limit: int) -> str | None:
    if len(listed.alerts) < limit:
        return None
    after = asked.cursor(listed.alerts[-1], asked.order_of(query))
    return address({**without(query, "after"), "after": [after]})
