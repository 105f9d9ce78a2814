"""What a console tells Prometheus about alerts, worked out when it is asked: from the store, and from its own tasks.

A number that only moved when something happens would show a console that hangs as a healthy one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from schemas.errors import NotReadyError
from schemas.metrics import OTHER_CLAUSE, WAITS
from sinks.store.measuring import Measured
from sinks.store.store import Store
from sinks.telemetry import ConsoleTelemetry, Labels, Spread, Values

from .counting import Measure
from .mirror import MIRRORED

log: Final = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 2.0  # Prometheus waits for five; SQLite takes 20 ms with 300,000 alerts and 900,000 acts


class Hears(Protocol):
    """How far findings are read: messages that are not, and until when (UTC ms) all are."""

    behind: int
    read_until: int


class Watches(Protocol):
    """Whether the chain holds, and when (UTC ms) it was last walked to its end."""

    holds: bool
    checked_at: int


class Measures:
    """Brings a console's metrics up to date."""

    def __init__(self, store: Store, telemetry: ConsoleTelemetry, hearing: Hears, watching: Watches) -> None:
        self._store = store
        self._telemetry = telemetry
        self._hearing = hearing
        self._watching = watching
        self._reading: asyncio.Task[Measured | None] | None = None

    async def page(self) -> bytes:
        """Everything as it is now, in Prometheus' text format, within ANSWER_SECONDS."""
        await self.look(int(time.time() * 1000))
        return self._telemetry.page()

    async def look(self, now: int) -> None:
        """Brings every metric up to date; when the store does not answer nothing of it is shown. `now`: UTC ms."""
        found = await self._read()
        if found is None:
            self._telemetry.hide()
        else:
            self._telemetry.show(shown(found, now, self._telemetry.clauses))
        put = self._telemetry.set
        put("needtoknow_store_answers", 0 if found is None else 1)
        put("needtoknow_unread_findings", self._hearing.behind)
        put("needtoknow_unread_findings_seconds", _seconds(now, self._hearing.read_until))
        put("needtoknow_clock_ahead_seconds", self._store.clock.ahead(now) / 1000)
        put("needtoknow_chain_holds", 1 if self._watching.holds else 0)
        put("needtoknow_chain_checked_seconds", _seconds(now, self._watching.checked_at))

    async def _read(self) -> Measured | None:
        """What the store says; None when it does not. One read at a time: those who ask meanwhile wait for the same."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._measure())
        reading = self._reading
        await asyncio.wait({reading}, timeout=ANSWER_SECONDS)
        if reading.done():
            return reading.result()
        log.warning("the store of alerts has not answered for %g s", ANSWER_SECONDS)
        return None

    async def _measure(self) -> Measured | None:
        try:
            return await asyncio.to_thread(self._measured)
        except NotReadyError as error:
            log.warning("the store of alerts is not measured: %s", error)
            return None

    def _measured(self) -> Measured:
        with self._store.reading() as reading:
            return reading.measured(MIRRORED)


def shown(found: Measured, now: int, clauses: Iterable[str]) -> Mapping[str, Values]:
    """The metrics that the store keeps, by name and labels. `now`: UTC milliseconds."""
    owed = found.owed.items()
    return {
        "needtoknow_unclosed_alerts": found.unclosed,
        "needtoknow_oldest_unacknowledged_seconds": {(s,): _seconds(now, at) for s, at in found.waiting.items()},
        "needtoknow_acknowledge_seconds": _spreads(found, "acknowledged", "acknowledged_ms"),
        "needtoknow_close_seconds": _spreads(found, "closed", "closed_ms"),
        "needtoknow_closed_alerts": _standing(found, frozenset(clauses)),
        "needtoknow_reveals_total": _labelled(found, "revealed"),
        "needtoknow_exports_total": _labelled(found, "exported"),
        "needtoknow_open_obligations": {(name,): it.number for name, it in owed},
        "needtoknow_oldest_obligation_seconds": {(name,): _seconds(now, it.since) for name, it in owed},
        "needtoknow_acts_ahead_seconds": {(): _seconds(found.moment, now)},
        "needtoknow_unreadable_findings": {(): found.unreadable},
        "needtoknow_unmirrored_acts": {(): found.outbox.acts},
        "needtoknow_oldest_unmirrored_seconds": {(): _seconds(now, found.outbox.since)},
    }


def _seconds(now: int, since: int | None) -> float:
    return 0 if since is None else max(0, now - since) / 1000


def _labelled(found: Measured, measure: Measure) -> dict[Labels, int]:
    return {key.label: number for key, number in found.numbers.items() if key.measure == measure}


def _standing(found: Measured, clauses: frozenset[str]) -> dict[Labels, int]:
    """Closed alerts by clause and disposition; those of a clause that this policy does not have are one."""
    counts: Counter[Labels] = Counter()
    for (clause, disposition), number in found.closed.items():
        counts[clause if clause in clauses else OTHER_CLAUSE, disposition] += number
    return counts


def _spreads(found: Measured, counts: Measure, total: Measure) -> dict[Labels, Spread]:
    """By severity. A bound of an earlier version, which is none any more, counts for the next one above it."""
    buckets: defaultdict[Labels, list[int]] = defaultdict(lambda: [0] * (len(WAITS) + 1))
    for (severity, bound), number in _labelled(found, counts).items():
        fitting = (place for place, limit in enumerate(WAITS) if bound.isdigit() and int(bound) <= limit)
        buckets[severity,][next(fitting, len(WAITS))] += number
    totals = _labelled(found, total)
    return {labels: Spread(tuple(b), totals.get(labels, 0) / 1000) for labels, b in buckets.items()}
