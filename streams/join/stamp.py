"""From when a fact counts as known (design section 6)."""

from __future__ import annotations

from schemas.fact import Fact, RegisteredFact
from schemas.ids import LATEST_MS


def register(fact: Fact, feed: str, mark: int | None, *, appended_at: int) -> RegisteredFact:
    """The fact as it stands in `facts.v1`; `mark` is the highest instant its feed had declared complete before it.

    `appended_at` is when the broker stored the feed's message; all in UTC milliseconds. What was stored was known,
    whatever a clock that is ahead says (ADR 18). A fact that breaks a mark, or is dated back, counts as known only
    after it: no feed can wash a final finding away.
    """
    known_from = min(fact.recorded_at, appended_at)
    if mark is not None and mark >= known_from:
        known_from = min(mark + 1, LATEST_MS)  # a promise for all time must not stop register
    return RegisteredFact(**dict(fact), feed=feed, known_from=known_from)


def breaks_a_mark(fact: RegisteredFact) -> bool:
    """Whether its feed had declared complete the instant at which it says that it was recorded.

    Only a mark moves `known_from` past `recorded_at`. A fact of a clock that is ahead, moved to just after a mark,
    keeps at the most what it says.
    """
    return fact.known_from > fact.recorded_at
