"""Alerts for people on a terminal, and for spreadsheets: pure. Nothing that came from outside becomes a command."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from schemas.ids import parse_instant

from .lines import moment, safe

Document = Mapping[str, Any]

_COLUMNS: Final = (
    "finding_id",
    "outcome",
    "certainty",
    "severity",
    "source",
    "action",
    "result",
    "occurred_at",
    "event_id",
    "reason",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def age(ms: int) -> str:
    """How long ago, in its largest whole unit: "4 d", "3 h", "12 min", "now"."""
    for size, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min")):
        if ms >= size:
            return f"{ms // size} {unit}"
    return "now"


def state(alert: Document) -> str:
    """Its status, and who holds it or how it was decided."""
    status = str(alert["status"])
    if alert.get("holder"):
        return f"held by {safe(alert['holder'])}"
    if status == "closed":
        return f"closed: {alert.get('disposition', 'withdrawn').replace('_', ' ')}"
    return status


def alert_line(alert: Document, now: int) -> str:
    """One alert in one line."""
    return (
        f"{str(alert['severity']).upper():<8}  {age(now - parse_instant(alert['last_at'])):>6}  {state(alert):<20}  "
        f"{safe(alert['sentence'])}: {safe(alert['because'])}  {alert['alert_id']}"
    )


def act_line(act: Document) -> str:
    """One act in one line."""
    return f"{moment(parse_instant(act['at']))}  {safe(act['words'])}"


def alert_page(alert: Document, deeds: Sequence[str], findings: Sequence[Document], acts: Sequence[Document]) -> str:
    """All about one alert."""
    first, last = (moment(parse_instant(alert[name])) for name in ("occurred_first", "occurred_last"))
    owed = [f"{o['obligation']}: {safe(o['reference']) if 'reference' in o else 'open'}" for o in alert["owed"]]
    lines = [
        f"{safe(alert['sentence'])}",
        f"why        {safe(alert['because'])}",
        f"severity   {alert['severity']}{_circumstances(alert)}",
        f"status     {state(alert)}",
        f"clause     {safe(alert['clause'])}",
        f"findings   {alert['standing']} stand of {alert['findings']}, of {', '.join(alert['sources'])}",
        f"between    {first} and {last}",
        *([f"owed       {'; '.join(owed)}"] if owed else []),
        f"you may    {', '.join(deeds)}",
        "",
        *(finding_line(finding) for finding in findings),
        "",
        *map(act_line, acts),
    ]
    return "\n".join(lines)


def finding_line(finding: Document) -> str:
    """One finding in one line, with every path that failed."""
    misses = "; ".join(f"{miss['path']}: {safe(miss['why'])}" for miss in finding["near_misses"])
    record = finding["record"]
    what = f"{finding['source']} {finding['action']} {record['kind']} {safe(record.get('id', record['mask']))}"
    name = f"  {finding['finding_id']}" if "finding_id" in finding else ""
    return (
        f"{moment(parse_instant(finding['occurred_at']))}  {what}  "
        f"{finding['outcome']}, {finding['certainty']}{': ' + misses if misses else ''}{name}"
    )


def _circumstances(alert: Document) -> str:
    return f" ({', '.join(alert['circumstances'])})" if alert["circumstances"] else ""


def findings_csv(findings: Iterable[Document]) -> str:
    """Findings as CSV: a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*_COLUMNS, "record_kind", "record_id"])
    for finding in findings:
        record = finding["record"]
        cells = [finding.get(name, "") for name in _COLUMNS]
        writer.writerow([cell(str(value)) for value in (*cells, record["kind"], record.get("id", record["mask"]))])
    return out.getvalue()


def cell(text: str) -> str:
    """A cell that is text, whatever it looks like."""
    shown = safe(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
