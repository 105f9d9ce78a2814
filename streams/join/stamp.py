"""From when a fact counts as known (design section 6)."""

from __future__ import annotations

from schemas.fact import Fact, RegisteredFact


def register(fact: Fact, feed: str, mark: int | None) -> RegisteredFact:
    """The fact as it stands in `facts.v1`; `mark` is the highest instant its feed had declared complete before it.

    A fact that breaks a mark, or is dated back, counts as known only after it: no feed can wash a final finding away.
    """
    broken = mark is not None and mark >= fact.recorded_at
    known_from = mark + 1 if broken and mark is not None else fact.recorded_at
    return RegisteredFact(**dict(fact), feed=feed, known_from=known_from)
