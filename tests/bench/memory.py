"""Whether our worker's memory grows with what waits for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .drain import Row
from .tables import table

MESSAGE_BYTES: Final = 215  # about what an access of this workload takes on the wire

ROUGH_EDGES: Final = (
    "(memory) highest resident memory while the backlog is worked off: index, findings, names and buffers together",
)


def growth(rows: Sequence[Row]) -> dict[str, float]:
    """Between the smallest and the largest backlog: bytes of highest memory per waiting access, and per finding.

    Findings are remembered for as long as they may be revised, so some growth per finding is meant to be there.
    """
    ordered = sorted((row for row in rows if row.rss_mb is not None), key=lambda row: row.accesses)
    if len(ordered) < 2 or ordered[0].accesses == ordered[-1].accesses:
        return {}
    least, most = ordered[0], ordered[-1]
    grown = ((most.rss_mb or 0) - (least.rss_mb or 0)) * 2**20
    return {
        "bytes_per_access": round(grown / (most.accesses - least.accesses), 1),
        "bytes_per_finding": round(grown / max(1, most.violations - least.violations), 1),
    }


def show(rows: Sequence[Row]) -> None:
    """Print the table and the growth."""
    head = ["backlog", "findings", "backlog MB", "rss at first verdict", "rss at last", "rss highest", "state"]
    lines = [
        [
            f"{row.accesses:,}",
            f"{row.violations:,}",
            f"{row.accesses * MESSAGE_BYTES / 1e6:.0f}",
            *(f"{value or 0:.0f} MiB" for value in (row.rss_first_mb, row.rss_last_mb, row.rss_mb)),
            "ok" if row.is_right else "FAILED",
        ]
        for row in rows
    ]
    print("\n" + table([head, *lines]) + "\n")
    for name, value in growth(rows).items():
        print(f"growth, {name.replace('_', ' ')}: {value:,.0f}")
