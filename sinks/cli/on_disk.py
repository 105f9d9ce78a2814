"""A file that is gone through twice, without being held in memory: checked, then sent."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

import click

from schemas.errors import NotReadyError, RejectedInputError
from streams.sources.translated import bounded_lines

PIECE: Final = 1 << 20
SPOOL_MAX: Final = 16 << 30  # bytes of standard input kept on disk meanwhile: no endless pipe may fill it


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
