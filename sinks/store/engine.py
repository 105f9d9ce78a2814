"""Connections to the two databases, set so that what is committed survives a crash."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from schemas.errors import BrokenPromiseError, NotReadyError

LOCK_SECONDS: Final = 10  # a writer waits that long for another: a batch of findings takes a tenth of a second
READERS: Final = 8  # connections: more only wait for each other on two cores
OWNER_ONLY: Final = 0o600  # who looked at what, about whom: as confidential as the records
ANSWER_MS: Final = 30_000  # no statement of ours takes that long with 300,000 alerts


class StoreNotReadyError(NotReadyError):
    """The database is away, locked or full. Operations must act if it lasts; nothing is lost meanwhile."""


class StoreFaultError(BrokenPromiseError):
    """The database refuses a statement of ours. It says which rule, never the values: they are somebody's data."""


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
    except OSError as error:
        raise StoreNotReadyError(f"the store's directory cannot be made: {error.strerror}") from None
    raise StoreNotReadyError(f"NTK_STORE_URL: {_WANTED}")


_WANTED: Final = "use sqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME with needtoknow[postgres]"


@contextmanager
def no_surprise() -> Iterator[None]:
    """Turns what a database that is away, locked, full or busy raises into StoreNotReadyError, all else it raises into
    StoreFaultError; both without anybody's data."""
    try:
        yield
    except NoConnectionError:
        raise StoreNotReadyError(f"the store had no connection free for {LOCK_SECONDS} s") from None
    except OperationalError as error:
        raise StoreNotReadyError(f"the store did not answer: {_reason(error)}") from None
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreNotReadyError(f"the store went away: {_reason(error)}") from None
        raise StoreFaultError(f"the store refuses what it is told: {_rule(error)}") from None


def _reason(error: DBAPIError) -> str:
    """What a database says of itself. PostgreSQL's details, which are in the lines that follow, may name values."""
    words = str(error.orig).strip().splitlines()
    return words[0] if words else type(error.orig).__name__


def _rule(error: DBAPIError) -> str:
    """Which rule was broken. PostgreSQL's first line, too, repeats a value that it cannot read; SQLite's never does."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is None:
        return _reason(error)
    names = (type(error.orig).__name__, diagnosis.sqlstate, diagnosis.table_name, diagnosis.constraint_name)
    return " ".join(name for name in names if name)


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=LOCK_SECONDS,
        hide_parameters=True,  # an error's text goes to logs
        connect_args={"check_same_thread": False},
    )
    path = engine.url.database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "do_connect")
    def _keep_private(*_: Any) -> None:
        with suppress(OSError):  # SQLite says it better
            _keep_private_files(Path(path or ""))

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


def _keep_private_files(file: Path) -> None:
    """Makes the file, or takes it from all but its owner; its -wal and -shm, too, which SQLite makes like it."""
    file.touch(OWNER_ONLY)
    for one in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
        if one.exists() and one.stat().st_mode & 0o077:
            one.chmod(OWNER_ONLY)


def _postgresql(url: str) -> Engine:
    options = f"-c statement_timeout={ANSWER_MS} -c lock_timeout={LOCK_SECONDS * 1000} -c synchronous_commit=on"
    return create_engine(
        url,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=LOCK_SECONDS,
        hide_parameters=True,  # an error's text goes to logs
        pool_pre_ping=True,  # the server may have been started anew
        connect_args={"connect_timeout": LOCK_SECONDS, "options": options},
    )
