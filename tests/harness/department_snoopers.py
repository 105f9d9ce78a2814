"""People who look at what is not theirs, and look-ups that no data can place."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.finding import Outcome
from tests.harness.builders import AccessFields, make_access
from tests.harness.department_people import Person
from tests.harness.department_plan import HOUR, SECOND, Plan, clock
from tests.harness.department_work import THEIR_ACTIONS, Work

NEIGHBOURS = 14
REPEATED = 9
BULK = 14
HANDED_IN = 12
UNEXPLAINED: Outcome = "unexplained"


def plan_snoopers(plan: Plan, work: Work, others: Sequence[Person], accesses: int) -> None:
    """Every kind of snooper; the more accesses the day has, the more neighbours are looked up."""
    for i in range(NEIGHBOURS + accesses // 300):
        _neighbour(plan, work, plan.chance.pick(others), in_facts=i % 5 == 0)
    for source in THEIR_ACTIONS:
        _elsewhere(plan, work, plan.chance.pick(others), source)
    _handed_in(plan, work, plan.chance.pick(others))
    _repeated(plan, work, plan.chance.pick(others))
    _bulk(plan, work, plan.chance.pick(others))
    _colleagues(plan, others)
    _searches(plan, work, others)
    _turned_away(plan, work, plan.chance.pick(others))
    _unknown(plan, work, others)


def _during_the_day(plan: Plan) -> int:
    return clock("08:00") + plan.chance.below(10 * HOUR)


def _neighbour(plan: Plan, work: Work, who: Person, *, in_facts: bool) -> None:
    """Somebody from next door, who is a client of a colleague."""
    person = plan.chance.pick(plan.chance.pick(work.strangers(who)).people)
    when = _during_the_day(plan)
    if in_facts and who not in plan.people.namesakes():
        plan.see(who, "search", person, when - when % SECOND, "unexplained", source="facts")
    else:
        plan.see(who, plan.chance.pick(("search", "view")), person, when, "unexplained")


def _elsewhere(plan: Plan, work: Work, who: Person, source: str) -> None:
    """The same in each of the systems that write in their own way."""
    case = plan.chance.pick(work.strangers(who))
    person = case.aliases.get(source) or plan.chance.pick(case.people)
    plan.see(who, "view", person, _during_the_day(plan), "unexplained", source=source, session="ses-else")


def _handed_in(plan: Plan, work: Work, who: Person) -> None:
    """A file of people to be searched for at Accurint: one message, and one alert."""
    people = [case.aliases["accurint"] for case in plan.chance.shuffled(work.strangers(who))[:HANDED_IN]]
    when, login = _during_the_day(plan), who.logins["accurint"]
    first, *rest = people
    common: AccessFields = {"source": "accurint", "session": "ses-file", "batch_id": "J-2026-7"}
    also = [(make_access(login, "search", person, when, **common), UNEXPLAINED) for person in rest]
    plan.see(who, "search", first, when, "unexplained", also=also, **common)


def _repeated(plan: Plan, work: Work, who: Person) -> None:
    """The same person again and again."""
    person = plan.chance.pick(plan.chance.pick(work.strangers(who)).people)
    for _ in range(REPEATED):
        plan.see(who, "view", person, _during_the_day(plan), "unexplained", session="ses-again")


def _bulk(plan: Plan, work: Work, who: Person) -> None:
    """Case after case, exported within minutes."""
    begin = clock("17:40") + plan.chance.below(HOUR // 2)
    for i in range(BULK):
        case = plan.chance.pick(work.strangers(who))
        when = begin + i * 20 * SECOND + plan.chance.below(15 * SECOND)
        plan.see(who, "export", case.case, when, "unexplained", batch_id="bulk-1", object_count=40 + i)


def _colleagues(plan: Plan, others: Sequence[Person]) -> None:
    """Staff records: a colleague's is a question about a person, one of nobody about data."""
    for _ in range(4):
        who, colleague = plan.chance.shuffled(others)[:2]
        plan.see(who, "search", f"staff:{colleague.staff}", _during_the_day(plan), "unexplained")
    plan.see(plan.chance.pick(others), "view", "staff:w9999", _during_the_day(plan), "unresolved")


def _searches(plan: Plan, work: Work, others: Sequence[Person]) -> None:
    """Searches by criteria: no hit, hits on strangers, and one client among the hits."""
    for i in range(6):
        plan.see(plan.chance.pick(others), "search", f"criteria:name-{i}", _during_the_day(plan), "unresolved")
    for i in range(4):
        who = plan.chance.pick(others)
        found = [plan.chance.pick(plan.chance.pick(work.strangers(who)).people) for _ in range(3)]
        plan.see(
            who, "search", f"criteria:plate-{i}", _during_the_day(plan), "unexplained", candidates=list(found)
        )  # fmt: skip
    busy = [p for p in others if work.duties[p.staff]]
    for i in range(4):
        who = plan.chance.pick(busy)
        found = [plan.chance.pick(plan.chance.pick(work.cases).people), plan.chance.pick(work.duties[who.staff]).case]
        plan.see(who, "search", f"criteria:ssn-{i}", _during_the_day(plan), "explained", candidates=list(found))


def _turned_away(plan: Plan, work: Work, who: Person) -> None:
    """Attempts that the system refused, or that broke off."""
    for result in ("denied", "denied", "failed", "denied"):
        case = plan.chance.pick(work.strangers(who))
        plan.see(who, "print", case.papers[0], _during_the_day(plan), "unexplained", result=result)


def _unknown(plan: Plan, work: Work, others: Sequence[Person]) -> None:
    """Logins of nobody, records of nothing."""
    for i in range(5):
        case = plan.chance.pick(work.cases)
        plan.see(f"ghost{i}", "view", case.case, _during_the_day(plan), "unresolved")
        plan.see(plan.chance.pick(others), "view", f"case:z{i:04d}", _during_the_day(plan), "unresolved")
    case = plan.chance.pick(work.cases)
    plan.see("XRAY0000", "view", case.case, clock("09:00:01"), "unresolved", source="facts")
