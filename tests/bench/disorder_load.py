"""What is sent in the disorder: accesses of a compressed half hour, and facts late or found to be wrong. Pure.

Event time runs `scale` times as fast as the clock: at a scale of 20, 90 seconds are half an hour, a fact that is late
by 600 s comes 30 s after what it would have explained, and marks every 100 ms are two seconds apart. All of it lies two
hours in the past, since nothing may be dated ahead; at the end the marks jump beyond the policy's grace.

Shares are of all assignments: `late` come 1 to 600 s after they begin to hold, every other one written down late, the
rest held up on the way behind marks that had promised otherwise; `shortened` end, as a second revision says afterwards,
before accesses that they had explained; `void` were entered in error. Beside that a storm: `storm` assignments become
void at one moment by mistake, and are restored a while later.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from schemas.ids import format_instant
from schemas.topics import FEEDS, Topics

from .schedule import Step, evenly, in_order, ticks
from .workload import EACH, SOURCE, Message, access_value, assignment_body, fact_message, mark_value

MARKS_SECONDS: Final = 0.1  # by the clock, between two marks of a feed
LATE_SECONDS: Final = (1.0, 600.0)  # of event time
RECENT_SECONDS: Final = 600.0  # of event time: half the accesses are for duties as new as that
BEGIN_BEFORE: Final = 0.85  # of the span: later ones would hardly be used
CORRECT_BEFORE: Final = 0.92  # of the span
SAY_BEFORE: Final = 0.98  # of the span
STORM_AT: Final = 0.5  # of the span
STORM_OVER: Final = 0.75
AFTER_SECONDS: Final = 1.0  # by the clock, from the last access to the last marks
GRACE_MS: Final = 3_600_000 + 1_000  # the policy's, and a second


@dataclass(frozen=True, kw_only=True)
class Load:
    """`rate` accesses a second of the clock for `seconds`; `begin`: event time (UTC ms) of the start."""

    rate: int
    seconds: float
    scale: float
    begin: int
    subjects: int
    staff: int
    share: float
    late: float
    shortened: float
    void: float
    storm: int
    seed: int

    @property
    def span(self) -> float:
        """Seconds of event time."""
        return self.seconds * self.scale

    @property
    def planned_s(self) -> float:
        """By the clock, from the first message to the last."""
        return self.seconds + AFTER_SECONDS

    def instant(self, seconds: float) -> int:
        """UTC ms of so many seconds of event time after the start."""
        return self.begin + int(seconds * 1000)


class Said(NamedTuple):
    """One revision of one assignment: when it is sent and when written down, in seconds of event time."""

    sent: float
    message: Message


@dataclass
class Duty:
    """One assignment; `begin` and `known_over` in seconds of event time. From `known_over` on nobody relies on it."""

    record: str
    staff: str
    begin: float
    kind: str = "plain"  # or late, delayed, shortened, void, storm
    known_over: float = float("inf")
    said: list[Said] = field(default_factory=list)

    @property
    def fact_id(self) -> str:
        """Its name at the feed."""
        return f"{self.record}/{self.staff}"


class Drawn(NamedTuple):
    """One access; `at`: when it is due, seconds by the clock. `is_stranger`: nobody ever said a word of the pair."""

    at: float
    event: str
    number: int
    record: str
    staff: str
    is_stranger: bool


def duties(load: Load) -> list[Duty]:
    """All assignments with everything that is said of each, by when they begin. The same in every process."""
    rng = random.Random(f"{load.seed}/duties")
    found = [
        Duty(f"su{number}", f"st{member}", _draw_begin(load, rng))
        for number in range(load.subjects)
        for member in rng.sample(range(load.staff), EACH)
    ]
    for duty in found:
        _say(load, duty, rng)
    old = [duty for duty in found if duty.kind == "plain" and duty.begin < 0]
    for duty in rng.sample(old, min(load.storm, len(old))):
        _say_by_mistake(load, duty)
    return sorted(found, key=lambda duty: duty.begin)


def known_before(load: Load) -> list[Message]:
    """The assignments that are said before the first access."""
    return [said.message for said in _all_said(load) if said.sent <= 0]


def draw(load: Load) -> Iterator[Drawn]:
    """The accesses, in order."""
    held, rng = duties(load), random.Random(f"{load.seed}/accesses")
    begins, pairs = [duty.begin for duty in held], {(duty.record, duty.staff) for duty in held}
    for number, at in enumerate(evenly(round(load.rate * load.seconds), load.rate)):
        if rng.random() < load.share:
            record, staff = f"su{rng.randrange(load.subjects)}", f"st{rng.randrange(load.staff)}"
        else:
            duty = _draw_duty(held, begins, at * load.scale, rng)
            record, staff = duty.record, duty.staff
        yield Drawn(at, f"d{number}", number, record, staff, (record, staff) not in pairs)


def steps(topic_prefix: str, load: dict[str, Any]) -> Iterator[Step]:
    """What the sender sends."""
    asked, topics = Load(**load), Topics(topic_prefix)
    accesses = _accesses(asked, topics.access(SOURCE))
    return in_order(_facts(asked, topics.feed("assignments")), accesses, _marks(asked, topics))


def _draw_begin(load: Load, rng: random.Random) -> float:
    return -rng.uniform(1, load.span) if rng.random() < 0.5 else rng.uniform(0, load.span * BEGIN_BEFORE)


def _say(load: Load, duty: Duty, rng: random.Random) -> None:
    """The first revision, and the second if there is one."""
    delay, drawn = 0.0, rng.random()
    if drawn < load.late:
        least, most = LATE_SECONDS
        most = min(most, SAY_BEFORE * load.span - duty.begin)  # all is said before the last marks
        delay, duty.kind = rng.uniform(least, most), rng.choice(("late", "delayed"))
    sent = duty.begin + delay
    duty.said.append(_revision(load, duty, 1, sent, recorded=duty.begin if duty.kind == "delayed" else sent))
    if load.late <= drawn < load.late + load.shortened + load.void:
        begun = max(duty.begin, 0.0)
        duty.known_over = rng.uniform(begun + 0.01 * load.span, CORRECT_BEFORE * load.span)
        duty.kind = "shortened" if drawn < load.late + load.shortened else "void"
        end = rng.uniform(begun, duty.known_over) if duty.kind == "shortened" else None
        duty.said.append(_revision(load, duty, 2, duty.known_over, end=end, is_void=duty.kind == "void"))


def _say_by_mistake(load: Load, duty: Duty) -> None:
    duty.kind = "storm"
    duty.said.append(_revision(load, duty, 2, STORM_AT * load.span, is_void=True))
    duty.said.append(_revision(load, duty, 3, STORM_OVER * load.span))


def _revision(
    load: Load,
    duty: Duty,
    revision: int,
    sent: float,
    *,
    recorded: float | None = None,
    end: float | None = None,
    is_void: bool = False,
) -> Said:
    """Written down when it is sent, unless said otherwise."""
    message = fact_message(
        duty.fact_id,
        revision,
        (load.instant(duty.begin), None if end is None else load.instant(end)),
        assignment_body(duty.record, duty.staff),
        recorded_at=load.instant(sent if recorded is None else recorded),
        is_void=is_void,
    )
    return Said(sent, message)


def _all_said(load: Load) -> list[Said]:
    return sorted((said for duty in duties(load) for said in duty.said), key=lambda said: said.sent)


def _draw_duty(held: list[Duty], begins: list[float], now: float, rng: random.Random) -> Duty:
    """Somebody's duty that has begun, and that nobody has been told is over."""
    begun = bisect_left(begins, now)
    recent = bisect_left(begins, now - RECENT_SECONDS)
    while True:
        first = recent if recent < begun and rng.random() < 0.5 else 0
        duty = held[rng.randrange(first, begun)]
        if now < duty.known_over:
            return duty


def _facts(load: Load, topic: str) -> Iterator[Step]:
    for said in _all_said(load):
        if said.sent > 0:
            yield Step(said.sent / load.scale, topic, said.message.key, said.message.value)


def _accesses(load: Load, topic: str) -> Iterator[Step]:
    for one in draw(load):
        instant = format_instant(load.instant(one.at * load.scale))
        value = access_value(one.event, one.number, one.record, one.staff, instant)
        yield Step(one.at, topic, one.record, value)


def _marks(load: Load, topics: Topics) -> Iterator[Step]:
    """A millisecond short of now, since a mark speaks for its own instant too; the last beyond the grace."""
    moments = [(at, load.instant(at * load.scale) - 1) for at in ticks(load.seconds, MARKS_SECONDS)]
    moments.append((load.planned_s, load.instant(load.span) + GRACE_MS))
    for number, (at, through) in enumerate(moments, start=1):
        for feed in FEEDS:
            yield Step(at, topics.feed(feed), feed, mark_value(feed, format_instant(through), number))
