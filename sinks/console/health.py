"""How the service itself is: what is watched, and when each part was last heard. Values only; somebody else asks Kafka.

An empty screen must say that somebody looks: silence is not the same as nothing found (promise 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

LATE_MS: Final = 300_000  # five minutes without a mark: far beyond the second that a feed takes, and seen by a person
QUIET_MS: Final = 3_600_000  # of a source: an hour without any access is unusual by day, and usual by night


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """One system that emits accesses. `heard_at`: append time of its last message (UTC ms); `lag_ms`: how far behind
    it the judges are. None: not known."""

    name: str
    heard_at: int | None = None
    lag_ms: int | None = None


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


class Health(Protocol):
    """Who knows how the service is."""

    def now(self) -> HealthNow:
        """What was last learned, at once: it is asked for each page."""


class NothingKnown:
    """Where nobody asks."""

    def now(self) -> HealthNow:
        """As Health says."""
        return HealthNow()
