"""Emitter: accesses of one source, from a host program to the broker, through a spool on the disk."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from .core import wait
from .face import Face


class Emitter(Face):
    """For programs with threads or without; any thread may emit. It begins when it is made: see `Face` for how."""

    _begins_at_once = True

    def flush(self, timeout: float = 10.0) -> bool:
        """Whether all that was emitted before is on the disk for good, within so many seconds."""
        return wait(self._begun.kept(), timeout)

    def drain(self, timeout: float = 10.0) -> bool:
        """Whether the broker has all that was emitted before, within so many seconds."""
        return wait(self._begun.stored(), timeout)

    def close(self, timeout: float = 5.0) -> bool:
        """Take nothing more, give the broker so many seconds; whether it has all.

        The rest is put into the spool and is sent by the next emitter there. That is waited for even with a timeout of
        0: 10 s at the most, should the disk hang. Where the disk cannot be written, what was in memory only is lost:
        it is logged how many, `stats().unwritten` says so, and the next emitter leaves a number out.
        """
        return self._begun.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
