"""A worker without Kafka: what `streams/agents/judge.py` does with the pure judge, one step at a time.

Its logs outlive it. Whatever it has not stored when it is dropped is lost, as in a crash.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from schemas.codec import encode
from schemas.errors import RejectedInputError
from schemas.fact import Fact, RegisteredFact, RegisteredMark, Waiver
from schemas.finding import Finding
from schemas.ledger import Cut, Note
from schemas.policy import Policy
from schemas.topics import CONSOLE, source_of
from sinks.ledger.logs import Logs, Read, StoredCut
from streams.agents.cuts import cut_of, settlement_cut
from streams.agents.last_cuts import NO_CLAIM, Claim, Committed, believed
from streams.agents.outgoing import cut_digest
from streams.frontier import Frontier
from streams.join.columns import Columns, put_index, put_knowledge, take_index, take_knowledge
from streams.join.completeness import Completeness
from streams.join.index import AccessIndex
from streams.join.knowledge import Knowledge
from streams.join.open import OpenAccess, OpenAccesses, Partition
from streams.join.reconcile import state_of
from streams.join.rows import FOR_EVER
from streams.join.stamp import register
from streams.join.stretch import Place
from streams.join.touched import Query, earliest_since, touched, touched_since
from streams.policy.indexed import accesses_of, in_doubt, look_back
from streams.policy.judging import Judging
from streams.policy.published import Published
from streams.sources import BUILT_IN, Headers, translate
from streams.told import names_of
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
    notes: dict[Partition, Note] = field(default_factory=dict)
    """What stands beside the committed offset of each partition while nothing is under way."""

    def state(self, fact: Fact, feed: str) -> None:
        """Register a fact, sent when it was written down: stamped by the highest mark of its feed, as register does."""
        self.facts.append(register(fact, feed, self.promised().get(feed), appended_at=fact.recorded_at))

    def promise(self, feed: str, through: int) -> None:
        """Register a mark, true at the present end of the facts."""
        mark = RegisteredMark(feed=feed, complete_through=through, sequence=len(self.marks), position=len(self.facts))
        self.marks.append(mark)

    def send(self, partition: Partition, value: bytes | None, appended_at: int, headers: Headers = ()) -> None:
        """A message is appended."""
        log = self.messages[partition]
        log.append(Message(len(log), value, appended_at, headers=headers))

    def claim(self, partition: Partition) -> Claim:
        """The newest cut of messages of this partition."""
        cuts = [stored.cut for stored in self.cuts[partition] if stored.cut.first_offset < stored.cut.next_offset]
        return max((Claim(cut.next_offset, cut.reconciled) for cut in cuts), default=NO_CLAIM)

    def said_committed(self, partition: Partition) -> Committed:
        """The committed offset of this partition, and what the note beside it says."""
        note = self.notes.get(partition)
        return Committed(self.committed.get(partition, 0), 0 if note is None else note.reconciled)

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
            notes=dict(self.notes),
        )


def highest(marks: Iterable[RegisteredMark]) -> dict[str, int]:
    """The highest mark of each feed."""
    found: dict[str, int] = {}
    for mark in marks:
        found[mark.feed] = max(mark.complete_through, found.get(mark.feed, mark.complete_through))
    return found


def _read(partition: Partition, message: Message) -> Read:
    try:
        found = translate(source_of(partition.topic), message.value, message.headers, message.timestamp)
    except RejectedInputError:
        return Read(message.offset, message.timestamp, (), "dead_letter")
    kind = "translated" if found.accesses else "control"
    return Read(message.offset, message.timestamp, found.accesses, kind, given=found.given, file=found.file)


@dataclass
class Job:
    """What one batch or settlement has to store, and what to do once it is."""

    partition: Partition
    findings: list[Finding]
    dead_letters: list[str]
    cut: Cut | None
    done: Callable[[], None]


@dataclass(frozen=True)
class Kept:
    """A snapshot of a worker."""

    document: bytes
    columns: Columns
    doubtful: dict[Partition, set[int]]
    heard_facts: int
    heard_findings: int


class Worker:
    """Holds all partitions. It begins with all that is known, and at the committed offsets."""

    def __init__(self, stored: Stored, policy: Policy, run: str, kept: Kept | None = None) -> None:
        self.stored = stored
        self._name, self.holds = run, 0
        knowledge, completeness = Knowledge(policy.grace_ms), Completeness.under(policy)
        self.judging = Judging(
            policy=policy,
            knowledge=knowledge,
            completeness=completeness,
            published=Published(),
            index=AccessIndex(knowledge.facts.people, knowledge.facts.records),
            translators=BUILT_IN,
        )
        self.open = OpenAccesses(policy.grace_ms)
        self.closed: list[OpenAccess] = []
        self._doubtful: defaultdict[Partition, set[int]] = defaultdict(set)
        self.heard_facts = self.heard_marks = self._heard_findings = 0
        if kept is not None:
            self._put(kept)
        self.begin()
        self.corrected = 0  # accesses found by facts and not open
        self.backfilled = 0  # messages read again behind the index
        self.horizon = -FOR_EVER
        self.answered = 0  # accesses that somebody else spoke of
        self.is_zombie = False  # others hold its partitions: what it commits is refused
        self.hear()

    def put_away(self) -> Kept:
        """What a snapshot has of it."""
        judging = self.judging
        knowledge, columns = take_knowledge(judging.knowledge)
        index, more = take_index(judging.index)
        unsettled = {p: self.open.offsets(p) | judging.published.in_flight(p) for p in self.stored.messages}
        doubtful = {p: offsets | self._doubtful[p] for p, offsets in unsettled.items()}
        document = {"knowledge": knowledge, "index": index, "published": judging.published.columns()}
        return Kept(orjson.dumps(document), columns | more, doubtful, self.heard_facts, self._heard_findings)

    def _put(self, kept: Kept) -> None:
        document = orjson.loads(kept.document)
        columns = {name: array(column.typecode, column) for name, column in kept.columns.items()}
        put_knowledge(self.judging.knowledge, document["knowledge"], columns)
        put_index(self.judging.index, document["index"], columns)
        self.judging.published.put(document["published"])
        self._doubtful.update((p, set(offsets)) for p, offsets in kept.doubtful.items())
        self.heard_facts, self._heard_findings = kept.heard_facts, kept.heard_findings

    @property
    def run(self) -> str:
        """A run of the ledger is one hold."""
        return self._name if self.holds == 1 else f"{self._name}-{self.holds}"

    def begin(self) -> None:
        """Hold all partitions from now on. What was in the index is still there."""
        stored = self.stored
        self.is_held = True
        self.holds += 1
        self.jobs: list[Job] = []
        self._frontiers: dict[Partition, Frontier] = {}
        self.read_to = dict(stored.committed)
        self._born_at = dict(stored.committed)
        self._previous = {p: cuts[-1].digest for p, cuts in stored.cuts.items() if cuts}
        self._reconciled = {p: believed(stored.claim(p), stored.said_committed(p)) for p in stored.committed}
        self._behind = {p: self._reconciled.get(p, 0) for p in stored.committed}
        for partition, offsets in self._doubtful.items():
            offsets -= {offset for offset in offsets if offset >= self.read_to.get(partition, 0)}

    def lose(self) -> None:
        """Hold nothing any more. What is not yet stored is lost."""
        self.is_held = False
        for partition in list(self.stored.messages):
            unsettled = self.open.drop(partition) | self.judging.published.forget_flight(partition)
            self._doubtful[partition] |= unsettled
        self.jobs = []

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
            if not self.judging.published.knows(finding.finding_id, partition):
                access = finding.access.model_dump(mode="json", exclude_none=True)
                self.judging.index.say(partition, place.offset, *names_of(access))
            if self.judging.published.read(finding.finding_id, state_of(finding), partition, place.offset):
                strangers.append((partition, place.offset))
        self.heard_facts, self.heard_marks = len(self.stored.facts), len(self.stored.marks)
        self._heard_findings = len(self.stored.findings)
        completeness.advance(knowledge.position, knowledge.waivers)
        for partition, offset in strangers:
            if not self.is_held or offset < self.read_to.get(partition, 0):
                self._doubtful[partition].add(offset)
        if self.is_held:
            self._settle(queries, strangers)
            self._correct(queries)
            for partition in self.read_to:
                self._reach_back(partition, queries)
            self._answer()

    def take(self, partition: Partition, limit: int) -> list[str]:
        """Judge the next messages of a partition; the letters of their verdicts. What follows from them is to store."""
        start = self.read_to.get(partition, 0)
        messages = self.stored.messages[partition][start : start + limit]
        if not messages:
            return []
        self.read_to[partition] = messages[-1].offset + 1
        frontier = self._frontiers.setdefault(partition, Frontier(*partition))
        batch = frontier.begin(messages)
        judged = self.judging.batch(partition, source_of(partition.topic), messages, start)
        for entry in judged.opened:
            self.open.keep(entry)
        source, policy = source_of(partition.topic), self.judging.policy_hash
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
            self._note(partition)

    def _note(self, partition: Partition) -> None:
        """Beside the committed offset, as the judge writes it."""
        if self.jobs or partition in self._behind:
            self.stored.notes.pop(partition, None)
            return
        kept, pending = self.open.counts(partition)
        low = self.judging.completeness.low_of(source_of(partition.topic) == CONSOLE)
        self.stored.notes[partition] = Note(
            judged=self.read_to[partition],
            position=self.judging.knowledge.position,
            reconciled=self._reconciled_to(partition),
            low=low.marked,
            low_waived=low.waived,
            open=kept,
            pending=pending,
        )

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
        """Ask the index about the facts since it was reconciled, and read some of what is not in it; whether there was
        anything to do."""
        for partition, reconciled in self._behind.items():
            depth = self.judging.policy.paths.supervises.depth
            queries = list(touched_since(self.judging.knowledge, reconciled, depth))
            self._correct(queries, partition)
            gaps = self.judging.index.lacking(partition, self._horizon(partition), self._born_at[partition])
            if not gaps:
                del self._behind[partition]
                self._reach_back(partition, queries, earliest_since(self.judging.knowledge, reconciled))
                self._answer()
            else:
                first, end = gaps[0]
                messages = self.stored.messages[partition][first : min(first + limit, end)]
                gap = first, messages[-1].offset + 1
                found = look_back(self.judging, partition, source_of(partition.topic), messages, gap)
                self._judge_again(partition, [e for e in found if self._is_closed(partition, Place(e.offset, e.index))])
            return True
        return False

    def forget(self, before: int) -> None:
        """What was appended before this instant is behind the horizon from now on."""
        self.horizon = max(before, self.horizon)
        self.judging.index.forget(before, 1_000_000, self.read_to)

    def _horizon(self, partition: Partition) -> int:
        log = self.stored.messages[partition]
        return next((n for n, message in enumerate(log) if message.timestamp >= self.horizon), len(log))

    def _reach_back(self, partition: Partition, queries: Sequence[Query], earliest: int | None = None) -> None:
        """As `TakeOver` does, at once."""
        index = self.judging.index
        first, since = index.reach(partition) or (self.read_to.get(partition, 0), FOR_EVER)
        starts = [query.start for query in queries if not query.is_about_said]
        earliest = min([*starts, *([] if earliest is None else [earliest])], default=None)
        self._doubtful[partition] |= index.said(partition, index.wanted(queries), first)
        if earliest is not None and earliest <= since:
            messages = [m for m in self.stored.messages[partition][:first] if m.timestamp >= earliest]
            self.backfilled += len(messages)
            if messages:
                found = look_back(self.judging, partition, source_of(partition.topic), messages)
                self._judge_again(partition, [e for e in found if self._is_closed(partition, Place(e.offset, e.index))])

    def has_read(self, place: tuple[Partition, int]) -> bool:
        """Whether it has judged this message with all it knows, in this hold."""
        partition, offset = place
        if offset in self._doubtful[partition] or offset >= self.read_to.get(partition, 0):
            return False
        return offset >= self._born_at.get(partition, 0) or partition not in self._behind

    def _reconciled_to(self, partition: Partition) -> int:
        """Whatever it has heard it has brought to all accesses, once it has looked back."""
        if partition not in self._behind and not self.open.has_reopened(partition):
            self._reconciled[partition] = self.judging.knowledge.position
        return self._reconciled.get(partition, 0)

    def _correct(self, queries: Sequence[Query], only: Partition | None = None) -> None:
        """Judge again what facts touch and is not open."""
        wanted = self.judging.index.wanted(queries)
        for partition in self.judging.index.partitions() if only is None else [only]:
            found = dict(self.judging.index.matching(partition, wanted))
            closed = {at: question for at, question in found.items() if self._is_closed(partition, at)}
            entries: list[OpenAccess] = []
            for at in in_doubt(self.judging, partition, closed):
                message = self.stored.messages[partition][at.offset]
                entries.append(accesses_of(self.judging, partition, source_of(partition.topic), message)[at.number])
            self.corrected += len(closed)
            self._judge_again(partition, entries)

    def _answer(self) -> None:
        """Judge again what somebody else spoke of, or was unsettled; what is yet to be read will be judged anyway."""
        doubtful, self._doubtful = self._doubtful, defaultdict(set)
        for partition, offsets in doubtful.items():
            for offset in sorted(offsets):
                message = self.stored.messages[partition][offset]
                entries = accesses_of(self.judging, partition, source_of(partition.topic), message)
                closed = [e for e in entries if self._is_closed(partition, Place(e.offset, e.index))]
                self.answered += len(closed)
                self._judge_again(partition, closed)

    def _is_closed(self, partition: Partition, at: Place) -> bool:
        return at.offset < self.read_to.get(partition, 0) and not self.open.holds(partition, at)

    def _judge_again(self, partition: Partition, entries: Sequence[OpenAccess]) -> None:
        if entries:
            self._settle_partition(partition, sorted(entries, key=lambda e: (e.offset, e.index)))

    def _learn(self, offset: int) -> list[Query]:
        change = self.judging.knowledge.hear(offset, self.stored.facts[offset])
        return (
            []
            if change is None
            else touched(self.judging.knowledge, *change, self.judging.policy.paths.supervises.depth)
        )

    def _settle(self, queries: Sequence[Query], strangers: Sequence[tuple[Partition, int]]) -> None:
        completeness = self.judging.completeness
        due = self.open.touched(queries) | self.open.at(strangers)
        due |= self.open.due(*completeness.low)
        due |= self.open.due(*completeness.low_at_console, is_at_console=True)
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
            reconciled=self._reconciled_to(partition),
            marks=self.judging.completeness.marks(is_at_console=source_of(partition.topic) == CONSOLE),
            policy_hash=self.judging.policy_hash,
            run=self.run,
        )
