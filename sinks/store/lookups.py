"""Searches for somebody at the console, kept until the service has been told of them; after that only how many."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from sqlalchemy import delete, insert, select

from .statements import ADVANCE, HEAD, PROGRESS_OF
from .store import Store
from .tables import LOOKUPS

NUMBERED: Final = "lookups"
"""Under which name the store keeps the number of the newest there ever was."""


class Lookup(NamedTuple):
    """One search: its number, and the access it is, as the contract spells it."""

    number: int
    document: bytes


def add(store: Store, now: int, make: Callable[[int], Iterable[bytes]]) -> None:
    """Keeps a search, all of its accesses or none; `make` spells them for when it was, by the clock that acts have.

    It is on the disk when this returns. Raises ClockWrongError: what is dated before it was would be judged by what
    held then.
    """
    with store.changing() as connection:
        at = store.clock.moment(now, int(connection.execute(HEAD).one().at))
        before = connection.execute(PROGRESS_OF, {"name": NUMBERED}).scalar() or 0
        rows = [{"number": before + n, "document": document} for n, document in enumerate(make(at), 1)]
        connection.execute(insert(LOOKUPS), rows)
        connection.execute(ADVANCE, {"name": NUMBERED, "value": before + len(rows)})


def waiting(store: Store, count: int) -> list[Lookup]:
    """Those that the service has not been told of, the oldest first."""
    with store.looking() as connection:
        rows = connection.execute(select(LOOKUPS).order_by(LOOKUPS.c.number).limit(count))
        return [Lookup(row.number, row.document) for row in rows]


def told(store: Store, number: int) -> None:
    """The service has been told of all through this number."""
    with store.changing() as connection:
        connection.execute(delete(LOOKUPS).where(LOOKUPS.c.number <= number))
