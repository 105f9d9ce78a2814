"""How far a source's clock is off, from when it says that something was and when the broker stored it. Pure.

A message is stored after it was written: *stored - written = delay - ahead*, where the delay is never negative and
*ahead* is how far the source's clock is ahead of the broker's (negative: behind). So each message says that the clock
is ahead by no less than *written - stored*; and the least difference over many messages, most of which take a moment,
is close to *-ahead*. One message dated ahead therefore proves a clock ahead. That many are all late proves one behind
only where messages are sent as they are written: heartbeats of any source, accesses of a source that is online.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

WINDOW_MS: Final = 600_000  # ten minutes: a clock that is put right is believed after that
SAMPLES_MAX: Final = 2_000  # of a source within the window
PROVE_BEHIND: Final = 10  # so few might all have been held up
NOT_A_CLOCK_MS: Final = 86_400_000  # an access that is a day late: sent later, from a file or a spool
TOLERANCE_MS: Final = 5_000  # of every clock, beside the error that is declared: two clocks and a moment on the way


class Sample(NamedTuple):
    """One message: when it was looked at, the earliest and latest that it may have been written, when it was stored.

    All in UTC ms. `is_prompt`: it was sent as it was written, so that its delay is a moment. `is_beat`: a heartbeat,
    which nobody keeps to send it later: however late it is, that is its clock.
    """

    at: int
    written: int
    written_until: int
    stored: int
    is_prompt: bool
    is_beat: bool = False


class Clock:
    """What the last ten minutes say of one source's clock."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)

    def look(self, sample: Sample) -> None:
        """One more message; they are looked at in order."""
        self._samples.append(sample)

    def off_ms(self, now: int) -> int:
        """How far it is off at the least: ahead if positive, behind if negative; 0: nothing shows that it is."""
        while self._samples and self._samples[0].at < now - WINDOW_MS:
            self._samples.popleft()
        ahead = max((s.written - s.stored for s in self._samples), default=0)
        if ahead > 0:
            return ahead
        late = list(self._lateness())
        return -max(0, min(late)) if len(late) >= PROVE_BEHIND else 0

    def _lateness(self) -> Iterator[int]:
        for sample in self._samples:
            late = sample.stored - sample.written_until
            if sample.is_beat or (sample.is_prompt and late < NOT_A_CLOCK_MS):
                yield late


def allowed_ms(clock_error_ms: int) -> int:
    """Beyond this a clock is off, given the error that is declared."""
    return clock_error_ms + TOLERANCE_MS
