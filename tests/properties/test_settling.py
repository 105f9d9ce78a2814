"""Facts, marks and accesses in any order, batches of any size, crashes at any time: what stands in the end is the same.

The judge and the open accesses are driven in memory; the brute-force judge, the join of the transitions as readers make
it, and the audit of the ledger say what must hold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import Access, finding_id
from schemas.codec import decode_access, encode
from schemas.fact import Assignment, Body, Fact, Waiver
from schemas.finding import Certainty, Finding, Outcome, Transition
from schemas.topics import FEEDS
from sinks.ledger.audit import Report, audit
from sinks.ledger.rejudge import Rejudge, Verdict, joined
from streams.join.open import Partition
from tests.harness import chance
from tests.harness.builders import FEED_OF, account, assignment, make_policy
from tests.harness.worker import Kept, Stored, Worker

PARTITIONS = (Partition("access.ecms.v1", 0), Partition("access.ecms.v1", 3))
BEFORE = chance.START - 3 * chance.STEP
FAR = chance.START + 100 * chance.STEPS * chance.STEP
Place = tuple[Partition, int]


@dataclass
class Play:
    """One world played by one worker after the other, and what must hold on the way."""

    seed: int
    grace: int
    crashes: float = 0.0
    torn: bool = False
    undead: float = 0.0
    """Which share of those that are taken for dead go on for a while, beside whoever took over."""
    returning: float = 0.0
    """Which share of those that lose their partitions get them back one day, with the index they had."""
    forgetful: float = 0.0
    """How often, per step, what is older than a few steps falls behind the horizon."""
    snapshots: float = 0.0
    """How often, per step, a snapshot is taken; whoever is born then begins with one of them, perhaps an old one."""
    kept: list[Kept] = field(default_factory=list)
    zombies: list[Worker] = field(default_factory=list)
    away: list[Worker] = field(default_factory=list)
    stored: Stored = field(default_factory=Stored)
    last: dict[Place, Verdict] = field(default_factory=dict)
    """What each access is, by the brute-force judge, where it was judged for the last time; in the end: at the end."""
    first: dict[Place, int] = field(default_factory=dict)
    """The position at which each access was judged for the first time."""
    lives: int = 0

    def __post_init__(self) -> None:
        self.policy = make_policy(grace_seconds=self.grace)
        self.rng, self.fate = Random(self.seed), Random(self.seed + 1)
        self.now = chance.START
        self._brute: tuple[int, Rejudge] | None = None
        for login, staff in zip(chance.LOGINS, chance.STAFF, strict=False):
            known = account(login, staff, fact_id=f"login-{login}", valid_from=BEFORE, recorded_at=BEFORE)
            self.stored.state(known, "staff")
        for record in chance.RECORDS[:2]:
            self.stored.state(assignment("w4", record, valid_from=BEFORE, recorded_at=BEFORE), "assignments")
        self.worker = self._born()

    def run(self, steps: int) -> None:
        """Random steps, then everything is said, read, judged and stored."""
        for _ in range(steps):
            self._step()
            for zombie in self.zombies:
                self._go_on(zombie)
            for worker in self.away:
                worker.hear()
            if self.fate.random() < self.snapshots:
                self.kept.append(self.worker.put_away())
            if self.fate.random() < self.forgetful:
                self.worker.forget(self.now - self.fate.randrange(4) * chance.STEP)
            if self.fate.random() < self.crashes:
                self._crash()
        self._bury()
        for feed in FEEDS:
            self.stored.promise(feed, FAR)
        self._hear()
        for partition in PARTITIONS:
            while self._take(partition, 7):
                self._hear()
        while self.worker.look_back(5):
            self._hear()
        self.worker.store()
        self._hear()
        self.worker.store()
        marks, position = self.stored.promised(), len(self.stored.facts)
        for place in self.last:
            at = self.stored.messages[place[0]][place[1]].timestamp
            self.last[place] = self.truth(self.access_at(place), at, position, marks)

    def truth(self, access: Access, appended_at: int, position: int, marks: dict[str, int]) -> Verdict:
        """The brute-force judge's word."""
        return self.brute().judge(access, appended_at, position=position, marks=marks)

    def brute(self) -> Rejudge:
        """The brute-force judge of all facts so far; the log only grows."""
        length = len(self.stored.facts)
        if self._brute is None or self._brute[0] != length:
            self._brute = (length, Rejudge(self.policy, self.stored.facts))
        return self._brute[1]

    def truths(self, place: Place) -> set[Verdict]:
        """The verdicts on one access at every position since it was first judged, once every feed has said all."""
        access, at = self.access_at(place), self.stored.messages[place[0]][place[1]].timestamp
        marks, positions = self.stored.promised(), range(self.first[place], len(self.stored.facts) + 1)
        return {self.brute().judge(access, at, position=position, marks=marks) for position in positions}

    def access_at(self, place: Place) -> Access:
        """What was sent to this place."""
        return decode_access(self.stored.messages[place[0]][place[1]].value)

    def name_of(self, place: Place) -> str:
        """The id of what is found about it."""
        return finding_id(self.access_at(place), self.stored.messages[place[0]][place[1]].timestamp)

    def audited(self) -> Report:
        """The last word of the audit of everything stored."""
        *_, report = audit(self.stored.logs(), self.brute(), self.policy.hash())
        return report

    def _step(self) -> None:
        rng = self.rng
        self.now += rng.choice((0, 0, 1, 2)) * chance.STEP // 4
        match rng.randrange(10):
            case 0 | 1:
                for _ in range(rng.randint(1, 3)):
                    self._state()
            case 2:
                for feed in FEEDS:
                    if rng.random() < 0.8:
                        self.stored.promise(feed, self.now - rng.choice((0, 0, 0, 3)) * chance.STEP)
            case 3 | 4 | 5:
                for _ in range(rng.randint(1, 3)):
                    self._send()
            case 6 | 7:
                self._take(rng.choice(PARTITIONS), rng.randint(1, 4))
            case 8:
                self.worker.look_back(rng.randint(1, 4))
            case _:
                self.worker.store(rng.randint(0, 2))
        if rng.random() < 0.7:
            self._hear()

    def _state(self) -> None:
        rng = self.rng
        if rng.random() < 0.05:  # register judges without the feeds that stand still
            self.stored.facts += [Waiver(feed=feed, through=self.now) for feed in FEEDS if rng.random() < 0.9]
            return
        body = chance.body(rng) if rng.random() < 0.2 else duty(rng)
        fact = Fact(
            fact_id=f"{body.kind[:3]}{rng.randrange(12)}",
            revision=rng.choice((1, 1, 2, 3, 4, 5, 6)),
            valid_from=BEFORE if rng.random() < 0.8 else chance.instant(rng),
            valid_to=None if rng.random() < 0.7 else chance.START + 2 * chance.STEPS * chance.STEP,
            recorded_at=self.now - rng.choice((0, 0, 0, 1, 6)) * chance.STEP,
            void=rng.random() < 0.25,
            body=body,
        )
        self.stored.state(fact, FEED_OF[fact.body.kind])

    def _send(self) -> None:
        rng = self.rng
        partition = rng.choice(PARTITIONS)
        log = self.stored.messages[partition]
        if log and rng.random() < 0.1:  # the emitter sends one again
            again = rng.choice(log)
            self.stored.send(partition, again.value, again.timestamp)
            return
        number = sum(len(m) for m in self.stored.messages.values())
        start = self.now - rng.choice((-1, 0, 0, 1, 2)) * chance.STEP
        until = start + rng.randrange(3) * chance.STEP if rng.random() < 0.2 else None
        when: dict[str, object] = {"occurred_at": start, "occurred_until": until}
        if rng.random() < 0.8:  # few records, so that duties meet them
            when |= {"record": rng.choice(chance.RECORDS[:2]), "candidates": None}
        access = chance.access(rng, number).model_copy(update=when)
        self.stored.send(partition, encode(access), self.now)

    def _hear(self) -> None:
        worker = self.worker
        before = len(worker.closed)
        worker.hear()
        marks, position = self.stored.promised(), len(self.stored.facts)
        for entry in worker.closed[before:]:
            verdict = self.truth(entry.access, entry.appended_at, position, marks)
            self.last[entry.partition, entry.offset] = verdict
            if entry.published is None:
                assert verdict.outcome == "explained"
            else:
                assert verdict.outcome == "explained" or verdict.certainty == "final"
        for entry in worker.open:
            verdict = self.truth(entry.access, entry.appended_at, position, marks)
            self.last[entry.partition, entry.offset] = verdict
            assert_stands(verdict, worker.judging.published.state(entry.finding_id, entry.partition))
        # Accused once: a fact yet to come may clear it, or accuse again, until it is final.
        kept = {entry.finding_id for entry in worker.open}
        kept |= {self.name_of(place) for place in self.last if not worker.has_read(place)}
        for place in self.last:
            name = self.name_of(place)
            if worker.judging.published.state(name, place[0]) is not None and not self._is_final(place, marks):
                assert name in kept

    def _is_final(self, place: Place, marks: dict[str, int]) -> bool:
        access, at = self.access_at(place), self.stored.messages[place[0]][place[1]].timestamp
        end = min(at, access.occurred_until or access.occurred_at) + 1000 * self.grace
        return all(marks.get(feed, end - 1) >= end for feed in FEEDS)

    def _take(self, partition: Partition, limit: int) -> bool:
        worker = self.worker
        codes = worker.take(partition, limit)
        if not codes:
            return False
        cut = worker.jobs[-1].cut
        assert cut is not None
        assert sum(cut.accesses.values()) == len(codes) == cut.next_offset - cut.first_offset
        for offset in range(cut.first_offset, cut.next_offset):
            place = (partition, offset)
            self.first.setdefault(place, worker.heard_facts)
            at = self.stored.messages[partition][offset].timestamp
            self.last[place] = self.truth(self.access_at(place), at, worker.heard_facts, worker.marks)
        return True

    def _crash(self) -> None:
        """Everything not stored is lost, after some of it was stored perhaps; or it only seemed to be."""
        if self.fate.random() < self.undead:
            self.worker.is_zombie = True
            self.zombies.append(self.worker)
        elif self.fate.random() < self.returning:
            self.worker.store(self.fate.randint(0, 2))
            self.worker.lose()
            self.away.append(self.worker)
        else:
            self.worker.store(self.fate.randint(0, 1), torn=self.fate.randint(0, 2) if self.torn else None)
        if self.away and self.fate.random() < self.returning:
            self.worker = self.away.pop(self.fate.randrange(len(self.away)))
            self.worker.begin()
        else:
            self.worker = self._born()
        self._hear()

    def _go_on(self, zombie: Worker) -> None:
        """It does not know that others hold its partitions."""
        match self.fate.randrange(12):
            case 0:
                zombie.hear()
            case 1:
                zombie.take(self.fate.choice(PARTITIONS), self.fate.randint(1, 4))
            case 2:
                zombie.store(self.fate.randint(0, 2))

    def _bury(self) -> None:
        """They store what they had in hand, late; what they had judged by may be long out of date."""
        for zombie in self.zombies:
            zombie.store()
        self.zombies.clear()

    def _born(self) -> Worker:
        self.lives += 1
        kept = self.fate.choice(self.kept[-3:]) if self.kept else None
        return Worker(self.stored, self.policy, run=f"run-{self.lives}", kept=kept)


