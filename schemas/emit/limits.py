"""The numbers that bound an emitter, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIB: Final = 1_048_576


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one emitter may take of its host."""

    spool_messages: int = 4_000_000
    """Accesses that may wait for the broker. 4 million: eleven hours at 100 a second."""

    spool_bytes: int = 1024 * MIB
    """Bytes that they may take on the disk, as good as counted. 1 GiB: the same eleven hours, at 260 bytes each; a
    disk that a host shares with its database must not be filled by what tells of it."""

    gather_seconds: float = 0.05
    """How long accesses are gathered for one write to the disk. It is what a crash can lose, and before that nothing is
    sent. 0.05: twenty writes a second at the most."""

    def __post_init__(self) -> None:
        if not (self.spool_messages >= 1 and self.spool_bytes >= MIB and 0.001 <= self.gather_seconds <= 60):
            raise ValueError("limits: at least 1 message and 1 MiB in the spool, and 0.001 to 60 s to gather")


HAND_MESSAGES: Final = 10_000
"""Accesses in memory that the disk has not got yet: a hundred seconds at 100 a second with a disk that hangs."""
HAND_BYTES: Final = 8 * MIB
"""The same in bytes: the largest message has 64 KiB."""
WRITE_MESSAGES: Final = 1_000
"""Accesses of one write: host threads wait 0.1 ms at the most while they are taken from the hand."""

WINDOW_MESSAGES: Final = 500
"""Messages that are under way to the broker at once; all of them are sent again when one fails."""
WINDOW_BYTES: Final = MIB

SLOW_SECONDS: Final = 5.0
"""For a window to be stored before it is said that the broker does not answer."""
START_SECONDS: Final = 10.0
"""For the broker to answer: a machine that swallows packets must not look like one that is slow."""
WINDOW_SECONDS: Final = 120.0
"""For a window to be stored; then all begins anew with another connection. aiokafka itself would wait for ever."""
STOP_SECONDS: Final = 1.0
"""For a connection to end, twice; one that hangs is left to its loop, which ends with it."""
PAUSE_FIRST, PAUSE_MAX = 0.2, 30.0
"""Seconds between attempts, doubled each time: half a minute late is soon enough after an outage of hours."""
DISK_PAUSE: Final = 1.0
"""Seconds before a write that failed is tried again: a full disk is not emptied sooner."""
EXIT_SECONDS: Final = 2.0
"""What an interpreter that ends gives the broker for an emitter that nobody closed. What waits then is on the disk."""
LAST_SECONDS: Final = 10.0
"""For what is in hand to reach the disk when an emitter ends, however little it gives the broker: ten writes of 1,000.
Longer than that only a disk hangs, and an end must not hang with it."""
SAY_SECONDS: Final = 60.0
"""Between two lines of log about accesses that were refused."""
