"""A synthetic department with ground truth: one day of work, mistakes and snooping, the same bytes for the same seed.

2026-01-05 in New York. Drawn from `random.Random(seed)` alone; the truth comes from the brute-force judge.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.access import Access
from schemas.fact import Mark
from schemas.finding import Outcome
from tests.harness.builders import DUTY_FEEDS
from tests.harness.department_bad import bad_steps
from tests.harness.department_mail import (
    FILE_NUMBER,
    access_steps,
    again,
    fact_step,
    file_steps,
    intents,
    mark_step,
    mark_steps,
    numbered,
)
from tests.harness.department_people import NAMESAKES, Chance, make_people, people_facts
from tests.harness.department_plan import (
    ACCESSES_MIN,
    CASES_MIN,
    DAY_END,
    DAY_START,
    HOUR,
    MINUTE,
    SECOND,
    STORIES,
    Draft,
    Plan,
)
from tests.harness.department_snoopers import plan_snoopers
from tests.harness.department_stories import COVERING, plan_stories
from tests.harness.department_work import plan_ordinary, plan_work
from tests.harness.facts_file import FactsFile, facts_file
from tests.harness.steps import Script, Step, in_order

FILE_ARRIVES = DAY_END + 3 * HOUR  # 03:00 the next morning
LAST_MARK_AHEAD = 48 * HOUR  # beyond any grace a test may set, so that everything becomes final
MARK_EVERY_SECONDS = 60


@dataclass(frozen=True)
class Day(Script):
    """A day as it is sent. `facts_file` is the nightly file, whose lines are also steps; `intents` says of each access
    which outcome its author had in mind under the default policy (grace 1 h, depth 2, coverage carries the line)."""

    facts_file: bytes
    intents: tuple[tuple[Access, Outcome], ...]


def make_day(
    seed: int, *, staff: int = 60, cases: int = 80, accesses: int = 3000, mark_every_seconds: int = MARK_EVERY_SECONDS
) -> Day:
    """The day of `seed`, with exactly `accesses` different accesses.

    Raises ValueError when the department is too small for every kind of snooper: 24 staff, 40 cases, 300 accesses.
    """
    if cases < CASES_MIN or accesses < ACCESSES_MIN:
        raise ValueError(f"a day needs at least {CASES_MIN} cases and {ACCESSES_MIN} accesses")
    plan = _plan(Chance(seed), staff=staff, cases=cases, accesses=accesses)
    drafts = numbered(plan.drafts)
    file = facts_file("20260105", FILE_NUMBER, [d.access for d in drafts if d.access.source == "facts"])
    steps = _steps(plan, drafts, file, mark_every_seconds * SECOND)
    return Day(in_order(steps), facts_file=file.content, intents=intents(drafts))


def _plan(chance: Chance, *, staff: int, cases: int, accesses: int) -> Plan:
    people = make_people(staff)
    plan = Plan(chance, people, [])
    plan.know(*people_facts(people))
    work = plan_work(plan, cases - STORIES)
    # The first two workers are an ordinary absence and its stand-in; they take no part in any story.
    cast = chance.shuffled(people.workers[2:-NAMESAKES])
    others = [*cast[COVERING:], *people.namesakes()]
    plan_stories(plan, cast[:COVERING], others)
    plan_snoopers(plan, work, others, accesses)
    plan_ordinary(plan, work, accesses - plan.count())
    return plan


def _steps(plan: Plan, drafts: list[Draft], file: FactsFile, mark_every_ms: int) -> list[Step]:
    chance = plan.chance
    before = DAY_START - HOUR
    known = chance.shuffled(plan.known)
    steps = [fact_step(before + i, fact) for i, fact in enumerate(known)]
    steps += [fact_step(arrives, fact) for arrives, fact in plan.told]
    steps += access_steps(chance, (d for d in drafts if d.access.source != "facts"))
    lines = list(file_steps(FILE_ARRIVES, file))
    steps += lines
    steps += [again(line, FILE_ARRIVES + MINUTE) for line in lines[1:3]]  # two lines of the file arrive twice
    steps += bad_steps(chance)
    end = max(step.at_ms for step in steps) + MINUTE
    steps += mark_steps(end, mark_every_ms)
    for feed in DUTY_FEEDS:
        through = end + LAST_MARK_AHEAD
        steps.append(mark_step(end, Mark(feed=feed, complete_through=through, sequence=1_000_000)))
    return steps
