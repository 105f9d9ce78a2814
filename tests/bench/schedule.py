"""When what is meant to be sent, whether the sender kept to it, and which rate is tried next. Pure.

The schedule is open loop: a message is due at its moment whatever became of those before it. Delays count from that
moment, so one that had to wait behind a stalled program counts with its whole wait (coordinated omission).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Final, NamedTuple

from .spread import Spread

LATE_MAX_MS: Final = 50.0  # p99 of how late messages left the sender: a tenth of the shortest delay asked for
OVERRUN_MAX: Final = 0.02  # of the planned time; more, and what was sent is no longer the rate it is called
GOAL_P99_MS: Final = 1000.0  # beyond it a rate is not sustained


class Step(NamedTuple):
    """One message that is due `at` seconds after the start.

    `tail` None: `head` is the whole value. Else an instant stands between the two: the moment at which it is due, in
    real time, known only when the start is.
    """

    at: float
    topic: str
    key: str
    head: bytes
    tail: bytes | None = None
    is_watched: bool = False  # whether the moment at which the broker stored it is wanted


def evenly(count: int, rate: float) -> Iterator[float]:
    """When each of `count` messages is due, `rate` a second."""
    return (number / rate for number in range(count))


def ticks(seconds: float, every: float) -> Iterator[float]:
    """The moments of what comes again and again, the first after one pause, the last not before `seconds`."""
    number = 1
    while True:
        yield number * every
        if number * every >= seconds:
            return
        number += 1


def in_order(*streams: Iterable[Step]) -> Iterator[Step]:
    """Of streams that are in order each, all in order; at one moment the earlier stream goes first."""
    return merge(*streams, key=lambda step: step.at)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How the sender kept its schedule: planned and real seconds, how late messages left it, and how many failed."""

    planned_s: float
    took_s: float
    late: Spread | None
    failed: int

    @property
    def is_kept(self) -> bool:
        """Whether the step says anything about whoever was sent to. If not, it is invalid, neither good nor bad."""
        in_time = self.took_s <= self.planned_s * (1 + OVERRUN_MAX) + LATE_MAX_MS / 1000
        return self.failed == 0 and in_time and (self.late is None or self.late.p99 <= LATE_MAX_MS)


@dataclass(frozen=True)
class Tried:
    """A rate, and whether it was sustained: schedule kept, nothing false or missed, p99 within the goal."""

    rate: int
    is_sustained: bool


def sustained(tried: Sequence[Tried]) -> int | None:
    """The highest rate below which none failed; None: not even the first."""
    failed = min((one.rate for one in tried if not one.is_sustained), default=None)
    return max((t.rate for t in tried if t.is_sustained and (failed is None or t.rate < failed)), default=None)


def next_rate(first: Sequence[int], tried: Sequence[Tried], *, highest: int, refine: int) -> int | None:
    """`first` in order, then doubled up to `highest`; after a failure `refine` times halfway between; None: done."""
    failed = [one.rate for one in tried if not one.is_sustained]
    if not failed:
        if len(tried) < len(first):
            return first[len(tried)]
        doubled = tried[-1].rate * 2
        return doubled if doubled <= highest else None
    good = sustained(tried)
    ran_up = next(number for number, one in enumerate(tried, start=1) if not one.is_sustained)
    if good is None or len(tried) - ran_up >= refine:
        return None
    return (good + min(failed)) // 2
