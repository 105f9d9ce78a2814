"""A history played: workers in memory, one after the other, and what they claimed on the way.

Nothing is judged here: `tests/properties/laws.py` says what must hold of what was played.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from schemas.access import Access, finding_id
from schemas.fact import RegisteredFact, Waiver
from schemas.finding import Finding
from schemas.topics import FEEDS
from sinks.ledger.audit import audit
from sinks.ledger.rejudge import Rejudge, Verdict
from sinks.ledger.report import Report
from streams.join.open import Partition
from streams.join.reconcile import State as Joined
from streams.join.reconcile import join, state_of

from . import chance
from .history import (
    PARTITIONS,
    Act,
    Crash,
    Forget,
    Freeze,
    Hear,
    Heir,
    History,
    Keep,
    Leave,
    Look,
    LookBack,
    Overhear,
    Promise,
    Send,
    State,
    Store,
    Stray,
    Take,
    Waive,
)
from .worker import Kept, Stored, Worker

FAR: Final = chance.START + 100 * chance.STEPS * chance.STEP
LAST_BATCH: Final = 7
Place = tuple[Partition, int]
Marks = tuple[tuple[str, int], ...]
"""Feeds and their promises (UTC ms), sorted."""


class Asked(NamedTuple):
    """An access as it lies in its partition; a repeat lies there more than once."""

    name: str
    access: Access
    appended_at: int


class Claim(NamedTuple):
    """What a worker that knew so much held to be said of a finding, what it had in flight included."""

    name: str
    position: int
    marks: Marks
    state: Joined | None
    is_open: bool


class Closed(NamedTuple):
    """What a worker that knew so much held to be decided for good, and whether anything had been said of it."""

    place: Place
    position: int
    marks: Marks
    is_said: bool


@dataclass
class Played:
    """The logs in the end, the claims, and the last worker."""

    history: History
    stored: Stored = field(default_factory=Stored)
    asked: dict[Place, Asked] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    away: list[Worker] = field(default_factory=list)
    returned: int = 0
    restored: int = 0
    zombies: list[Worker] = field(default_factory=list)
    lives: int = 0
    frozen: int = 0
    worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        self.worker = self._born(None)

    @property
    def facts(self) -> list[RegisteredFact | Waiver]:
        """`facts.v1`."""
        return self.stored.facts

    @cached_property
    def marks(self) -> dict[str, int]:
        """Each feed's highest mark in the end."""
        return self.stored.promised()

    @cached_property
    def brute(self) -> Rejudge:
        """The brute-force judge of everything that was stated."""
        return Rejudge(self.history.policy, self.facts)

    @cached_property
    def places(self) -> dict[str, list[Place]]:
        """Where each finding's access lies."""
        found: defaultdict[str, list[Place]] = defaultdict(list)
        for place, asked in self.asked.items():
            found[asked.name].append(place)
        return dict(found)

    @cached_property
    def _truths(self) -> dict[tuple[object, ...], Verdict]:
        return {}

    def truth(self, place: Place, position: int, marks: Marks) -> Verdict:
        """The brute-force judge's word on an access at a position."""
        asked = self.asked[place]
        key = asked.name, asked.appended_at, position, marks
        if key not in self._truths:
            verdict = self.brute.judge(asked.access, asked.appended_at, position=position, marks=dict(marks))
            self._truths[key] = verdict
        return self._truths[key]

    def truth_in_the_end(self, place: Place) -> Verdict:
        """Once everything has been said."""
        return self.truth(place, len(self.facts), tuple(sorted(self.marks.items())))

    def truth_of(self, finding: Finding) -> Verdict:
        """Where a transition says that it was judged."""
        at = finding.message
        marks = tuple(sorted(finding.marks.items()))
        return self.truth((Partition(at.topic, at.partition), at.offset), finding.position, marks)

    def audited(self) -> Report:
        """The last word of the audit of everything stored."""
        *_, report = audit(self.stored.logs(), self.brute, self.history.policy.hash())
        return report

    def _born(self, kept: Kept | None) -> Worker:
        self.lives += 1
        self.restored += kept is not None
        return Worker(self.stored, self.history.policy, run=f"run-{self.lives}", kept=kept)

    def _heir(self, heir: Heir) -> Worker:
        if heir.away is None or not self.away:
            is_restored = heir.kept is not None and self.kept
            return self._born(self.kept[max(-len(self.kept), -1 - (heir.kept or 0))] if is_restored else None)
        worker = self.away.pop(max(-len(self.away), -1 - heir.away))
        self.returned += 1
        worker.begin()
        worker.hear()
        return worker

    def do(self, act: Act) -> None:
        """One act."""
        stored = self.stored
        match act:
            case State(fact):
                stored.state(fact, next(f.name for f in FEEDS.values() if fact.body.kind in f.kinds))
            case Promise(feed, through):
                stored.promise(feed, through)
            case Waive(feed, through):
                stored.facts.append(Waiver(feed=feed, through=through))
            case Send():
                self._send(act)
            case Look():
                self.worker.hear()
                self._claim(self.worker)
            case Keep():
                self.kept.append(self.worker.put_away())
            case Forget(before):
                self.worker.forget(before)
            case Crash() | Leave() | Freeze():
                self._hand_over(act)
            case Overhear():
                for worker in self.away:
                    worker.hear()
            case Stray(stray):
                if self.zombies:
                    _go_on(self.zombies[-1], stray)
            case _:
                _go_on(self.worker, act)
        closed, self.worker.closed = self.worker.closed, []
        marks = tuple(sorted(self.worker.marks.items())) if closed else ()
        for entry in closed:
            place = entry.partition, entry.offset
            self.closed.append(Closed(place, self.worker.heard_facts, marks, entry.published is not None))

    def _hand_over(self, act: Crash | Leave | Freeze) -> None:
        gone = self.worker
        match act:
            case Crash(number, torn):
                gone.store(number, torn=torn)
            case Leave(number):
                gone.store(number)
                gone.lose()
            case Freeze():
                gone.is_zombie = True
                self.zombies.append(gone)
                self.frozen += 1
        self.worker = self._heir(act.heir)
        if isinstance(act, Leave):
            self.away.append(gone)

    def _send(self, act: Send) -> None:
        partition = PARTITIONS[act.partition]
        if act.access is not None:
            place = partition, len(self.stored.messages[partition])
            self.asked[place] = Asked(finding_id(act.access, act.appended_at), act.access, act.appended_at)
        self.stored.send(partition, act.value, act.appended_at)

    def _claim(self, worker: Worker) -> None:
        """Of everything that this worker has seen: each fact it heard it has brought to all of that."""
        seen: dict[str, bool] = {}
        kept = {entry.finding_id for entry in worker.open}
        partition_of: dict[str, Partition] = {}
        for place, asked in self.asked.items():
            seen[asked.name] = seen.get(asked.name, True) and worker.has_read(place)
            partition_of[asked.name] = place[0]
        marks = tuple(sorted(worker.marks.items()))
        for name, is_seen in seen.items():
            if is_seen:
                state = worker.judging.published.state(name, partition_of[name])
                self.claims.append(Claim(name, worker.heard_facts, marks, state, name in kept))

    def end(self) -> None:
        """Whoever was taken for dead stores what it has; all that will ever be said is, and is judged and stored."""
        for zombie in self.zombies:
            zombie.store()
        worker = self.worker
        for feed in FEEDS:
            if feed not in self.history.silent:
                self.stored.promise(feed, FAR)
        worker.hear()
        for partition in PARTITIONS:
            while worker.take(partition, LAST_BATCH):
                worker.hear()
        while worker.look_back(LAST_BATCH):
            worker.hear()
        for _ in range(2):
            worker.store()
            worker.hear()
        self._claim(worker)

    def states(self) -> dict[str, Joined]:
        """The joined states of the log as the worker's own code joins them."""
        states: dict[str, Joined] = {}
        for finding in self.stored.findings:
            states[finding.finding_id] = join(states.get(finding.finding_id), state_of(finding))
        return states


def _go_on(worker: Worker, act: Act) -> None:
    match act:
        case Hear():
            worker.hear()
        case Take(partition, number):
            worker.take(PARTITIONS[partition], number)
        case Store(number):
            worker.store(number)
        case LookBack(number):
            worker.look_back(number)


def play(history: History) -> Played:
    """A history from its beginning to its end."""
    played = Played(history)
    for act in history.acts:
        played.do(act)
    played.end()
    return played
