"""Which findings tell of one access, as a transaction that writes sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from schemas.access import Access
from schemas.finding import Finding
from sinks.alerts.grouping import Group
from sinks.alerts.telling import NOTHING, Telling, access_key

from .statements import ACCESSES_OF, BESIDE, TOLD_BEFORE


class Tellings:
    """Rows that were put off are written, by `write`, before it is asked for the findings of their access."""

    def __init__(self, connection: Connection, write: Callable[[], None]) -> None:
        self._connection, self._write = connection, write
        self._unwritten: set[str] = set()
        self._alone: set[str] = set()  # no finding is of these

    def expect(self, accesses: Iterable[Access]) -> None:
        """Looks up at once of which of these there is nothing; of those no more is asked."""
        keys = set(map(access_key, accesses)) - self._unwritten
        there = self._connection.execute(ACCESSES_OF, {"accesses": sorted(keys)}).scalars()
        self._alone |= keys.difference(there)

    def placed(self, access: Access) -> str:
        """A row of a finding of this access is put off; by which key that says so."""
        key = access_key(access)
        self._unwritten.add(key)
        self._alone.discard(key)
        return key

    def written(self) -> None:
        """Every row is."""
        self._unwritten.clear()

    def forget(self) -> None:
        """Lets go of what it remembers."""
        self._alone.clear()

    def told_before(self, group: Group, access: Access) -> str | None:
        """The finding of this access in a closed alert of this group that weighs most."""
        if (key := self._asked(access)) is None:
            return None
        return self._connection.execute(TOLD_BEFORE, {**group._asdict(), "access": key}).scalar_one_or_none()

    def beside(self, alert_id: str, finding: Finding) -> Telling:
        """What weighs most of an alert's other findings of the same access; NOTHING: there is none that stands."""
        if (key := self._asked(finding.access)) is None:
            return NOTHING
        names = {"access": key, "alert_id": alert_id, "finding_id": finding.finding_id}
        return Telling(self._connection.execute(BESIDE, names).scalar_one_or_none() or NOTHING)

    def _asked(self, access: Access) -> str | None:
        """The key to ask by; None: no finding is of it."""
        key = access_key(access)
        if key in self._unwritten:
            self._write()
        return None if key in self._alone else key
