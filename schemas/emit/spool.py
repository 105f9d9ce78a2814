"""The spool: what waits for the broker, in one SQLite file of one emitter (ADR 33).

In WAL mode with synchronous=FULL each commit is on the disk when it returns, and a torn tail is what never happened.
The exclusive lock is held as long as the file is open: whoever else opens it is told so.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from .errors import MisusedError, SpoolInUseError
from .limits import WINDOW_BYTES
from .message import ROW_BYTES, Waiting

FILE: Final = "accesses.db"
BUSY_SECONDS: Final = 1.0  # for one that is just ending
PEEK_SECONDS: Final = 0.02  # a commit takes a few ms
KEPT_PAGES: Final = 4_096  # 16 MiB: a file that grew over an outage gives back what is more
FORMAT: Final = 1

_SCHEMA: Final = """
CREATE TABLE waiting(number INTEGER PRIMARY KEY, event_id TEXT NOT NULL, key TEXT NOT NULL,
    occurred_at INTEGER NOT NULL, emitted_at INTEGER NOT NULL, sequence INTEGER, value BLOB NOT NULL);
CREATE TABLE meta(format INTEGER NOT NULL, source TEXT NOT NULL, last INTEGER NOT NULL, sequence INTEGER,
    messages INTEGER NOT NULL, bytes INTEGER NOT NULL, is_open INTEGER NOT NULL);
"""


class Spool:
    """One open spool. Any thread may call it; each call is one step on the disk.

    `last` is the number of the last access ever put in, `sequence` the highest that was counted, `messages` and
    `bytes` what waits. `was_killed`: whoever had it before did not close it. `is_new`: nobody had it. Every call may
    raise sqlite3.Error.
    """

    def __init__(self, directory: Path, source: str, name: str = FILE) -> None:
        self._lock = threading.Lock()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = directory / name
        # One that is there is never opened but by SQLite: POSIX takes a process's locks of a file away as soon as any
        # handle of it is closed, and with them the lock of an emitter that this process may have there already.
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))  # SQLite's other files get these rights
        self._db = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._open(source)
        except sqlite3.OperationalError as error:
            self._db.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise SpoolInUseError(f"another emitter holds {directory}; give each a directory of its own") from None
            raise
        except BaseException:
            self._db.close()
            raise

    def _open(self, source: str) -> None:
        for pragma in (
            "locking_mode=EXCLUSIVE",
            "auto_vacuum=INCREMENTAL",
            "journal_mode=WAL",
            "synchronous=FULL",
            "journal_size_limit=16777216",
            "cache_size=-2048",
        ):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        self._db.execute("BEGIN EXCLUSIVE")
        self.is_new = not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchall()
        if self.is_new:
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute("INSERT INTO meta VALUES(?, ?, 0, NULL, 0, 0, 0)", (FORMAT, source))
        row = self._db.execute("SELECT format, source, last, sequence, messages, bytes, is_open FROM meta").fetchone()
        kept_format, kept_source, self.last, self.sequence, self.messages, self.bytes, is_open = row
        if kept_format != FORMAT:
            raise MisusedError(f"the spool has format {kept_format}, this emitter {FORMAT}: use the one that wrote it")
        if kept_source != source:
            raise MisusedError(f"the spool is of the source {kept_source}, this emitter of {source}")
        self.was_killed = bool(is_open)
        self._db.execute("UPDATE meta SET is_open = 1")
        self._db.execute("COMMIT")

    def commit(self, entries: Sequence[Waiting], stored_through: int, sequence: int | None) -> None:
        """Put in what is new, take out what the broker has. On the disk when it returns; nothing done if it raises."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                out, out_bytes = self._size_through(stored_through)
                self._db.execute("DELETE FROM waiting WHERE number <= ?", (stored_through,))
                put = self._db.executemany("INSERT OR IGNORE INTO waiting VALUES(?, ?, ?, ?, ?, ?, ?)", entries)
                messages = self.messages + len(entries) - out
                size = self.bytes + sum(entry.size for entry in entries) - out_bytes
                if entries and put.rowcount != len(entries):  # salvaged: their commit failed, and was on the disk
                    messages, size = self._size_through(entries[-1].number)
                last = max(self.last, entries[-1].number) if entries else self.last
                meta = (last, sequence, messages, size)
                self._db.execute("UPDATE meta SET last = ?, sequence = ?, messages = ?, bytes = ?", meta)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self.last, self.sequence, self.messages, self.bytes = last, sequence, messages, size

    def _size_through(self, number: int) -> tuple[int, int]:
        sizes = "SELECT count(*), coalesce(sum(length(value)), 0) FROM waiting WHERE number <= ?"
        count, size = self._db.execute(sizes, (number,)).fetchone()
        return count, size + count * ROW_BYTES

    def read(self, after: int, limit: int) -> list[Waiting]:
        """The next accesses behind this number, in order: at most `limit`, and no more than a window's bytes."""
        found: list[Waiting] = []
        size = 0
        with self._lock:
            rows = self._db.execute("SELECT * FROM waiting WHERE number > ? ORDER BY number LIMIT ?", (after, limit))
            for row in rows:
                found.append(Waiting(*row))
                size += found[-1].size
                if size >= WINDOW_BYTES:
                    break
            rows.close()
        return found

    def peek(self, after: int) -> Waiting | None:
        """The next access behind this number; None, too, while the disk takes its time: a host must not wait for it."""
        if not self._lock.acquire(timeout=PEEK_SECONDS):
            return None
        try:
            row = self._db.execute(
                "SELECT * FROM waiting WHERE number > ? ORDER BY number LIMIT 1", (after,)
            ).fetchone()
        finally:
            self._lock.release()
        return Waiting(*row) if row else None

    def shrink(self) -> None:
        """Give back what an outage took, once nothing waits."""
        with self._lock:
            [(pages,)] = self._db.execute("PRAGMA page_count").fetchall()
            if pages > KEPT_PAGES:
                self._db.executescript("PRAGMA incremental_vacuum")  # `execute` ends after one page

    def close(self) -> None:
        """Everything in it stays; whoever opens it next knows that it was closed."""
        with self._lock:
            try:
                self._db.execute("UPDATE meta SET is_open = 0")
            finally:
                self._db.close()

    def abandon(self) -> None:
        """Close it as it is, damaged."""
        with self._lock:
            self._db.close()

    @property
    def handle(self) -> sqlite3.Connection:
        """For a forked child, which must never close it (exits.py)."""
        return self._db
