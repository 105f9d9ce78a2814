"""What is known of the sources as Prometheus asks for it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from streams.telemetry import Telemetry

from .report import SourceReport


def measure(telemetry: Telemetry, reports: Iterable[SourceReport], now: int, *, is_loaded: bool) -> None:
    """Sets every gauge as it stands now (UTC ms).

    While the ledger is still being read nobody knows how often numbers were repeated, and a rise would be none.
    """
    for one in reports:
        values = {
            "needtoknow_missing_accesses": one.missing,
            "needtoknow_oldest_missing_seconds": 0 if one.oldest_at is None else max(0, now - one.oldest_at) / 1000,
            "needtoknow_forgotten_numbers": one.forgotten,
            "needtoknow_repeated_numbers": one.again if is_loaded else math.nan,
            "needtoknow_short_files": one.short,
            "needtoknow_heard_seconds": _ago(one.heard_at, now),
            "needtoknow_silent_seconds": one.silent_ms / 1000,
            "needtoknow_overdue_seconds": one.overdue_ms / 1000,
            "needtoknow_clock_off_seconds": one.clock_off_ms / 1000,
            "needtoknow_clock_allowed_seconds": one.clock_allowed_ms / 1000,
            "needtoknow_compared_seconds": _ago(one.compared_at, now),
        }
        for name, value in values.items():
            telemetry.set(name, value, source=one.name)


def _ago(at: int | None, now: int) -> float:
    return math.inf if at is None else max(0, now - at) / 1000
