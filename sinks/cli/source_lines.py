"""How the sources stand, in columns for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sinks.watch.report import Asked, SourceReport, files_spelled, spelled, troubles

HEADS: Final = ("source", "last heard", "missing", "short files", "silent", "overdue", "clock")
NAMED: Final = 3  # ranges of numbers, or files, in a line; the others are in --json and in the log of the watch
NOTHING: Final = "-"
_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def source_lines(asked: Asked, now: int) -> list[str]:
    """A table, and a line for each thing that is wrong; or one line that says why nobody knows; both where that is said
    of some. `now`: UTC ms."""
    why_not = [] if asked.why_not is None else [f"sources: not known, {asked.why_not}"]
    if why_not and not asked.reports:
        return why_not
    rows = [HEADS, *(_row(report, now) for report in asked.reports)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    told = [trouble for report in asked.reports for trouble in troubles(report)]
    not_well = [f"not well: {words} (deploy/runbooks/{page}.md)" for words, page in told]
    return [_padded(row, widths) for row in rows] + not_well + why_not


def span(ms: int) -> str:
    """A span of time in its largest unit: 3 h, 12 s, 40 ms."""
    for size, unit in _UNITS:
        if ms >= size:
            return f"{ms // size} {unit}"
    return f"{ms} ms"


def _row(report: SourceReport, now: int) -> tuple[str, ...]:
    return (
        report.name,
        _heard(report, now),
        f"{report.missing:,}: {spelled(report.gaps, NAMED)}" if report.missing else NOTHING,
        f"{report.short}: {files_spelled(report.files, NAMED)}" if report.short else NOTHING,
        f"by {span(report.silent_ms)}" if report.silent_ms else NOTHING,
        f"by {span(report.overdue_ms)}" if report.overdue_ms else NOTHING,
        _clock(report),
    )


def _heard(report: SourceReport, now: int) -> str:
    if not report.is_seen:
        return "topic cannot be read"
    return "never" if report.heard_at is None else f"{span(max(0, now - report.heard_at))} ago"


def _clock(report: SourceReport) -> str:
    if not report.is_clock_off:
        return NOTHING
    return f"{span(abs(report.clock_off_ms))} {'ahead' if report.clock_off_ms > 0 else 'behind'}"


def _padded(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
