"""A real PostgreSQL on loopback, as durable as in production, for the demo and the tests.

PostgreSQL refuses to run as root. Started by root it runs as Debian's `postgres`, or as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg import sql

from deploy.local.jars import Say
from deploy.local.leash import Account
from deploy.local.ports import HOST, free_port
from deploy.local.program import Program, ProgramError, run_to_end, silent

HOW_TO_GET: Final = "apt-get install postgresql, brew install postgresql or postgresql.org/download"
DEBIAN: Final = Path("/usr/lib/postgresql")  # its server programs are not on PATH
ACCOUNTS: Final = ("postgres", "nobody")
USER: Final = "postgres"
START_SECONDS: Final = 30.0  # it needs under one, and a few to repair itself after a kill
PREPARE_SECONDS: Final = 60.0  # initdb needs one or two
STOP_SECONDS: Final = 20.0  # it writes what it has in memory, then ends

# fsync, full_page_writes and synchronous_commit stay as they are by default and in production: on.
_SETTINGS: Final = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # nothing outside the directory
    "dynamic_shared_memory_type": "mmap",  # what a killed server leaves behind is in the directory, too
    "shared_buffers": "32MB",  # a laptop runs several
    "max_connections": "50",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class PostgresError(ProgramError):
    """PostgreSQL did not start, answer or end; the message ends with what it logged last."""


def find_postgres(program: str = "postgres") -> str | None:
    """The path of a program of PostgreSQL's, or None: on PATH, else the newest of Debian's.

    All come from where the server comes from, since a pg_dump that is older than the server refuses.
    """
    server = shutil.which("postgres")
    beside = Path(server).resolve().parent if server else None
    places = ([beside] if beside else []) + sorted(DEBIAN.glob("*/bin"), key=_version, reverse=True)
    for place in places:
        if (place / "postgres").exists() and os.access(place / program, os.X_OK):
            return str(place / program)
    return None


def _version(directory: Path) -> float:
    try:
        return float(directory.parent.name)
    except ValueError:
        return 0.0


class LocalPostgres:
    """One server. `directory` has its log and its store, where it can be started again, at the same address.

    Its superuser's password is made by chance: whoever else is on this machine must not be let in, as a superuser can
    run programs. `discard` deletes the store, which root's server may have in the machine's temporary directory.
    """

    def __init__(self, directory: Path, *, settings: Mapping[str, str] = {}, say: Say = silent) -> None:
        """`settings` are PostgreSQL's, on top of ours."""
        self.directory = directory.resolve()
        self.port = 0
        self.password = ""
        self._settings = {**_SETTINGS, **settings}
        self._account = _account()
        self._program = Program("PostgreSQL", self.directory / "postgres.log", PostgresError, say)

    def start(self) -> Self:
        """Returns once it answers. Raises PostgresError when it does not, and nothing is left running then."""
        server = find_postgres()
        if server is None:
            raise PostgresError(HOW_TO_GET)
        self.directory.mkdir(parents=True, exist_ok=True)
        store = _make_store(self.directory / "store", self._account)
        self.port = int(_kept(store / "port", str(free_port()), self._account))
        self.password = _kept(store / "password", secrets.token_hex(16), self._account)
        self._prepare(store)
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": str(self.port)}.items()]
        command = [server, "-D", str(store / "data"), *settings]
        self._program.start(command, is_ready=self._answers, seconds=START_SECONDS, cwd=store, account=self._account)
        return self

    def stop(self) -> None:
        """Ends the server in order: connections are cut, everything is written. Safe to call twice."""
        self._program.stop(seconds=STOP_SECONDS, request=signal.SIGINT)  # SIGTERM would wait for connections to end

    def kill(self) -> None:
        """Ends it at once (SIGKILL to its process group), and returns when all its processes have noticed."""
        self._program.kill()

    def written(self) -> str:
        """What it has logged since it was last started."""
        return self._program.written()

    def discard(self) -> None:
        """Ends it at once and deletes its store. The log stays.

        An orderly stop would first write all that is about to be deleted: seconds.
        """
        self._program.kill()
        store = self.directory / "store"
        shutil.rmtree(store.resolve(), ignore_errors=True)
        if store.is_symlink():
            store.unlink()

    @property
    def pid(self) -> int:
        """The process id of the first of its processes, also after it has ended."""
        return self._program.pid

    @property
    def url(self) -> str:
        """The address of the database that is always there, for SQLAlchemy."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The address of a database, for SQLAlchemy. It contains the password."""
        return f"postgresql+psycopg://{USER}:{self.password}@{HOST}:{self.port}/{database}"

    def environment(self, database: str) -> dict[str, str]:
        """What makes pg_dump, pg_restore and psql speak to a database without a further argument."""
        ours = {"PGHOST": HOST, "PGPORT": str(self.port), "PGUSER": USER, "PGPASSWORD": self.password}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**kept, **ours, "PGDATABASE": database}

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Makes a database, a copy of another to which nobody is connected, and returns its address."""
        statement = "CREATE DATABASE {} TEMPLATE {}"
        self._execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Deletes a database, also under those who are connected to it; harmless when it is not there."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _prepare(self, store: Path) -> None:
        """Makes an empty data directory unless there is one; whole or not at all."""
        if (store / "data").exists():
            return
        half = store / "data.half"
        shutil.rmtree(half, ignore_errors=True)
        initdb = find_postgres("initdb")
        if initdb is None:
            raise PostgresError(f"there is a postgres but no initdb: {HOW_TO_GET}")
        command = [initdb, "-D", str(half), f"--username={USER}", f"--pwfile={store / 'password'}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        command += ["--no-sync"]  # a power cut now costs an empty store; what is written later is synced
        run_to_end(self._program, command, seconds=PREPARE_SECONDS, account=self._account)
        half.rename(store / "data")

    def _answers(self) -> bool:
        try:
            self._execute(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(
            host=HOST,
            port=self.port,
            user=USER,
            password=self.password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        ) as connection:
            connection.execute(statement)


def _account() -> Account | None:
    """Whom the server runs as: ourselves, unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid)
    raise PostgresError(f"PostgreSQL refuses to run as root, and this machine has none of {ACCOUNTS}")


def _make_store(link: Path, account: Account | None) -> Path:
    """The directory of the data. Where the account cannot reach it, `link` leads to one that it can."""
    if not link.exists():
        link.unlink(missing_ok=True)  # it led to a temporary directory that is gone
        if account is None or _can_reach(link.parent):
            link.mkdir(mode=0o700)
        else:
            link.symlink_to(tempfile.mkdtemp(prefix="needtoknow-postgres-"))
        _give(link, account)
    return link.resolve()


def _can_reach(directory: Path) -> bool:
    """Whether everybody may go there."""
    return all(place.stat().st_mode & 0o001 for place in (directory, *directory.parents))


def _kept(file: Path, otherwise: str, account: Account | None) -> str:
    """What the file says; at the first start that is `otherwise`."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(otherwise)
        _give(file, account)
    return file.read_text()


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)
