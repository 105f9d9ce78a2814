"""What must hold of every history that was played: the promises of design section 12 as plain functions.

They ask the brute-force judge; those of `worlds.py` need none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from schemas.fact import RegisteredFact
from schemas.finding import Finding
from schemas.ledger import Cut
from schemas.topics import CONSOLE, source_of
from sinks.ledger.rejudge import CERTAINTIES, Verdict, joined
from streams.join.knowledge import Knowledge
from streams.join.question import question_of
from streams.join.view import View
from streams.policy.decide import is_cleared
from tests.harness import chance
from tests.harness.builders import FEED_OF
from tests.harness.judging import knowing
from tests.harness.play import Marks, Place, Played

from .worlds import worlds_that_say_the_same

Law = Callable[[Played], None]


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


def what_may_change_is_kept(played: Played) -> None:
    """Decided for good is what was explained and never spoken of, and what has been final: all else is open still."""
    for closed in played.closed:
        if closed.is_said:
            assert _is_final(played, closed.place, closed.marks), closed
        else:
            assert played.truth(closed.place, closed.position, closed.marks).outcome == "explained", closed
    for claim in played.claims:
        if claim.state is not None and not claim.is_open:
            assert any(_is_final(played, place, claim.marks) for place in played.places[claim.name]), claim


def _is_final(played: Played, place: Place, marks: Marks) -> bool:
    """Whether every feed that counts has called the time complete through which facts count as known in time."""
    asked, policy, through = played.asked[place], played.history.policy, dict(marks)
    known_by = question_of(asked.access, asked.appended_at).end + policy.grace_ms
    return all(feed in through and through[feed] >= known_by for feed in policy.gating_feeds(asked.access.source))


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


def _policy_and_flags(finding: Finding) -> tuple[object, ...]:
    return finding.policy.hash, finding.flags, finding.policy.version


def both_joins_agree(played: Played) -> None:
    """The reader's and the judge's join of the same transitions, in any order."""
    readers = joined(played.stored.findings)
    said = {
        name: (f.position, f.outcome, f.certainty, f.staff, f.clause, f.severity, *_policy_and_flags(f))
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
    first: dict[str, Finding] = {}  # from when on it is for good
    for f in played.stored.findings:
        if f.certainty == "final" and f.outcome != "explained":
            first.setdefault(f.finding_id, f)
    policy = played.history.policy
    late, known = knowing(played.facts, policy.grace_ms), dict[int, Knowledge]()
    for finding in first.values():
        position = finding.position
        facts = [fact for fact in played.facts[position:] if isinstance(fact, RegisteredFact)]
        if position not in known:
            known[position] = knowing(played.facts[:position], policy.grace_ms)
        early, at = known[position], finding.message
        question = question_of(finding.access, played.stored.messages[at.topic, at.partition][at.offset].timestamp)
        known_by, gating = question.end + policy.grace_ms, policy.gating_feeds(finding.access.source)
        assert all(fact.known_from > known_by for fact in facts if fact.feed in gating), finding
        for staff in chance.STAFF:
            before, after = (
                is_cleared(View(knowledge, known_by), policy, staff, question, question.start)
                for knowledge in (early, late)
            )
            assert before == after, (finding, staff)


# --- the alert console


def nobody_else_waits_for_the_alert_console(played: Played) -> None:
    """What it says, promises or keeps to itself is no part of any finding or cut elsewhere, nor holds anything back.

    And nobody is accused of a look at it before it has spoken."""
    feed, is_asked = FEED_OF["review"], played.history.policy.paths.reviews.enabled
    for finding in played.stored.findings:
        if finding.access.source != CONSOLE:
            assert feed not in {*finding.marks, *finding.waiting_for}, finding
            assert all(used.feed != feed for said in finding.explanations for used in said.facts), finding
            assert all(used.feed != feed for said in finding.near_misses for used in said.facts), finding
        elif is_asked and finding.transition == "raised" and finding.certainty != "incomplete":
            assert feed in finding.marks, finding
    for partition, cuts in played.stored.cuts.items():
        if source_of(partition.topic) != CONSOLE:
            assert all(feed not in stored.cut.marks for stored in cuts), partition
    if played.history.silent == {feed}:
        assert all(entry.access.source == CONSOLE for entry in played.worker.open)


LAWS: Final[Mapping[str, Law]] = {
    law.__name__.replace("_", " "): law
    for law in (
        what_stands_is_what_is_true,
        what_may_change_is_kept,
        every_transition_is_true_at_its_position,
        no_transition_repeats_what_is_known,
        both_joins_agree,
        nothing_is_lost_between_cuts,
        a_final_then_never_changes,
        nobody_else_waits_for_the_alert_console,
        worlds_that_say_the_same,
    )
}
