"""What people ask the store: lists with filters and counts, text, one alert with its history. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, tuple_

from schemas.act import Act, Disposition
from schemas.alert import Alert, Status
from schemas.codec import decode
from schemas.finding import Outcome, Severity
from sinks.alerts.chain import Head
from sinks.alerts.parties import Party
from sinks.alerts.severity import SEVERITIES

from .measuring import Measured, measured
from .statements import PIECE
from .tables import ACTS, ALERTS, CHAIN, FACETS, PARTIES, PROGRESS
from .text import MATCHES_MAX, Text

PAGE_MAX: Final = 200  # alerts in one answer: some 400 KB


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which alerts are wanted: of each list any, of all lists one; an empty one asks nothing.

    `hidden`: the parties whose alerts do not exist for whoever asks. `after`: `last_at` and id of the alert with which
    the page before has ended. `words`: texts that all must be found in one act of it.
    """

    hidden: frozenset[Party] = frozenset()
    status: tuple[Status, ...] = ()
    severity: tuple[Severity, ...] = ()
    outcome: tuple[Outcome, ...] = ()
    clause: tuple[str, ...] = ()
    disposition: tuple[Disposition, ...] = ()
    holder: str | None = None
    is_owed: bool = False
    words: tuple[str, ...] = ()
    after: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Facets:
    """How many alerts there are, of those that exist for whoever asks, by each thing that can be chosen."""

    total: int = 0
    status: dict[str, int] = field(default_factory=dict)
    severity: dict[str, int] = field(default_factory=dict)
    outcome: dict[str, int] = field(default_factory=dict)
    clause: dict[str, int] = field(default_factory=dict)


