"""What is sent in a run: a generated day in which much is said late, changed, voided and restored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final, NamedTuple

from schemas.fact import Assignment, Fact
from streams.policies import load_policy
from tests.faults.fault import Fault
from tests.faults.logs import point
from tests.harness.department import make_day
from tests.harness.department_mail import fact_step
from tests.harness.department_plan import DAY_START, HOUR, MINUTE
from tests.harness.steps import Expected, Script, Step, in_order

MARK_EVERY_SECONDS: Final = 1_200  # of the virtual day: a mark about every second of a minute's play
STIRRED: Final = 0.35  # share of the assignments known beforehand about which something is said during the day


class Sent(NamedTuple):
    """What is sent before the play and during it, and what must come of all of it."""

    beforehand: tuple[Step, ...]
    flowing: tuple[Step, ...]
    expected: Expected


def make_sent(seed: int, accesses: int, faults: Iterable[Fault], chance: Random) -> Sent:
    """The day of this seed, as these faults leave it; during the play the steps come one after the other, evenly."""
    day = make_day(seed, accesses=accesses, mark_every_seconds=MARK_EVERY_SECONDS)
    steps: Sequence[Step] = in_order(_stirred(day.steps, chance))
    for fault in faults:
        steps = fault.sent(steps, chance)
    before = point(steps, 0)
    flowing = tuple(replace(step, at_ms=number) for number, step in enumerate(steps[before:]))
    return Sent(tuple(steps[:before]), flowing, Script(tuple(steps)).expected(load_policy()))


def _stirred(steps: Sequence[Step], chance: Random) -> Iterator[Step]:
    """Of what was known beforehand some is said late, some is shortened, and some is voided and perhaps restored."""
    times = Counter(step.means.fact_id for step in steps if isinstance(step.means, Fact))
    for step in steps:
        fact = step.means
        is_plain = isinstance(fact, Fact) and isinstance(fact.body, Assignment) and times[fact.fact_id] == 1
        if isinstance(fact, Fact) and is_plain and step.at_ms < DAY_START and chance.random() < STIRRED:
            yield from _said_again(step, fact, chance)
        else:
            yield step


def _said_again(step: Step, fact: Fact, chance: Random) -> Iterator[Step]:
    said = DAY_START + chance.randrange(8 * HOUR, 22 * HOUR)
    match chance.randrange(4):
        case 0:  # written down in time and long delayed: it breaks the feed's marks
            yield replace(step, at_ms=said)
        case 1:  # written down late
            yield _revised(fact, said, revision=1)
        case 2:
            yield step
            yield _revised(fact, said, revision=2, valid_to=said - 2 * HOUR)
        case _:
            yield step
            yield _revised(fact, said, revision=2, void=True)
            if chance.random() < 0.5:
                yield _revised(fact, said + chance.randrange(MINUTE, 2 * HOUR), revision=3)


def _revised(fact: Fact, said: int, **changed: object) -> Step:
    return fact_step(said, fact.model_copy(update={"recorded_at": said - 1, **changed}))
