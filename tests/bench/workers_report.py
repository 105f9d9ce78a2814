"""Several workers against one as a table, and what was wanted. Pure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from .goals import Goal, number
from .tables import table

RATIO_MAX: Final = 1.15  # CPU seconds per million accesses, against one worker
SHARE_MIN: Final = 0.25  # of all accesses each of two workers must have judged, or it was no run of two workers
_JUDGED: Final = re.compile(r"^needtoknow_accesses_total\{[^}]*\} ([0-9.e+]+)$", re.MULTILINE)
ROUGH_EDGES: Final = (
    "(d) accesses are loaded while the workers judge, so that nobody starts with a rebalance: cpu_s has the idle share "
    "of both, and batches of whatever has come so far",
    "(d) two workers, the loader and the broker on two cores: the time by the clock says nothing of two machines",
    "(d) every worker holds all facts and reads all findings, so memory is per worker",
)


@dataclass(frozen=True, kw_only=True)
class WorkersRow:
    """What one run gave; CPU seconds of all workers from the first access sent to the last finding read."""

    workers: int
    number: int
    accesses: int
    due: int
    false: int
    missed: int
    judged: list[int]
    span_s: float
    cpu_s: float
    other_cpu_s: float
    rss_mb: float

    @property
    def is_right(self) -> bool:
        """Whether every verdict was right and every worker had its share."""
        least = SHARE_MIN * 2 / self.workers * sum(self.judged) if self.workers > 1 else 0
        return not (self.false or self.missed) and min(self.judged) >= least

    @property
    def cpu_s_per_million(self) -> float:
        """CPU seconds a million accesses cost."""
        return self.cpu_s / self.accesses * 1e6

    def as_json(self) -> dict[str, Any]:
        """All that is known."""
        rounded = {k: round(v, 2) if isinstance(v, float) else v for k, v in asdict(self).items()}
        return {**rounded, "cpu_s_per_million": round(self.cpu_s_per_million, 2), "is_right": self.is_right}


def judged_in(metrics: str) -> int:
    """Accesses judged, of every source and outcome, by the text that Prometheus reads."""
    return round(sum(float(value) for value in _JUDGED.findall(metrics)))


def medians(rows: Sequence[WorkersRow]) -> dict[int, float]:
    """CPU seconds per million accesses by the number of workers; only runs that were right."""
    right: dict[int, list[float]] = {}
    for row in rows:
        if row.is_right:
            right.setdefault(row.workers, []).append(row.cpu_s_per_million)
    return {workers: statistics.median(costs) for workers, costs in sorted(right.items())}


def goals(rows: Sequence[WorkersRow]) -> list[Goal]:
    """Each number of workers against one."""
    found = medians(rows)
    cost = [
        Goal(part="d", what=f"{_some(workers)}: CPU per million accesses", unit="s", measured=value)
        for workers, value in found.items()
    ]
    ratios = [
        Goal(
            part="d",
            what=f"{_some(workers)} against one, CPU per access",
            unit="x",
            measured=found[workers] / found[1] if workers in found and 1 in found else None,
            limit=RATIO_MAX,
        )
        for workers in sorted({row.workers for row in rows} - {1})
    ]
    wrong = sum(row.false + row.missed for row in rows)
    return [*cost, *ratios, Goal(part="d", what="false, missed", unit="", measured=wrong, limit=0)]


def show(rows: Sequence[WorkersRow]) -> None:
    """Print the table."""
    head = ["workers", "run", "due", "false", "missed", "judged by each", "span s", "CPU s", "CPU s / million"]
    head += ["other CPU s", "RSS MiB", "state"]
    print("\n" + table([head, *map(_line, sorted(rows, key=lambda row: (row.workers, row.number)))]) + "\n")


def _line(row: WorkersRow) -> list[str]:
    counts = [str(n) for n in (row.workers, row.number, row.due, row.false, row.missed)]
    judged = " + ".join(f"{count:,}" for count in row.judged)
    costs = [number(v) for v in (row.span_s, row.cpu_s, row.cpu_s_per_million, row.other_cpu_s, row.rss_mb)]
    return [*counts, judged, *costs, "ok" if row.is_right else "FAILED"]


def _some(workers: int) -> str:
    return "one worker" if workers == 1 else f"{workers} workers"
