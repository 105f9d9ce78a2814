"""How much one client may ask in a while. Pure but for the clock it is given."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

CLIENTS_MAX: Final = 10_000  # remembered; whoever was silent longest is forgotten, and begins with a full bucket


class Limits:
    """A bucket for each client: `burst` at once, then `rate` a second."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._sessions: OrderedDict[str, None] = OrderedDict()

    def client(self, token: str | None, remote: str) -> str:
        """Whose bucket it is: a session's own, once it was seen to be one; all else is counted for its address."""
        return token if token is not None and token in self._sessions else remote

    def trust(self, token: str) -> None:
        """This is somebody's session."""
        self._sessions[token] = None
        if len(self._sessions) > CLIENTS_MAX:
            self._sessions.popitem(last=False)

    def distrust(self, token: str) -> None:
        """It is nobody's, or nobody's any more: whoever makes up tokens makes no buckets."""
        self._sessions.pop(token, None)

    def wait(self, client: str) -> int:
        """Takes one from a client's bucket; the seconds to wait when it is empty, else 0."""
        now = self._clock()
        level, before = self._buckets.pop(client, (float(self._burst), now))
        level = min(float(self._burst), level + (now - before) * self._rate)
        if level < 1:
            self._buckets[client] = (level, now)
            return math.ceil((1 - level) / self._rate)
        self._buckets[client] = (level - 1, now)
        if len(self._buckets) > CLIENTS_MAX:
            self._buckets.popitem(last=False)
        return 0
