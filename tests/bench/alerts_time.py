"""How long things took, by the clock and of the processor. On a machine with others the second says more."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Times:
    """Milliseconds, each with its name."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.clock: list[float] = []
        self.cpu: list[float] = []  # of this thread; what a server does for it is not in there

    @contextmanager
    def one(self, name: str = "") -> Iterator[None]:
        """Times what is inside."""
        clock, cpu = time.perf_counter(), time.thread_time()
        yield
        self.cpu.append((time.thread_time() - cpu) * 1000)
        self.clock.append((time.perf_counter() - clock) * 1000)
        self.names.append(name)

    def slowest(self, count: int) -> list[tuple[str, float]]:
        """Those whose median by the clock is highest."""
        by_name: dict[str, list[float]] = {}
        for name, value in zip(self.names, self.clock, strict=True):
            by_name.setdefault(name, []).append(value)
        medians = ((name, quantile(values, 0.5)) for name, values in by_name.items())
        return sorted(medians, key=lambda pair: -pair[1])[:count]


def quantile(values: Sequence[float], share: float) -> float:
    """The value that so many of all do not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
