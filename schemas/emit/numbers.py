"""How far an emitter has counted, in a small file beside the spool: what damages the one seldom damages the other.

The file is ahead of the numbers that were given, so that it is written and synced once in a thousand and not for each
write; closing in order makes it exact. So it never names a number too low, and one that goes on behind it gives none
twice.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

from ..durable import put

FILE: Final = "numbers"
AHEAD: Final = 1_000  # numbers that are left out when the spool cannot tell, after a program that was killed


class Numbers:
    """Of one spool's directory. Raises OSError where it cannot be written, and reads as None what is no such file."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE
        self._through: int | None = None

    def read(self) -> int | None:
        """No number above this one was given; None where that is not known."""
        try:
            number, check = self._file.read_text(encoding="ascii").split()
            return int(number) if _check(number) == check else None
        except (OSError, ValueError):
            return None

    def cover(self, sequence: int) -> None:
        """Before anything with this number is kept."""
        if self._through is None or sequence > self._through:
            self._write(sequence + AHEAD)

    def settle(self, sequence: int) -> None:
        """This was the last one."""
        if self._through is not None:
            self._write(sequence)

    def _write(self, through: int) -> None:
        content = f"{through} {_check(str(through))}\n".encode()
        put(self._file, content, self._file.with_suffix(".new"))
        self._through = through


def _check(number: str) -> str:
    return f"{zlib.crc32(number.encode()):08x}"
