"""A copy of an alert for somebody's files: all that is known of it, unmasked. Whoever takes one has looked."""

from __future__ import annotations

from typing import Final

from schemas.act import Act
from sinks.alerts.front_desk import SignedIn
from sinks.store.reading import PAGE_MAX

from .documents import ActDocument, Done, ExportedDocument
from .web import Console

EXPORT_MAX: Final = 10_000  # findings, and acts, in a copy: some 8 MB


def exported(console: Console, who: SignedIn, alert_id: str, act: ActDocument) -> ExportedDocument:
    """The copy, with the act of having taken it. Raises NoSuchAlertError, StoreNotReadyError."""
    found, acts = _findings(console, who, alert_id), _history(console, who, alert_id)
    alert = console.desk.alert(who, alert_id).alert
    return ExportedDocument(
        done=Done(act=act, alert=console.showing.alert(alert, is_revealed=True)),
        findings=tuple(console.showing.finding(one, is_revealed=True) for one in found),
        history=tuple(map(console.showing.act, acts)),
        left_out=max(0, alert.findings - len(found)),
    )


def _findings(console: Console, who: SignedIn, alert_id: str) -> list[Act]:
    found: list[Act] = []
    while len(found) < EXPORT_MAX:
        before = found[-1].version if found else None
        piece = console.desk.findings(who, alert_id, before=before, count=PAGE_MAX)
        found += piece
        if len(piece) < PAGE_MAX:
            break
    return found


def _history(console: Console, who: SignedIn, alert_id: str) -> list[Act]:
    acts: list[Act] = []
    while len(acts) < EXPORT_MAX:
        piece = console.desk.history(who, alert_id, after=acts[-1].version if acts else 0)
        acts += piece
        if not piece:
            break
    return acts
