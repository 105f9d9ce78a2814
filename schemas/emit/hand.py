"""What host threads have emitted and the disk has not got yet: numbered, in order, bounded, and never waited for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..access import Access
from ..errors import RejectedInputError
from ..ids import SourceName
from .errors import MisusedError
from .fields import read_access, spell
from .limits import HAND_BYTES, HAND_MESSAGES, WRITE_MESSAGES, Limits
from .message import ROW_BYTES, Waiting


@dataclass
class Counted:
    """What was asked of it since it was made."""

    emitted: int = 0
    refused: int = 0
    invalid: int = 0


class Hand:
    """`sequence`: the highest number given. With `numbers_from` it gives them, the first one only if none was before.

    An access that is refused, or is none, takes its number with it: the gap tells whoever reads the topic that
    something happened there of which nobody was told.
    """

    def __init__(
        self, source: SourceName, limits: Limits, last: int, sequence: int | None, numbers_from: int | None
    ) -> None:
        self._source, self._limits = source, limits
        self._first = numbers_from
        self._lock = threading.RLock()  # a signal's handler may emit in the midst of an emit
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self.last = last
        self.sequence = sequence
        self.counted = Counted()
        self._shut: str | None = None
        self.on_disk = (0, 0)
        """How many accesses and bytes wait there."""

    def put(self, access: Access | None, fields: Mapping[str, Any]) -> bool:
        """Whether it is taken; False: there is no room. Raises RejectedInputError naming the field, MisusedError."""
        try:
            read = read_access(self._source, access, fields)
            if self._first is not None and read.sequence is not None:
                raise RejectedInputError("sequence", "is given by this emitter; leave it out")
        except RejectedInputError:
            self._missed()
            raise
        with self._lock:
            if self._shut is not None:
                raise MisusedError(self._shut)
            sequence = self._count(read)
            try:
                value = spell(read, sequence)
            except RejectedInputError:
                self.counted.invalid += 1
                raise
            size = len(value) + ROW_BYTES
            if self._is_full(size):
                self.counted.refused += 1
                return False
            self.last += 1
            at = time.time_ns() // 1_000_000
            self._waiting.append(
                Waiting(self.last, read.event_id, read.record.id, read.occurred_at, at, sequence, value)
            )
            self._bytes += size
            self.counted.emitted += 1
            return True

    def shut(self, why: str) -> int:
        """Nothing comes in any more: who tries is told why. The number of the last that did."""
        with self._lock:
            self._shut = why
            return self.last

    def _missed(self) -> None:
        with self._lock:
            self.counted.invalid += 1
            self.skip_one()

    def _count(self, access: Access) -> int | None:
        if self._first is not None:
            return self._next()
        if access.sequence is not None:
            self.sequence = max(access.sequence, -1 if self.sequence is None else self.sequence)
        return access.sequence

    def _next(self) -> int | None:
        if self._first is not None:
            self.sequence = self._first if self.sequence is None else self.sequence + 1
        return self.sequence

    def _is_full(self, size: int) -> bool:
        messages, total = self.on_disk
        more = total + self._bytes + size
        is_full = messages + len(self._waiting) >= self._limits.spool_messages or more > self._limits.spool_bytes
        return is_full or len(self._waiting) >= HAND_MESSAGES or self._bytes + size > HAND_BYTES

    def oldest(self) -> Waiting | None:
        """The first that the disk has not got."""
        with self._lock:
            return self._waiting[0] if self._waiting else None

    def held(self) -> tuple[int, int]:
        """Accesses and bytes in memory."""
        with self._lock:
            return len(self._waiting), self._bytes

    def look(self, limit: int = WRITE_MESSAGES) -> tuple[list[Waiting], int | None]:
        """The next for the disk, which stay in hand until they are on it, and the highest number given so far."""
        with self._lock:
            return list(islice(self._waiting, limit)), self.sequence

    def written(self, entries: list[Waiting]) -> None:
        """These are on the disk."""
        with self._lock:
            for entry in entries:
                self._waiting.popleft()
                self._bytes -= entry.size
            self._count_disk(entries, 1)

    def stored(self, entries: list[Waiting]) -> None:
        """These wait no longer on the disk."""
        with self._lock:
            self._count_disk(entries, -1)

    def _count_disk(self, entries: list[Waiting], sign: int) -> None:
        messages, size = self.on_disk
        more = sum(entry.size for entry in entries)
        self.on_disk = (max(0, messages + sign * len(entries)), max(0, size + sign * more))

    def skip_one(self) -> None:
        """Leave a number out, where something may be missing or is. Does nothing where none are given."""
        with self._lock:
            self._next()
