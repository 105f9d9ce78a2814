"""Percentiles of delays. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import NamedTuple


class Spread(NamedTuple):
    """Of `size` delays, in milliseconds."""

    size: int
    p50: float
    p99: float
    max: float

    def as_json(self) -> dict[str, float]:
        """With a tenth of a millisecond, which is more than the clocks can tell."""
        return {"size": self.size, **{name: round(getattr(self, name), 1) for name in ("p50", "p99", "max")}}


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed (nearest rank): always one that was really measured."""
    return ordered[max(1, ceil(share * len(ordered))) - 1]


def spread(delays_ms: Iterable[float]) -> Spread | None:
    """None when there is nothing to tell of."""
    ordered = sorted(delays_ms)
    if not ordered:
        return None
    return Spread(len(ordered), percentile(ordered, 0.5), percentile(ordered, 0.99), ordered[-1])
