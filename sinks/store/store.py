"""The store: transactions that write, transactions that read, and how it comes to have its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, inspect

from .clock import Clock
from .engine import StoreNotReadyError, no_surprise, open_engine
from .reading import SqlReading
from .statements import ADVANCE, HEAD, PROGRESS_OF, ROWS_DUE
from .text import PostgresText, SqliteText, Text
from .writing import SqlWriting

MIGRATIONS: Final = Path(__file__).parent / "migrations"


class Store:
    """Everything about alerts that must not be lost. Every method may raise StoreNotReadyError."""

    def __init__(self, url: str) -> None:
        self.clock = Clock()
        self._engine = open_engine(url)
        self._writer = self._engine.execution_options(writing=True)
        self._text: Text = SqliteText() if self.kind == "sqlite" else PostgresText()

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def url(self) -> URL:
        """Its address, with the password in it."""
        return self._engine.url

    def is_empty(self) -> bool:
        """Whether it has no table at all."""
        with self.looking() as connection:
            return not inspect(connection).get_table_names()

    @contextmanager
    def writing(self) -> Iterator[SqlWriting]:
        """A transaction that writes, alone: on the disk when this ends, nowhere when it raises."""
        with no_surprise(), self._writer.begin() as connection:
            writing = SqlWriting(connection, self._text, self.clock)
            yield writing
            writing.flush()

    @contextmanager
    def reading(self) -> Iterator[SqlReading]:
        """A transaction that reads: all it sees is as of one moment."""
        with self.looking() as connection:
            yield SqlReading(connection, self._text)

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """A transaction that changes what is no act. It takes the chain's lock all the same: one writer at a time."""
        with no_surprise(), self._writer.begin() as connection:
            connection.execute(HEAD)
            yield connection

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """A transaction that reads what is no act."""
        with no_surprise(), self._reader().begin() as connection:
            yield connection

    def upgrade(self) -> bool:
        """Brings the tables to what this code needs, from nothing or from an older version; nothing when they are.

        Whether rows must be made anew from the acts, since the tables for them have changed: until that is done, also
        when whoever changed the tables was killed before it was.
        """
        with no_surprise(), self._writer.begin() as connection:
            before = MigrationContext.configure(connection).get_current_revision()
            command.upgrade(_config(connection), "head")
            is_changed = before != MigrationContext.configure(connection).get_current_revision()
            if is_changed and connection.execute(HEAD).one().number > 0:
                connection.execute(ADVANCE, {"name": ROWS_DUE, "value": 1})
            return bool(connection.execute(PROGRESS_OF, {"name": ROWS_DUE}).scalar())

    def refuse_unless_current(self) -> None:
        """Raises StoreNotReadyError when the tables are those of another version of this code."""
        with no_surprise(), self._engine.begin() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        wanted = ScriptDirectory(str(MIGRATIONS)).get_current_head()
        if found != wanted:
            raise StoreNotReadyError(f"the store is of version {found or 'none'}, this code needs {wanted}")

    def close(self) -> None:
        """Gives every connection back."""
        self._engine.dispose()

    def _reader(self) -> Engine:
        if self.kind == "sqlite":
            return self._engine
        return self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
