"""When somebody is cleared, at all instants of an access at once: linear in the facts that it meets (ADR 6, rule 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from schemas.policy import Paths
from streams.join.bodies import ONE, TWO, RecordKey
from streams.join.during import During
from streams.join.spans import NEVER, Spans, union

from .duties import Duties, Shares, together
from .paths import covers, own_assignment, reviews, supervises

SHARES: Final = (own_assignment.shares, supervises.shares, covers.shares)
"""Of each path that ends at an assignment: whose."""


def logins(during: During, login: str) -> Shares:
    """Whose login it is, and when."""
    facts, found = during.knowledge.facts, list[Shares]()
    for row, holds in during.holding(during.knowledge.accounts(login)):
        if facts.people.all[facts.names[ONE][row]] == login:
            found.append({facts.people.all[facts.names[TWO][row]]: holds})
    return together(found)


def when_cleared(
    during: During, paths: Paths, staff: str, targets: Iterable[RecordKey], *, is_at_console: bool
) -> Spans:
    """When some path clears this person for any of these."""
    found: list[Spans] = []
    for when in _of_each(during, paths, staff, targets, is_at_console):
        if when == during.whole:  # no other target can add to that
            return when
        found.append(when)
    return union(found)


def only_cleared(
    during: During, paths: Paths, staff: str, targets: Sequence[RecordKey], *, is_at_console: bool
) -> tuple[RecordKey, ...]:
    """Those of them for which some path clears this person at some instant."""
    each = zip(targets, _of_each(during, paths, staff, targets, is_at_console), strict=True)
    return tuple(target for target, when in each if when != NEVER)


def _of_each(
    during: During, paths: Paths, staff: str, targets: Iterable[RecordKey], is_at_console: bool
) -> Iterable[Spans]:
    duties = Duties(during, together(shares(during, paths, staff) for shares in SHARES))
    for target in targets:
        when = duties.to(target)
        yield union((when, reviews.spans(during, paths, staff, target))) if is_at_console else when
