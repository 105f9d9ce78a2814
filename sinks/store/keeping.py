"""Acts with the columns beside them, by which the store finds them: for whoever checks that both say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, select

from schemas.act import Act
from schemas.codec import decode, largest_of, read_json
from sinks.alerts.chain import Kept

from .statements import PIECE
from .tables import ACTS


def kept_acts(connection: Connection, after: int = 0, count: int = PIECE) -> list[Kept]:
    """Acts in the order of their column `number`, above `after`.

    Raises RejectedInputError, or TypeError, when one is no act any more: SQLite lets anything stand in a column.
    """
    rows = connection.execute(select(ACTS).where(ACTS.c.number > after).order_by(ACTS.c.number).limit(count)).all()
    raised = _raised(connection, {row.alert for row in rows})
    return [
        Kept(
            act=decode(Act, row.document),
            number=row.number,
            raised=raised.get(row.alert),
            version=row.version,
            at=row.at,
            staff=row.staff,
            key=row.key,
        )
        for row in rows
    ]


def all_kept(connection: Connection) -> Iterator[list[Kept]]:
    """Every act there is, in pieces."""
    after = 0
    while piece := kept_acts(connection, after):
        yield piece
        after = piece[-1].number


def documents(connection: Connection, numbers: Iterable[int]) -> dict[int, bytes]:
    """Acts as they are spelled, by number; at most some thousands at once."""
    wanted = select(ACTS.c.number, ACTS.c.document).where(ACTS.c.number.in_(list(numbers)))
    return {row.number: row.document for row in connection.execute(wanted)}


def _raised(connection: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Which alert each of these acts has raised. By the acts alone: `alerts` is only what was made of them."""
    read = {number: read_json(raw, largest_of(Act)) for number, raw in documents(connection, numbers).items()}
    return {number: document.get("alert_id") for number, document in read.items() if document.get("version") == 1}
