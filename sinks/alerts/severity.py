"""How grave an alert is: what the policy says of its findings, and the circumstances that raise it by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, get_args

from schemas.access import Access, Record
from schemas.alert import Circumstance, Tally, Who
from schemas.finding import Certainty, Finding, Outcome, Severity

from .grouping import NOBODY_NAMED, is_file

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
CERTAINTIES: Final[tuple[Certainty, ...]] = get_args(Certainty)
OUTCOMES: Final[tuple[Outcome, ...]] = ("explained", "late", "revoked", "unresolved", "unexplained")
"""The one that weighs most is the last."""

MANY: Final = 10  # accesses to one record without a duty: nobody errs that often
DOUBTFUL_MAX: Final = SEVERITIES.index("medium")
BULK: Final = 100  # objects in one access: more than a case has members

TOLD: Final[Mapping[Circumstance, str]] = MappingProxyType(
    {
        "own-record": "the record is about the one who looked",
        "employee-record": "the record is an employee's (C5)",
        "many-accesses": f"{MANY} accesses or more",
        "denied-and-done": "denied as well as let in",
        "bulk": f"{BULK} objects or more at once (C7)",
    }
)


def is_claimed(access: Access) -> bool:
    """Whether somebody else did it, and named this person as who asked. Anybody can be typed in there (ADR 27)."""
    return access.operator is not None


def severity_of(finding: Finding) -> Severity:
    """How grave a finding is for its alert: never above medium where it rests on somebody else's word."""
    rank = SEVERITIES.index(finding.severity)
    return SEVERITIES[min(rank, DOUBTFUL_MAX) if is_claimed(finding.access) else rank]


def is_bulk(access: Access) -> bool:
    """Whether one access touched more objects than a case has, as one line of a file of people to be searched for does.

    What a list shows beside what was sought is no use of it: `shown` counts that.
    """
    return (access.object_count or 0) >= BULK and not _shows(access)


def shown(access: Access) -> int:
    """How many others a list or a report showed beside those whom it names. Nobody was looking for them, so they are
    counted, and in no finding."""
    named = len(access.candidates or ()) or int(access.record.kind != "criteria")
    return max(0, (access.object_count or 0) - named) if _shows(access) else 0


def _shows(access: Access) -> bool:
    return access.action == "view" or (access.action == "search" and access.batch_id is None)


def circumstances(who: Who, record: Record, tallies: Sequence[Tally]) -> tuple[Circumstance, ...]:
    """The named circumstances under which the standing findings happened, in the order of their list.

    Of searches that are looked at together, though each was for somebody else, neither their number says anything nor
    that one was denied and another was not.
    """
    results, is_one = {t.result for t in tallies}, record != NOBODY_NAMED and not is_file(record)
    holds: dict[Circumstance, bool] = {
        "own-record": record.kind == "staff" and record.id == who.staff,
        "employee-record": record.kind == "staff",
        "many-accesses": is_one and sum(t.count for t in tallies) >= MANY,
        "denied-and-done": is_one and {"denied", "success"} <= results,
        "bulk": any(t.is_bulk for t in tallies),
    }
    return tuple(name for name in get_args(Circumstance) if holds[name]) if tallies else ()


def severity(tallies: Sequence[Tally], named: Iterable[Circumstance]) -> Severity:
    """The gravest of the standing findings, one more under any named circumstance.

    Never above medium when each is in doubt: borderline, since then it may not have happened within the time at all
    (design section 5), or claimed by whoever did it. `low` when none stands.
    """
    if not tallies:
        return "low"
    rank = max(SEVERITIES.index(t.severity) for t in tallies) + (1 if tuple(named) else 0)
    if all(t.is_claimed or "borderline" in t.flags for t in tallies):
        rank = min(rank, DOUBTFUL_MAX)
    return SEVERITIES[min(rank, len(SEVERITIES) - 1)]


def outcome(tallies: Sequence[Tally]) -> Outcome:
    """The outcome that weighs most; `explained` when no finding stands."""
    return max((t.outcome for t in tallies), key=OUTCOMES.index, default="explained")


def certainty(tallies: Sequence[Tally]) -> Certainty:
    """The highest of the standing findings."""
    return max((t.certainty for t in tallies), key=CERTAINTIES.index, default="incomplete")
