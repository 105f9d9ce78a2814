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
