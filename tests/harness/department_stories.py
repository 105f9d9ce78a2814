"""Stories about duties: each plants its facts and its accesses, and says what the judge should find.

Hand-overs, late, corrected, voided and broken facts, coverage, supervision, logins. Each story has a case of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.access import Record
from schemas.fact import Fact
from schemas.finding import Outcome
from tests.harness.builders import (
    AccessFields,
    account,
    assignment,
    coverage,
    make_access,
    membership,
    supervision,
    unit_member,
)
from tests.harness.department_people import Person
from tests.harness.department_plan import DAY_END, DAY_START, HOUR, MINUTE, SECOND, Plan, clock
from tests.harness.native_day import asked

EXPLAINED: Outcome = "explained"
UNEXPLAINED: Outcome = "unexplained"
LONG_AGO = "2025-09-01"
COVERING = 9  # workers who stand in for somebody, and so see more than their own


def plan_stories(plan: Plan, covering: Sequence[Person], others: Sequence[Person]) -> None:
    """Every story once or more. `covering` are nine workers with no other part in the day."""
    for _ in range(5):
        _hand_over(plan, *plan.chance.shuffled(others)[:2])
    for recorded_after in (40 * MINUTE, 3 * HOUR, 4 * HOUR):
        _late_assignment(plan, *plan.chance.shuffled(others)[:1], recorded_after=recorded_after)
    _late_relations(plan, *covering[6:8], *plan.chance.shuffled(others)[:2])
    _void(plan, *plan.chance.shuffled(others)[:1])
    _ended_backwards(plan, *plan.chance.shuffled(others)[:1])
    for _ in range(2):
        _moved(plan, *plan.chance.shuffled(others)[:2])
    _revisions_swapped(plan, *plan.chance.shuffled(others)[:3])
    _broken_mark(plan, *plan.chance.shuffled(others)[:2])
    _conflicts(plan, *plan.chance.shuffled(others)[:2])
    _covers(plan, *covering[:6])
    _through_a_terminal(plan, covering[8], *plan.chance.shuffled(others)[:3])
    _lines(plan, *plan.chance.shuffled(others)[:1])
    _logins(plan, *plan.chance.shuffled(others)[:2])
    _namesakes(plan)
    _told_again(plan)


def _holds(plan: Plan, person: Person, case: Record, name: str = "a") -> Fact:
    """`person` has had `case` for long; `name` tells the facts of a case apart."""
    fact = assignment(person.staff, case, fact_id=f"as-{case.id}-{name}", valid_from=LONG_AGO)
    plan.know(fact)
    return fact


def _hand_over(plan: Plan, old: Person, new: Person) -> None:
    """To the millisecond, recorded minutes later; the old worker looks again, the new one looked too early."""
    case = plan.story_case()
    _holds(plan, old, case.case)
    turn = clock("09:00") + plan.chance.below(7 * HOUR)
    recorded = turn + plan.chance.between(MINUTE, 40 * MINUTE)
    name = f"as-{case.case.id}"
    plan.tell(
        assignment(old.staff, case.case, fact_id=f"{name}-a", revision=2, valid_from=LONG_AGO, valid_to=turn,
                   recorded_at=recorded)
    )  # fmt: skip
    plan.tell(assignment(new.staff, case.case, fact_id=f"{name}-b", valid_from=turn, recorded_at=recorded))
    plan.see(old, "edit", case.case, turn - 1, "explained")
    plan.see(old, "view", case.people[0], turn, "unexplained")
    plan.see(new, "view", case.papers[0], turn - 1, "unexplained")
    plan.see(new, "edit", case.papers[1], turn, "explained")
    plan.see(old, "view", case.people[1], turn + 2 * HOUR, "unexplained")
    if plan.chance.happens(0.5):  # a sign-out sheet without hours: it may have been before the hand-over
        paper = case.papers[-1]
        plan.see(old, "check_out", paper, DAY_START, "unexplained", source="paper", until=DAY_END - 1)


def _late_assignment(plan: Plan, who: Person, *, recorded_after: int) -> None:
    """Work began before it was written down; whoever looked within an hour of that is in time."""
    case = plan.story_case()
    begin = clock("09:00") + plan.chance.below(2 * HOUR)
    recorded = begin + recorded_after
    plan.tell(assignment(who.staff, case.case, valid_from=begin, recorded_at=recorded))
    plan.see(who, "view", case.people[0], begin - 1, "unexplained")
    plan.see(who, "edit", case.case, begin, "late" if recorded_after > HOUR else "explained")
    plan.see(who, "view", case.people[1], recorded - HOUR, "explained" if recorded_after > HOUR else "unexplained")
    if recorded_after > HOUR:
        plan.see(who, "view", case.people[1], recorded - HOUR - 1, "late")


def _late_relations(plan: Plan, stand_in: Person, away: Person, worker: Person, helper: Person) -> None:
    """The duty was known; that it reached this far was written down hours later."""
    case, began, recorded = plan.story_case(), clock("08:00"), clock("14:30:10.000")
    _holds(plan, away, case.case)
    plan.tell(coverage(stand_in.staff, away.staff, valid_from=began, recorded_at=recorded))
    plan.see(stand_in, "view", case.people[0], clock("09:10:07.250"), "late")
    joined = plan.story_case()
    _holds(plan, worker, joined.case)
    newcomer = f"person:P-NEW-{plan.chance.below(1000):03d}"
    plan.tell(membership(newcomer, joined.case, valid_from=began, recorded_at=recorded))
    plan.see(worker, "search", newcomer, clock("09:20:41.003"), "late")
    plan.see(worker, "view", newcomer, clock("13:45:00.500"), "explained")
    night = plan.story_case()
    plan.know(assignment(unit="u91", name=night.case, valid_from=LONG_AGO))
    plan.tell(unit_member(helper.staff, "u91", valid_from=began, recorded_at=recorded))
    plan.see(helper, "print", night.papers[0], clock("10:02:00.090"), "late")


def _void(plan: Plan, who: Person) -> None:
    """Entered in error, found in the afternoon: review before, accusation after."""
    case, recorded = plan.story_case(), clock("15:00:30.000")
    fact = _holds(plan, who, case.case)
    plan.tell(fact.model_copy(update={"revision": 2, "void": True, "recorded_at": recorded}))
    plan.see(who, "view", case.case, clock("10:00:00.010"), "revoked")
    plan.see(who, "export", case.papers[0], recorded - HOUR - 1, "revoked", object_count=1)
    plan.see(who, "view", case.case, recorded - HOUR, "unexplained")


def _ended_backwards(plan: Plan, who: Person) -> None:
    """The end of the duty, dated to the week before, is written down at two o'clock."""
    case = plan.story_case()
    fact = _holds(plan, who, case.case)
    ended = {"revision": 2, "valid_to": clock("00:00") - 7 * 24 * HOUR, "recorded_at": clock("14:00:20.000")}
    plan.tell(fact.model_copy(update=ended))
    plan.see(who, "edit", case.papers[0], clock("09:30:12.345"), "revoked")
    plan.see(who, "view", case.people[0], clock("16:30:00.001"), "unexplained")


