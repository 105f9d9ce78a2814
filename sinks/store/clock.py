"""Whether this machine's clock can be believed: an act says when it was done, and no later one may be earlier.

A clock that is far ahead, once, would date all acts after it as far ahead: whoever takes an alert then has looked at
its record before they held it, as the judge sees it, and is accused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from schemas.errors import NotReadyError
from schemas.fact import MARK_AHEAD_MAX_MS

WRONG_MS: Final = MARK_AHEAD_MAX_MS  # 5 minutes: a mark that is further ahead is not taken either


class ClockWrongError(NotReadyError):
    """Nothing is written by this clock. Operations must set it; what comes meanwhile waits."""


class Clock:
    """What the broker's clock says, as of when it last stored something for us, and what has passed since."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self.steady = steady
        """Seconds since whenever; nobody can set it."""
        self._difference: float | None = None  # of the broker's clock and the steady one, in ms

    def heard(self, sent: float, stored_at: int) -> None:
        """What was sent at `sent` (by the steady clock) was stored after that: at `stored_at` (the broker's UTC ms)."""
        self._difference = stored_at - sent * 1000

    def ahead(self, now: int) -> int:
        """By how many milliseconds, at the least, `now` (UTC ms) is ahead of the broker's clock; 0: not known to be."""
        if self._difference is None:
            return 0
        return max(0, now - int(self._difference + self.steady() * 1000))

    def moment(self, now: int, newest: int) -> int:
        """When what is written now happens: at `now`, but never before the newest moment. Raises ClockWrongError."""
        self.refuse_unless_right(now, newest)
        return max(now, newest)

    def refuse_unless_right(self, now: int, newest: int) -> None:
        """Raises ClockWrongError when `now` is far ahead of the broker's clock, or behind the newest moment (ms)."""
        if (ahead := self.ahead(now)) > WRONG_MS:
            raise ClockWrongError(
                f"this machine's clock is {ahead // 1000} s ahead of the broker's: set both right; until then nothing "
                "is written"
            )
        if newest - now > WRONG_MS:
            raise ClockWrongError(
                f"this machine's clock is {(newest - now) // 1000} s behind what was written last: set it right, or "
                "see the page ClockWrong if the other was ahead; until then nothing is written"
            )
