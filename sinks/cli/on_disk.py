"""A file that is gone through twice, without being held in memory: checked, then sent."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, Final

import click

from schemas.errors import NotReadyError, RejectedInputError
from streams.sources.translated import bounded_lines

PIECE: Final = 1 << 20
SPOOL_MAX: Final = 16 << 30  # bytes of standard input kept on disk meanwhile: no endless pipe may fill it

_LINE: Final = re.compile(r"line ([0-9]+)")


def changed() -> RejectedInputError:
    """The second pass is not over what the first was: what was sent is not what was checked."""
    reason = "was changed while it was being sent; send it again, whole, once nothing writes to it any more"
    return RejectedInputError("file", reason)


class OnDisk:
    """An open file, read by its own places in it, so that nobody else's reading or renaming matters."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._whole: tuple[int, bytes] | None = None
        self._raw: _Raw | None = None

    @property
    def size(self) -> int:
        """Bytes, as of now."""
        return os.fstat(self._descriptor).st_size

    @property
    def done(self) -> int:
        """Bytes that the pass under way has read."""
        return self._raw.done if self._raw else 0

    def lines(self) -> Iterator[bytes]:
        """The lines with their ends, each bounded. What is appended after the first pass is not in the second.

        Raises RejectedInputError at the end of a pass in which the file was not what it was in the first: what is sent
        must be what was checked.
        """
        self._raw = raw = _Raw(self._descriptor, None if self._whole is None else self._whole[0])
        yield from bounded_lines(io.BufferedReader(raw, PIECE).readline)
        found = (raw.done, raw.digest.digest())
        if found != (self._whole or found):
            raise changed()
        self._whole = found


@dataclass(slots=True)
class InTurn:
    """Files that are gone through one after the other, as if they were one."""

    names: Sequence[str]
    files: Sequence[OnDisk]
    counts: list[int] = field(default_factory=list)  # lines of each that was begun

    @property
    def size(self) -> int:
        """Bytes, as of now."""
        return sum(file.size for file in self.files)

    @property
    def done(self) -> int:
        """Bytes that the pass under way has read."""
        return sum(file.done for file in self.files[: len(self.counts)])

    def lines(self) -> Iterator[bytes]:
        """The lines of all of them, as each gives them."""
        self.counts = []
        for file in self.files:
            self.counts.append(0)
            for line in file.lines():
                self.counts[-1] += 1
                yield line

    def named(self, fault: RejectedInputError) -> RejectedInputError:
        """The fault with the name of its file, and its line in that, where there are several."""
        found = _LINE.match(fault.place)
        if len(self.files) == 1 or found is None:
            return fault
        number, at = int(found[1]), 0
        while at + 1 < len(self.counts) and number > self.counts[at]:
            number, at = number - self.counts[at], at + 1
        return RejectedInputError(f"{self.names[at]}, line {number}{fault.place[found.end() :]}", fault.reason)


@contextmanager
def in_turn(paths: Sequence[str]) -> Iterator[InTurn]:
    """The files at these paths, each as `on_disk` gives it."""
    with ExitStack() as stack:
        yield InTurn(paths, [stack.enter_context(on_disk(path)) for path in paths])


class _Raw(io.RawIOBase):
    """The bytes of a file up to `end`, counted and digested as they are read."""

    def __init__(self, descriptor: int, end: int | None) -> None:
        self.done = 0
        self.digest = hashlib.blake2b()
        self._descriptor, self._end = descriptor, end

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As the standard library has it."""
        room = memoryview(buffer)
        if self._end is not None:
            room = room[: self._end - self.done]
        count = os.preadv(self._descriptor, [room], self.done) if len(room) else 0
        self.digest.update(room[:count])
        self.done += count
        return count


@contextmanager
def on_disk(path: str) -> Iterator[OnDisk]:
    """The file; standard input for `-`. What can be read once only is first copied to a temporary file without a name.

    Raises RejectedInputError when that is endless, NotReadyError when the disk is full.
    """
    with click.open_file(path, "rb") as stream:  # keeps standard input open
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) and path != "-":
            yield OnDisk(stream.fileno())
            return
        with tempfile.TemporaryFile() as spool:
            try:
                _copy(stream, spool)
            except OSError as error:
                where = f"in {tempfile.gettempdir()} (TMPDIR)"
                raise NotReadyError(f"standard input cannot be kept {where}: {error.strerror}") from None
            yield OnDisk(spool.fileno())


def _copy(stream: IO[bytes], spool: IO[bytes]) -> None:
    size = 0
    while piece := stream.read(PIECE):
        size += len(piece)
        if size > SPOOL_MAX:
            raise RejectedInputError("file", f"is larger than {SPOOL_MAX >> 30} GiB; split it")
        spool.write(piece)
    spool.flush()
