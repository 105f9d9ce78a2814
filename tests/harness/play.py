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
from sinks.ledger.audit import Report, audit
from sinks.ledger.rejudge import Rejudge, Verdict
from streams.join.open import Partition
from streams.join.reconcile import State as Joined
from streams.join.reconcile import join, state_of

from . import chance
from .history import (
    PARTITIONS,
    Act,
    Crash,
    Freeze,
    Hear,
    History,
    Look,
    LookBack,
    Promise,
    Send,
    State,
    Store,
    Stray,
    Take,
    Waive,
)
from .worker import Stored, Worker

FAR: Final = chance.START + 100 * chance.STEPS * chance.STEP
LAST_BATCH: Final = 7
Place = tuple[Partition, int]


class Asked(NamedTuple):
    """An access as it lies in its partition; a repeat lies there more than once."""

    name: str
    access: Access
    appended_at: int


class Claim(NamedTuple):
    """What a worker that knew so much held to be said of a finding, what it had in flight included."""

    name: str
    position: int
    marks: tuple[tuple[str, int], ...]
    state: Joined | None


@dataclass
class Played:
    """The logs in the end, the claims, and the last worker."""

    history: History
    stored: Stored = field(default_factory=Stored)
    asked: dict[Place, Asked] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    zombies: list[Worker] = field(default_factory=list)
    lives: int = 0
    frozen: int = 0
    worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        self.worker = self._born()

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

    def truth(self, place: Place, position: int, marks: tuple[tuple[str, int], ...]) -> Verdict:
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

    def _born(self) -> Worker:
        self.lives += 1
        return Worker(self.stored, self.history.policy, run=f"run-{self.lives}")

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
            case Crash(number, torn):
                self.worker.store(number, torn=torn)
                self.worker = self._born()
            case Freeze():
                self.worker.is_zombie = True
                self.zombies.append(self.worker)
                self.frozen += 1
                self.worker = self._born()
            case Stray(stray):
                if self.zombies:
                    _go_on(self.zombies[-1], stray)
            case _:
                _go_on(self.worker, act)

    def _send(self, act: Send) -> None:
        partition = PARTITIONS[act.partition]
        if act.access is not None:
            place = partition, len(self.stored.messages[partition])
            self.asked[place] = Asked(finding_id(act.access, act.appended_at), act.access, act.appended_at)
        self.stored.send(partition, act.value, act.appended_at)

    def _claim(self, worker: Worker) -> None:
        """Of everything that this worker has seen: each fact it heard it has brought to all of that."""
        seen: dict[str, bool] = {}
        partition_of: dict[str, Partition] = {}
        for place, asked in self.asked.items():
            seen[asked.name] = seen.get(asked.name, True) and worker.has_read(place)
            partition_of[asked.name] = place[0]
        marks = tuple(sorted(worker.marks.items()))
        for name, is_seen in seen.items():
            if is_seen:
                state = worker.judging.published.state(name, partition_of[name])
                self.claims.append(Claim(name, worker.heard_facts, marks, state))

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
