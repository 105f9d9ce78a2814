"""What host threads have emitted and the disk has not got yet: numbered, in order, bounded, and never waited for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final

from ..access import Access
from ..errors import RejectedInputError
from ..ids import SourceName
from .errors import MisusedError
from .fields import read_access, spell
from .limits import HAND_BYTES, HAND_MESSAGES, WRITE_MESSAGES, Limits
from .message import ROW_BYTES, Waiting

_LONGEST: Final = 2**63 - 1  # as a number is written


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
        self._is_inside = False
        self._parked: deque[Callable[[], object]] = deque()
        self._parked_bytes = 0
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
            if self._is_inside:
                return self._park(read)
            try:
                self._is_inside = True
                return self._take(read)
            finally:
                self._settle()

    def _take(self, read: Access) -> bool:
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
        self._append(read, sequence, value, size)
        return True

    def _append(self, read: Access, sequence: int | None, value: bytes, size: int) -> None:
        self.last += 1
        at = time.time_ns() // 1_000_000
        self._waiting.append(Waiting(self.last, read.event_id, read.record.id, read.occurred_at, at, sequence, value))
        self._bytes += size
        self.counted.emitted += 1

    # A signal's handler may emit in the midst of an emit of its own thread, between any two steps of it. Were it to
    # take a number there, two accesses would have the same one. So it parks what is to be done, and whoever it has
    # interrupted does that in the end. Its caller hears the truth at once: the number decides nothing but digits.

    def _park(self, read: Access) -> bool:
        try:
            size = len(spell(read, _LONGEST if self._first is not None else None)) + ROW_BYTES
        except RejectedInputError:
            self._parked.append(partial(self._count_invalid, read))
            raise
        if self._is_full(size + self._parked_bytes, len(self._parked)):
            self._parked.append(partial(self._count_refused, read))
            return False
        self._parked_bytes += size
        self._parked.append(partial(self._take_parked, read, size))
        return True

    def _settle(self) -> None:
        """Do what was parked; the lock is held, and nothing else of this hand is under way."""
        while True:
            while self._parked:
                self._parked[0]()
                self._parked.popleft()
            self._is_inside = False
            if not self._parked:  # else a handler came just before that
                return
            self._is_inside = True

    def _take_parked(self, read: Access, size: int) -> None:
        self._parked_bytes -= size
        sequence = self._count(read)
        value = spell(read, sequence)
        self._append(read, sequence, value, len(value) + ROW_BYTES)

    def _count_refused(self, read: Access) -> None:
        self._count(read)
        self.counted.refused += 1

    def _count_invalid(self, read: Access | None = None) -> None:
        self.counted.invalid += 1
        if read is None:
            self._next()
        else:
            self._count(read)

    def shut(self, why: str) -> int:
        """Nothing comes in any more: who tries is told why. The number of the last that did."""
        with self._lock:
            self._shut = why
            return self.last

    def _missed(self) -> None:
        with self._lock:
            if self._is_inside:
                self._parked.append(self._count_invalid)
                return
            try:
                self._is_inside = True
                self._count_invalid()
            finally:
                self._settle()

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

    def _is_full(self, size: int, parked: int = 0) -> bool:
        messages, total = self.on_disk
        more, held = total + self._bytes + size, len(self._waiting) + parked
        is_full = messages + held >= self._limits.spool_messages or more > self._limits.spool_bytes
        return is_full or held >= HAND_MESSAGES or self._bytes + size > HAND_BYTES

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
            self._settle()  # empty, unless whoever should have done it was broken off by a handler that raises
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
