"""What happens to emitters that nobody closed: when the interpreter ends, and in a child that was forked."""

from __future__ import annotations

import atexit
import ctypes
import os
from typing import Final, Protocol

from .limits import EXIT_SECONDS


class Open(Protocol):
    """An emitter that runs."""

    def close(self, seconds: float) -> bool:
        """End it."""

    def disown(self) -> None:
        """Be no emitter any more, in a child."""


_OPEN: Final[set[Open]] = set()  # held: one that nobody holds any more has still something to write


def opened(emitter: Open) -> None:
    """It runs now."""
    _OPEN.add(emitter)


def closed(emitter: Open) -> None:
    """It has ended."""
    _OPEN.discard(emitter)


def never_close(handle: object) -> None:
    """Keep an object for ever: SQLite must not even be closed in a child, where it takes the parent's lock for its own
    and would tidy up the log that the parent is writing. Nothing but one reference too many survives the interpreter's
    end. (CPython 3.11 does not tidy up after threads that a fork left behind, and so it would not be closed; nobody
    has promised that.)"""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(handle))


def _close_all() -> None:
    for emitter in list(_OPEN):
        emitter.close(EXIT_SECONDS)


def _disown_all() -> None:
    for emitter in list(_OPEN):
        emitter.disown()
    _OPEN.clear()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):  # not where there is no fork
    os.register_at_fork(after_in_child=_disown_all)
