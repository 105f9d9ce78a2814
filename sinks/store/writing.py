"""One transaction on the store, as `sinks.alerts.writing` needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, delete

from schemas.act import Act, OfFinding
from schemas.alert import Alert
from schemas.codec import decode, encode
from sinks.alerts.chain import Head
from sinks.alerts.folding import is_here
from sinks.alerts.grouping import Group, group_of_alert
from sinks.alerts.parties import Party, parties
from sinks.alerts.receiving import Known
from sinks.alerts.severity import SEVERITIES

from . import statements as say
from .measuring import Counting
from .tables import PROJECTED
from .text import Text, words_of

Kind = tuple[str, int, str, str]
"""Status, severity, outcome and clause: what alerts are counted by."""


class SqlWriting:
    """A transaction that writes: it holds the head of the chain, so there is one at a time.

    What it has read or written it remembers until it ends; the head and the counts are written by `flush`.
    """

    def __init__(self, connection: Connection, text: Text) -> None:
        self._connection = connection
        self._text = text
        row = connection.execute(say.HEAD).one()
        self._head = Head(row.number, row.digest)
        self._at = int(row.at)
        self._alerts: dict[str, Alert | None] = {}
        self._findings: dict[str, tuple[str, OfFinding] | None] = {}
        self._counts: Counter[Kind] = Counter()
        self._counting = Counting()

    def head(self) -> Head:
        """The newest act of all."""
        return self._head

    def moment(self, now: int) -> int:
        """When what is written now happens: at `now` (UTC ms), but never before what was, whoever has a slow clock."""
        self._at = max(self._at, now)
        return self._at

    def alert(self, alert_id: str) -> Alert | None:
        """The alert of this id."""
        if alert_id not in self._alerts:
            row = self._connection.execute(say.ALERT, {"alert_id": alert_id}).one_or_none()
            self._alerts[alert_id] = None if row is None else decode(Alert, row.document)
        return self._alerts[alert_id]

    def open_alert(self, group: Group) -> Alert | None:
        """The alert of this group that is not closed; of several the newest by `opened_at`, then id."""
        names = {"who": group.who, "record": group.record, "clause": group.clause}
        raw = self._connection.execute(say.OPEN_ALERT, names).scalar_one_or_none()
        return None if raw is None else decode(Alert, raw)

    def known(self, finding_id: str) -> Known | None:
        """Where a finding is."""
        if finding_id not in self._findings:
            row = self._connection.execute(say.FINDING, {"finding_id": finding_id}).one_or_none()
            self._findings[finding_id] = None if row is None else (row.alert_id, _finding_in(row.document))
        if (found := self._findings[finding_id]) is None:
            return None
        alert = self.alert(found[0])
        assert alert is not None
        return Known(alert, found[1])

    def by_key(self, staff: str, key: str) -> Act | None:
        """The act that this person's command with this key has become."""
        raw = self._connection.execute(say.ACT_BY_KEY, {"staff": staff, "key": key}).scalar_one_or_none()
        return None if raw is None else decode(Act, raw)

    def append(self, act: Act, head: Head) -> None:
        """Keep an act for ever."""
        row = {
            "number": act.number,
            "alert_id": act.alert_id,
            "version": act.version,
            "at": act.at,
            "staff": act.by.staff if act.by else None,
            "key": act.key,
            "document": encode(act),
        }
        self._connection.execute(say.ADD_ACT, row)
        self._head = head
        self._at = max(self._at, act.at)

    def put(self, act: Act, alert: Alert) -> None:
        """Make the alert, and the finding that the act is about, what the act has made of them."""
        before, row = self.alert(alert.alert_id), _row(alert)
        if before is None:
            self._connection.execute(say.ADD_ALERT, {"id": act.number, **row})
        else:
            self._connection.execute(say.CHANGE_ALERT, {"of_alert": row.pop("alert_id"), **row})
            self._counts[_kind(before)] -= 1
        self._counts[_kind(alert)] += 1
        self._counting.take(before, act, alert)
        self._alerts[alert.alert_id] = alert
        fresh = self._place(act, act.body) if isinstance(act.body, OfFinding) else []
        if words := words_of(act, fresh):
            self._text.learn(self._connection, act.number, words)

    def progress(self, name: str) -> int | None:
        """How far something has come; None: nobody has begun."""
        return self._connection.execute(say.PROGRESS_OF, {"name": name}).scalar_one_or_none()

    def advance(self, name: str, value: int) -> None:
        """Say how far something has come, in the same step as what came of it."""
        self._connection.execute(say.ADVANCE, {"name": name, "value": value})

    def clear_projection(self) -> None:
        """Forget everything that can be made anew from the acts."""
        for table in PROJECTED:
            self._connection.execute(delete(table))
        self._text.clear(self._connection)
        self._counting.clear()
        self.forget()
        self._counts.clear()

    def all_acts(self) -> Iterator[Act]:
        """Every act there is, in order, a piece at a time."""
        after = 0
        while piece := self._connection.execute(say.ACTS_AFTER, {"after": after}).scalars().all():
            acts = [decode(Act, raw) for raw in piece]
            yield from acts
            after = acts[-1].number

    def forget(self) -> None:
        """Lets go of what it remembers, where a transaction is long."""
        self._counting.flush(self._connection)
        self._alerts.clear()
        self._findings.clear()

    def flush(self) -> None:
        """Writes what was put off; the store calls it at the end."""
        self._connection.execute(say.MOVE_HEAD, self._head_row())
        self._counting.flush(self._connection)
        rows = [
            {"status": status, "severity": rank, "outcome": outcome, "clause": clause, "by": by}
            for (status, rank, outcome, clause), by in sorted(self._counts.items())
            if by
        ]
        if rows:
            self._connection.execute(say.COUNT, rows)
            self._connection.execute(say.FORGET_ZEROES)
        self._counts.clear()

    def _head_row(self) -> dict[str, Any]:
        return {"to_number": self._head.number, "to_digest": self._head.digest, "to_at": self._at}

    def _place(self, act: Act, body: OfFinding) -> list[Party]:
        """Says where the finding is, and whom the alert is about; returns those who are new to it."""
        known: set[Party] = set()
        if act.version > 1:
            rows = self._connection.execute(say.PARTIES_OF, {"alert_id": act.alert_id})
            known = {Party(row.relation, row.name) for row in rows}
        fresh = sorted(parties(body.finding) - known)
        if fresh:
            self._connection.execute(say.ADD_PARTIES, [{**p._asdict(), "alert_id": act.alert_id} for p in fresh])
        if is_here(body):
            name = body.finding.finding_id
            where = {"finding_id": name, "alert_id": act.alert_id, "number": act.number}
            self._connection.execute(say.PLACE_FINDING, where)
            self._findings[name] = (act.alert_id, body)
        return fresh


def _finding_in(raw: bytes) -> OfFinding:
    body = decode(Act, raw).body
    assert isinstance(body, OfFinding)
    return body


def _kind(alert: Alert) -> Kind:
    return alert.status, SEVERITIES.index(alert.severity), alert.outcome, alert.clause


def _row(alert: Alert) -> dict[str, Any]:
    group = group_of_alert(alert)
    return {
        "alert_id": alert.alert_id,
        "status": alert.status,
        "severity": SEVERITIES.index(alert.severity),
        "outcome": alert.outcome,
        "clause": alert.clause,
        "disposition": alert.disposition,
        "holder": alert.holder,
        "owed": sum(o.reference is None for o in alert.owed),
        "opened_at": alert.opened_at,
        "acknowledged_at": alert.acknowledged_at,
        "closed_at": alert.closed_at,
        "last_at": alert.last_at,
        "group_who": group.who,
        "group_record": group.record,
        "document": encode(alert),
    }
