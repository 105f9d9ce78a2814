"""Connections to the two databases, set so that what is committed survives a crash."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from schemas.errors import NotReadyError

LOCK_SECONDS: Final = 10  # a writer waits that long for another: a batch of findings takes a tenth of a second
READERS: Final = 8  # connections: more only wait for each other on two cores
OWNER_ONLY: Final = 0o600  # who looked at what, about whom: as confidential as the records
ANSWER_MS: Final = 30_000  # no statement of ours takes that long with 300,000 alerts


class StoreNotReadyError(NotReadyError):
    """The database is away, locked or full. Operations must act if it lasts; nothing is lost meanwhile."""


def sqlite_url(directory: Path) -> str:
    """The URL of the store in a data directory, where none is set."""
    return f"sqlite:///{directory / 'alerts.db'}"


def open_engine(url: str) -> Engine:
    """Connections to the database of a SQLAlchemy URL, `sqlite:///FILE` or `postgresql+psycopg://...`.

    Raises NotReadyError when the URL is none of the two, or what PostgreSQL needs is not installed.
    """
    try:
        kind = make_url(url).get_backend_name()
        if kind == "sqlite":
            return _sqlite(url)
        if kind == "postgresql":
            return _postgresql(url)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise StoreNotReadyError(f"NTK_STORE_URL: {type(error).__name__}; {_WANTED}") from None
    raise StoreNotReadyError(f"NTK_STORE_URL: {_WANTED}")


_WANTED: Final = "use sqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME with needtoknow[postgres]"


@contextmanager
def no_surprise() -> Iterator[None]:
    """Turns what a database that is away, locked or full raises into StoreNotReadyError, without anybody's data."""
    try:
        yield
    except OperationalError as error:
        raise StoreNotReadyError(f"the store did not answer: {_reason(error)}") from None
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreNotReadyError(f"the store went away: {_reason(error)}") from None
        raise


def _reason(error: DBAPIError) -> str:
    words = str(error.orig).strip().splitlines()
    return words[0] if words else type(error.orig).__name__


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url, pool_size=READERS, max_overflow=0, pool_timeout=LOCK_SECONDS, connect_args={"check_same_thread": False}
    )
    path = engine.url.database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "do_connect")
    def _keep_private(*_: Any) -> None:
        with suppress(OSError):  # SQLite says it better
            Path(path or "").touch(OWNER_ONLY)  # also its -wal and -shm, which SQLite makes like it

    @event.listens_for(engine, "connect")
    def _set(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # Python's own transactions begin too late: ours begin below
        for pragma in (
            "journal_mode=WAL",  # readers do not wait for the writer
            "synchronous=FULL",  # a commit is on the disk when it returns
            "foreign_keys=ON",
            f"busy_timeout={LOCK_SECONDS * 1000}",
            "cache_size=-65536",  # 64 MiB: the index pages of 300,000 alerts
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        is_writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")

    return engine


def _postgresql(url: str) -> Engine:
    options = f"-c statement_timeout={ANSWER_MS} -c lock_timeout={LOCK_SECONDS * 1000} -c synchronous_commit=on"
    return create_engine(
        url,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=LOCK_SECONDS,
        pool_pre_ping=True,  # the server may have been started anew
        connect_args={"connect_timeout": LOCK_SECONDS, "options": options},
    )
