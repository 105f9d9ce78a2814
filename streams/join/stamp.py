"""From when a fact counts as known (design section 6)."""

from __future__ import annotations

from schemas.fact import Fact, RegisteredFact
from schemas.ids import LATEST_MS


def register(fact: Fact, feed: str, mark: int | None) -> RegisteredFact:
    """The fact as it stands in `facts.v1`; `mark` is the highest instant its feed had declared complete before it.

    A fact that breaks a mark, or is dated back, counts as known only after it: no feed can wash a final finding away.
    """
    known_from = fact.recorded_at
    if mark is not None and mark >= fact.recorded_at:
        known_from = min(mark + 1, LATEST_MS)  # a promise for all time must not stop register
    return RegisteredFact(**dict(fact), feed=feed, known_from=known_from)
