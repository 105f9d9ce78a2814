"""The statements of a transaction that writes, put together once: that takes longer than to execute them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, insert, select, text, update

from .tables import ACTS, ALERTS, CHAIN, FACETS, FINDINGS, PARTIES, PROGRESS

KIND_NAMES: Final = (FACETS.c.status, FACETS.c.severity, FACETS.c.outcome, FACETS.c.clause, FACETS.c.disposition)
PIECE: Final = 1_000  # acts read at once where all are read

HEAD: Final = select(CHAIN.c.number, CHAIN.c.digest, CHAIN.c.at).with_for_update()
MOVE_HEAD: Final = update(CHAIN).values({c: bindparam(f"to_{c}") for c in ("number", "digest", "at")})

_ALERT: Final = select(ALERTS.c.id, ALERTS.c.kind, ALERTS.c.document)
ALERT: Final = _ALERT.where(ALERTS.c.alert_id == bindparam("alert_id"))
OPEN_ALERT: Final = (
    _ALERT.where(
        ALERTS.c.group_who == bindparam("who"),
        ALERTS.c.group_record == bindparam("record"),
        ALERTS.c.clause == bindparam("clause"),
        text("alerts.status <> 'closed'"),  # spelled as the index is, or PostgreSQL does not see that it serves
    )
    .order_by(ALERTS.c.opened_at.desc(), ALERTS.c.alert_id.desc())
    .limit(1)
)
FINDING: Final = (
    select(ACTS.c.document, FINDINGS.c.alert_id)
    .join(FINDINGS, FINDINGS.c.number == ACTS.c.number)
    .where(FINDINGS.c.finding_id == bindparam("finding_id"))
)
FINDINGS_OF: Final = (
    select(FINDINGS.c.finding_id, FINDINGS.c.alert_id, ACTS.c.document)
    .join(ACTS, FINDINGS.c.number == ACTS.c.number)
    .where(FINDINGS.c.finding_id.in_(bindparam("finding_ids", expanding=True)))
)
ACCESSES_OF: Final = (
    select(FINDINGS.c.access).where(FINDINGS.c.access.in_(bindparam("accesses", expanding=True))).distinct()
)
BESIDE: Final = (
    select(FINDINGS.c.tells)
    .where(
        FINDINGS.c.access == bindparam("access"),
        FINDINGS.c.alert_id == bindparam("alert_id"),
        FINDINGS.c.finding_id != bindparam("finding_id"),
    )
    .order_by(FINDINGS.c.tells.desc())
    .limit(1)
)
TOLD_BEFORE: Final = (
    select(FINDINGS.c.finding_id)
    .join(ALERTS, ALERTS.c.alert_id == FINDINGS.c.alert_id)
    .where(
        FINDINGS.c.access == bindparam("access"),
        ALERTS.c.group_who == bindparam("who"),
        ALERTS.c.group_record == bindparam("record"),
        ALERTS.c.clause == bindparam("clause"),
        ALERTS.c.status == "closed",
    )
    .order_by(FINDINGS.c.tells.desc(), FINDINGS.c.finding_id.desc())
    .limit(1)
)
ACT_BY_KEY: Final = select(ACTS.c.document).where(ACTS.c.staff == bindparam("staff"), ACTS.c.key == bindparam("key"))
PARTIES_OF: Final = select(PARTIES.c.relation, PARTIES.c.name).where(PARTIES.c.alert == bindparam("alert"))
KIND: Final = select(FACETS.c.kind).where(*(c == bindparam(c.name) for c in KIND_NAMES))
PROGRESS_OF: Final = select(PROGRESS.c.value).where(PROGRESS.c.name == bindparam("name"))

ROWS_DUE: Final = "rows due"
"""Under which name the store keeps that rows must be made anew (1), until they are (0)."""

_FOR_EVER: Final = {"id", "alert_id", "clause", "opened_at", "group_who", "group_record"}

ADD_ACT: Final = insert(ACTS)
ADD_ALERT: Final = insert(ALERTS)
CHANGE_ALERT: Final = (
    update(ALERTS)
    .where(ALERTS.c.id == bindparam("of_alert"))
    .values({c.name: bindparam(c.name) for c in ALERTS.c if c.name not in _FOR_EVER})
)
ADD_PARTIES: Final = insert(PARTIES)
# Both databases spell these alike, and SQLAlchemy's own spelling of them is another for each.
PLACE_FINDING: Final = text(
    "INSERT INTO findings (finding_id, alert_id, number, access, tells)"
    " VALUES (:finding_id, :alert_id, :number, :access, :tells)"
    " ON CONFLICT (finding_id) DO UPDATE SET alert_id = excluded.alert_id, number = excluded.number,"
    " access = excluded.access, tells = excluded.tells"
)
ADD_KIND: Final = text(
    "INSERT INTO facets (kind, status, severity, outcome, clause, disposition, alerts)"
    " SELECT coalesce(max(kind), 0) + 1, :status, :severity, :outcome, :clause, :disposition, 0 FROM facets"
)
COUNT: Final = (
    update(FACETS).where(FACETS.c.kind == bindparam("of_kind")).values(alerts=FACETS.c.alerts + bindparam("by"))
)
ADVANCE: Final = text(
    "INSERT INTO progress (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
