"""Builders: one access, fact, mark or policy with everything filled in, so that a test names only what it is about.

Fields that must not be confused get different values: a login is never a staff id, a fact is recorded a day after it
begins to hold, and who recorded it is not whom it is about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypedDict

from typing_extensions import Unpack

from schemas.access import Access, Action, Purpose, Record, Result
from schemas.fact import (
    Account,
    Assignment,
    Body,
    Coverage,
    Fact,
    FactKind,
    Mark,
    Membership,
    RegisteredFact,
    Review,
    Role,
    Supervision,
    UnitMember,
)
from schemas.finding import Outcome, Severity
from schemas.ids import parse_instant
from schemas.policy import Clause, Covers, OwnAssignment, Paths, Policy, Reviews, Supervises
from schemas.topics import CONSOLE, FEEDS, SOURCES

DAY = "2026-01-05"  # the day of every story, unless it names another
FEED_OF: dict[FactKind, str] = {kind: feed.name for feed in FEEDS.values() for kind in feed.kinds}
DUTY_FEEDS = tuple(feed.name for feed in FEEDS.values() if feed.explains is None)
SYSTEMS = tuple(source for source in SOURCES if source != CONSOLE)
"""What a department has that has no alert console."""

When = str | int
_CLOCK = re.compile(r"\d\d:\d\d(:\d\d(\.\d\d\d)?)?")


def at(when: When) -> int:
    """UTC milliseconds of "14:05", "14:05:00.001" (on the story's day), "2026-01-04" or a whole RFC 3339 instant."""
    if isinstance(when, int):
        return when
    if _CLOCK.fullmatch(when):
        seconds = ":00" if len(when) == len("14:05") else ""
        return parse_instant(f"{DAY}T{when}{seconds}Z")
    return parse_instant(when if "T" in when else f"{when}T00:00:00Z")


def record(name: str | Record) -> Record:
    """ "case:c0042" as a record."""
    if isinstance(name, Record):
        return name
    kind, _, record_id = name.partition(":")
    return Record.model_validate({"kind": kind, "id": record_id})


class AccessFields(TypedDict, total=False):
    """The rarer fields of an access."""

    source: str
    event_id: str
    sequence: int | None
    requested_for: str
    operator: str
    accounts: str
    candidates: Sequence[str | Record]
    recipient: str
    agency: str
    purpose: Purpose
    result: Result
    until: When | None
    session: str
    device: str
    batch_id: str
    object_count: int


def make_access(
    actor: str = "jdoe12",
    action: Action = "view",
    name: str | Record = "case:c0042",
    when: When = "14:00",
    **rest: Unpack[AccessFields],
) -> Access:
    """A look at case c0042 by the login jdoe12 at 14:00."""
    candidates, until = rest.pop("candidates", None), rest.pop("until", None)
    fields: dict[str, object] = {
        "event_id": "ecms-000123",
        "source": "ecms",
        "sequence": 11,
        "result": "success",
        **rest,
    }
    return Access.model_validate(
        {
            **fields,
            "actor": actor,
            "action": action,
            "record": record(name),
            "candidates": None if candidates is None else tuple(record(c) for c in candidates),
            "occurred_at": at(when),
            "occurred_until": None if until is None else at(until),
        }
    )


class FactFields(TypedDict, total=False):
    """What all facts have, and their defaults: 2026-01-01 for ever, recorded a day later by s03."""

    fact_id: str
    revision: int
    valid_from: When
    valid_to: When | None
    recorded_at: When
    recorded_by: str | None
    void: bool


def _fact(body: Body, natural_id: str, fields: FactFields) -> Fact:
    valid_to = fields.get("valid_to")
    return Fact(
        fact_id=fields.get("fact_id", natural_id),
        revision=fields.get("revision", 1),
        valid_from=at(fields.get("valid_from", "2026-01-01")),
        valid_to=None if valid_to is None else at(valid_to),
        recorded_at=at(fields.get("recorded_at", "2026-01-02")),
        recorded_by=fields.get("recorded_by", "s03"),
        void=fields.get("void", False),
        body=body,
    )


def assignment(
    staff: str | None = None,
    name: str | Record = "case:c0042",
    *,
    unit: str | None = None,
    role: Role = "management",
    **fields: Unpack[FactFields],
) -> Fact:
    """This person, or this unit, works on this record."""
    body = Assignment(kind="assignment", staff=staff, unit=unit, record=record(name), role=role)
    return _fact(body, f"as-{staff or unit}-{body.record.kind}-{body.record.id}", fields)


def supervision(supervisor: str, staff: str, **fields: Unpack[FactFields]) -> Fact:
    """`supervisor` answers for `staff`."""
    return _fact(
        Supervision(kind="supervision", supervisor=supervisor, staff=staff), f"su-{supervisor}-{staff}", fields
    )


def coverage(covering: str, covered: str, **fields: Unpack[FactFields]) -> Fact:
    """`covering` stands in for `covered`."""
    return _fact(Coverage(kind="coverage", covering=covering, covered=covered), f"co-{covering}-{covered}", fields)


def account(login: str, staff: str, *, source: str = "ecms", **fields: Unpack[FactFields]) -> Fact:
    """This login at this source is this person."""
    body = Account(kind="account", source=source, login=login, staff=staff)
    return _fact(body, f"ac-{source}-{login}-{staff}", fields)


def membership(member: str | Record, within: str | Record = "case:c0042", **fields: Unpack[FactFields]) -> Fact:
    """This person, intake or document belongs to that case."""
    body = Membership(kind="membership", record=record(member), within=record(within))
    return _fact(body, f"me-{body.record.kind}-{body.record.id}-{body.within.id}", fields)


def unit_member(staff: str, unit: str, **fields: Unpack[FactFields]) -> Fact:
    """This person works in this unit."""
    return _fact(UnitMember(kind="unit_member", staff=staff, unit=unit), f"un-{unit}-{staff}", fields)


def review(staff: str, name: str | Record = "case:c0042", *, alert: str = "al-7", **fields: Unpack[FactFields]) -> Fact:
    """This person holds this alert, which is about this record."""
    body = Review(kind="review", staff=staff, record=record(name), alert=alert)
    return _fact(body, f"re-{alert}-{staff}", fields)


def registered(fact: Fact, *, feed: str | None = None, known_from: When | None = None) -> RegisteredFact:
    """The fact as it stands in `facts.v1`: known from when it was recorded unless the test says otherwise."""
    return RegisteredFact(
        **{name: getattr(fact, name) for name in Fact.model_fields},
        feed=feed or FEED_OF[fact.body.kind],
        known_from=fact.recorded_at if known_from is None else at(known_from),
    )


def mark(feed: str, through: When, *, sequence: int = 4711) -> Mark:
    """The feed's promise that nothing recorded at or before `through` is still to come."""
    return Mark(feed=feed, complete_through=at(through), sequence=sequence)


ACTIONS: dict[str, tuple[Action, ...]] = {
    "search-without-duty": ("search", "view", "subscribe"),
    "use-without-duty": ("edit", "print", "check_out", "return"),
    "disclosure-without-duty": ("export", "disclose"),
}
GRADES: dict[Outcome, tuple[Severity, Severity, Severity]] = {
    "unexplained": ("medium", "high", "critical"),
    "late": ("low", "low", "medium"),
    "revoked": ("low", "medium", "high"),
    "unresolved": ("low", "medium", "high"),
}


def make_policy(
    *,
    grace_seconds: int = 3600,
    own: bool = True,
    supervises: bool = True,
    depth: int = 2,
    covers: bool = True,
    carries_line: bool = True,
    reviews: bool = True,
) -> Policy:
    """A policy of three clauses (looking, using, giving away), graded differently by outcome."""
    return Policy(
        name="test-policy",
        version=3,
        semantics=1,
        grace_seconds=grace_seconds,
        paths=Paths(
            own_assignment=OwnAssignment(enabled=own),
            supervises=Supervises(enabled=supervises, depth=depth),
            covers=Covers(enabled=covers, carries_line=carries_line),
            reviews=Reviews(enabled=reviews),
        ),
        clauses=tuple(Clause(name=n, actions=a, cites="C3", text="Words.") for n, a in ACTIONS.items()),
        severity={
            outcome: {a: g for g, actions in zip(grades, ACTIONS.values(), strict=True) for a in actions}
            for outcome, grades in GRADES.items()
        },
    )
