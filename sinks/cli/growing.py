"""A log that grows and rotates: its files, how far each was read, and the lines that come next.

What tells a file is what stands before the place up to which it was read: a digest of its last bytes. The inode only
says where to look. So a file that was renamed goes on where it was; one that was truncated, or whose inode was given to
another, begins anew; and a copy (logrotate's `copytruncate`) goes on where its original was.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from schemas.codec import MESSAGE_MAX
from schemas.errors import NotReadyError

TAIL: Final = 1_024  # bytes before a place that tell the file: lines with times and ids that no other has there
PIECE: Final = 1 << 20  # bytes read at once
LINES_MAX: Final = 1_000  # of one batch: half a megabyte
FILES_MAX: Final = 500  # each may be held open, and a process may often have 1,024
QUIET_SECONDS: Final = 60.0  # a file that has another name now, or none, and was not written to for so long, is closed
NOTHING: Final = hashlib.sha256(b"").hexdigest()


class Place(NamedTuple):
    """How far a file was read. `is_inside`: within a line that is too long, whose beginning was sent. `is_open`: there
    was more to read, or might have been."""

    inode: int
    offset: int
    tail: str
    is_inside: bool = False
    is_open: bool = False


class Line(NamedTuple):
    """One line without its end, and the byte on which it begins."""

    value: bytes
    at: int


@dataclass(slots=True)
class Log:
    """One file of the log. It is held open until it is read to its end, whatever becomes of its name."""

    name: str
    inode: int
    descriptor: int
    place: Place
    is_current: bool = False
    checked_ns: int = -1

    def found(self) -> os.stat_result:
        """The file as it is now."""
        return os.fstat(self.descriptor)

    def is_open(self) -> bool:
        """Whether there is more to read, or may be by the next start."""
        return self.is_current or self.found().st_size != self.place.offset

    def is_quiet(self) -> bool:
        """Whether nobody will go on writing to it under another name."""
        return not self.is_current and time.time() - self.found().st_mtime > QUIET_SECONDS


@dataclass(slots=True)
class Batch:
    """Lines of one file, and the place behind them once they are stored."""

    log: Log
    lines: list[Line]
    place: Place


@dataclass(slots=True)
class Growing:
    """All files of the log at `path`. `places` are those remembered from before; `lost` is what cannot be read."""

    path: Path
    places: list[Place]
    logs: dict[int, Log] = field(default_factory=dict)
    done: dict[int, tuple[Place, int]] = field(default_factory=dict)  # read to their ends and closed, with their mtime
    listed: set[int] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Looks once."""
        self.resume(self.places)

    def resume(self, places: Iterable[Place]) -> None:
        """Goes on from these places, with the files that are held already, too. Of what is nowhere any more nobody
        knows whether all of it was read."""
        before = list(places)
        self.places = list(before)
        self.done.clear()
        for log in self.logs.values():
            log.checked_ns = log.found().st_mtime_ns
            log.place = _place_in(log.descriptor, log.inode, before)
        self.look()
        found = {log.place.tail for log in self.logs.values()} | {place.tail for place, _ in self.done.values()}
        for place in before:
            if place.is_open and place.offset and place.tail not in found:
                gone = "a file that was being read is not there any more (compressed, moved, deleted or truncated)"
                self.lost.append(f"{gone}: what stood behind its byte {place.offset} was not read; send it by itself")

    def look(self) -> None:
        """Opens what is new, lets go of what is done. Raises NotReadyError when the log itself cannot be read; an older
        file that cannot be is told in `lost`, and the others go on."""
        self.listed = set()
        for name in _names(self.path):
            try:
                found = os.stat(name)
            except FileNotFoundError:
                continue  # renamed in this moment: it has another name next time
            except OSError as error:
                raise NotReadyError(f"{name} cannot be looked at: {error.strerror}") from None
            if stat.S_ISREG(found.st_mode):
                self.listed.add(found.st_ino)
                self._see(name, found)
        for log in list(self.logs.values()):
            log.is_current = log.is_current and log.inode in self.listed
            self._let_go(log)
        # Deleted, or renamed in this moment: should it be seen again, it is known.
        gone = [inode for inode in self.done if inode not in self.listed]
        self.places = [*self.places, *(self.done.pop(inode)[0] for inode in gone)][-FILES_MAX:]

    def _see(self, name: str, found: os.stat_result) -> None:
        if log := self.logs.get(found.st_ino):
            log.name, log.is_current = name, name == str(self.path)
            return
        known = self.done.get(found.st_ino)
        if known and (known[0].offset, known[1]) == (found.st_size, found.st_mtime_ns):
            return
        if len(self.logs) >= FILES_MAX:
            return  # there is room once others are read
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        except OSError as error:
            fault = f"{name} cannot be read: {error.strerror}"
            if name == str(self.path):
                raise NotReadyError(fault) from None
            if name not in self.unreadable:
                self.unreadable.add(name)
                self.lost.append(f"{fault}; what it holds is sent once it can be")
            return
        self.unreadable.discard(name)
        self._hold(name, descriptor)

    def _hold(self, name: str, descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        if inode in self.logs:  # the name was given to another file since
            os.close(descriptor)
            return
        known = [self.done.pop(inode)[0]] if inode in self.done else []
        places = [*known, *self.places, *(log.place for log in self.logs.values())]
        checked_ns = os.fstat(descriptor).st_mtime_ns
        place = _place_in(descriptor, inode, places)
        self.logs[inode] = Log(name, inode, descriptor, place, name == str(self.path), checked_ns)

    def _let_go(self, log: Log) -> None:
        found = log.found()
        is_known = log.checked_ns == found.st_mtime_ns  # else it may be another file, of the same size
        if log.place.offset != found.st_size or not is_known or not log.is_quiet():
            return
        os.close(log.descriptor)
        del self.logs[log.inode]
        if log.inode in self.listed:
            self.done[log.inode] = (log.place, found.st_mtime_ns)

    def next_batch(self) -> Batch | None:
        """The lines that come next, of the oldest file that has any; None when all are read."""
        for log in sorted(self.logs.values(), key=lambda log: (log.is_current, log.found().st_mtime_ns, log.name)):
            if (batch := self._read(log)) is not None:
                return batch
        return None

    def stored(self, batch: Batch) -> None:
        """The lines are stored: the file goes on behind them."""
        batch.log.place = batch.place

    def remembered(self) -> list[Place]:
        """What must be written down for the next start."""
        held = [log.place._replace(inode=log.inode, is_open=log.is_open()) for log in self.logs.values()]
        rest = [place for place, _ in self.done.values()]
        known = {place.inode for place in (*held, *rest)}
        rest += [place for place in self.places if place.inode in self.listed - known]
        return held + [place._replace(is_open=False) for place in rest]

    def unread(self) -> int:
        """Bytes that no batch has given yet: of lines that have no end."""
        return sum(max(0, log.found().st_size - log.place.offset) for log in self.logs.values())

    def _read(self, log: Log) -> Batch | None:
        try:
            return self._read_on(log)
        except OSError as error:
            raise NotReadyError(f"{log.name} cannot be read: {error.strerror}") from None

    def _read_on(self, log: Log) -> Batch | None:
        place, found = log.place, log.found()
        if (found.st_size, found.st_mtime_ns) == (place.offset, log.checked_ns):
            return None
        log.checked_ns = found.st_mtime_ns
        before = min(TAIL, place.offset)
        raw = os.pread(log.descriptor, before + PIECE, place.offset - before)
        if found.st_size < place.offset or _digest(raw[:before]) != place.tail:
            # Truncated: what stood there was read, but for what was written between the last look and that.
            self.places = [*self.places, place][-FILES_MAX:]
            log.place = place = Place(log.inode, 0, NOTHING)
            raw, before = os.pread(log.descriptor, PIECE, 0), 0
        if raw[before : before + 1] == b"\0" and not place.is_inside:
            return self._behind_zeros(log, place.offset)
        return _batch(log, raw, before)

    def _behind_zeros(self, log: Log, at: int) -> Batch | None:
        """A writer that was truncated may go on where it was, behind a hole. A hole at the end may be filled later."""
        while raw := os.pread(log.descriptor, PIECE, at):
            if rest := raw.lstrip(b"\0"):
                at += len(raw) - len(rest)
                before = min(TAIL, at)
                tail = _digest(os.pread(log.descriptor, before, at - before))
                return Batch(log, [], Place(log.inode, at, tail))
            at += len(raw)
        return None

    def close(self) -> None:
        """Lets go of all files."""
        for log in self.logs.values():
            os.close(log.descriptor)
        self.logs.clear()


def _batch(log: Log, raw: bytes, before: int) -> Batch | None:
    """What can be taken of `raw`, whose first `before` bytes were read already."""
    start, lines = log.place.offset - before, list[Line]()
    at, is_inside = before, log.place.is_inside
    while len(lines) < LINES_MAX and (end := raw.find(b"\n", at)) >= 0 and (raw[at] or is_inside):
        if not is_inside:
            _add(lines, raw[at : min(end, at + MESSAGE_MAX + 1)], start + at)
        at, is_inside = end + 1, False
    if not lines and raw[at : at + 1] != b"\0" and raw.find(b"\n", at) < 0:
        is_long = len(raw) - at > PIECE - MESSAGE_MAX
        if is_long or is_inside or log.is_quiet():
            if not is_inside:
                _add(lines, raw[at : at + MESSAGE_MAX + 1], start + at)
            at, is_inside = len(raw), is_long or is_inside
    if at == before:
        return None
    return Batch(log, lines, Place(log.inode, start + at, _digest(raw[max(0, at - TAIL) : at]), is_inside))


def _add(lines: list[Line], value: bytes, at: int) -> None:
    if value.strip():
        lines.append(Line(value, at))


def _names(path: Path) -> Iterator[str]:
    """The log and what it was renamed to: FILE.1, FILE-20260105, or NAME-20260105.EXT; nothing that is compressed."""
    when = r"[.-][0-9][0-9TZ._:-]*"
    own, stem, ending = re.escape(path.name), re.escape(path.stem), re.escape(path.suffix)
    pattern = re.compile(f"{own}(?:{when})?|{stem}{when}{ending}")
    try:
        found = [name for name in os.listdir(path.parent) if pattern.fullmatch(name)]
    except OSError as error:
        raise NotReadyError(f"{path.parent} cannot be read: {error.strerror}") from None
    yield from (str(path.parent / name) for name in sorted(found))


def _place_in(descriptor: int, inode: int, places: Iterable[Place]) -> Place:
    """How far this file was read: the furthest place whose last bytes stand in it; its beginning if there is none."""
    size = os.fstat(descriptor).st_size
    for place in sorted(places, key=lambda place: (place.inode == inode, place.offset), reverse=True):
        before = min(TAIL, place.offset)
        if 0 < place.offset <= size and _digest(os.pread(descriptor, before, place.offset - before)) == place.tail:
            return place
    return Place(inode, 0, NOTHING)


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
