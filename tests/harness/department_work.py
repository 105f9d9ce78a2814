"""Ordinary work: cases with workers, and accesses that a recorded duty explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.access import Action, Purpose, Record
from schemas.finding import Outcome
from tests.harness.builders import AccessFields, assignment, coverage, make_access, membership
from tests.harness.department_people import Chance, Person
from tests.harness.department_plan import DAY_END, DAY_START, HOUR, SECOND, Case, Plan
from tests.harness.facts_file import FUNCTIONS, terminal

ACTIONS: tuple[tuple[float, Action], ...] = (
    (0.58, "view"),
    (0.74, "edit"),
    (0.88, "search"),
    (0.94, "print"),
    (0.97, "export"),
    (0.985, "disclose"),
    (1.0, "subscribe"),
)
SOURCES: tuple[tuple[float, str], ...] = (
    (0.82, "ecms"),
    (0.92, "facts"),
    (0.94, "facts2"),
    (0.955, "irss"),
    (0.97, "clean"),
    (0.98, "jnet"),
    (0.99, "accurint"),
    (1.0, "paper"),
)


EXPLAINED: Outcome = "explained"
THEIR_ACTIONS: dict[str, tuple[Action, ...]] = {
    "facts2": ("search", "view", "view", "edit", "print", "export"),
    "irss": ("search", "view", "view", "edit", "print", "export"),
    "clean": ("search", "view", "view", "print", "disclose"),
    "jnet": ("search", "view", "view", "print", "subscribe"),
    "accurint": ("view", "view", "export"),
}


@dataclass(frozen=True)
class Work:
    """Who works on what all day: the cases that an ordinary access may open, and a snooper must not be near."""

    cases: tuple[Case, ...]
    duties: dict[str, list[Case]]

    def strangers(self, person: Person) -> list[Case]:
        """Cases of ordinary work that this worker has nothing to do with."""
        own = {r for case in self.duties[person.staff] for r in case.records}
        return [case for case in self.cases if not own.intersection(case.records)]


def plan_work(plan: Plan, cases: int) -> Work:
    """`cases` ordinary cases with their workers: by name, some by unit, some with a second worker."""
    duties: dict[str, list[Case]] = {p.staff: [] for p in plan.people.everybody()}
    made: list[Case] = []
    for i in range(cases):
        case = plan.ordinary_case()
        for person in _assign(plan, case, plan.people.workers[i % len(plan.people.workers)]):
            duties[person.staff].append(case)
        if made and i % 10 == 0:  # a person of this case is also a person of an earlier one
            _share_a_person(plan, case, plan.chance.pick(made), duties)
        made.append(case)
    return Work(tuple(made), duties)


def _assign(plan: Plan, case: Case, worker: Person) -> list[Person]:
    since = f"2025-{plan.chance.between(1, 13):02d}-{plan.chance.between(1, 29):02d}"
    if plan.chance.happens(0.15):
        plan.know(assignment(unit=worker.unit, name=case.case, valid_from=since, recorded_at=since))
        return [p for p in plan.people.everybody() if p.unit == worker.unit and p.rank in ("supervisor", "worker")]
    plan.know(assignment(worker.staff, case.case, valid_from=since))
    second = plan.chance.pick(plan.people.workers)
    if second is worker or not plan.chance.happens(0.3):
        return [worker]
    plan.know(assignment(second.staff, case.case, role="secondary", valid_from=since))
    return [worker, second]


def _share_a_person(plan: Plan, case: Case, earlier: Case, duties: dict[str, list[Case]]) -> None:
    """The workers of `case` may now open one person of the `earlier` one; only she is added to what they may see."""
    shared = earlier.people[0]
    plan.know(membership(shared, case.case))
    for own in duties.values():
        if any(c is case for c in own):
            own.append(Case(case.case, (shared,), ()))


def plan_ordinary(plan: Plan, work: Work, accesses: int) -> None:
    """`accesses` explained accesses of people with duties: their own, their line's, or those of whom they cover."""
    away, stand_in = plan.people.workers[0], plan.people.workers[1]
    plan.know(coverage(stand_in.staff, away.staff, valid_from="2026-01-03", valid_to="2026-01-12"))
    staff = [p for p in plan.people.everybody() if p.rank != "director"]
    end = plan.count() + accesses
    while (left := end - plan.count()) > 0:
        person = plan.chance.pick(staff)
        helped = [away] if person is stand_in and plan.chance.happens(0.3) else _whose(plan, person)
        cases = work.duties[plan.chance.pick(helped).staff] if helped else []
        if cases:
            _open(plan, person, plan.chance.pick(cases), left)