class SqlReading:
    """A transaction that reads."""

    def __init__(self, connection: Connection, text: Text) -> None:
        self._connection = connection
        self._text = text

    def head(self) -> Head:
        """The newest act of all."""
        row = self._connection.execute(select(CHAIN.c.number, CHAIN.c.digest)).one()
        return Head(row.number, row.digest)

    def alert(self, alert_id: str, hidden: frozenset[Party] = frozenset()) -> Alert | None:
        """The alert of this id; None when it does not exist for whoever asks."""
        wanted = select(ALERTS.c.document).where(ALERTS.c.alert_id == alert_id, *_visible(hidden))
        raw = self._connection.execute(wanted).scalar_one_or_none()
        return None if raw is None else decode(Alert, raw)

    def parties(self, alert_id: str) -> frozenset[Party]:
        """Whom an alert is about."""
        rows = self._connection.execute(
            select(PARTIES.c.relation, PARTIES.c.name).where(PARTIES.c.alert_id == alert_id)
        )
        return frozenset(Party(row.relation, row.name) for row in rows)

    def alerts(self, wanted: Filter, count: int) -> list[Alert]:
        """The alerts that are wanted, those changed last first; of one moment by their ids."""
        found = self._connection.execute(
            select(ALERTS.c.document)
            .where(*self._conditions(wanted))
            .order_by(ALERTS.c.last_at.desc(), ALERTS.c.alert_id.desc())
            .limit(min(count, PAGE_MAX))
        )
        return [decode(Alert, raw) for raw in found.scalars()]

    def facets(self, hidden: frozenset[Party] = frozenset()) -> Facets:
        """Counts of everything that exists for whoever asks: of all, less what is kept from them."""
        kinds = [FACETS.c.status, FACETS.c.severity, FACETS.c.outcome, FACETS.c.clause]
        rows = [(row, row.alerts) for row in self._connection.execute(select(*kinds, FACETS.c.alerts))]
        if hidden:
            columns = [ALERTS.c.status, ALERTS.c.severity, ALERTS.c.outcome, ALERTS.c.clause]
            kept = (
                select(*columns, func.count().label("alerts"))
                .where(ALERTS.c.alert_id.in_(_about(hidden)))
                .group_by(*columns)
            )
            rows += [(row, -row.alerts) for row in self._connection.execute(kept)]
        found = Facets(total=sum(count for _, count in rows))
        for row, count in rows:
            for counts, name in (
                (found.status, row.status),
                (found.severity, SEVERITIES[row.severity]),
                (found.outcome, row.outcome),
                (found.clause, row.clause),
            ):
                counts[name] = counts.get(name, 0) + count
        for counts in (found.status, found.severity, found.outcome, found.clause):
            for name in [name for name, count in counts.items() if not count]:
                del counts[name]
        return found

    def history(self, alert_id: str, *, after: int = 0, count: int = PIECE) -> list[Act]:
        """The acts of an alert from the version after `after` on, in order."""
        found = self._connection.execute(
            select(ACTS.c.document)
            .where(ACTS.c.alert_id == alert_id, ACTS.c.version > after)
            .order_by(ACTS.c.version)
            .limit(count)
        )
        return [decode(Act, raw) for raw in found.scalars()]

    def acts(self, after: int = 0, count: int = PIECE) -> list[Act]:
        """Acts of all alerts with numbers above `after`, in order."""
        found = self._connection.execute(
            select(ACTS.c.document).where(ACTS.c.number > after).order_by(ACTS.c.number).limit(count)
        )
        return [decode(Act, raw) for raw in found.scalars()]

    def measured(self, mirrored: str) -> Measured:
        """What is counted about alerts; `mirrored`: under which name it is kept how far the outbox has come."""
        return measured(self._connection, mirrored)

    def progress(self, name: str) -> int | None:
        """How far something has come; None: nobody has begun."""
        return self._connection.execute(select(PROGRESS.c.value).where(PROGRESS.c.name == name)).scalar_one_or_none()

    def _conditions(self, wanted: Filter) -> list[ColumnElement[bool]]:
        ranks = [SEVERITIES.index(s) for s in wanted.severity]
        lists: tuple[tuple[Any, Sequence[Any]], ...] = (
            (ALERTS.c.status, wanted.status),
            (ALERTS.c.severity, ranks),
            (ALERTS.c.outcome, wanted.outcome),
            (ALERTS.c.clause, wanted.clause),
            (ALERTS.c.disposition, wanted.disposition),
        )
        conditions = [column.in_(values) for column, values in lists if values]
        if wanted.holder is not None:
            conditions.append(ALERTS.c.holder == wanted.holder)
        if wanted.is_owed:
            conditions.append(ALERTS.c.owed > 0)
        if wanted.words:
            conditions.append(ALERTS.c.alert_id.in_(self._with_words(wanted.words, wanted.hidden)))
        if wanted.after is not None:
            conditions.append(tuple_(ALERTS.c.last_at, ALERTS.c.alert_id) < tuple_(*wanted.after))
        return [*conditions, *_visible(wanted.hidden)]

    def _with_words(self, words: Sequence[str], hidden: frozenset[Party]) -> Select[Any]:
        """The alerts of the newest acts with these words. What is hidden takes no room among them, or it would show."""
        matching = self._text.matching(words).subquery()
        kept = [ACTS.c.alert_id.not_in(_about(hidden))] if hidden else []
        return (
            select(ACTS.c.alert_id)
            .join(matching, matching.c.number == ACTS.c.number)
            .where(*kept)
            .order_by(matching.c.number.desc())
            .limit(MATCHES_MAX)
        )


def _visible(hidden: frozenset[Party]) -> list[ColumnElement[bool]]:
    return [ALERTS.c.alert_id.not_in(_about(hidden))] if hidden else []


def _about(hidden: frozenset[Party]) -> Select[Any]:
    """The ids of the alerts about any of these."""
    names = or_(*(and_(PARTIES.c.relation == p.relation, PARTIES.c.name == p.name) for p in sorted(hidden)))
    return select(PARTIES.c.alert_id).where(names)
