"""Full-text search, which each database has in its own way: FTS5 in SQLite, tsvector in PostgreSQL.

What is indexed is the act, once: the text of an alert with 1,700 findings would be indexed 1,700 times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypedDict

from sqlalchemy import BigInteger, Column, Connection, TextualSelect, text

from schemas.act import Act, Closed, Noted, OfFinding, Reopened
from sinks.alerts.parties import Party

MATCHES_MAX: Final = 1_000  # the newest acts that a search looks at: nobody reads more, and a page shows fifty
WORDS_MAX: Final = 10  # of a search; more make it no narrower


class Told(NamedTuple):
    """By what an act is found: `words`, also by how one begins, and `ids`, by all of one only."""

    words: str
    ids: frozenset[str]


def told_by(act: Act, fresh: Iterable[Party]) -> Told:
    """By what an act is found: names that are new to its alert, and ids; what people write.

    Whose record it is is masked on every page, so ids must not be found letter by letter: each is one token that says
    nothing of how it begins (`token`).
    """
    body = act.body
    if isinstance(body, OfFinding):
        names = {party.name.rpartition(" ")[2] for party in fresh}
        record = {body.finding.access.record.id} if act.version == 1 else set()
        return Told("", frozenset({*names, *record, body.finding.access.event_id, body.finding.finding_id}))
    if isinstance(body, Noted):
        return Told(body.text, frozenset())
    if isinstance(body, Closed | Reopened):
        return Told(body.why, frozenset())
    return Told("", frozenset())


def token(name: str) -> str:
    """An id as a word of letters, the same however it is spelled in capitals."""
    return hashlib.sha256(name.casefold().encode()).hexdigest()[:32].translate(_LETTERS)


_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")


def plain(words: Sequence[str]) -> list[str]:
    """The words of a search without what no text holds, and no more of them than there may be."""
    return ["".join(c if c.isprintable() else " " for c in word) for word in words[:WORDS_MAX]]


class Said(TypedDict):
    """What one act says, and its number."""

    number: int
    words: str
    ids: str


_LEARN_SQLITE: Final = text("INSERT INTO act_text(rowid, words, ids) VALUES (:number, :words, :ids)")
_LEARN_POSTGRESQL: Final = text(
    "INSERT INTO act_text(number, words) VALUES"
    " (:number, to_tsvector('simple', :words) || setweight(to_tsvector('simple', :ids), 'A'))"
)


class Text(Protocol):
    """The index of one database."""

    def learn(self, connection: Connection, said: Sequence[Said]) -> None:
        """Adds what acts say."""

    def clear(self, connection: Connection) -> None:
        """Forgets everything."""

    def matching(self, words: Sequence[str]) -> TextualSelect:
        """The numbers of the acts in which each word is an id, or is in what people wrote, if only as a beginning."""

    def naming(self, words: Sequence[str]) -> TextualSelect:
        """The numbers of the acts in which any of the words is an id."""


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
        said = (f'(words : "{w.replace(chr(34), chr(34) * 2)}"* OR ids : {token(w)})' for w in plain(words))
        return _numbers(_MATCHING_SQLITE, " AND ".join(said))

    def naming(self, words: Sequence[str]) -> TextualSelect:
        """As Text says."""
        return _numbers(_MATCHING_SQLITE, f"ids : ({' OR '.join(map(token, plain(words)))})")


_MATCHING_SQLITE: Final = "SELECT rowid AS number FROM act_text WHERE act_text MATCH :asked"


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
        quoted = ((w.replace("\\", "\\\\").replace("'", "''"), token(w)) for w in plain(words))
        return _numbers(_MATCHING_POSTGRESQL, " & ".join(f"('{w}':*D | {name}:A)" for w, name in quoted))

    def naming(self, words: Sequence[str]) -> TextualSelect:
        """As Text says."""
        return _numbers(_MATCHING_POSTGRESQL, " | ".join(f"{token(w)}:A" for w in plain(words)))


_MATCHING_POSTGRESQL: Final = "SELECT number FROM act_text WHERE words @@ to_tsquery('simple', :asked)"


def _numbers(statement: str, asked: str) -> TextualSelect:
    column: Column[Any] = Column("number", BigInteger)
    return text(statement).bindparams(asked=asked).columns(column)
