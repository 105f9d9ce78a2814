"""A worker without Kafka: what `streams/agents/judge.py` does with the pure judge, one step at a time.

Its logs outlive it. Whatever it has not stored when it is dropped is lost, as in a crash.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from schemas.codec import encode
from schemas.errors import RejectedInputError
from schemas.fact import Fact, RegisteredFact, RegisteredMark, Waiver
from schemas.finding import Finding
from schemas.ledger import Cut
from schemas.policy import Policy
from sinks.ledger.logs import Logs, Read, StoredCut
from streams.agents.cuts import cut_of, settlement_cut
from streams.agents.outgoing import cut_digest
from streams.frontier import Frontier
from streams.join.completeness import Completeness
from streams.join.index import AccessIndex
from streams.join.knowledge import Knowledge
from streams.join.open import OpenAccess, OpenAccesses, Partition
from streams.join.reconcile import state_of
from streams.join.stamp import register
from streams.join.touched import Query, touched
from streams.policy.indexed import accesses_of, in_doubt, look_back
from streams.policy.judging import Judging
from streams.policy.published import Published
from streams.sources import translate
from tests.harness.judging import Message


@dataclass
class Stored:
    """All that the broker holds. Offsets are places in the lists."""

    facts: list[RegisteredFact | Waiver] = field(default_factory=list)
    marks: list[RegisteredMark] = field(default_factory=list)
    messages: defaultdict[Partition, list[Message]] = field(default_factory=lambda: defaultdict(list))
    findings: list[Finding] = field(default_factory=list)
    cuts: defaultdict[Partition, list[StoredCut]] = field(default_factory=lambda: defaultdict(list))
    dead_letters: set[str] = field(default_factory=set)
    committed: dict[Partition, int] = field(default_factory=dict)

    def state(self, fact: Fact, feed: str) -> None:
        """Register a fact: stamped by the highest mark of its feed, as register does."""
        self.facts.append(register(fact, feed, self.promised().get(feed)))

    def promise(self, feed: str, through: int) -> None:
        """Register a mark, true at the present end of the facts."""
        mark = RegisteredMark(feed=feed, complete_through=through, sequence=len(self.marks), position=len(self.facts))
        self.marks.append(mark)

    def send(self, partition: Partition, value: bytes | None, appended_at: int) -> None:
        """A message is appended."""
        log = self.messages[partition]
        log.append(Message(len(log), value, appended_at))

    def promised(self) -> dict[str, int]:
        """The highest mark of each feed."""
        return highest(self.marks)

    def logs(self) -> Logs:
        """What an audit looks at."""
        return Logs(
            messages={p: [_read(p, m) for m in log] for p, log in self.messages.items()},
            cuts={p: list(cuts) for p, cuts in self.cuts.items()},
            findings=list(self.findings),
            dead_letters=frozenset(self.dead_letters),
            marks=self.promised(),
            position=len(self.facts),
        )


def highest(marks: Iterable[RegisteredMark]) -> dict[str, int]:
    """The highest mark of each feed."""
    found: dict[str, int] = {}
    for mark in marks:
        found[mark.feed] = max(mark.complete_through, found.get(mark.feed, mark.complete_through))
    return found


def source_of(partition: Partition) -> str:
    """`access.ecms.v1` is of ecms."""
    return partition.topic.split(".")[1]


def _read(partition: Partition, message: Message) -> Read:
    try:
        accesses = translate(source_of(partition), message.value, message.headers, message.timestamp).accesses
    except RejectedInputError:
        return Read(message.offset, message.timestamp, (), "dead_letter")
    return Read(message.offset, message.timestamp, accesses, "translated")


@dataclass
class Job:
    """What one batch or settlement has to store, and what to do once it is."""

    partition: Partition
    findings: list[Finding]
    dead_letters: list[str]
    cut: Cut | None
    done: Callable[[], None]


class Worker:
    """Holds all partitions. It begins with all that is known, and at the committed offsets."""

    def __init__(self, stored: Stored, policy: Policy, run: str) -> None:
        self.stored = stored
        self.run = run
        knowledge, completeness = Knowledge(policy.grace_ms), Completeness(policy.gating_feeds())
        self.judging = Judging(
            policy=policy,
            knowledge=knowledge,
            completeness=completeness,
            published=Published(),
            index=AccessIndex(knowledge.facts.people, knowledge.facts.records),
            translate=translate,
        )
        self.open = OpenAccesses(policy.grace_ms)
        self.jobs: list[Job] = []
        self.closed: list[OpenAccess] = []
        self._frontiers: dict[Partition, Frontier] = {}
        self.read_to = dict(stored.committed)
        self._born_at = dict(stored.committed)
        self.looked_to = dict.fromkeys(stored.committed, 0)
        self.corrected = 0  # accesses found by facts and not open
        self.answered = 0  # accesses that somebody else spoke of
        self.is_zombie = False  # others hold its partitions: what it commits is refused
        self._previous = {p: cuts[-1].digest for p, cuts in stored.cuts.items() if cuts}
        self.heard_facts = self.heard_marks = self._heard_findings = 0
        self.hear()

    @property
    def marks(self) -> dict[str, int]:
        """The highest mark of each feed that this worker has heard."""
        return highest(self.stored.marks[: self.heard_marks])

    def hear(self) -> None:
        """Apply all facts, marks and findings that have been stored since, and settle what they decide."""
        knowledge, completeness = self.judging.knowledge, self.judging.completeness
        queries = [q for offset in range(self.heard_facts, len(self.stored.facts)) for q in self._learn(offset)]
        for mark in self.stored.marks[self.heard_marks :]:
            completeness.learn(mark, knowledge.position)
        strangers: list[tuple[Partition, int]] = []
        for finding in self.stored.findings[self._heard_findings :]:
            place = finding.message
            partition = Partition(place.topic, place.partition)
            if self.judging.published.read(finding.finding_id, state_of(finding), partition, place.offset):
                strangers.append((partition, place.offset))
        self.heard_facts, self.heard_marks = len(self.stored.facts), len(self.stored.marks)
        self._heard_findings = len(self.stored.findings)
        completeness.advance(knowledge.position, knowledge.waivers)
        self._settle(queries)
        self._correct(queries)
        self._answer(strangers)

    def take(self, partition: Partition, limit: int) -> list[str]:
        """Judge the next messages of a partition; the letters of their verdicts. What follows from them is to store."""
        start = self.read_to.get(partition, 0)
        messages = self.stored.messages[partition][start : start + limit]
        if not messages:
            return []
        self.read_to[partition] = messages[-1].offset + 1
        frontier = self._frontiers.setdefault(partition, Frontier(*partition))
        batch = frontier.begin(messages)
        judged = self.judging.batch(partition, source_of(partition), messages)
        for entry in judged.opened:
            self.open.keep(entry)
        source, policy = source_of(partition), self.judging.policy_hash
        reconciled = self._reconciled_to(partition)
        cut = cut_of(judged, reconciled=reconciled, source=source, policy_hash=policy, run=self.run)
        dead = [f"{partition.topic}/{partition.partition}/{r.message.offset}" for r in judged.rejected]
        self.jobs.append(Job(partition, judged.findings, dead, cut, batch.finish))
        return list(judged.codes.decode())

    def store(self, limit: int | None = None, *, torn: int | None = None) -> None:
        """Store the oldest of what is to store, and commit. `torn`: some findings of one more job, without its cut."""
        for job in self.jobs[:limit]:
            self._store(job)
        self.jobs = [] if limit is None else self.jobs[limit:]
        if torn is not None and self.jobs:
            self.stored.findings += self.jobs[0].findings[:torn]
        for partition, frontier in () if self.is_zombie else self._frontiers.items():
            offset = frontier.committable(self.open.oldest_offset(partition))
            if offset is not None:
                self.stored.committed[partition] = max(offset, self.stored.committed.get(partition, 0))

    def _store(self, job: Job) -> None:
        self.stored.dead_letters |= set(job.dead_letters)
        self.stored.findings += job.findings
        if job.cut is not None:
            cut = job.cut.model_copy(update={"previous": self._previous.get(job.partition)})
            digest = cut_digest(encode(cut))
            self._previous[job.partition] = digest
            self.stored.cuts[job.partition].append(StoredCut(cut, digest))
        job.done()

    def look_back(self, limit: int) -> bool:
        """Index some of what was judged before this worker's life, and judge it again; whether there was any."""
        for partition, start in self.looked_to.items():
            messages = self.stored.messages[partition][start : min(start + limit, self._born_at[partition])]
            if messages:
                self.looked_to[partition] = messages[-1].offset + 1
                self._judge_again(partition, look_back(self.judging, partition, source_of(partition), messages))
                return True
        return False

    def has_read(self, place: tuple[Partition, int]) -> bool:
        """Whether it has judged this message, or looked back at it, in this life."""
        partition, offset = place
        born_at = self._born_at.get(partition, 0)
        return born_at <= offset < self.read_to.get(partition, 0) or offset < self.looked_to.get(partition, 0)

    def _reconciled_to(self, partition: Partition) -> int:
        """Whatever it has heard it has brought to all accesses, once it has looked back."""
        behind = self._born_at.get(partition, 0)
        return self.judging.knowledge.position if self.looked_to.get(partition, 0) >= behind else 0

    def _correct(self, queries: Sequence[Query]) -> None:
        """Judge again what facts touch and is not open."""
        for partition in self.judging.index.partitions():
            found = dict(self.judging.index.matching(partition, queries))
            closed = {at: question for at, question in found.items() if not self.open.holds(partition, at)}
            entries: list[OpenAccess] = []
            for at in in_doubt(self.judging, partition, closed):
                message = self.stored.messages[partition][at.offset]
                entries.append(accesses_of(self.judging, partition, source_of(partition), message)[at.number])
            self.corrected += len(closed)
            self._judge_again(partition, entries)

    def _answer(self, strangers: Sequence[tuple[Partition, int]]) -> None:
        """Judge again what somebody else spoke of; what is yet to be read will be judged anyway."""
        for partition, offset in dict.fromkeys(strangers):
            if self.has_read((partition, offset)):
                message = self.stored.messages[partition][offset]
                entries = accesses_of(self.judging, partition, source_of(partition), message)
                closed = [e for e in entries if not self.open.holds(partition, (e.offset, e.index))]
                self.answered += len(closed)
                self._judge_again(partition, closed)

    def _judge_again(self, partition: Partition, entries: Sequence[OpenAccess]) -> None:
        if entries:
            self._settle_partition(partition, sorted(entries, key=lambda e: (e.offset, e.index)))

    def _learn(self, offset: int) -> list[Query]:
        said = self.stored.facts[offset]
        if isinstance(said, Waiver):
            self.judging.knowledge.waive(offset, said)
            return []
        _, change = self.judging.knowledge.learn(offset, said)
        return (
            []
            if change is None
            else touched(self.judging.knowledge, *change, self.judging.policy.paths.supervises.depth)
        )

    def _settle(self, queries: Sequence[Query]) -> None:
        completeness = self.judging.completeness
        due = self.open.touched(queries) | self.open.due(completeness.low, completeness.low_waived)
        by_partition: defaultdict[Partition, list[OpenAccess]] = defaultdict(list)
        for entry in sorted(due, key=lambda e: (e.partition, e.offset, e.index)):
            by_partition[entry.partition].append(entry)
        for partition, entries in by_partition.items():
            self._settle_partition(partition, entries)

    def _settle_partition(self, partition: Partition, entries: Sequence[OpenAccess]) -> None:
        again = self.judging.again(entries)
        for entry in again.kept:
            self.open.keep(entry)
        for entry in again.closed:
            self.open.close(entry)
        self.closed += again.closed
        if again.findings or again.closed:
            cut = self._settlement(partition, again.explained) if again.explained else None
            findings = [finding for finding, _ in again.findings]
            self.jobs.append(Job(partition, findings, [], cut, lambda: self._release(again.closed)))

    def _release(self, closed: list[OpenAccess]) -> None:
        for entry in closed:
            self.open.release(entry)

    def _settlement(self, partition: Partition, settled: list[OpenAccess]) -> Cut:
        return settlement_cut(
            partition,
            settled,
            position=self.judging.knowledge.position,
            reconciled=0,
            marks=self.judging.completeness.marks(),
            policy_hash=self.judging.policy_hash,
            run=self.run,
        )