def _whose(plan: Plan, person: Person) -> Sequence[Person]:
    return [person] if person.rank == "worker" else plan.people.below(person)


def _open(plan: Plan, person: Person, case: Case, left: int) -> None:
    chance = plan.chance
    source = chance.drawn(SOURCES)
    if source == "facts" and person in plan.people.namesakes():
        source = "ecms"  # FACTS could not tell the two of them apart
    target, when = chance.pick(case.records), _office_hours(chance)
    if source == "facts":
        _open_in_facts(plan, person, target, when)
    elif source == "paper":
        _sign_out(plan, person, target, is_back=left > 1 and chance.happens(0.5))
    elif source in THEIR_ACTIONS:
        _open_elsewhere(plan, person, source, case, when)
    else:
        # One in a hundred was held up on its way for hours.
        arrives = when + chance.between(HOUR, 5 * HOUR) if chance.happens(0.01) else None
        action = chance.drawn(ACTIONS)
        extras = _extras(chance, action, target)
        extras["source"] = source
        name = f"criteria:q-{chance.below(10**6):06d}" if "candidates" in extras else target
        plan.see(person, action, name, when, "explained", arrives=arrives, **extras)


def _open_in_facts(plan: Plan, person: Person, target: Record, when: int) -> None:
    extras = terminal(plan.chance)
    extras["source"] = "facts"
    action = plan.chance.pick(list(FUNCTIONS))
    plan.see(person, action, target, when - when % SECOND, "explained", **extras)


def _open_elsewhere(plan: Plan, person: Person, source: str, case: Case, when: int) -> None:
    """In the way of systems that know only some records and deeds."""
    chance = plan.chance
    action = chance.pick(THEIR_ACTIONS[source])
    target = case.aliases.get(source) or chance.pick(case.people if source == "jnet" else case.records)
    extras = _extras(chance, action, target)
    extras.pop("candidates", None)
    if action == "search" and source in ("clean", "jnet"):
        extras["candidates"] = [target]
        extras.pop("result", None)  # who was turned away was shown nobody
    plan.see(
        person, action, "criteria:as-written" if "candidates" in extras else target, when, "explained",
        **{**extras, "source": source},
    )  # fmt: skip


def _sign_out(plan: Plan, person: Person, target: Record, *, is_back: bool) -> None:
    """A clerk types the day's sheet later; it names no hour."""
    back = make_access(person.logins["paper"], "return", target, DAY_START, source="paper", until=DAY_END - 1)
    also = [(back, EXPLAINED)] if is_back else []
    plan.see(person, "check_out", target, DAY_START, "explained", source="paper", until=DAY_END - 1, also=also)


def _office_hours(chance: Chance) -> int:
    """Mostly between 07:30 and 18:30, around noon; one in thirty at any hour."""
    if chance.happens(1 / 30):
        return DAY_START + chance.below(24 * HOUR)
    return DAY_START + 15 * HOUR // 2 + (chance.below(11 * HOUR) + chance.below(11 * HOUR)) // 2


def _extras(chance: Chance, action: Action, target: Record) -> AccessFields:
    """What some systems say beside the bare access."""
    extras: AccessFields = {"session": f"ses-{chance.below(10**6):06d}"}
    if chance.happens(0.5):
        extras["device"] = f"10.4.{chance.below(256)}.{chance.below(256)}"
    if chance.happens(0.1):
        extras["purpose"] = Purpose(code="CASEWORK", text='Anruf der Großmutter: "bitte prüfen" \\ 電話')
    if action in ("export", "disclose"):
        extras["object_count"] = chance.between(1, 9)
        extras["recipient"] = "Family Court, Room 4"
    if action == "search" and chance.happens(0.5):
        strangers = (f"person:P-X-{chance.below(500)}" for _ in range(chance.below(4)))
        extras["candidates"] = chance.shuffled([target, *strangers])
    if chance.happens(0.03):
        extras["result"] = chance.pick(("denied", "failed"))
    return extras
