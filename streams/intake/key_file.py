"""The file of keys as it stands, read again when it changes: a key that was taken out must not go on being good."""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Final

from schemas.errors import NotReadyError, RejectedInputError
from schemas.ids import SourceName

from .keys import FILE_MAX, Keys, read_keys

LOOK_SECONDS: Final = 2.0
"""How long a key that was taken out may still be good."""

log = logging.getLogger(__name__)


class KeyFile:
    """`keys` are those of the file; when it cannot be read, those before, and `why_not` says why.

    Raises NotReadyError when it cannot be read at the start; whoever runs this must act.
    """

    def __init__(self, path: Path, sources: Collection[SourceName]) -> None:
        self._path, self._sources = path, sources
        self._seen: tuple[int, ...] = ()
        self._look = asyncio.Event()
        self.why_not: str | None = None
        self.keys = Keys()
        if not self.read():
            raise NotReadyError(f"NTK_RECEIVE_KEYS_FILE: {self.why_not}")

    def read(self) -> bool:
        """Read it now; whether it could be."""
        try:
            self._seen = self._stamp()
            if self._path.stat().st_mode & stat.S_IWOTH:
                raise RejectedInputError(self._path.name, "may be written by everybody: chmod o-w")
            with self._path.open("rb") as file:
                self.keys = read_keys(file.read(FILE_MAX + 1), self._sources)
            self.why_not = None
        except RejectedInputError as error:
            self.why_not = str(error)
        except OSError as error:
            self._seen = ()
            self.why_not = f"{self._path.name} cannot be read: {error.strerror}"
        return self.why_not is None

    def look(self) -> None:
        """Read it now, whatever its date: somebody sent SIGHUP."""
        self._seen = ()
        self._look.set()

    async def run(self) -> None:
        """Read it whenever it has changed."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look.wait()
            except TimeoutError:
                pass
            self._look.clear()
            if self.has_changed():
                self._read_again()

    def has_changed(self) -> bool:
        """Whether it is another than was read, also in who may write it; or could not be read."""
        try:
            return not self._seen or self._stamp() != self._seen
        except OSError:
            return True

    def _read_again(self) -> None:
        before = self.why_not
        if self.read():
            log.info("keys read: %d keys, %d certificates", len(self.keys.hashes), len(self.keys.names))
        elif self.why_not != before:
            log.error("the keys stay as they were: %s", self.why_not)

    def _stamp(self) -> tuple[int, ...]:
        found = self._path.stat()
        return (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)  # ctime: who may write it
