"""What happens to the alerts of a department in 400 days: findings, and what people do about them, in their order.

2,000 staff, of whom few look at much; 200,000 records, of which 500 are looked at by many; eight clauses. Most
alerts have one finding, some have sixty. Seven of ten are closed, the old ones first; what people write has words that
everybody uses and words that hardly anybody does. The same plan tells the same everywhere.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas.access import Access, Record
from schemas.act import Acknowledged, Body, Closed, Disposition, Noted, Recorded, Released, Reopened
from schemas.finding import Finding, MessagePlace, NearMiss, PolicyRef, Severity
from schemas.topics import DAY_MS

BEGIN_MS: Final = 1_700_000_000_000
DAYS: Final = 400
TOPIC: Final = "violations.v1"
FAMOUS: Final = 500  # records that every tenth alert is about
ANALYSTS: Final = 40
CLAUSES: Final = (
    *(f"{what}-without-duty" for what in ("search", "use", "edit", "disclosure", "export")),
    *("own-record", "colleague-record", "bulk-search"),
)
_CLAUSE_WEIGHTS: Final = (40, 25, 12, 8, 6, 5, 3, 1)
_SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")
_DISPOSITIONS: Final[tuple[Disposition, ...]] = ("justified", "confirmed", "policy_unclear", "data_error")
_POLICY: Final = PolicyRef(name="confidentiality", version=1, hash="9f2c")
_NEAR: Final = (NearMiss(path="own-assignment", why="assignment ended 9 days before", facts=()),)
_SYLLABLES: Final = [a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "an", "or", "is")]
WORDS: Final = ("unit", "asked", "explained", *(f"{a}{b}" for a in _SYLLABLES for b in _SYLLABLES[::4]))
"""From the one that nearly everybody writes to those that hardly anybody does."""


@dataclass(frozen=True, kw_only=True)
class AlertPlan:
    """How much of it."""

    alerts: int
    staff: int = 2_000
    records: int = 200_000
    seed: int = 7


class Heard(NamedTuple):
    """A finding is read."""

    at: int
    alert: int
    finding: Finding


class Acted(NamedTuple):
    """A person does something to the alert of this number."""

    at: int
    alert: int
    staff: str
    bodies: tuple[Body, ...]


Happening = Heard | Acted


def happenings(plan: AlertPlan) -> Iterator[Happening]:
    """All of it, the oldest first."""
    chance = random.Random(plan.seed)
    taken: set[tuple[int, int, int]] = set()
    waiting: list[tuple[int, int, int, Happening]] = []
    for number in range(plan.alerts):
        at = BEGIN_MS + number * DAYS * DAY_MS // plan.alerts
        while waiting and waiting[0][0] <= at:
            yield heapq.heappop(waiting)[3]
        for order, what in enumerate(_life(plan, number, at, _pair(plan, chance, taken), chance)):
            heapq.heappush(waiting, (what.at, number, order, what))
    while waiting:
        yield heapq.heappop(waiting)[3]


def staff_id(number: int) -> str:
    """The id of a person; the lower the number, the more they look at."""
    return f"w{number:04}"


def login_of(number: int) -> str:
    """Their login at the source."""
    return f"u{number:04}"


def finding_of(number: int, pair: tuple[int, int, int], nth: int, at: int, chance: random.Random) -> Finding:
    """The `nth` finding of an alert; `pair` is who, which record and which clause."""
    staff, record, clause = pair
    event = f"ecms-{number}-{nth}"
    is_nobody = staff % 17 == 16
    return Finding(
        finding_id="f_" + hashlib.sha256(event.encode()).hexdigest()[:32],
        position=number,
        transition="raised",
        outcome="unresolved" if is_nobody else chance.choices(("unexplained", "late", "revoked"), (85, 12, 3))[0],
        certainty=chance.choice(("provisional", "final")),
        severity=chance.choices(_SEVERITIES[:3], (50, 35, 15))[0],
        clause=CLAUSES[clause],
        reason=f"{staff_id(staff)} viewed case c{record:06}: no recorded duty.",
        staff=None if is_nobody else staff_id(staff),
        flags=(),
        access=_access(event, staff, record, at, chance),
        message=MessagePlace(topic="access.ecms.v1", partition=number % 4, offset=number),
        explanations=(),
        near_misses=_NEAR,
        policy=_POLICY,
        marks={"assignments": at},
        waiting_for=(),
    )


def said(chance: random.Random, least: int, most: int) -> str:
    """What a person writes: words of which the first are written most."""
    count = len(WORDS)
    return " ".join(WORDS[int(count * chance.random() ** 4)] for _ in range(chance.randint(least, most)))


def _access(event: str, staff: int, record: int, at: int, chance: random.Random) -> Access:
    is_staff = record % 33 == 32
    return Access(
        event_id=event,
        source="ecms",
        actor=login_of(staff),
        action=chance.choice(("view", "search", "edit")),
        record=Record(
            kind="staff" if is_staff else "case", id=staff_id(record % 2_000) if is_staff else f"c{record:06}"
        ),
        result="success",
        occurred_at=at - 60_000,
        session=f"s{staff}-{at // DAY_MS}",
        device=f"desk-{staff}",
    )


def _pair(plan: AlertPlan, chance: random.Random, taken: set[tuple[int, int, int]]) -> tuple[int, int, int]:
    """Who, which record and which clause, as no other alert has them."""
    while True:
        staff = int(plan.staff * chance.random() ** 2)
        record = chance.randrange(min(FAMOUS, plan.records) if chance.random() < 0.1 else plan.records)
        pair = staff, record, chance.choices(range(len(CLAUSES)), _CLAUSE_WEIGHTS)[0]
        if pair not in taken:
            taken.add(pair)
            return pair


def _life(
    plan: AlertPlan, number: int, at: int, pair: tuple[int, int, int], chance: random.Random
) -> Iterator[Happening]:
    count = chance.choices((1, chance.randint(2, 4), chance.randint(5, 20), 60), (8700, 1100, 185, 15))[0]
    for nth in range(count):
        yield Heard(at, number, finding_of(number, pair, nth, at, chance))
        at += chance.randint(1_000, 600_000)
    age = 1 - number / plan.alerts
    at += chance.randint(60_000, 10 * DAY_MS)
    who = f"a{int(ANALYSTS * chance.random() ** 2):03}"
    if chance.random() > min(0.95, 0.3 + age):
        return  # nobody has come to it yet
    yield Acted(at, number, who, (Acknowledged(kind="acknowledged"),))
    if chance.random() < 0.15:
        yield Acted(at + 1_000, number, who, (Noted(kind="noted", text=said(chance, 5, 40)),))
    if chance.random() < 0.03:
        yield Acted(at + 2_000, number, who, (Released(kind="released", why=said(chance, 3, 8)),))
        return
    if chance.random() < min(0.98, 0.5 + age):
        yield from _end(at + chance.randint(60_000, 3 * DAY_MS), number, who, chance)


def _end(at: int, number: int, who: str, chance: random.Random) -> Iterator[Acted]:
    """Closed; some confirmed, and of these most with what they call for met; hardly any opened again."""
    how = chance.choices(_DISPOSITIONS, (70, 12, 8, 10))[0]
    closed = Closed(
        kind="closed", disposition=how, why=said(chance, 3, 12), refer=how == "confirmed" and number % 5 == 0
    )
    yield Acted(at, number, who, (closed,))
    if how == "confirmed" and chance.random() < 0.8:
        reference = f"HR-{number}"
        yield Acted(
            at + DAY_MS, number, who, (Recorded(kind="recorded", obligation="discipline", reference=reference),)
        )
    if chance.random() < 0.01:
        yield Acted(at + 2 * DAY_MS, number, who, (Reopened(kind="reopened", why=said(chance, 3, 8)),))
