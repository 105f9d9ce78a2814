"""What is sent in the open loop: accesses of now at a steady rate, and marks of every feed beside them. Pure.

Whose duty has no end opens what it is for, but for a `share` of random people at random records. Each access happened
at the very moment at which it is due to be sent, so nobody may be accused before the next marks.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from schemas.topics import FEEDS, Topics

from .schedule import Step, evenly, in_order, ticks
from .workload import SOURCE, Held, Plan, access_value, covers, make_assignments, mark_value

MARKS_SECONDS: Final = 0.1  # between two marks of a feed
AFTER_SECONDS: Final = 0.5  # for which marks go on after the last access
_HERE: Final = "0000-00-00T00:00:00.000Z"  # stands where the instant will


@dataclass(frozen=True, kw_only=True)
class Load:
    """One rate. `warm_up` and `seconds` of accesses, numbered from `first`; facts as in `Plan`."""

    rate: int
    warm_up: float
    seconds: float
    first: int
    now: int  # UTC ms, of the benchmark's start: nothing begins or ends to hold meanwhile
    subjects: int
    staff: int
    share: float
    seed: int

    @property
    def count(self) -> int:
        """How many accesses."""
        return round(self.rate * (self.warm_up + self.seconds))

    @property
    def planned_s(self) -> float:
        """From the first message to the last."""
        return self.warm_up + self.seconds + AFTER_SECONDS


class Drawn(NamedTuple):
    """One access: when it is due, its id, who opens what, and whether that is a violation."""

    at: float
    event: str
    number: int
    record: str
    staff: str
    is_violation: bool


@cache
def _duties(subjects: int, staff: int, seed: int) -> Held:
    """Who has what, as the feeds say it: the same as in the drain of the same seed."""
    return make_assignments(Plan(accesses=0, subjects=subjects, staff=staff, seed=seed), random.Random(seed))[0]


def draw(load: Load) -> Iterator[Drawn]:
    """The accesses, in order. The same load gives the same accesses in every process."""
    held, rng = _duties(load.subjects, load.staff, load.seed), random.Random(f"{load.seed}/{load.first}")
    now = [pair for pair, interval in held.items() if covers(interval, load.now)]
    for number, at in enumerate(evenly(load.count, load.rate), start=load.first):
        if rng.random() < load.share:
            record, staff = f"su{rng.randrange(load.subjects)}", f"st{rng.randrange(load.staff)}"
        else:
            record, staff = now[rng.randrange(len(now))]
        yield Drawn(at, f"o{number}", number, record, staff, not covers(held.get((record, staff)), load.now))


def steps(topic_prefix: str, load: dict[str, Any]) -> Iterator[Step]:
    """What the sender sends."""
    asked, topics = Load(**load), Topics(topic_prefix)
    return in_order(_accesses(asked, topics.access(SOURCE)), _marks(asked, topics))


def _accesses(load: Load, topic: str) -> Iterator[Step]:
    for one in draw(load):
        head, tail = _around(access_value(one.event, one.number, one.record, one.staff, _HERE))
        yield Step(one.at, topic, one.record, head, tail, one.is_violation)


def _marks(load: Load, topics: Topics) -> Iterator[Step]:
    for number, at in enumerate(ticks(load.planned_s, MARKS_SECONDS), start=1):
        for feed in FEEDS:
            yield Step(at, topics.feed(feed), feed, *_around(mark_value(feed, _HERE, number)))


def _around(value: bytes) -> tuple[bytes, bytes]:
    head, _, tail = value.partition(_HERE.encode())
    return head, tail
