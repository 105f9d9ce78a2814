"""The order of questions: from one access and what is known to a verdict (design section 5, ADR 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from schemas.access import Access, Action, Result
from schemas.fact import Account
from schemas.finding import Flag, Outcome, PathName, Severity
from schemas.policy import Paths, Policy
from streams.join.bodies import RecordKey, login_key
from streams.join.during import During
from streams.join.knowledge import Knowledge
from streams.join.question import Question
from streams.join.spans import Spans, union, without
from streams.join.view import View

from .duties import Shares
from .over_time import logins, only_cleared, when_cleared
from .paths import covers, own_assignment, reviews, supervises
from .reach import Grounds

Explain = Callable[[View, Paths, str, RecordKey, int], Grounds | None]
PATHS: Final[tuple[tuple[PathName, Explain], ...]] = (
    ("own-assignment", own_assignment.explain),
    ("supervises", supervises.explain),
    ("covers", covers.explain),
)
"""Directness first: the first path that clears is enough."""
PATHS_AT_CONSOLE: Final = (*PATHS, ("reviews", reviews.explain))
"""Only there: whoever takes an alert must see its record at the alert console, and may not open the case elsewhere."""

CLOCK_AHEAD_MS: Final = 5 * 60_000
SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")


class Answer(NamedTuple):
    """Whether the access is explained, at every asked instant and at some, per question; and by whom it was."""

    then_all: bool
    then_any: bool
    now_all: bool
    now_any: bool
    people: frozenset[str]


class Verdict(NamedTuple):
    """What the judge says of one access at one position."""

    outcome: Outcome
    staff: str | None
    flags: tuple[Flag, ...]
    clause: str
    severity: Severity


def decide(knowledge: Knowledge, policy: Policy, question: Question, access: Access) -> Verdict:
    """The verdict on an access at the knowledge's position."""
    return verdict_of(ask(knowledge, policy, question), knowledge, policy, question, access)


def verdict_of(answer: Answer, knowledge: Knowledge, policy: Policy, question: Question, access: Access) -> Verdict:
    """The same for whoever has asked already."""
    outcome = outcome_of(answer, knowledge, question)
    flags = _flags(answer, question, access, outcome)
    staff = next(iter(answer.people)) if len(answer.people) == 1 else None
    severity = severity_of(policy, outcome, access.action, access.result, "borderline" in flags)
    return Verdict(outcome, staff, flags, policy.clause_of(access.action).name, severity)


def ask(knowledge: Knowledge, policy: Policy, question: Question) -> Answer:
    """Ask both questions at every instant of the interval."""
    if question.start == question.end and len(question.targets) == 1:  # most are: a walk to one record costs less
        return _ask_at(knowledge, policy, question, question.start)
    return _ask_over(knowledge, policy, question)


def _ask_at(knowledge: Knowledge, policy: Policy, question: Question, instant: int) -> Answer:
    known_by = question.end + policy.grace_ms
    now = View(knowledge)
    staff = staff_at(View(knowledge), question.login, instant)
    is_now = bool(staff) and all(is_cleared(now, policy, s, question, instant) for s in staff)
    is_then = is_now
    if now.known_since > known_by:  # else nothing that was looked at was any different then
        then = View(knowledge, known_by)
        is_then = bool(staff) and all(is_cleared(then, policy, s, question, instant) for s in staff)
    return Answer(is_then, is_then, is_now, is_now, frozenset(staff))


def _ask_over(knowledge: Knowledge, policy: Policy, question: Question) -> Answer:
    """Each fact is looked at once, however many instants there are at which something changes."""
    known_by, end = question.end + policy.grace_ms, question.end + 1
    now, people = During(knowledge, question.start, end), logins(During(knowledge, question.start, end), question.login)
    nows = _explained(now, policy, question, people)
    if now.known_since <= known_by:
        thens = nows
    else:
        thens = _explained(During(knowledge, question.start, end, known_by), policy, question, people)
    return Answer(thens == now.whole, bool(thens), nows == now.whole, bool(nows), frozenset(people))


