"""Alerts for people on a terminal, and for spreadsheets: pure. Nothing that came from outside becomes a command."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from schemas.act import ActKind
from schemas.ids import parse_instant
from sinks.alerts.life import LIFE

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
_KINDS: Final[Mapping[str, ActKind]] = {
    "acknowledge": "acknowledged",
    "close": "closed",
    "confirm": "closed",
    "note": "noted",
    "record": "recorded",
    "release": "released",
    "reopen": "reopened",
    "export": "exported",
    "reveal": "revealed",
}
_SAID: Final = {"confirm": "close --as confirmed", "reveal": "reveal (in a browser)"}
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
        login, staff = alert.get("holder_login"), alert["holder"]
        return f"held by {safe(staff if login is None else f'{login} ({staff})')}"
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


def possible(alert: Document, deeds: Collection[str], session: Document) -> list[str]:
    """What whoever is signed in may do to it as it is, in the order of the commands.

    `deeds` are those that their role and the people it is about leave them; the console decides again when they act.
    """
    is_theirs = alert.get("holder") is not None and alert.get("holder") == session.get("staff")
    is_owed = any("reference" not in one for one in alert["owed"])
    if alert.get("disposition") == "confirmed" and "confirm" not in deeds:
        deeds = set(deeds) - {"reopen"}  # what somebody confirmed is undone by who may confirm
    if is_owed and "confirm" not in deeds:
        deeds = set(deeds) - {"close"}
    may = {
        "release": is_theirs or session.get("role") == "admin",
        "close": is_theirs,
        "confirm": is_theirs,
        "record": is_owed,
    }
    kinds = LIFE[alert["status"]]
    return [deed for deed, kind in _KINDS.items() if deed in deeds and kind in kinds and may.get(deed, True)]


def may_words(alert: Document, deeds: Collection[str], session: Document) -> str:
    """The same in words, and what to do first for what most people come for."""
    found = possible(alert, deeds, session)
    words = ", ".join(_SAID.get(deed, deed) for deed in found) or "look, and no more"
    return f"{words}; to close it, acknowledge it first" if {"acknowledge"} <= {*found} and "close" in deeds else words


def alert_page(alert: Document, may: str, findings: Sequence[Document], acts: Sequence[Document]) -> str:
    """All about one alert; `may` as `may_words`."""
    first, last = (moment(parse_instant(alert[name])) for name in ("occurred_first", "occurred_last"))
    owed = [f"{o['obligation']}: {safe(o['reference']) if 'reference' in o else 'open'}" for o in alert["owed"]]
    lines = [
        f"{safe(alert['sentence'])}",
        f"why        {safe(alert['because'])}",
        f"severity   {alert['severity']}{_circumstances(alert)}",
        f"status     {state(alert)}",
        f"clause     {safe(alert['clause'])}",
        f"findings   {_found(alert)}, of {', '.join(alert['sources'])}",
        f"between    {first} and {last}",
        *([f"owed       {'; '.join(owed)}"] if owed else []),
        f"you may    {may}",
        "",
        *(finding_line(finding) for finding in findings),
        "",
        *map(act_line, acts),
    ]
    return "\n".join(lines)


def finding_line(finding: Document) -> str:
    """One finding in one line, with the paths that came close; where none did, that is said."""
    misses = "; ".join(f"{miss['path']}: {safe(miss['why'])}" for miss in finding["near_misses"])
    if finding["outcome"] == "unexplained":
        misses = misses or "no path came close"
    record = finding["record"]
    what = f"{finding['source']} {finding['action']} {record['kind']} {safe(record.get('id', record['mask']))}"
    name = f"  {finding['finding_id']}" if "finding_id" in finding else ""
    return (
        f"{moment(parse_instant(finding['occurred_at']))}  {what}  "
        f"{finding['outcome']}, {finding['certainty']}{': ' + misses if misses else ''}{name}"
    )


def _found(alert: Document) -> str:
    """How many stand; where several findings tell of one access, also how many accesses there are."""
    words, standing = f"{alert['standing']} stand of {alert['findings']}", alert["standing"]
    count = alert.get("accesses", standing)  # a console of an earlier version does not say
    return words if count == standing else f"{words} and tell of {count} access{'' if count == 1 else 'es'}"


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