def duty(rng: Random) -> Body:
    """Somebody who has a login works on a record that is opened often."""
    record = rng.choice(chance.RECORDS[:2])
    return Assignment(kind="assignment", staff=rng.choice(chance.STAFF[:3]), record=record, role="secondary")


def assert_stands(verdict: Verdict, state: object) -> None:
    """What is published of an open access, in flight included, is what is true now."""
    if verdict.outcome == "explained":
        assert state is None or getattr(state, "outcome", None) == "explained"
    elif verdict.is_pending:
        assert state is None
    else:
        names = ("outcome", "certainty", "staff", "clause", "severity", "flags")
        assert [getattr(state, name, None) for name in names] == [getattr(verdict, name) for name in names]


def differs(verdict: Verdict, finding: Finding | None) -> bool:
    """Whether a reader of the findings sees something else than this verdict."""
    if verdict.outcome == "explained":
        return finding is not None and finding.outcome != "explained"
    if finding is None:
        return True
    said = (finding.outcome, finding.certainty, finding.staff, finding.clause, finding.severity, finding.flags)
    due = (verdict.outcome, verdict.certainty, verdict.staff, verdict.clause, verdict.severity, verdict.flags)
    return said != due


def check(play: Play, *, is_haunted: bool = False) -> None:
    """What must hold once everything has been said and stored."""
    worker = play.worker
    assert (len(worker.open), worker.open.pending(), worker.jobs) == (0, 0, [])
    ends = {p: len(m) for p, m in play.stored.messages.items() if m}
    assert {p: play.stored.committed[p] for p in ends} == ends
    standing = joined(play.stored.findings)
    verdicts: dict[str, list[Verdict]] = {}
    for place, verdict in play.last.items():
        verdicts.setdefault(play.name_of(place), []).append(verdict)
    for name, last in verdicts.items():
        assert not all(differs(verdict, standing.get(name)) for verdict in last), (name, last, standing.get(name))
    assert set(standing) <= set(verdicts)
    report = play.audited()
    assert (report.differences, report.pending, report.unjudged) == ([], 0, 0)
    if not is_haunted:  # two that do not know of each other may say the same
        assert_every_transition_changes_something(play.stored.findings)