def _explained(during: During, policy: Policy, question: Question, people: Shares) -> Spans:
    """When there is somebody, and each of them is cleared."""
    found: list[Spans] = []
    for staff, when in people.items():
        targets = possible(during.knowledge, staff, question)
        if targets:
            cleared = when_cleared(during, policy.paths, staff, targets, is_at_console=question.is_at_console)
            when = without(when, cleared)
        found.append(when)
    return without(union(people.values()), union(found))


def staff_at(now: View, login: str, instant: int) -> set[str]:
    """Everybody whom this login is at `instant`, as known now: a late login must not flood."""
    found: set[str] = set()
    for used in now.holding(now.knowledge.accounts(login), instant):
        body = used.revision.body
        if isinstance(body, Account) and login_key(body.source, body.login) == login:
            found.add(body.staff)
    return found


def is_cleared(view: View, policy: Policy, staff: str, question: Question, instant: int) -> bool:
    """Whether some path clears this person for any target."""
    return first_path(view, policy, staff, question, instant) is not None


def paths_of(question: Question) -> tuple[tuple[PathName, Explain], ...]:
    """The paths that may clear an access, by where it happened."""
    return PATHS_AT_CONSOLE if question.is_at_console else PATHS


def possible(knowledge: Knowledge, staff: str, question: Question) -> tuple[RecordKey, ...]:
    """The targets to which anything that was ever said could lead this person; most whom nothing explains have none."""
    may_explain, is_at_console = knowledge.related.may_explain, question.is_at_console
    return tuple(
        target
        for target in question.targets
        if may_explain(staff, target) or (is_at_console and knowledge.reviews(target))
    )


def first_path(
    view: View, policy: Policy, staff: str, question: Question, instant: int
) -> tuple[PathName, Grounds] | None:
    """The most direct path that clears for any target, with the facts it rests on."""
    targets = possible(view.knowledge, staff, question)
    if len(targets) > 1:  # a walk to each of 200 candidates, by each path, would cost a director seconds
        at = During(view.knowledge, instant, instant + 1, view.known_by)
        targets = only_cleared(at, policy.paths, staff, targets, is_at_console=question.is_at_console)
    for name, explain in paths_of(question) if targets else ():
        for target in targets:
            if (grounds := explain(view, policy.paths, staff, target, instant)) is not None:
                return name, grounds
    return None


def outcome_of(answer: Answer, knowledge: Knowledge, question: Question) -> Outcome:
    """The table of design section 5 with the fine print of ADR 6, rule 7."""
    if not answer.people:
        return "unresolved"
    if answer.then_all and answer.now_all:
        return "explained"
    if len(answer.people) > 1:
        return "unresolved"
    if answer.now_all:
        return "late"
    if answer.then_all:
        return "revoked"
    return "unexplained" if any(knowledge.is_named(t) for t in question.targets) else "unresolved"


def severity_of(policy: Policy, outcome: Outcome, action: Action, result: Result, is_borderline: bool) -> Severity:
    """From the policy's table; an attempt that failed weighs a step less, doubt about the time at most medium."""
    if outcome == "explained":
        return "low"
    level = SEVERITIES.index(policy.severity[outcome][action])
    if result != "success":
        level = max(0, level - 1)
    return SEVERITIES[min(level, 1) if is_borderline else level]


def _flags(answer: Answer, question: Question, access: Access, outcome: Outcome) -> tuple[Flag, ...]:
    flags: list[Flag] = []
    is_mixed = (answer.then_any and not answer.then_all) or (answer.now_any and not answer.now_all)
    if question.start < question.end and outcome != "explained" and is_mixed:
        flags.append("borderline")
    if access.occurred_at - question.start > CLOCK_AHEAD_MS:
        flags.append("clock-ahead")
    if len(answer.people) > 1 and outcome != "explained":
        flags.append("shared-login")
    return tuple(flags)
