"""Tables, ratios and the JSON file of one invocation. Pure but for the file."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from .drain import Row
from .programs import OURS, PROGRAMS

COLUMNS: Final = (
    "accesses_per_s",
    "span_s",
    "cpu_s",
    "cpu_total_s",
    "register_s",
    "register_cpu_s",
    "other_cpu_s",
    "start_s",
    "rss_mb",
)
PACKAGES: Final = ("needtoknow", "faust-streaming", "aiokafka", "pydantic", "orjson")
MEANINGS: Final = """\
accesses_per_s  all accesses / time from the first to the last verdict received (span_s)
cpu_s           CPU seconds of the program within that span; cpu_total_s: since it was started
register_*      ours only: the worker that registers the facts beforehand, not part of the columns beside it
other_cpu_s     CPU seconds of all but the program and this one while it ran: the broker, and whatever disturbs
start_s         from the start of the program to its first verdict, with the reading of its assignments
rss_mb          highest resident memory seen, MiB"""

Rows = dict[str, list[Row]]


def median(rows: Iterable[Row], column: str) -> float | None:
    """Of the runs that were right."""
    values = [value for row in rows if row.is_right and (value := getattr(row, column)) is not None]
    return statistics.median(values) if values else None


def medians(rows: Rows) -> dict[str, dict[str, float]]:
    """Of every program and column."""
    found = {name: {column: median(some, column) for column in COLUMNS} for name, some in rows.items()}
    return {
        name: {column: round(value, 2) for column, value in columns.items() if value is not None}
        for name, columns in found.items()
    }


def ratios(rows: Rows) -> dict[str, dict[str, float]]:
    """Ours over each other program, of the medians: by the clock and per CPU second."""
    found: dict[str, dict[str, float]] = {}
    for name in rows.keys() - {OURS.name}:
        columns = {"by_the_clock": "accesses_per_s", "per_cpu_second": "accesses_per_cpu_s"}
        found[name] = {
            title: round(mine / theirs, 3)
            for title, column in columns.items()
            if (mine := median(rows.get(OURS.name, []), column)) and (theirs := median(rows[name], column))
        }
    return found


def show(rows: Rows) -> None:
    """Print the table, the ratios and how the programs differ."""
    print()
    print(table([["program", "runs", "state", "false", "missed", *COLUMNS], *(_line(r) for r in rows.values())]))
    print(f"\n{MEANINGS}\n")
    for name, ratio in ratios(rows).items():
        said = ", ".join(f"{value:.2f} {title.replace('_', ' ')}" for title, value in ratio.items())
        print(f"ours / {name}: {said or 'nothing to compare'}")
    print("\nHow the programs differ:")
    for name in rows:
        print("\n".join([f"  {name}", *(f"    - {text}" for text in PROGRAMS[name].differences)]))


def _line(rows: Sequence[Row]) -> list[str]:
    wrong = sum(not row.is_right for row in rows)
    cells = [rows[0].name, str(len(rows)), f"FAILED {wrong}" if wrong else "ok"]
    cells += [str(sum(row.false for row in rows)), str(sum(row.missed for row in rows))]
    return cells + [_cell(median(rows, column)) for column in COLUMNS]


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def table(lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be; the first to the left, the rest to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )


def write(directory: Path, what: str, document: dict[str, Any]) -> Path:
    """Keep a result with what it was measured on; returns the file."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{what}.json"
    path.write_text(json.dumps({"machine": _machine(), **document}, indent=1) + "\n")
    return path


def _machine() -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
