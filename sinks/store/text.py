"""Full-text search, which each database has in its own way: FTS5 in SQLite, tsvector in PostgreSQL.

What is indexed is the act, once: the text of an alert with 1,700 findings would be indexed 1,700 times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol, TypedDict

from sqlalchemy import BigInteger, Column, Connection, TextualSelect, text

from schemas.act import Act, Closed, Noted, OfFinding, Reopened
from sinks.alerts.parties import Party

MATCHES_MAX: Final = 1_000  # the newest acts that a search looks at: nobody reads more, and a page shows fifty
WORDS_MAX: Final = 10  # of a search; more make it no narrower


def words_of(act: Act, fresh: Iterable[Party]) -> str:
    """By which words an act is found: names that are new to its alert, ids, and what people write."""
    body = act.body
    if isinstance(body, OfFinding):
        names = " ".join(party.name for party in fresh)
        record = body.finding.access.record.id if act.version == 1 else ""
        return f"{names} {record} {body.finding.access.event_id} {body.finding.finding_id}"
    if isinstance(body, Noted):
        return body.text
    if isinstance(body, Closed | Reopened):
        return body.why
    return ""


def plain(words: Sequence[str]) -> list[str]:
    """The words of a search without what no text holds, and no more of them than there may be."""
    return ["".join(c if c.isprintable() else " " for c in word) for word in words[:WORDS_MAX]]


class Said(TypedDict):
    """What one act says, and its number."""

    number: int
    words: str


_LEARN_SQLITE: Final = text("INSERT INTO act_text(rowid, words) VALUES (:number, :words)")
_LEARN_POSTGRESQL: Final = text("INSERT INTO act_text(number, words) VALUES (:number, to_tsvector('simple', :words))")


class Text(Protocol):
    """The index of one database."""

    def learn(self, connection: Connection, said: Sequence[Said]) -> None:
        """Adds what acts say."""

    def clear(self, connection: Connection) -> None:
        """Forgets everything."""

    def matching(self, words: Sequence[str]) -> TextualSelect:
        """The numbers of the acts in which each word, or one that begins so, is."""


class SqliteText:
    """FTS5 without a copy of the words; a row has the number of its act.

    It has what begins with one letter, or two, ready: put together when somebody asks, "f" took 80 ms.
    """

    def learn(self, connection: Connection, said: Sequence[Said]) -> None:
        """As Text says."""
        connection.execute(_LEARN_SQLITE, said)

    def clear(self, connection: Connection) -> None:
        """As Text says."""
        connection.execute(text("INSERT INTO act_text(act_text) VALUES ('delete-all')"))

    def matching(self, words: Sequence[str]) -> TextualSelect:
        """As Text says."""
        asked = " ".join('"' + w.replace('"', '""') + '"*' for w in plain(words))
        return _numbers("SELECT rowid AS number FROM act_text WHERE act_text MATCH :asked", asked)


class PostgresText:
    """The words' vector."""

    def learn(self, connection: Connection, said: Sequence[Said]) -> None:
        """As Text says."""
        connection.execute(_LEARN_POSTGRESQL, said)

    def clear(self, connection: Connection) -> None:
        """As Text says."""
        connection.execute(text("DELETE FROM act_text"))

    def matching(self, words: Sequence[str]) -> TextualSelect:
        """As Text says."""
        quoted = ("'" + w.replace("\\", "\\\\").replace("'", "''") + "':*" for w in plain(words))
        return _numbers(
            "SELECT number FROM act_text WHERE words @@ to_tsquery('simple', :asked)",
            " & ".join(quoted),
        )


def _numbers(statement: str, asked: str) -> TextualSelect:
    column: Column[Any] = Column("number", BigInteger)
    return text(statement).bindparams(asked=asked).columns(column)
