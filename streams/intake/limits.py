"""How much may be under way, and how often a source may come. Pure but for the clock it is given."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from schemas.ids import SourceName

from .refusing import RefusedError

BURST_SECONDS: Final = 10  # of a source's rate at once: an hour's backlog of a small system in one go
OF_ONE: Final = 4  # one source may hold this part of the slots: one that hangs must not shut out the others


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long clients may take, in seconds, and how many may be there."""

    headers_seconds: float = 30
    """From opening a connection, or the end of an answer, to the end of a request's headers: two slow round trips, and
    how long a client's pool may keep a connection that it does not use."""
    body_seconds: float = 30
    """For a body of at most 1 MiB: 35 kB a second."""
    connections: int = 500
    """Below the 1,024 open files that a process usually may have."""


class InFlight:
    """Slots for requests that are being read or stored."""

    def __init__(self, most: int) -> None:
        self._most, self._of_one = most, max(1, most // OF_ONE)
        self._held: Counter[SourceName] = Counter()
        self.is_closed = False
        """Set at a stop: what is under way may end, and nothing else begins."""

    @property
    def count(self) -> int:
        """How many are under way."""
        return self._held.total()

    @contextmanager
    def slot(self, source: SourceName) -> Iterator[None]:
        """Holds one. Raises RefusedError when there is none left, of all or of this source."""
        if self.is_closed:
            raise RefusedError("busy", "this receiver is stopping; send the same again later")
        if self.count >= self._most or self._held[source] >= self._of_one:
            raise RefusedError("busy", "too many requests are under way; send the same again later")
        self._held[source] += 1
        try:
            yield
        finally:
            self._held[source] -= 1


class Rates:
    """A bucket for each source: it may go into debt by one request, whose size is known once it is read."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, rate * BURST_SECONDS, clock
        self._levels: dict[SourceName, tuple[float, float]] = {}

    def check(self, source: SourceName) -> None:
        """Raises RefusedError, saying after how many seconds, while a source has nothing left."""
        level = self._level(source)
        if level < 1:
            wait = math.ceil((1 - level) / self._rate)
            detail = f"more than {self._rate:g} messages a second; send the same again after {wait} s"
            raise RefusedError("too_often", detail, retry_after=wait)

    def take(self, source: SourceName, count: int) -> None:
        """So many messages came."""
        self._levels[source] = (self._level(source) - count, self._clock())

    def _level(self, source: SourceName) -> float:
        level, before = self._levels.get(source, (self._burst, self._clock()))
        return min(self._burst, level + (self._clock() - before) * self._rate)
