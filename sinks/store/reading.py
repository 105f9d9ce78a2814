"""What people ask the store: lists with filters and counts, text, one alert with its history. Reads only."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sqlalchemy import Connection, ScalarSelect, select

from schemas.act import Act
from schemas.alert import Alert
from schemas.codec import decode
from sinks.alerts.chain import Head, Kept
from sinks.alerts.parties import Party
from sinks.alerts.severity import SEVERITIES

from .keeping import documents, kept_acts
from .listing import KINDS, Filter, Kind, counted, hidden_kinds, in_order, listed, visible
from .measuring import Measured, measured
from .statements import PIECE
from .tables import ACTS, ALERTS, CHAIN, FINDINGS, PARTIES, PROGRESS
from .text import Text
from .unreadable import Unreadable, kept

__all__ = ["PAGE_MAX", "Facets", "Filter", "SqlReading"]

PAGE_MAX: Final = 200  # alerts in one answer: some 400 KB


@dataclass(slots=True)
class Facets:
    """How many alerts there are, of those that exist for whoever asks, by each thing that can be chosen.

    `mine`: held by whoever asks; `owed`: with an obligation that nobody has recorded. `kinds`: what all but these two
    are made of, and how many there are of each, so that one choice can be counted within others.
    """

    total: int = 0
    mine: int = 0
    owed: int = 0
    status: dict[str, int] = field(default_factory=dict)
    severity: dict[str, int] = field(default_factory=dict)
    outcome: dict[str, int] = field(default_factory=dict)
    clause: dict[str, int] = field(default_factory=dict)
    kinds: list[tuple[Kind, int]] = field(default_factory=list)

    def add(self, kind: Kind, count: int) -> None:
        """So many more of a kind; of what there is none of, nothing is said."""
        if count:
            self.total += count
            self.kinds.append((kind, count))
            self.status[kind.status] = self.status.get(kind.status, 0) + count
            severity = SEVERITIES[kind.severity]
            self.severity[severity] = self.severity.get(severity, 0) + count
            self.outcome[kind.outcome] = self.outcome.get(kind.outcome, 0) + count
            self.clause[kind.clause] = self.clause.get(kind.clause, 0) + count


class SqlReading:
    """A transaction that reads."""

    def __init__(self, connection: Connection, text: Text) -> None:
        self._connection = connection
        self._text = text
        self._counted: list[Kind] | None = None

    def head(self) -> Head:
        """The newest act of all."""
        row = self._connection.execute(select(CHAIN.c.number, CHAIN.c.digest)).one()
        return Head(row.number, row.digest)

    def alert(self, alert_id: str, hidden: frozenset[Party] = frozenset()) -> Alert | None:
        """The alert of this id; None when it does not exist for whoever asks."""
        wanted = select(ALERTS.c.document).where(ALERTS.c.alert_id == alert_id, *visible(hidden))
        raw = self._connection.execute(wanted).scalar_one_or_none()
        return None if raw is None else decode(Alert, raw)

    def parties(self, alert_id: str) -> frozenset[Party]:
        """Whom an alert is about."""
        rows = self._connection.execute(
            select(PARTIES.c.relation, PARTIES.c.name).where(PARTIES.c.alert == _number_of(alert_id))
        )
        return frozenset(Party(row.relation, row.name) for row in rows)

    def alerts(self, wanted: Filter, count: int) -> list[Alert]:
        """The alerts that are wanted, in their order; of one moment by their ids."""
        ids, most = list[int](), min(count, PAGE_MAX)
        for part in in_order(wanted):
            if len(ids) < most:
                ids += self._listed(part, most - len(ids))
        if not ids:
            return []
        rows = self._connection.execute(select(ALERTS.c.id, ALERTS.c.document).where(ALERTS.c.id.in_(ids)))
        found = {row.id: row.document for row in rows}
        return [decode(Alert, found[number]) for number in ids]

    def named(self, words: Sequence[str], alert_ids: Sequence[str]) -> frozenset[str]:
        """Those of these alerts in which any of the words is an id: whoever typed it has searched for somebody."""
        matching = self._text.naming(words).subquery()
        number = ACTS.c.number + 0  # few alerts are asked of and many acts may match: not by the acts' own index
        found = (
            select(ALERTS.c.alert_id)
            .join(ACTS, ACTS.c.alert == ALERTS.c.id)
            .where(ALERTS.c.alert_id.in_(alert_ids), number.in_(select(matching.c.number)))
            .distinct()
        )
        return frozenset(self._connection.execute(found).scalars())

    def facets(self, hidden: frozenset[Party] = frozenset()) -> Facets:
        """Counts of everything that exists for whoever asks: of all, less what is kept from them."""
        less = Counter[int]()
        for row in self._connection.execute(hidden_kinds(hidden)).all() if hidden else ():
            less[row.kind] += row.alerts
        found = Facets()
        for kind in self._kinds():
            found.add(kind, kind.alerts - less[kind.kind])
        return found

    def history(self, alert_id: str, *, after: int = 0, count: int = PIECE) -> list[Act]:
        """The acts of an alert from the version after `after` on, in order."""
        found = self._connection.execute(
            select(ACTS.c.document)
            .where(ACTS.c.alert == _number_of(alert_id), ACTS.c.version > after)
            .order_by(ACTS.c.version)
            .limit(min(count, PIECE))
        )
        return [decode(Act, raw) for raw in found.scalars()]

    def taken_before(self, act: Act) -> Act | None:
        """The act by which somebody took this alert last before another act of it; None: nobody had."""
        found = self._connection.execute(
            select(ACTS.c.document)
            .where(ACTS.c.alert == _number_of(act.alert_id), ACTS.c.version < act.version, ACTS.c.staff.is_not(None))
            .order_by(ACTS.c.version.desc())
        )
        people = (decode(Act, raw) for raw in found.scalars())
        return next((one for one in people if one.body.kind == "acknowledged"), None)

    def findings(self, alert_id: str, *, before: int | None = None, count: int = 50) -> list[Act]:
        """The acts that carry the findings of an alert as they stand, the newest first, of versions below `before`."""
        found = (
            select(ACTS.c.document)
            .join(FINDINGS, FINDINGS.c.number == ACTS.c.number)
            .where(FINDINGS.c.alert_id == alert_id)
            .order_by(FINDINGS.c.number.desc())
            .limit(min(count, PAGE_MAX))
        )
        if before is not None:
            found = found.where(ACTS.c.version < before)
        return [decode(Act, raw) for raw in self._connection.execute(found).scalars()]

    def acts(self, after: int = 0, count: int = PIECE) -> list[Act]:
        """Acts of all alerts with numbers above `after`, in order."""
        found = self._connection.execute(
            select(ACTS.c.document).where(ACTS.c.number > after).order_by(ACTS.c.number).limit(count)
        )
        return [decode(Act, raw) for raw in found.scalars()]

    def kept(self, after: int = 0, count: int = PIECE) -> list[Kept]:
        """The same with their columns. Raises RejectedInputError, or TypeError, when one is no act any more."""
        return kept_acts(self._connection, after, count)

    def documents(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """The acts of these numbers as they are spelled; of some thousands at once."""
        return documents(self._connection, numbers)

    def moment(self) -> int:
        """Nothing that is written from now on is earlier (UTC ms); what is written last may be."""
        return int(self._connection.execute(select(CHAIN.c.at)).scalar_one())

    def measured(self, mirrored: str) -> Measured:
        """What is counted about alerts; `mirrored`: under which name it is kept how far the outbox has come."""
        return measured(self._connection, mirrored)

    def progress(self, name: str) -> int | None:
        """How far something has come; None: nobody has begun."""
        return self._connection.execute(select(PROGRESS.c.value).where(PROGRESS.c.name == name)).scalar_one_or_none()

    def unreadable(self, after: int, most: int) -> list[Unreadable]:
        """Findings that could not be read, by number."""
        return kept(self._connection, after, most)

    def count(self, wanted: Filter) -> int:
        """How many there are of one holder, or owed: few, and read from their index."""
        return self._connection.execute(counted(wanted)).scalar_one()

    def _kinds(self) -> list[Kind]:
        if self._counted is None:
            self._counted = [Kind(*row) for row in self._connection.execute(KINDS).all()]
        return self._counted

    def _listed(self, wanted: Filter, count: int) -> list[int]:
        """The numbers of the alerts on a page: the first of the lists that it is made of."""
        lists = listed(wanted, self._kinds(), self._text, count)
        found = (self._connection.execute(one).all() for one in lists)
        ordered = heapq.merge(*found, key=lambda row: (row.last_at, row.alert_id), reverse=True)
        return [row.id for row in islice(ordered, count)]


def _number_of(alert_id: str) -> ScalarSelect[int]:
    return select(ALERTS.c.id).where(ALERTS.c.alert_id == alert_id).scalar_subquery()
