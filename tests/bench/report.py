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
from .goals import Goal
from .programs import KAFKA_STREAMS, OURS, PROGRAMS
from .tables import table

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

ROUGH_EDGES: Final = (
    "(a) one broker with one replica on the same two cores; compare ratios within one invocation only",
    "(a) the facts of ours come through register in a process that ends before the measured one starts (register_*)",
    "(a) the peer checks no field, keeps no ledger, waits for no marks and never judges again: see the differences",
)
LIMITS: Final[dict[bool, dict[str, Any]]] = {  # of a program: is it the one that goals were set against
    True: {
        "per_cpu_second": {"limit": 1.0, "is_floor": True},
        "by_the_clock": {"limit": 0.7, "is_floor": True},
    },
    False: {"per_cpu_second": {}, "by_the_clock": {}},
}

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


def goals(rows: Rows) -> list[Goal]:
    """Ours beside each other program, and whether ours was right."""
    found = [
        Goal(part="a", what=f"ours / {name}, {title.replace('_', ' ')}", unit="x", measured=ratio.get(title), **limit)
        for name, ratio in ratios(rows).items()
        for title, limit in LIMITS[name == KAFKA_STREAMS.name].items()
    ]
    for title in ("accesses_per_s", "rss_mb"):
        what = f"ours: {title.replace('_', ' ')}"
        found.append(Goal(part="a", what=what, unit="", measured=median(rows.get(OURS.name, []), title)))
    wrong = sum(row.false + row.missed + row.odd for row in rows.get(OURS.name, []))
    return [*found, Goal(part="a", what="ours: false, missed, odd", unit="", measured=wrong, limit=0)]


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


def new_file(directory: Path, what: str) -> Path:
    """Where the result of an invocation that begins now is kept."""
    return directory / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{what}.json"


def write(files: Iterable[Path], document: dict[str, Any]) -> None:
    """Keep a result with what it was measured on."""
    text = json.dumps({"machine": _machine(), **document}, indent=1) + "\n"
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def _machine() -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
