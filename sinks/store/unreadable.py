"""Findings that could not be read when a console came upon them, kept until one can: what they are, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from .engine import StoreNotReadyError
from .statements import ADVANCE, PROGRESS_OF
from .tables import UNREADABLE

NUMBERED: Final = "unreadable"
"""Under which name the store keeps the number of the newest there ever was."""
KEPT_MAX: Final = 100_000  # 300 MB of findings as they are: weeks of a department whose consoles are old


class Unreadable(NamedTuple):
    """One of them: its number, where its message lies (topic/partition/offset), and what that says."""

    number: int
    place: str
    document: bytes


def keep(connection: Connection, found: Sequence[tuple[str, bytes]]) -> None:
    """Keeps them, each with its place. Raises StoreNotReadyError when there are so many that reading must stop."""
    if not found:
        return
    if count(connection) + len(found) > KEPT_MAX:
        raise StoreNotReadyError(f"more than {KEPT_MAX} findings cannot be read by this version: nothing more is read")
    newest = connection.execute(PROGRESS_OF, {"name": NUMBERED}).scalar() or 0
    rows = [Unreadable(number, *one)._asdict() for number, one in enumerate(found, start=newest + 1)]
    connection.execute(ADVANCE, {"name": NUMBERED, "value": newest + len(rows)})
    connection.execute(insert(UNREADABLE), rows)


def kept(connection: Connection, after: int, most: int) -> list[Unreadable]:
    """Those with a number above `after`, the oldest first, at most so many."""
    wanted = select(UNREADABLE).where(UNREADABLE.c.number > after).order_by(UNREADABLE.c.number).limit(most)
    return [Unreadable(*row) for row in connection.execute(wanted)]


def let_go(connection: Connection, number: int) -> bool:
    """It could be read; whether it was still there."""
    return bool(connection.execute(delete(UNREADABLE).where(UNREADABLE.c.number == number)).rowcount)


def count(connection: Connection) -> int:
    """How many there are."""
    return connection.execute(select(func.count()).select_from(UNREADABLE)).scalar_one()
