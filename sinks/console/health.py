"""How the service itself is: what is watched, and when each part was last heard. Values only; somebody else asks Kafka.

An empty screen must say that somebody looks: silence is not the same as nothing found (promise 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from sinks.watch.report import SourceReport, troubles

LATE_MS: Final = 300_000  # five minutes without a mark: far beyond the second that a feed takes, and seen by a person
QUIET_MS: Final = 3_600_000  # of a source: an hour without any access is unusual by day, and usual by night


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """One system that emits accesses. `heard_at`: append time of its last message (UTC ms); `lag_ms`: how far behind
    it the judges are; `watched`: what is missing, short, silent, overdue or off. None: not known."""

    name: str
    heard_at: int | None = None
    lag_ms: int | None = None
    watched: SourceReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealth:
    """One feed of facts. `complete_through`: what its last mark promises (UTC ms); None: it has never said."""

    name: str
    complete_through: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthNow:
    """All that is known of the service; None: not known.

    `pending`: accesses that wait for feeds. `cut_at`: of the newest entry of the ledger (UTC ms). `outbox_age_ms`: how
    long the oldest act waits for its topic, 0 when none does. `position`: of `facts.v1`. `unread`: findings that are
    stored and not yet alerts.
    """

    sources: tuple[SourceHealth, ...] = ()
    feeds: tuple[FeedHealth, ...] = ()
    pending: int | None = None
    cut_at: int | None = None
    outbox_age_ms: int | None = None
    position: int | None = None
    unread: int | None = None


def amiss(health: HealthNow, now: int) -> tuple[str, ...]:
    """What somebody must look after, in words: nobody is judged, or what was found reaches nobody. `now`: UTC ms."""
    found = [
        f"{feed.name} has never said how far it is complete"
        if feed.complete_through is None
        else f"{feed.name} is late"
        for feed in health.feeds
        if feed.complete_through is None or now - feed.complete_through >= LATE_MS
    ]
    found += [f"{source.name} is judged late" for source in health.sources if (source.lag_ms or 0) >= LATE_MS]
    found += [words for source in health.sources if source.watched for words, _ in troubles(source.watched)]
    if (health.outbox_age_ms or 0) >= LATE_MS:
        found.append("acts wait for their topic")
    return tuple(found)


def hushed(health: HealthNow, now: int) -> tuple[str, ...]:
    """The sources that nobody has heard for a while, or ever: no fault by night."""
    return tuple(s.name for s in health.sources if s.heard_at is None or now - s.heard_at >= QUIET_MS)


def is_known(health: HealthNow) -> bool:
    """Whether everything that the verdict rests on is known."""
    is_watched = all(source.watched is not None for source in health.sources)
    counts = (health.pending, health.outbox_age_ms, health.unread)
    return bool(health.sources and health.feeds) and is_watched and None not in counts


class Health(Protocol):
    """Who knows how the service is."""

    def now(self) -> HealthNow:
        """What was last learned, at once: it is asked for each page."""


class NothingKnown:
    """Where nobody asks."""

    def now(self) -> HealthNow:
        """As Health says."""
        return HealthNow()
