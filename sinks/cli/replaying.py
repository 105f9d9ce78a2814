"""Judging once more what was judged before, by the production judge, without publishing: values in, differences out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.access import Access
from schemas.codec import decode_registered
from schemas.errors import RejectedInputError
from schemas.fact import RegisteredMark
from schemas.finding import Certainty, Finding, Transition
from schemas.joined import Word
from schemas.plain_fact import read_plain_facts
from schemas.policy import Policy
from sinks.kafka import Message
from streams.join.completeness import RANK, Completeness
from streams.join.index import AccessIndex
from streams.join.knowledge import Knowledge
from streams.join.open import OpenAccess, Partition
from streams.join.reconcile import State, state_of, transition, word_of
from streams.join.rows import row_of_plain
from streams.policy.decide import Verdict, decide
from streams.policy.explain import tell
from streams.policy.indexed import accesses_of
from streams.policy.judging import Judging
from streams.policy.published import Published
from streams.sources import Translators


class Said(NamedTuple):
    """One transition of `violations.v1`, as much of it as replaying asks for. Marks in UTC milliseconds."""

    finding_id: str
    state: State
    partition: Partition
    offset: int
    marks: Mapping[str, int]


class Difference(NamedTuple):
    """What would be published: of which access, what was published before (None: nothing), and what is judged now.

    `is_complete` is False where the feeds in `waiting_for` would have to speak first.
    """

    change: Transition
    finding_id: str
    place: str
    access: Access
    before: State | None
    after: State
    is_complete: bool
    waiting_for: tuple[str, ...]
    reason: str


class Outcome(NamedTuple):
    """What judging one access gave; `is_decided` is False while feeds must speak first."""

    entry: OpenAccess
    difference: Difference | None
    is_decided: bool


def said_in(finding: Finding) -> Said:
    """A transition as replaying keeps it."""
    at = finding.message
    place = Partition(at.topic, at.partition)
    return Said(finding.finding_id, state_of(finding), place, at.offset, finding.marks)


class World:
    """What was known, and what had been published, up to a position; both only ever grow.

    `live` is the policy of this installation: under another one an access may have to wait that never had to.
    """

    def __init__(self, policy: Policy, live: Policy, translators: Translators) -> None:
        self._policy, self._live = policy, live
        knowledge = Knowledge(policy.grace_ms)
        self.judging = Judging(
            policy=policy,
            knowledge=knowledge,
            completeness=Completeness.under(policy),
            published=Published(),
            index=AccessIndex(knowledge.facts.people, knowledge.facts.records),
            translators=translators,
        )
        self._newest: dict[str, tuple[tuple[Word, int], Partition, int]] = {}
        self.accesses = 0  # judged so far

    @property
    def position(self) -> int:
        """The next offset of `facts.v1`."""
        return self.judging.knowledge.position

    def learn(self, offset: int, value: bytes | None) -> None:
        """Take in what stands at this offset of `facts.v1`; what is not ours is passed over, as a worker does."""
        knowledge = self.judging.knowledge
        [plain] = read_plain_facts([value])
        if plain is not None:
            knowledge.take(offset, row_of_plain(plain))
            return
        try:
            knowledge.hear(offset, decode_registered(value))
        except RejectedInputError:
            knowledge.skip(offset)

    def hear(self, said: Said) -> None:
        """Take in what was published."""
        self.judging.published.read(said.finding_id, said.state, said.partition, said.offset)
        order = word_of(said.state), RANK[said.state.certainty]
        newest = self._newest.get(said.finding_id)
        if newest is None or newest[0] < order:
            self._newest[said.finding_id] = order, said.partition, said.offset

    def promise(self, marks: Mapping[str, int]) -> None:
        """From here on the feeds are complete through these instants (UTC ms), and no further."""
        knowledge, completeness = self.judging.knowledge, Completeness.under(self._policy)
        for feed, through in marks.items():
            completeness.learn(RegisteredMark(feed=feed, complete_through=through, sequence=0, position=0), 0)
        completeness.advance(knowledge.position, knowledge.waivers)
        self.judging.completeness = completeness

    def judge(self, partition: Partition, source: str, messages: Sequence[Message]) -> list[Outcome]:
        """Judge messages; the accesses that nothing explains, or of which something was said. All others are explained.

        What is said of a repeat is said of the message that the finding names, and looked at there only.
        """
        judging, found = self.judging, list[Outcome]()
        others = set(judging.plainly(source, messages).others)
        for number, message in enumerate(messages):
            is_plain = number not in others
            if is_plain and not judging.published.speaks_of(partition, message.offset):
                self.accesses += 1
                continue
            entries = accesses_of(judging, partition, source, message)
            self.accesses += len(entries)
            for entry in entries:
                outcome = self.judge_one(entry)
                if not outcome.is_decided or outcome.difference is not None:
                    found.append(outcome)
        return found

    def judge_one(self, entry: OpenAccess) -> Outcome:
        """Judge one access at the present position, by the present marks."""
        judging = self.judging
        verdict = decide(judging.knowledge, self._policy, entry.question, entry.access)
        certainty = judging.certainty(entry)
        is_complete = certainty is not None
        is_decided = verdict.outcome == "explained" or is_complete
        entry.published = self._published(entry)
        if entry.published is not None and not self._is_named(entry):
            return Outcome(entry, None, True)  # a repeat
        step = transition(entry.published, self._judged(verdict, certainty or "incomplete"), is_complete)
        difference = None if step is None else self._difference(entry, verdict, *step)
        return Outcome(entry, difference, is_decided)

    def never_had_to_wait(self, entry: OpenAccess) -> Difference | None:
        """Of an access that must wait for feeds: what would come of it, where the live policy explains it at once."""
        knowledge = self.judging.knowledge
        if self._live == self._policy or entry.published is not None:
            return None
        if decide(knowledge, self._live, entry.question, entry.access).outcome != "explained":
            return None
        verdict = decide(knowledge, self._policy, entry.question, entry.access)
        return self._difference(entry, verdict, "raised", self._judged(verdict, "incomplete"))

    def _judged(self, verdict: Verdict, certainty: Certainty) -> State:
        return State(
            position=self.position,
            outcome=verdict.outcome,
            certainty=certainty,
            staff=verdict.staff,
            clause=verdict.clause,
            severity=verdict.severity,
            policy=self.judging.policy_hash,
            flags=verdict.flags,
            version=self._policy.version,
        )

    def _published(self, entry: OpenAccess) -> State | None:
        """What was said of it. Which policy said it is no difference: what it said may be one."""
        judging = self.judging
        state = judging.published.state(entry.finding_id, entry.partition)
        return None if state is None else state._replace(policy=judging.policy_hash, version=self._policy.version)

    def _is_named(self, entry: OpenAccess) -> bool:
        _, partition, offset = self._newest[entry.finding_id]
        return (partition, offset) == (entry.partition, entry.offset)

    def _difference(self, entry: OpenAccess, verdict: Verdict, change: Transition, after: State) -> Difference:
        judging = self.judging
        told = tell(judging.knowledge, self._policy, entry.question, entry.access, verdict)
        is_complete = after.outcome == "explained" or judging.certainty(entry) is not None
        return Difference(
            change=change,
            finding_id=entry.finding_id,
            place=f"{entry.partition.topic}/{entry.partition.partition}/{entry.offset}",
            access=entry.access,
            before=entry.published,
            after=after,
            is_complete=is_complete,
            waiting_for=() if is_complete else judging.waiting_for(entry),
            reason=told.reason,
        )
