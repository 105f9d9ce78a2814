"""Copies of a store, whole and as of one moment, and bringing one back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from schemas.errors import RejectedInputError

from .engine import OWNER_ONLY, StoreNotReadyError
from .store import Store

COPY_SECONDS: Final = 3_600  # of pg_dump or pg_restore: 100 GB at 30 MB/s


def copy_store(store: Store, file: Path) -> None:
    """Copies the store into a new file, while others write. Raises RejectedInputError when there is such a file."""
    try:
        file.touch(OWNER_ONLY, exist_ok=False)
    except FileExistsError:
        raise RejectedInputError(str(file), "is there already; name a new file") from None
    try:
        _copy(store, file)
    except BaseException:
        file.unlink()  # or the next try would be refused
        raise


def _copy(store: Store, file: Path) -> None:
    if store.kind == "sqlite":
        assert store.url.database
        with closing(sqlite3.connect(store.url.database)) as source, closing(sqlite3.connect(file)) as copy:
            source.backup(copy)  # all of it as of one moment, whoever writes meanwhile
    else:
        _run(store.url, ["pg_dump", "--format=custom", f"--file={file}"])


def restore_store(store: Store, file: Path) -> None:
    """Brings a copy back into a store that is empty. Raises RejectedInputError when it is not, or the copy is none."""
    if not store.is_empty():
        raise RejectedInputError("NTK_STORE_URL", "the store is not empty; bring a copy back into a new one")
    if store.kind == "sqlite":
        _restore_sqlite(store, file)
    else:
        _run(store.url, ["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"{file}"])


def _restore_sqlite(store: Store, file: Path) -> None:
    assert store.url.database
    store.close()
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as copy:
            (answer,) = copy.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.DatabaseError:
        answer = "no database"
    if answer != "ok":
        raise RejectedInputError(str(file), "is no whole copy of a store")
    for rest in ("-wal", "-shm"):
        Path(store.url.database + rest).unlink(missing_ok=True)
    fresh = Path(store.url.database + ".restoring")
    fresh.touch(OWNER_ONLY)
    shutil.copyfile(file, fresh)
    os.replace(fresh, store.url.database)


def _run(url: URL, command: list[str]) -> None:
    program = shutil.which(command[0]) or next(
        (str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{command[0]}"), reverse=True)), None
    )
    if program is None:
        raise StoreNotReadyError(f"{command[0]} is not installed: it comes with PostgreSQL")
    connection = {
        "PGHOST": url.host,
        "PGPORT": str(url.port or 5432),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    environment = {**os.environ, **{name: str(value) for name, value in connection.items() if value}}
    if command[0] == "pg_restore":
        command = [*command[:-1], f"--dbname={url.database}", command[-1]]
    done = subprocess.run(  # noqa: S603 - our own words, and no shell
        [program, *command[1:]], env=environment, capture_output=True, text=True, timeout=COPY_SECONDS, check=False
    )
    if done.returncode:
        raise StoreNotReadyError(f"{command[0]}: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
