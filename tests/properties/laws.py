"""What must hold of every history that was played: the promises of design section 12 as plain functions.

The first ones ask the brute-force judge; the last ones need no second judge, since they change the world in a way that
must change nothing, or only the names and the clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final, NamedTuple

from schemas.access import Access, Record
from schemas.fact import Account, RegisteredFact, Waiver
from schemas.finding import Finding
from schemas.ledger import Cut
from sinks.ledger.rejudge import CERTAINTIES, Verdict, joined
from streams.join.knowledge import Knowledge
from streams.join.question import question_of
from streams.join.view import View
from streams.policy.decide import Verdict as Decided
from streams.policy.decide import decide, is_cleared
from tests.harness import chance
from tests.harness.builders import assignment, registered
from tests.harness.judging import knowing
from tests.harness.play import Played

DAY: Final = 86_400_000
Law = Callable[[Played], None]
Log = Sequence[RegisteredFact | Waiver]


# --- what was published


def what_stands_is_what_is_true(played: Played) -> None:
    """No finding that the brute-force judge denies, and none missing; also on the way, of all that was seen."""
    for claim in played.claims:
        for place in played.places[claim.name]:
            verdict = played.truth(place, claim.position, claim.marks)
            assert _stands(verdict, claim.state), (claim, verdict)
    states = joined(played.stored.findings)
    assert set(states) <= set(played.places)
    for name, places in played.places.items():
        [verdict] = {played.truth_in_the_end(place) for place in places}  # also of a repeat
        assert _stands(verdict, states.get(name)), (name, states.get(name), verdict)


def _stands(verdict: Verdict, said: object) -> bool:
    """Whether this is what must be said."""
    if verdict.outcome == "explained":
        return said is None or getattr(said, "outcome", None) == "explained"
    if verdict.is_pending:
        return said is None
    found = [getattr(said, name, None) for name in ("outcome", "certainty", "staff", "clause", "severity", "flags")]
    return found == [
        *(verdict.outcome, verdict.certainty, verdict.staff, verdict.clause, verdict.severity, verdict.flags)
    ]


def every_transition_is_true_at_its_position(played: Played) -> None:
    """Whoever wrote it, in time or not: outcome, person, flags, clause, severity; certainty as marks allow."""
    allowed: defaultdict[str, set[str | None]] = defaultdict(set)
    for finding in played.stored.findings:
        verdict = played.truth_of(finding)
        allowed[finding.finding_id].add(verdict.certainty)
        said = (finding.outcome, finding.staff, finding.flags, finding.clause, finding.severity)
        due = (verdict.outcome, verdict.staff, verdict.flags, verdict.clause, verdict.severity)
        assert said == due, (finding, verdict)
        assert finding.certainty in allowed[finding.finding_id], (finding, verdict)
        if verdict.certainty is not None:
            assert CERTAINTIES.index(finding.certainty) >= CERTAINTIES.index(verdict.certainty)
            assert finding.waiting_for == verdict.waiting_for
        else:
            assert verdict.outcome == "explained"


def no_transition_repeats_what_is_known(played: Played) -> None:
    """Who reads the log sees each transition change the joined state; and nobody answers anybody for ever."""
    states: dict[str, Finding] = {}
    for finding in played.stored.findings:
        before = states.get(finding.finding_id)
        after = finding if before is None else joined([before, finding])[finding.finding_id]
        is_new = before is None or _visible(before) != _visible(after)
        assert is_new or played.zombies, finding  # who do not know of each other
        states[finding.finding_id] = after
    assert len(played.stored.findings) <= 20 * (1 + len(played.asked)) * (1 + played.frozen)


def _visible(finding: Finding) -> tuple[object, ...]:
    said = (finding.outcome, finding.certainty, finding.staff, finding.clause, finding.severity, finding.flags)
    return *said, finding.policy


def both_joins_agree(played: Played) -> None:
    """The reader's and the judge's join of the same transitions, in any order."""
    readers = joined(played.stored.findings)
    said = {
        name: (f.position, f.outcome, f.certainty, f.staff, f.clause, f.severity, f.policy.hash, f.flags)
        for name, f in readers.items()
    }
    assert {name: tuple(state) for name, state in played.states().items()} == said
    shuffled = list(played.stored.findings)
    Random(played.history.seed).shuffle(shuffled)
    assert joined(shuffled) == readers


# --- the ledger


def nothing_is_lost_between_cuts(played: Played) -> None:
    """Messages and accesses add up at every cut; each derives again; everything pending is settled or still is."""
    for partition, stored in played.stored.cuts.items():
        for cut, _ in stored:
            if cut.settled is None:
                _adds_up(played, partition, cut)
    report = played.audited()
    assert (report.differences, report.unjudged) == ([], 0)
    ends = {p: len(m) for p, m in played.stored.messages.items() if m}
    found = {finding.finding_id for finding in played.stored.findings}  # none returns to pending
    pending = {p for p, a in played.asked.items() if a.name not in found and played.truth_in_the_end(p).is_pending}
    waiting = {(e.partition, e.offset) for e in played.worker.open if e.is_pending and e.finding_id not in found}
    assert waiting == pending
    assert played.worker.jobs == []
    assert (played.worker.open.pending(), report.pending <= len(pending)) == (len(pending), True)
    if not played.history.silent:
        assert (len(played.worker.open), pending) == (0, set())
    if len(played.worker.open) == 0:
        assert {p: played.stored.committed[p] for p in ends} == ends
    for partition, offset in pending:  # a crash now would read it again, or look back at it
        assert offset < ends[partition]


def _adds_up(played: Played, partition: tuple[str, int], cut: Cut) -> None:
    said, number = cut.messages, cut.next_offset - cut.first_offset
    readable = sum((partition, n) in played.asked for n in range(cut.first_offset, cut.next_offset))
    assert said.translated + said.control + said.dead_letters == number
    assert sum(cut.accesses.values()) == said.translated == readable


# --- what was known in time


def a_final_then_never_changes(played: Played) -> None:
    """Once a finding is final, no fact to come counts as known in time: no path answers otherwise for anybody."""
    final = [f for f in played.stored.findings if f.certainty == "final" and f.outcome != "explained"]
    if not final:
        return
    position = final[0].position
    facts = [fact for fact in played.facts[position:] if isinstance(fact, RegisteredFact)]
    policy, gating = played.history.policy, played.history.policy.gating_feeds()
    early, late = knowing(played.facts[:position], policy.grace_ms), knowing(played.facts, policy.grace_ms)
    for finding in final:
        if finding.position > position:
            continue
        at = finding.message
        question = question_of(finding.access, played.stored.messages[at.topic, at.partition][at.offset].timestamp)
        known_by = question.end + policy.grace_ms
        assert all(fact.known_from > known_by for fact in facts if fact.feed in gating), finding
        for staff in chance.STAFF:
            before, after = (
                is_cleared(View(knowledge, known_by), policy, staff, question, question.start)
                for knowledge in (early, late)
            )
            assert before == after, (finding, staff)


# --- worlds that say the same


class World(NamedTuple):
    """Facts, accesses with their append times, and what is said of each."""

    played: Played
    log: Log
    asked: list[tuple[Access, int]]

    def verdicts(self, log: Log, asked: Sequence[tuple[Access, int]] | None = None) -> list[Decided]:
        """What is said of each access by all of these facts."""
        policy = self.played.history.policy
        knowledge = knowing(log, policy.grace_ms)
        return [self._decided(knowledge, *one) for one in (self.asked if asked is None else asked)]

    def _decided(self, knowledge: Knowledge, access: Access, appended_at: int) -> Decided:
        return decide(knowledge, self.played.history.policy, question_of(access, appended_at), access)


def worlds_that_say_the_same(played: Played) -> None:
    """Order, more duty, intervals in two, other names, another clock: see each below. Two of them for each history."""
    asked = list({(a.name, a.appended_at): (a.access, a.appended_at) for a in played.asked.values()}.values())
    world, rng = World(played, played.facts, asked), Random(played.history.seed)
    wanted = world.verdicts(world.log)
    laws = (_order_is_free, _duty_never_accuses, _two_parts_are_one, _names_are_names, _clocks_are_relative)
    for law in rng.sample(laws, 2):
        law(world, wanted, rng)


def _order_is_free(world: World, wanted: Sequence[Decided], rng: Random) -> None:
    """Facts that do not contradict each other may come in any order, and any number of times."""
    facts = standing(world.log)
    again = [*facts, *rng.sample(facts, min(3, len(facts)))]
    rng.shuffle(again)
    assert world.verdicts(again) == list(wanted), "in another order"


def standing(log: Log) -> list[RegisteredFact]:
    """The facts of a log that count: the first of each revision, and of the first kind of each fact."""
    kinds: dict[tuple[str, str], str] = {}
    found: dict[tuple[str, str, int], RegisteredFact] = {}
    for fact in log:
        if isinstance(fact, RegisteredFact):
            name = fact.feed, fact.fact_id
            if kinds.setdefault(name, fact.body.kind) == fact.body.kind:
                found.setdefault((*name, fact.revision), fact)
    return list(found.values())


def _duty_never_accuses(world: World, wanted: Sequence[Decided], rng: Random) -> None:
    """What was explained is explained still when somebody has one more assignment, known from the beginning."""
    who, record, since = rng.choice(chance.STAFF), rng.choice(chance.RECORDS), chance.START - 2 * DAY
    duty = assignment(who, record, fact_id="more", valid_from=since, recorded_at=0)
    for before, after in zip(wanted, world.verdicts([*world.log, registered(duty)]), strict=True):
        assert before.outcome != "explained" or after.outcome == "explained", "more duty made a finding"


def _two_parts_are_one(world: World, wanted: Sequence[Decided], rng: Random) -> None:
    """Two facts side by side for one, also for an access over the moment at which they meet."""
    border = chance.START + rng.randrange(chance.STEPS) * chance.STEP
    assert world.verdicts(_each(world.log, lambda fact: _split(fact, border))) == list(wanted), "in two parts"


def _split(fact: RegisteredFact, border: int) -> list[RegisteredFact]:
    """The second part is void where the fact lies on one side of the border: it is restored when the fact is moved."""
    end = fact.valid_to
    if fact.valid_from < border and (end is None or border < end):
        second = {"fact_id": f"{fact.fact_id}-2", "valid_from": border}
        return [fact.model_copy(update={"valid_to": border}), fact.model_copy(update=second)]
    return [fact, fact.model_copy(update={"fact_id": f"{fact.fact_id}-2", "void": True})]


def _names_are_names(world: World, wanted: Sequence[Decided], rng: Random) -> None:
    """People, units, logins and records called otherwise throughout, also where somebody looks a colleague up."""
    people = {name: f"renamed-{9 - n}" for n, name in enumerate((*chance.STAFF, "u", "v"))}
    logins = {name: f"login-{9 - n}" for n, name in enumerate(chance.LOGINS)}
    ids = people | {r.id: f"other-{9 - n}" for n, r in enumerate(chance.RECORDS) if r.kind != "staff"}

    def renamed(value: object) -> object:
        if isinstance(value, Record):
            return value.model_copy(update={"id": ids[value.id]})
        return people.get(value, value) if isinstance(value, str) else value

    def rename(fact: RegisteredFact) -> list[RegisteredFact]:
        changed = {name: renamed(value) for name, value in fact.body}
        if isinstance(fact.body, Account):
            changed["login"] = logins[fact.body.login]
        return [fact.model_copy(update={"body": fact.body.model_copy(update=changed)})]

    others: list[tuple[Access, int]] = []
    for access, at in world.asked:
        candidates = None if access.candidates is None else tuple(map(renamed, access.candidates))
        changed = {"record": renamed(access.record), "candidates": candidates, "actor": logins[access.actor]}
        others.append((access.model_copy(update=changed), at))
    due = [v._replace(staff=None if v.staff is None else people[v.staff]) for v in wanted]
    assert world.verdicts(_each(world.log, rename), others) == due, "under other names"


def _clocks_are_relative(world: World, wanted: Sequence[Decided], rng: Random) -> None:
    """All instants of the world earlier or later, over days and months."""
    by = rng.randint(-400 * DAY, 400 * DAY)

    def shift(fact: RegisteredFact) -> list[RegisteredFact]:
        end = None if fact.valid_to is None else fact.valid_to + by
        moved = {name: getattr(fact, name) + by for name in ("valid_from", "recorded_at", "known_from")}
        return [fact.model_copy(update={**moved, "valid_to": end})]

    def later(access: Access) -> Access:
        until = None if access.occurred_until is None else access.occurred_until + by
        return access.model_copy(update={"occurred_at": access.occurred_at + by, "occurred_until": until})

    shifted = [(later(access), at + by) for access, at in world.asked]
    assert world.verdicts(_each(world.log, shift), shifted) == list(wanted), "by another clock"


def _each(log: Log, change: Callable[[RegisteredFact], list[RegisteredFact]]) -> list[RegisteredFact | Waiver]:
    return [new for said in log for new in ([said] if isinstance(said, Waiver) else change(said))]


LAWS: Final[Mapping[str, Law]] = {
    law.__name__.replace("_", " "): law
    for law in (
        what_stands_is_what_is_true,
        every_transition_is_true_at_its_position,
        no_transition_repeats_what_is_known,
        both_joins_agree,
        nothing_is_lost_between_cuts,
        a_final_then_never_changes,
        worlds_that_say_the_same,
    )
}
