"""What is counted about alerts, as the store keeps it: written with each act, read when Prometheus asks.

Reading takes as long with 300,000 alerts as with three: a row for each number, and the first of an index for each wait.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple, cast, get_args

from sqlalchemy import Connection, bindparam, delete, func, select, text

from schemas.act import Act, Obligation
from schemas.alert import Alert
from schemas.finding import Severity
from schemas.metrics import WITHDRAWN
from sinks.alerts.counting import Begun, Key, Measure, Wait, counted, waits
from sinks.alerts.severity import SEVERITIES

from . import unreadable
from .tables import ACTS, CHAIN, FACETS, MEASURES, PROGRESS, WAITS

ADD: Final = text(
    "INSERT INTO measures (measure, label, value) VALUES (:measure, :label, :by)"
    " ON CONFLICT (measure, label) DO UPDATE SET value = measures.value + excluded.value"
)
BEGIN: Final = text(
    "INSERT INTO waits (alert_id, what, severity, since) VALUES (:alert_id, :what, :severity, :since)"
    " ON CONFLICT (alert_id, what) DO UPDATE SET severity = excluded.severity"
)
END: Final = delete(WAITS).where(WAITS.c.alert_id == bindparam("of_alert"), WAITS.c.what == bindparam("of_what"))


class _Place(NamedTuple):
    alert_id: str
    what: Wait


class Counting:
    """What the acts of one transaction add, until `flush` writes it."""

    def __init__(self) -> None:
        self._added: Counter[Key] = Counter()
        self._over: set[_Place] = set()
        self._begun: dict[_Place, Begun] = {}

    def take(self, before: Alert | None, act: Act, after: Alert) -> None:
        """One act, with the alert as it found and left it."""
        for key, by in counted(before, act, after):
            self._added[key] += by
        for change in waits(before, act, after):
            place = _Place(act.alert_id, change.what)
            if isinstance(change, Begun):
                since = min(change.since, self._begun.get(place, change).since)
                self._begun[place] = Begun(change.what, change.severity, since)
            else:
                self._begun.pop(place, None)
                self._over.add(place)

    def flush(self, connection: Connection) -> None:
        """Writes it: what ended before what began."""
        added = [
            {"measure": k.measure, "label": " ".join(k.label), "by": by} for k, by in sorted(self._added.items()) if by
        ]
        over = [{"of_alert": p.alert_id, "of_what": p.what} for p in sorted(self._over)]
        begun = [
            {"alert_id": p.alert_id, "what": p.what, "severity": SEVERITIES.index(b.severity), "since": b.since}
            for p, b in sorted(self._begun.items(), key=lambda item: item[0])
        ]
        for statement, rows in ((ADD, added), (END, over), (BEGIN, begun)):
            if rows:
                connection.execute(statement, rows)
        self.clear()

    def clear(self) -> None:
        """Lets go of it."""
        self._added.clear()
        self._over.clear()
        self._begun.clear()


class Outbox(NamedTuple):
    """How many acts their topic does not have yet, and when the oldest of them was written (UTC ms)."""

    acts: int = 0
    since: int | None = None


class Owed(NamedTuple):
    """How much is owed, and since when (UTC ms) the oldest of it is."""

    number: int
    since: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All of it, as of one moment. `unclosed`: alerts by status and severity; `closed`: by clause and disposition.

    `waiting`: since when the oldest alert of a severity waits for somebody to take it (UTC ms). `unreadable`: findings
    that no console could read yet. `moment`: nothing that is written from now on is earlier (UTC ms).
    """

    numbers: dict[Key, int] = field(default_factory=dict)
    unclosed: dict[tuple[str, ...], int] = field(default_factory=dict)
    closed: dict[tuple[str, ...], int] = field(default_factory=dict)
    waiting: dict[Severity, int] = field(default_factory=dict)
    owed: dict[Obligation, Owed] = field(default_factory=dict)
    outbox: Outbox = field(default_factory=Outbox)
    unreadable: int = 0
    moment: int = 0


def measured(connection: Connection, mirrored: str) -> Measured:
    """Reads it. `mirrored`: under which name the store keeps how far the outbox has come."""
    rows = connection.execute(select(MEASURES))
    return Measured(
        {Key(cast(Measure, row.measure), tuple(row.label.split())): row.value for row in rows},
        _unclosed(connection),
        _closed(connection),
        _waiting(connection),
        _owed(connection),
        _outbox(connection, mirrored),
        unreadable.count(connection),
        connection.execute(select(CHAIN.c.at)).scalar_one(),
    )


def _unclosed(connection: Connection) -> dict[tuple[str, ...], int]:
    columns = (FACETS.c.status, FACETS.c.severity)
    wanted = select(*columns, func.sum(FACETS.c.alerts)).where(FACETS.c.status != "closed").group_by(*columns)
    return {(status, SEVERITIES[rank]): int(count) for status, rank, count in connection.execute(wanted)}


def _closed(connection: Connection) -> dict[tuple[str, ...], int]:
    columns = (FACETS.c.clause, FACETS.c.disposition)
    wanted = select(*columns, func.sum(FACETS.c.alerts)).where(FACETS.c.status == "closed").group_by(*columns)
    return {(clause, disposition or WITHDRAWN): int(count) for clause, disposition, count in connection.execute(wanted)}


def _waiting(connection: Connection) -> dict[Severity, int]:
    """One look at the index for each severity: grouped, each database would walk through all that wait."""
    found: dict[Severity, int] = {}
    for rank, severity in enumerate(SEVERITIES):
        wanted = select(func.min(WAITS.c.since)).where(WAITS.c.what == "taking", WAITS.c.severity == rank)
        if (since := connection.execute(wanted).scalar()) is not None:
            found[severity] = since
    return found


def _owed(connection: Connection) -> dict[Obligation, Owed]:
    """Counted: there are as many as people have confirmed and not recorded."""
    wanted = (
        select(WAITS.c.what, func.count(), func.min(WAITS.c.since))
        .where(WAITS.c.what.in_(get_args(Obligation)))
        .group_by(WAITS.c.what)
    )
    return {cast(Obligation, what): Owed(count, since) for what, count, since in connection.execute(wanted)}


def _outbox(connection: Connection, mirrored: str) -> Outbox:
    done = connection.execute(select(PROGRESS.c.value).where(PROGRESS.c.name == mirrored)).scalar() or 0
    newest = connection.execute(select(CHAIN.c.number)).scalar_one()
    since = connection.execute(select(ACTS.c.at).where(ACTS.c.number > done).order_by(ACTS.c.number).limit(1)).scalar()
    return Outbox(max(0, newest - done), since)
