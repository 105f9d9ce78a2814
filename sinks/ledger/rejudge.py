"""The one brute-force judge: ADR 6 word for word, so plain that reading it is checking it.

It shares no code with the judge it checks. Every question goes back to the log; nothing is kept between two accesses
but dictionaries that say which facts mention whom. `verify`, the demo and the tests take their ground truth from here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple, get_args

from schemas.access import UNTIL_AHEAD_MAX_MS, Access, Record
from schemas.fact import Account, Assignment, Coverage, Membership, Supervision, UnitMember, Waiver
from schemas.finding import Certainty, Finding, Flag, Outcome, Severity
from schemas.ids import FeedName, SourceName
from schemas.joined import CERTAINTIES, standing
from schemas.policy import Policy
from schemas.topics import CONSOLE

from .facts_log import Log, Mention, Question, Revision
from .facts_log import standing as standing_facts

NEVER = -(1 << 62)  # earlier than any instant
CLOCK_AHEAD_MS = 5 * 60 * 1000  # ADR 6, rule 1

SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True)
class Verdict:
    """The answer about one access. `certainty` is None when it is explained, and while it is pending.

    `flags` and `waiting_for` are sorted. An explained access waits for nothing and has the severity "low".
    """

    outcome: Outcome
    certainty: Certainty | None
    staff: str | None
    flags: tuple[Flag, ...]
    clause: str
    severity: Severity
    waiting_for: tuple[FeedName, ...]

    @property
    def is_pending(self) -> bool:
        """Whether a feed must still speak before anybody may be accused."""
        return self.outcome != "explained" and self.certainty is None


class _Holders(NamedTuple):
    """Rule 5, *has*: who has an assignment to one target or to what it belongs to, as one question knows it."""

    question: Question
    staff: set[str]
    units: set[str]

    def has(self, staff: str) -> bool:
        """Whether this person has it, or a unit of theirs."""
        return staff in self.staff or (bool(self.units) and not self.units.isdisjoint(_units(self.question, staff)))


class _Answers(NamedTuple):
    """Everybody whom the login was, and whether both questions were answered yes at each of the same instants."""

    people: frozenset[str]
    then: list[bool]
    now: list[bool]


class Rejudge:
    """Judges any access at any position of `log` under `policy`, from the facts alone (ADR 6)."""

    def __init__(self, policy: Policy, log: Log) -> None:
        self.policy, self.ref = policy, policy.ref()
        self._length = len(log)
        facts = standing_facts(log)
        self._facts: dict[Mention, list[list[Revision]]] = {}
        for revisions in facts:
            for mention in {m for r in revisions for m in r.mentions}:
                self._facts.setdefault(mention, []).append(revisions)
        ends = {end for revisions in facts for r in revisions for end in (r.fact.valid_from, r.fact.valid_to)}
        self._boundaries = sorted(end for end in ends if end is not None)
        self._waivers = [(offset, w) for offset, w in enumerate(log) if isinstance(w, Waiver)]

    def under(self, policy: Policy) -> Rejudge:
        """The same facts, judged under another policy."""
        other = copy(self)
        other.policy, other.ref = policy, policy.ref()
        return other

    @property
    def end(self) -> int:
        """The position at which all of `facts.v1` is known."""
        return self._length

    def judge(self, access: Access, appended_at: int, *, position: int, marks: Mapping[str, int]) -> Verdict:
        """The verdict on `access` (appended at UTC ms `appended_at`) at `position`, given each feed's highest mark.

        `position` is the next offset of `facts.v1`: facts at lower offsets are known. Raises ValueError when the log
        does not reach that far. An access dated more than 24 h after its append is a dead letter: do not ask.
        """
        if not 0 <= position <= self._length:
            raise ValueError(f"position {position} is not within the log of {self._length} messages")
        first, last = _interval(access, appended_at)
        answers = self._ask(access, first, last, position)
        outcome = _outcome(answers)
        if outcome == "unexplained" and not self._is_named(access, position):
            outcome = "unresolved"
        flags = _flags(answers, outcome, is_ahead=access.occurred_at > appended_at + CLOCK_AHEAD_MS)
        certainty, waiting_for = self._completeness(access.source, last, position, marks)
        is_explained = outcome == "explained"
        return Verdict(
            outcome=outcome,
            certainty=None if is_explained else certainty,
            staff=next(iter(answers.people)) if len(answers.people) == 1 else None,
            flags=flags,
            clause=self.policy.clause_of(access.action).name,
            severity=self._severity(access, outcome, is_borderline="borderline" in flags),
            waiting_for=() if is_explained else waiting_for,
        )

    def complete_through(self, source: SourceName, position: int, marks: Mapping[str, int]) -> tuple[int, int]:
        """The instant (UTC ms) through which every feed is complete that accesses at this source wait for; and with
        waivers taken for marks."""
        gating = self.policy.gating_feeds(source)
        waived: dict[str, int] = {}
        for offset, waiver in self._waivers:
            if offset < position:
                waived[waiver.feed] = max(waiver.through, waived.get(waiver.feed, waiver.through))
        through = [marks.get(feed, NEVER) for feed in gating]
        either = [max(marks.get(feed, NEVER), waived.get(feed, NEVER)) for feed in gating]
        return min(through, default=-NEVER), min(either, default=-NEVER)

    def _ask(self, access: Access, first: int, last: int, position: int) -> _Answers:
        """Both questions at `first` and wherever some fact begins or ends to hold, up to and including `last`."""
        boundaries = self._boundaries[bisect_right(self._boundaries, first) : bisect_right(self._boundaries, last)]
        instants = [first, *boundaries]
        nows = [Question(self._facts, position, None, at) for at in instants]
        thens = [Question(self._facts, position, last + self.policy.grace_ms, at) for at in instants]
        staff = [_staff_behind(now, access) for now in nows]  # as known now, for both questions (rule 3)
        return _Answers(
            people=frozenset[str]().union(*staff),
            then=[self._is_explained(q, who, access) for q, who in zip(thens, staff, strict=True)],
            now=[self._is_explained(q, who, access) for q, who in zip(nows, staff, strict=True)],
        )

    def _is_explained(self, q: Question, staff: set[str], access: Access) -> bool:
        """Rule 6: there is somebody, and each of them has a path to the record or to a candidate."""
        targets, source = _targets(access), access.source
        return bool(staff) and all(any(self._is_cleared(q, one, target, source) for target in targets) for one in staff)

    def _is_cleared(self, q: Question, staff: str, target: Record, source: SourceName) -> bool:
        """Rule 5: some enabled path clears this person for this record; at the console also an alert they hold."""
        paths, holders = self.policy.paths, _holders(q, target)
        if source == CONSOLE and paths.reviews.enabled and _holds_an_alert(q, staff, target):
            return True
        if not holders.staff and not holders.units:
            return False  # every path ends at somebody who has it
        return (
            (paths.own_assignment.enabled and holders.has(staff))
            or (paths.supervises.enabled and self._line_has(holders, staff))
            or (paths.covers.enabled and self._covered_has(holders, staff))
        )

    def _line_has(self, holders: _Holders, staff: str) -> bool:
        """Somebody else, 1 to `depth` supervision steps below, has it. Loops only lead to people already met."""
        q, below, level = holders.question, set[str](), {staff}
        for _ in range(self.policy.paths.supervises.depth):
            level = {
                body.staff for boss in level for body in q.bodies("supervision", boss) if isinstance(body, Supervision)
            }
            below |= level
        return any(holders.has(one) for one in below - {staff})

    def _covered_has(self, holders: _Holders, staff: str) -> bool:
        """Somebody else whom this person stands in for has it; what that person covers in turn does not count."""
        q = holders.question
        covered = {body.covered for body in q.bodies("coverage", staff) if isinstance(body, Coverage)} - {staff}
        return any(holders.has(one) for one in covered) or (
            self.policy.paths.covers.carries_line and any(self._line_has(holders, one) for one in covered)
        )

    def _is_named(self, access: Access, position: int) -> bool:
        """Rule 7: whether a fact known now, whenever valid, names a target at all."""
        q = Question(self._facts, position, None, None)
        return any(True for target in _targets(access) for _ in q.bodies("named", target.kind, target.id))

    def _completeness(
        self, source: SourceName, last: int, position: int, marks: Mapping[str, int]
    ) -> tuple[Certainty | None, tuple[FeedName, ...]]:
        """Rule 10: how certain the feeds let us be about an access that ended at `last`, and who keeps us from more."""
        feeds = self.policy.gating_feeds(source)

        def complete(feed: str, through: int) -> bool:
            return feed in marks and marks[feed] >= through

        def waived(feed: str) -> bool:
            return any(o < position and w.feed == feed and w.through >= last for o, w in self._waivers)

        waiting_for = tuple(sorted(f for f in feeds if not complete(f, last + self.policy.grace_ms)))
        if not waiting_for:
            return "final", ()
        if all(complete(f, last) for f in feeds):
            return "provisional", waiting_for
        if all(complete(f, last) or waived(f) for f in feeds):
            return "incomplete", waiting_for
        return None, waiting_for

    def _severity(self, access: Access, outcome: Outcome, *, is_borderline: bool) -> Severity:
        """Rule 11. The policy grades findings only; "low" fills the field of what is explained."""
        if outcome == "explained":
            return "low"
        step = SEVERITIES.index(self.policy.severity[outcome][access.action])
        if access.result in ("denied", "failed"):
            step = max(step - 1, 0)
        return SEVERITIES[min(step, SEVERITIES.index("medium")) if is_borderline else step]


def joined(transitions: Iterable[Finding]) -> dict[str, Finding]:
    """The state of each finding by its id: everything of the transition that stands, the highest certainty ever."""
    best: dict[str, Finding] = {}
    certainty: dict[str, Certainty] = {}
    for finding in transitions:
        key = finding.finding_id
        best[key] = standing(best[key], finding) if key in best else finding
        certainty[key] = max(certainty.get(key, finding.certainty), finding.certainty, key=CERTAINTIES.index)
    return {key: finding.model_copy(update={"certainty": certainty[key]}) for key, finding in best.items()}


def _interval(access: Access, appended_at: int) -> tuple[int, int]:
    """t0 and t1 of rule 1, both included."""
    first, last = access.occurred_at, access.occurred_until or access.occurred_at
    is_ahead = first > appended_at or last > appended_at + UNTIL_AHEAD_MAX_MS
    return (min(first, appended_at), appended_at) if is_ahead else (first, last)


def _targets(access: Access) -> tuple[Record, ...]:
    """Rule 4: the record and what a search resolved to."""
    return (access.record, *(access.candidates or ()))


def _staff_behind(q: Question, access: Access) -> set[str]:
    """Rule 3: everybody whom an account gives this login to."""
    return {
        body.staff
        for body in q.bodies("account", access.accounts or access.source, access.actor)
        if isinstance(body, Account)
    }


def _holders(q: Question, target: Record) -> _Holders:
    """Rule 5: the assignments to the target and to whatever a membership puts it within, one step."""
    wholes = {body.within for body in q.bodies("membership", target.kind, target.id) if isinstance(body, Membership)}
    assignments = [
        body
        for record in {target, *wholes}
        for body in q.bodies("assignment", record.kind, record.id)
        if isinstance(body, Assignment)
    ]
    return _Holders(
        q,
        {body.staff for body in assignments if body.staff is not None},
        {body.unit for body in assignments if body.unit is not None},
    )


def _holds_an_alert(q: Question, staff: str, target: Record) -> bool:
    return any(True for _ in q.bodies("review", staff, target.kind, target.id))


def _units(q: Question, staff: str) -> set[str]:
    return {body.unit for body in q.bodies("unit_member", staff) if isinstance(body, UnitMember)}


def _outcome(answers: _Answers) -> Outcome:
    """The table of design section 5, and rule 7 but for what no fact names."""
    then_all, now_all = all(answers.then), all(answers.now)
    if not answers.people:
        return "unresolved"
    if then_all and now_all:
        return "explained"
    if len(answers.people) > 1:
        return "unresolved"
    if now_all:
        return "late"
    if then_all:
        return "revoked"
    return "unexplained"


def _flags(answers: _Answers, outcome: Outcome, *, is_ahead: bool) -> tuple[Flag, ...]:
    """Rules 1, 7 and 8. Borderline: explained at some of the instants but not at all of them."""
    flags: list[Flag] = []
    if outcome != "explained" and any(any(each) and not all(each) for each in (answers.then, answers.now)):
        flags.append("borderline")
    if is_ahead:
        flags.append("clock-ahead")
    if outcome != "explained" and len(answers.people) > 1:
        flags.append("shared-login")
    return tuple(flags)
