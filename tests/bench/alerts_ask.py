"""What people ask a store of alerts: pages of lists and searches, by who asks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple, get_args

from schemas.act import Disposition
from schemas.alert import Status
from schemas.finding import Outcome, Severity
from schemas.topics import DAY_MS
from sinks.alerts.parties import Party
from sinks.store.listing import Place
from sinks.store.reading import Filter

from .alerts_load import BEGIN_MS, CLAUSES, DAYS, WORDS, login_of, staff_id

SUPERIORS: Final = (0, 3, 40, 77, 150, 400, 700, 1_100, 1_500, 1_900)
"""A viewer and those above them; the first is the one who looks at most of all."""
HIDDEN: Final = frozenset(
    party
    for number in SUPERIORS
    for party in (
        Party("actor", staff_id(number)),
        Party("login", f"ecms {login_of(number)}"),
        Party("data_subject", staff_id(number)),
    )
)
MOMENTS: Final = (0.98, 0.7, 0.3, 0.01)  # of all 400 days: where later pages begin


class Ask(NamedTuple):
    """One question, and what it is called."""

    name: str
    wanted: Filter


def _single() -> Iterator[Ask]:
    yield Ask("all", Filter())
    for status in get_args(Status):
        yield Ask(status, Filter(status=(status,)))
    for severity in get_args(Severity):
        yield Ask(severity, Filter(severity=(severity,)))
    for outcome in get_args(Outcome):
        yield Ask(outcome, Filter(outcome=(outcome,)))
    for clause in CLAUSES:
        yield Ask(clause, Filter(clause=(clause,)))
    for disposition in get_args(Disposition):
        yield Ask(disposition, Filter(disposition=(disposition,)))
    for holder in ("a000", "a020", "a039"):
        yield Ask(f"held by {holder}", Filter(holder=holder))
    yield Ask("owed", Filter(is_owed=True))


_MIXED: Final = (
    Filter(status=("open", "reopened")),
    Filter(status=("open",), severity=("high", "critical")),
    Filter(status=("reopened",), severity=("low",), outcome=("revoked",), clause=("bulk-search",)),
    Filter(status=("reopened",), severity=("high",), disposition=("confirmed",)),
    Filter(status=("closed",), disposition=("confirmed",), severity=("critical",)),
    Filter(status=("closed",), clause=("bulk-search",), outcome=("late",)),
    Filter(status=("open", "acknowledged"), clause=("disclosure-without-duty", "export-without-duty")),
    Filter(severity=("low", "medium"), outcome=("late", "revoked")),
    Filter(severity=("critical",), outcome=("revoked",)),
    Filter(clause=("own-record",), outcome=("revoked",), severity=("medium",)),
    Filter(clause=("bulk-search",), severity=("critical",), outcome=("unresolved",)),
    Filter(holder="a000", severity=("high",), clause=("own-record",)),
    Filter(is_owed=True, severity=("critical",)),
    Filter(is_owed=True, holder="a000"),
    Filter(status=("open",), disposition=("justified",)),
    Filter(status=("open", "reopened", "acknowledged"), order="severity"),
    Filter(order="severity"),
)
LISTS: Final = (*_single(), *(Ask(f"mixed {n}", wanted) for n, wanted in enumerate(_MIXED, 1)))
_SEARCHES: Final = (
    ("unit",),
    ("explained",),
    ("u",),
    ("f",),
    ("a",),
    ("unit", "asked"),
    ("unit", "explained", "asked"),
    ("unit", WORDS[-3]),
    (WORDS[-1],),
    (WORDS[len(WORDS) // 2],),
    (staff_id(0),),
    (staff_id(1),),
    (staff_id(1_999),),
    (login_of(2),),
    ("ecms-77-0",),
    ("c000017",),
    ("nowhere",),
)
SEARCHES: Final = (
    *(Ask(" ".join(words), Filter(words=words)) for words in _SEARCHES),
    Ask("unit, closed", Filter(words=("unit",), status=("closed",), severity=("high",))),
)


def pages(asks: tuple[Ask, ...]) -> Iterator[Ask]:
    """Each question at the first page and further down, by somebody who may see all and by one who may not."""
    for hidden, whose in ((frozenset[Party](), ""), (HIDDEN, ", some hidden")):
        for name, wanted in asks:
            yield Ask(name + whose, replace(wanted, hidden=hidden))
            for part in MOMENTS if not wanted.words else ():
                severity: Severity | None = "high" if wanted.order == "severity" else None
                after = Place(BEGIN_MS + int(part * DAYS * DAY_MS), "a_8", severity)
                yield Ask(f"{name}, down to {part:.0%}{whose}", replace(wanted, hidden=hidden, after=after))
