"""A spool that is damaged is put beside a new one, and what can still be read of it is taken over."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from ..codec import decode_access
from ..errors import RejectedInputError
from .message import Waiting
from .numbers import Numbers
from .spool import FILE, Spool

MENDED: Final = "mended.db"
HEADED: Final = "headed.db"
PAGE: Final = 4_096  # SQLite's own choice
_PAGES: Final = slice(28, 32)  # of a database's head: how many it has
AT_ONCE: Final = 1_000  # accesses in memory: those of an outage of hours must not be
_ENDINGS: Final = ("-wal", "-shm", "")
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True)
class Opened:
    """A spool, and what had to be done to have one. `aside`: where the damaged one lies now."""

    spool: Spool
    aside: Path | None = None
    salvaged: int = 0


def is_damage(error: BaseException) -> bool:
    """Whether a spool can be read no further, so that trying again is of no use."""
    return isinstance(error, sqlite3.DatabaseError) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGE


def open_spool(directory: Path, source: str) -> Opened:
    """The spool in this directory, mended where it must be. Raises as `Spool`."""
    if (made := directory / MENDED).exists() and not (directory / FILE).exists():
        made.rename(directory / FILE)  # mending was broken off just before this
    try:
        return Opened(_remembered(_looked_into(Spool(directory, source)), directory))
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
    return mend(directory, source)


def _looked_into(spool: Spool) -> Spool:
    try:
        spool.read(-1, 1)
    except sqlite3.Error:
        spool.abandon()
        raise
    return spool


def _remembered(spool: Spool, directory: Path) -> Spool:
    """One that is new where numbers were given: the one before it is gone, or was emptied."""
    if spool.is_new and (through := Numbers(directory).read()) is not None:
        spool.sequence, spool.was_killed = through, True
    return spool


def mend(directory: Path, source: str) -> Opened:
    """A new spool with what the damaged one still tells; the caller has closed that. Raises as `Spool`.

    The damaged one stays in its place until the new one is whole: whatever breaks this off, it begins again.
    """
    for scratch in (MENDED, HEADED):
        _remove(directory / scratch)
    spool = Spool(directory, source, MENDED)
    try:
        if not _salvage(directory / FILE, spool) and (copy := _with_a_new_head(directory, source)):
            _salvage(copy, spool)
        salvaged = spool.messages
    finally:
        spool.close()
        _remove(directory / HEADED)
    aside = _set_aside(directory)
    (directory / MENDED).rename(directory / FILE)
    spool = Spool(directory, source)
    spool.was_killed = True  # what is missing from it nobody can say
    return Opened(spool, aside, salvaged)


def _salvage(file: Path, spool: Spool) -> bool:
    """Whether anything of it could be read."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as old:
        counted = _counted(old)
        last, sequence = counted or (0, Numbers(file.parent).read())
        for rows in _readable(old):
            last = max(last, rows[-1].number)
            sequence = max((n for n in (sequence, *(row.sequence for row in rows)) if n is not None), default=None)
            spool.commit(rows, 0, sequence)
    spool.last = max(spool.last, last)
    spool.commit([], 0, sequence)
    return counted is not None or spool.messages > 0


def _with_a_new_head(directory: Path, source: str) -> Path | None:
    """A copy of the damaged spool with the first page of a new one, without which none of it can be read: it says where
    the tables begin, which is the same in all of them. None where there is no room for it."""
    copy = directory / HEADED
    with contextlib.closing(Spool(directory, source, HEADED)):
        pass
    head = bytearray(copy.read_bytes()[:PAGE])
    head[_PAGES] = bytes(4)  # 0: as many as the file has
    try:
        for ending in ("-wal", ""):
            if Path(f"{directory / FILE}{ending}").exists():
                Path(f"{copy}{ending}").touch(0o600)
                shutil.copyfile(f"{directory / FILE}{ending}", f"{copy}{ending}")
        with copy.open("r+b") as file:
            file.write(head)
    except OSError:
        return None
    return copy


def _remove(file: Path) -> None:
    for ending in _ENDINGS:
        Path(f"{file}{ending}").unlink(missing_ok=True)


def _set_aside(directory: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    names = (directory / f"damaged-{stamp}-{number}.db" for number in count())
    aside = next(name for name in names if not name.exists())
    for ending in _ENDINGS:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{directory / FILE}{ending}").rename(f"{aside}{ending}")
    return aside


def _counted(old: sqlite3.Connection) -> tuple[int, int | None] | None:
    with contextlib.suppress(sqlite3.DatabaseError, TypeError, ValueError):
        last, sequence = old.execute("SELECT last, sequence FROM meta").fetchone()
        return int(last), None if sequence is None else int(sequence)
    return None


def _readable(old: sqlite3.Connection) -> Iterator[list[Waiting]]:
    """From the front until the first page that cannot be read, and from the last such page on to the end."""
    reached = -1
    for rows in _walk(old, "SELECT * FROM waiting ORDER BY number"):
        reached = rows[-1].number
        yield rows
    if behind := _last_broken(old, reached):
        yield from _walk(old, "SELECT * FROM waiting WHERE number >= ? ORDER BY number", behind)


def _last_broken(old: sqlite3.Connection, reached: int) -> int | None:
    """The first number behind the last page that cannot be read."""
    number = None
    with contextlib.suppress(sqlite3.DatabaseError):
        for row in old.execute("SELECT number FROM waiting WHERE number > ? ORDER BY number DESC", (reached,)):
            number = int(row[0])
    return number


def _walk(old: sqlite3.Connection, question: str, *values: int) -> Iterator[list[Waiting]]:
    rows: list[Waiting] = []
    with contextlib.suppress(sqlite3.DatabaseError):
        for row in old.execute(question, values):
            if _is_whole(waiting := Waiting(*row)):
                rows.append(waiting)
            if len(rows) == AT_ONCE:
                yield rows
                rows = []
    if rows:
        yield rows


def _is_whole(waiting: Waiting) -> bool:
    """Whether it is what was put in; what is not stays where it lies, for a person."""
    try:
        access = decode_access(waiting.value)
    except (RejectedInputError, TypeError, AttributeError):
        return False
    found = (access.event_id, access.record.id, access.occurred_at, access.sequence)
    return found == (waiting.event_id, waiting.key, waiting.occurred_at, waiting.sequence)
