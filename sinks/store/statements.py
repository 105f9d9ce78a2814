"""The statements of a transaction that writes, put together once: that takes longer than to execute them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, insert, select, text, update

from .tables import ACTS, ALERTS, CHAIN, FACETS, FINDINGS, PARTIES, PROGRESS

PIECE: Final = 1_000  # acts read at once where all are read

HEAD: Final = select(CHAIN.c.number, CHAIN.c.digest, CHAIN.c.at).with_for_update()
MOVE_HEAD: Final = update(CHAIN).values({c: bindparam(f"to_{c}") for c in ("number", "digest", "at")})

ALERT: Final = select(ALERTS.c.document, ALERTS.c.status, ALERTS.c.severity, ALERTS.c.outcome, ALERTS.c.clause).where(
    ALERTS.c.alert_id == bindparam("alert_id")
)
OPEN_ALERT: Final = (
    select(ALERTS.c.document)
    .where(
        ALERTS.c.group_who == bindparam("who"),
        ALERTS.c.group_record == bindparam("record"),
        ALERTS.c.clause == bindparam("clause"),
        ALERTS.c.status != "closed",
    )
    .order_by(ALERTS.c.opened_at.desc(), ALERTS.c.alert_id.desc())
    .limit(1)
)
FINDING: Final = (
    select(ACTS.c.document, FINDINGS.c.alert_id)
    .join(FINDINGS, FINDINGS.c.number == ACTS.c.number)
    .where(FINDINGS.c.finding_id == bindparam("finding_id"))
)
ACT_BY_KEY: Final = select(ACTS.c.document).where(ACTS.c.staff == bindparam("staff"), ACTS.c.key == bindparam("key"))
ACTS_AFTER: Final = (
    select(ACTS.c.document).where(ACTS.c.number > bindparam("after")).order_by(ACTS.c.number).limit(PIECE)
)
PARTIES_OF: Final = select(PARTIES.c.relation, PARTIES.c.name).where(PARTIES.c.alert_id == bindparam("alert_id"))
PROGRESS_OF: Final = select(PROGRESS.c.value).where(PROGRESS.c.name == bindparam("name"))

ADD_ACT: Final = insert(ACTS)
ADD_ALERT: Final = insert(ALERTS)
CHANGE_ALERT: Final = (
    update(ALERTS)
    .where(ALERTS.c.alert_id == bindparam("of_alert"))
    .values({c.name: bindparam(c.name) for c in ALERTS.c if c.name not in {"id", "alert_id"}})
)
ADD_PARTIES: Final = insert(PARTIES)
# Both databases spell this alike, and SQLAlchemy's own spelling of it is another for each.
PLACE_FINDING: Final = text(
    "INSERT INTO findings (finding_id, alert_id, number) VALUES (:finding_id, :alert_id, :number)"
    " ON CONFLICT (finding_id) DO UPDATE SET alert_id = excluded.alert_id, number = excluded.number"
)
COUNT: Final = text(
    "INSERT INTO facets (status, severity, outcome, clause, alerts) VALUES (:status, :severity, :outcome, :clause, :by)"
    " ON CONFLICT (status, severity, outcome, clause) DO UPDATE SET alerts = facets.alerts + excluded.alerts"
)
FORGET_ZEROES: Final = delete(FACETS).where(FACETS.c.alerts == 0)
ADVANCE: Final = text(
    "INSERT INTO progress (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