def assert_every_transition_changes_something(findings: list[Finding]) -> None:
    """Who reads the log sees each transition change the joined state."""
    states: dict[str, Finding] = {}
    for finding in findings:
        before = states.get(finding.finding_id)
        after = finding if before is None else joined([before, finding])[finding.finding_id]
        assert before is None or visible(before) != visible(after), finding
        states[finding.finding_id] = after


def visible(finding: Finding) -> tuple[object, ...]:
    """What a reader notices."""
    firm = (finding.outcome, finding.certainty, finding.staff, finding.clause, finding.severity)
    return *firm, finding.flags, finding.policy


seeds = st.integers(0, 2**32)
graces = st.sampled_from((0, 600, 3600))


@settings(max_examples=60)
@given(seed=seeds, grace=graces, steps=st.integers(10, 90))
def test_what_stands_in_the_end_is_what_is_true(seed: int, grace: int, steps: int) -> None:
    """However facts, marks and accesses interleave, and however they are batched, judged and stored."""
    play = Play(seed, grace)
    play.run(steps)
    check(play)


@settings(max_examples=80)
@given(seed=seeds, grace=graces, steps=st.integers(10, 90), torn=st.booleans())
def test_a_crash_loses_nothing_and_invents_nothing(seed: int, grace: int, steps: int, torn: bool) -> None:
    """Everything behind the committed offset is read again with what was stored; the ledger has no hole."""
    play = Play(seed, grace, crashes=0.15, torn=torn)
    play.run(steps)
    check(play)


