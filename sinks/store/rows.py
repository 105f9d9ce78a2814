"""What an alert says in its row."""

from __future__ import annotations

from typing import Any

from schemas.alert import Alert
from schemas.codec import encode
from sinks.alerts.grouping import group_of_alert
from sinks.alerts.severity import SEVERITIES

Kind = tuple[str, int, str, str, str]
"""Status, severity, outcome, clause and disposition: what alerts are counted by."""


def kind_of(alert: Alert) -> Kind:
    """By what it is counted."""
    return alert.status, SEVERITIES.index(alert.severity), alert.outcome, alert.clause, alert.disposition or ""


def values_of(alert: Alert) -> dict[str, Any]:
    """What changes in its row, but for the number of its kind."""
    return {
        "status": alert.status,
        "holder": alert.holder,
        "owed": sum(o.reference is None for o in alert.owed),
        "acknowledged_at": alert.acknowledged_at,
        "closed_at": alert.closed_at,
        "last_at": alert.last_at,
        "document": encode(alert),
    }


def for_ever(alert: Alert) -> dict[str, Any]:
    """What never changes in its row."""
    group = group_of_alert(alert)
    return {
        "alert_id": alert.alert_id,
        "clause": alert.clause,
        "opened_at": alert.opened_at,
        "group_who": group.who,
        "group_record": group.record,
    }