def _moved(plan: Plan, wrong: Person, right: Person) -> None:
    """The duty was somebody else's all the time."""
    case, recorded = plan.story_case(), clock("12:00:15.000") + plan.chance.below(HOUR)
    _holds(plan, wrong, case.case)
    plan.tell(
        assignment(right.staff, case.case, fact_id=f"as-{case.case.id}-a", revision=2, valid_from=LONG_AGO,
                   recorded_at=recorded)
    )  # fmt: skip
    plan.see(wrong, "view", case.case, clock("10:00:00.020"), "revoked")
    plan.see(right, "view", case.case, clock("10:00:00.030"), "late")
    plan.see(wrong, "view", case.people[0], recorded - HOUR // 2, "unexplained")
    plan.see(right, "view", case.people[0], recorded - HOUR // 2, "explained")


def _revisions_swapped(plan: Plan, first: Person, second: Person, third: Person) -> None:
    """Revision 3 before revision 2: once within seconds, once after hours."""
    for base, delay in ((clock("09:00:20.000"), 7 * SECOND), (clock("09:10:20.000"), 4 * HOUR)):
        case = plan.story_case()
        _holds(plan, first, case.case)
        name = f"as-{case.case.id}-a"
        for person, revision, recorded, arrives in (
            (third, 3, base + 4 * SECOND, base + 5 * SECOND),
            (second, 2, base, base + delay),
        ):
            plan.tell(
                assignment(person.staff, case.case, fact_id=name, revision=revision, valid_from=LONG_AGO,
                           recorded_at=recorded),
                arrives=arrives,
            )  # fmt: skip
        plan.see(third, "view", case.case, clock("10:30:00.040"), "explained")
        plan.see(second, "view", case.case, clock("10:30:00.050"), "unexplained")
    plan.see(first, "view", case.case, clock("08:05:00.060"), "revoked")


def _broken_mark(plan: Plan, who: Person, other: Person) -> None:
    """Recorded in time by its own account, and sent hours after the feed had called that time complete."""
    for person, arrives in ((who, clock("13:00:05.000")), (other, clock("12:10:33.000"))):
        case = plan.story_case()
        fact = assignment(person.staff, case.case, valid_from=clock("09:30"), recorded_at=clock("09:30:01.000"))
        plan.tell(fact, arrives=arrives)
        plan.see(person, "view", case.case, clock("10:00:00.070"), "late")
        plan.see(person, "view", case.case, clock("12:30:00.080"), "explained")


def _conflicts(plan: Plan, holder: Person, claimant: Person) -> None:
    """The same revision with other content, and a fact that changes its kind: the first message stands."""
    case = plan.story_case()
    fact = _holds(plan, holder, case.case)
    claim = assignment(claimant.staff, case.case, fact_id=fact.fact_id, valid_from=LONG_AGO)
    plan.tell(claim, arrives=clock("08:30:02.000"))
    plan.see(claimant, "view", case.case, clock("11:00:00.011"), "unexplained")
    plan.see(holder, "view", case.case, clock("11:00:00.012"), "explained")
    plan.know(supervision("w900", "w901", fact_id="staff-0001"))
    changed = account("changeling", holder.staff, fact_id="staff-0001", revision=2, recorded_at=clock("08:31"))
    plan.tell(changed)
    plan.see("changeling", "view", case.case, clock("11:00:00.013"), "unresolved")


def _covers(plan: Plan, a: Person, b: Person, c: Person, d: Person, e: Person, f: Person) -> None:
    """While it lasts, one way only, not passed on, and with the line of a supervisor."""
    begin, end = clock("08:00"), clock("12:00:00.250")
    away = plan.story_case()
    _holds(plan, b, away.case)
    plan.know(coverage(a.staff, b.staff, valid_from=begin, valid_to=end))
    plan.see(a, "edit", away.case, end - 1, "explained")
    plan.see(a, "view", away.case, end, "unexplained")
    plan.see(a, "print", away.papers[0], end + HOUR, "unexplained")
    plan.know(coverage(c.staff, d.staff, valid_from=LONG_AGO), coverage(d.staff, e.staff, valid_from=LONG_AGO))
    far, back = plan.story_case(), plan.story_case()
    _holds(plan, e, far.case)
    _holds(plan, c, back.case)
    plan.see(d, "view", far.case, clock("09:00:00.014"), "explained")
    plan.see(c, "view", far.case, clock("09:00:00.015"), "unexplained")
    plan.see(d, "view", back.people[0], clock("09:00:00.016"), "unexplained")
    boss = plan.people.supervisors[1]
    plan.know(coverage(f.staff, boss.staff, valid_from="2026-01-02", valid_to="2026-01-09"))
    line = plan.story_case()
    _holds(plan, next(p for p in plan.people.below(boss)), line.case)
    plan.see(f, "view", line.case, clock("15:00:00.017"), "explained")


def _lines(plan: Plan, worker: Person) -> None:
    """A supervisor one and two steps above is cleared, the director three steps above is not; a loop ends."""
    case = plan.story_case()
    _holds(plan, worker, case.case)
    boss = next(upper for upper, lower in plan.people.lines if lower is worker)
    head = next(upper for upper, lower in plan.people.lines if lower is boss)
    plan.see(boss, "view", case.case, clock("11:30:00.018"), "explained")
    plan.see(head, "view", case.case, clock("11:30:00.019"), "explained")
    for record in (case.case, *case.people[:2]):
        plan.see(plan.people.director, "view", record, clock("11:31") + plan.chance.below(HOUR), "unexplained")
    loop, leader, manager = plan.story_case(), plan.people.supervisors[0], plan.people.managers[0]
    _holds(plan, manager, loop.case)
    plan.see(leader, "view", loop.case, clock("11:40:00.021"), "explained")
    plan.see(worker, "view", loop.case, clock("11:40:00.022"), "unexplained")


def _logins(plan: Plan, one: Person, two: Person) -> None:
    """A login known late, one that ended, and one handed on at noon."""
    case, noon = plan.story_case(), clock("12:00")
    _holds(plan, one, case.case)
    plan.tell(account("newlogin", one.staff, valid_from=clock("07:00"), recorded_at=clock("16:00:40.000")))
    plan.see("newlogin", "view", case.case, clock("09:05:00.023"), "explained")
    plan.know(account("oldlogin", one.staff, valid_from=LONG_AGO, valid_to="2026-01-01"))
    plan.see("oldlogin", "view", case.case, clock("09:06:00.024"), "unresolved")
    plan.know(account("temp01", one.staff, fact_id="ac-temp-1", valid_from=LONG_AGO, valid_to=noon))
    plan.know(account("temp01", two.staff, fact_id="ac-temp-2", valid_from=noon))
    plan.see("temp01", "view", case.case, noon - 1, "explained")
    plan.see("temp01", "view", case.case, noon, "unexplained")
    plan.see("temp01", "print", case.papers[0], noon - HOUR, "unresolved", until=noon + HOUR)


def _through_a_terminal(plan: Plan, operator: Person, served: Person, snooper: Person, busy: Person) -> None:
    """Somebody operates CLEAN's terminal for three who ask: one whom they stand in for, one who only says so, and one
    who has a duty, and for whom nobody has written down that they do."""
    case, elsewhere = plan.story_case(), plan.story_case()
    plan.know(
        assignment(served.staff, case.case, fact_id=f"as-{case.case.id}-a"),
        assignment(busy.staff, elsewhere.case, fact_id=f"as-{elsewhere.case.id}-a"),
        coverage(operator.staff, served.staff, fact_id="co-terminal"),
    )
    for asks, at_case, of_operator, of_who_asked in (
        (served, case, EXPLAINED, EXPLAINED),
        (snooper, case, EXPLAINED, UNEXPLAINED),
        (busy, elsewhere, UNEXPLAINED, EXPLAINED),
    ):
        when, record = clock("09:00") + plan.chance.below(8 * HOUR), at_case.aliases["clean"]
        common: AccessFields = {"source": "clean", "requested_for": asks.logins["clean"]}
        access = make_access(operator.logins["clean"], "view", record, when, **common)
        plan.see(operator, "view", record, when, of_operator, also=[(asked(access), of_who_asked)], **common)


def _namesakes(plan: Plan) -> None:
    """Two people whom FACTS cannot tell apart: a duty of one is not enough, a duty of both is."""
    one, other = plan.people.namesakes()
    case, both = plan.story_case(), plan.story_case()
    _holds(plan, one, case.case)
    for i in range(4):
        when = clock("09:00") + plan.chance.below(8 * 3600) * SECOND
        plan.see(one, "view", case.records[i], when, "unresolved", source="facts")
    _holds(plan, one, both.case, "a")
    _holds(plan, other, both.case, "b")
    plan.see(other, "edit", both.case, clock("10:10:10"), "explained", source="facts")


def _told_again(plan: Plan) -> None:
    """Some old facts are sent once more during the day, exactly as they were: no news, and no fact known later."""
    for _ in range(6):
        plan.tell(plan.chance.pick(plan.known), arrives=clock("06:00") + plan.chance.below(12 * HOUR))
