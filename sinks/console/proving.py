"""Proves an access anew, by the facts that the console has, for whoever decides: what `explain` says, as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import assert_never

from schemas.access import Record, finding_id
from schemas.act import Act, OfFinding
from schemas.alert import Alert
from schemas.fact import Account, Assignment, Body, Coverage, Membership, Review, Supervision, UnitMember
from schemas.finding import FactRef, Finding
from schemas.policy import Policy
from sinks.alerts.evidence import Bar, Evidence, OfPerson, evidence
from sinks.alerts.folding import is_standing
from sinks.alerts.severity import SEVERITIES

from .masks import Masks
from .proof import PathTried, Proof
from .timeline import Known, Period
from .web import Facts


class Prover:
    """Proves the finding that weighs most. To be called in the loop that reads the facts, between two of its steps."""

    def __init__(self, facts: Facts, policy: Policy, masks: Masks) -> None:
        self._facts, self._policy, self._masks = facts, policy, masks

    def __call__(self, alert: Alert, findings: Sequence[Act]) -> Proof | None:
        """The proof; None when there is nobody to prove it for, or the moment that was judged is not in the finding."""
        finding = heaviest(findings)
        if finding is None or not self._facts.is_loaded or _was_dated_ahead(finding):
            return None
        access = finding.access
        stored_by = access.occurred_until or access.occurred_at  # or later: it was judged as dated
        found = evidence(self._facts.knowledge, self._policy, access, appended_at=stored_by)
        return proof(finding, found, self._masks)


def _was_dated_ahead(finding: Finding) -> bool:
    """Whether it was judged as of its append time, which its id is made of and nothing else here tells (ADR 17)."""
    return finding.finding_id != finding_id(finding.access)


def heaviest(findings: Sequence[Act]) -> Finding | None:
    """The finding that weighs most of those that the acts carry, the newest of several; None: none stands."""
    standing = [act.body for act in findings if isinstance(act.body, OfFinding) and is_standing(act.body)]
    best = max(standing, key=lambda body: SEVERITIES.index(body.finding.severity), default=None)
    return None if best is None else best.finding


def proof(finding: Finding, found: Evidence, masks: Masks) -> Proof | None:
    """What is shown of the evidence about one finding: of the person it names, else of the first whose login it was."""
    if not found.people:
        return None
    one = next((person for person in found.people if person.staff == finding.staff), found.people[0])
    return Proof(
        staff=one.staff,
        then=found.then,
        now=found.now,
        known_by=found.known_by,
        position=found.position,
        paths=tuple(
            PathTried(
                path=path.path,
                why_not_then=path.why_not_then,
                why_not_now=path.why_not_now,
                leads_nowhere=path.leads_nowhere,
            )
            for path in one.paths
            if path.is_enabled
        ),
        periods=tuple(_periods(one, masks)),
        left_out=one.left_out,
    )


def _periods(one: OfPerson, masks: Masks) -> Iterator[Period]:
    newest = _newest_in_time(one.bars)
    for bar in one.bars:
        if (known := _known(bar, newest)) is not None:
            theirs = _is_theirs(bar.body, one.staff)
            yield Period(words=_words(bar.body, masks), begin=bar.begins, end=bar.ends, known=known, is_theirs=theirs)


def _is_theirs(body: Body, staff: str) -> bool:
    """Whether it is this person's own; a unit's or somebody else's is a step of a way to them."""
    match body:
        case Assignment() | Review() | UnitMember() | Account():
            return body.staff == staff
        case Supervision():
            return body.supervisor == staff
        case Coverage():
            return body.covering == staff
        case Membership():
            return False
        case _:
            assert_never(body)


def _newest_in_time(bars: Sequence[Bar]) -> set[FactRef]:
    """Of each fact the revision that stood as known then: of several that were in time the highest."""
    newest: dict[tuple[str, str], FactRef] = {}
    for ref in (bar.ref for bar in bars if bar.is_in_time):
        before = newest.get((ref.feed, ref.fact_id))
        newest[ref.feed, ref.fact_id] = ref if before is None or ref.revision > before.revision else before
    return set(newest.values())


def _known(bar: Bar, newest: Set[FactRef]) -> Known | None:
    """When it counted; None: neither then nor now. What is void, and was known to be, never did."""
    is_current = bar.mark not in {"void", "replaced"}
    if bar.ref in newest and bar.mark != "void":
        return "both" if is_current else "then"
    return "now" if is_current else None


def _words(body: Body, masks: Masks) -> str:
    """What a fact says, without anybody's record."""

    def masked(record: Record) -> str:
        return f"{record.kind} {masks.of(record)}"

    match body:
        case Assignment():
            return f"{body.staff or f'unit {body.unit}'} is assigned to {masked(body.record)} ({body.role})"
        case Supervision():
            return f"{body.supervisor} answers for {body.staff}"
        case Coverage():
            return f"{body.covering} stands in for {body.covered}"
        case Account():
            return f"{body.login} at {body.source} is {body.staff}"
        case Membership():
            return f"{masked(body.record)} belongs to {masked(body.within)}"
        case UnitMember():
            return f"{body.staff} works in {body.unit}"
        case Review():
            return f"{body.staff} holds an alert about {masked(body.record)}"
        case _:
            assert_never(body)