@settings(max_examples=40)
@given(seed=seeds, grace=graces, steps=st.integers(10, 90))
def test_crashes_change_nothing_that_stands(seed: int, grace: int, steps: int) -> None:
    """The same world with and without crashes: the same accesses stand, and for the same reasons."""
    calm, stormy = Play(seed, grace), Play(seed, grace, crashes=0.2, torn=True)
    calm.run(steps)
    stormy.run(steps)
    assert standing(calm) == standing(stormy)


@settings(max_examples=80)
@given(seed=seeds, grace=graces, steps=st.integers(10, 90))
def test_workers_taken_for_dead_change_nothing_that_stands(seed: int, grace: int, steps: int) -> None:
    """They judge and store beside their successors, by what they knew; the successors have the last word."""
    calm, haunted = Play(seed, grace), Play(seed, grace, crashes=0.2, undead=0.7)
    calm.run(steps)
    haunted.run(steps)
    check(haunted, is_haunted=True)
    assert standing(calm) == standing(haunted)
    assert len(haunted.stored.findings) < 20 * (len(calm.stored.findings) + 5)  # nobody answers anybody for ever


@settings(max_examples=80)
@given(seed=seeds, grace=graces, steps=st.integers(10, 90), undead=st.sampled_from((0.0, 0.4)))
def test_partitions_that_come_back_find_their_index_as_good(seed: int, grace: int, steps: int, undead: float) -> None:
    """Whoever held them meanwhile, whatever was unsettled, and whatever fell behind the horizon."""
    calm = Play(seed, grace)
    moved = Play(seed, grace, crashes=0.2, undead=undead, returning=0.7, forgetful=0.1)
    calm.run(steps)
    moved.run(steps)
    check(moved, is_haunted=undead > 0)
    assert standing(calm) == standing(moved)


@settings(max_examples=80)
@given(seed=seeds, grace=graces, steps=st.integers(10, 90), undead=st.sampled_from((0.0, 0.4)))
def test_snapshots_change_nothing_that_stands(seed: int, grace: int, steps: int, undead: float) -> None:
    """However old, whatever was unsettled when they were taken, and whoever held the partitions since."""
    calm = Play(seed, grace)
    restored = Play(seed, grace, crashes=0.2, torn=True, undead=undead, returning=0.2, forgetful=0.05, snapshots=0.2)
    calm.run(steps)
    restored.run(steps)
    check(restored, is_haunted=undead > 0)
    assert standing(calm) == standing(restored)


def standing(play: Play) -> dict[str, tuple[object, ...]]:
    """What a reader sees in the end of each finding that was not withdrawn."""
    found = joined(play.stored.findings)
    return {name: visible(finding) for name, finding in found.items() if finding.outcome != "explained"}


def test_the_worlds_are_rich_enough() -> None:
    """A property over worlds in which nothing happens would hold for any judge."""
    seen: Counter[str] = Counter()
    for seed in range(40):
        play = Play(seed, 3600, crashes=0.05, torn=True)
        play.run(80)
        for finding in play.stored.findings:
            seen.update((finding.transition, finding.certainty, finding.outcome))
        seen["settlement"] += play.audited().settlements
        seen["pending"] += sum(s.cut.accesses.get("pending", 0) for cuts in play.stored.cuts.values() for s in cuts)
        seen["crash"] += play.lives - 1
        seen["moved"] += sum(len(play.truths(place)) > 1 for place in play.last)
    wanted = {*get_args(Transition), *get_args(Certainty), *get_args(Outcome)}
    wanted |= {"settlement", "pending", "crash", "moved"}
    assert {name: seen[name] for name in wanted if seen[name] == 0} == {}
