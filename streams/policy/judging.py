"""One batch of messages against what is known at one position: verdicts, findings, open accesses, dead letters.

Everything here happens at one position: knowledge does not move between the first message of a batch and its last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from schemas.access import Access, finding_id
from schemas.errors import RejectedInputError
from schemas.finding import Certainty, Finding, MessagePlace, Outcome
from schemas.ledger import CODES
from schemas.plain import DAYS, MINUTES, SECONDS, Plain, read_plain
from schemas.policy import Policy
from schemas.topics import CANONICAL
from streams.join.completeness import Completeness
from streams.join.knowledge import Knowledge
from streams.join.open import OpenAccess, Partition
from streams.join.question import question_of
from streams.join.reconcile import State, transition
from streams.sources import Headers, Translated

from .decide import Verdict, decide
from .explain import tell
from .published import Published

Translate = Callable[[str, bytes | None, Headers, int], Translated]

CODE: Final = {name: ord(letter) for name, letter in CODES.items()}
EXPLAINED: Final = CODE["explained"]


class Message(Protocol):
    """A Kafka record; `timestamp` is its append time in UTC milliseconds."""

    offset: int
    timestamp: int
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that could not be read, and why."""

    message: Message
    stage: str
    error: RejectedInputError


@dataclass(slots=True)
class JudgedBatch:
    """What judging one batch of one partition gave. `codes`: a letter per verdict, in order (schemas.ledger.CODES)."""

    partition: Partition
    first_offset: int
    next_offset: int
    position: int
    marks: dict[str, int]
    codes: bytearray = field(default_factory=bytearray)
    translated: int = 0
    findings: list[Finding] = field(default_factory=list)
    opened: list[OpenAccess] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    appended: dict[str, int] = field(default_factory=dict)  # finding id -> append time of its access
    repeats: int = 0


class Judging:
    """The judge without its shell: values in, values out."""

    def __init__(
        self,
        *,
        policy: Policy,
        knowledge: Knowledge,
        completeness: Completeness,
        published: Published,
        translate: Translate,
    ) -> None:
        self.policy = policy
        self.knowledge = knowledge
        self.completeness = completeness
        self.published = published
        self._translate = translate
        self._grace = policy.grace_ms
        self._is_own_assignment_enough = policy.paths.own_assignment.enabled
        self._ref = policy.ref()
        self.policy_hash = self._ref.hash

    def batch(self, partition: Partition, source: str, messages: Sequence[Message]) -> JudgedBatch:
        """Judge messages of one partition, in order, at the present position."""
        out = JudgedBatch(
            partition,
            messages[0].offset,
            messages[-1].offset + 1,
            self.knowledge.position,
            self.completeness.marks(),
        )
        may_repeat = self.published.may_know(partition, out.first_offset)
        codes, sequences = out.codes, out.sequences
        rows = [None] * len(messages) if may_repeat else self._plainly_explained(source, messages)
        for message, row in zip(messages, rows, strict=True):
            if row is None:
                self._closely(out, source, message)
                continue
            codes.append(EXPLAINED)
            if row[0]:
                sequences.append(int(row[0]))
        out.translated = len(messages) - len(out.rejected) - codes.count(CODE["control"])
        return out

    def again(self, entry: OpenAccess) -> tuple[Outcome, Finding | None]:
        """Judge an open access at the present position: the outcome, and what to publish. Brings `entry` up to date.

        A repeat of the access, or another worker, may have said something of the same finding meanwhile.
        """
        entry.published = self.published.state(entry.finding_id, entry.partition)
        verdict = decide(self.knowledge, self.policy, entry.question, entry.access)
        return verdict.outcome, self._reconcile(entry, verdict)

    def certainty(self, entry: OpenAccess) -> Certainty | None:
        """How certain a verdict about this access may be now; None: pending."""
        return self.completeness.certainty(entry.question.end, self._grace)

    def may_change(self, entry: OpenAccess, outcome: Outcome) -> bool:
        """Whether what is still to come may decide an access just judged otherwise; if not, it need not be kept.

        Explained and never accused: done. Accused once, it is kept until final, also while it is withdrawn, and until
        this worker knows as much as whoever published last.
        """
        if entry.published is None:
            return outcome != "explained"
        return self.certainty(entry) != "final" or entry.published.position > self.knowledge.position

    def _plainly_explained(self, source: str, messages: Sequence[Message]) -> list[Plain | None]:
        """The rows of those messages that one account and one own assignment explain by revisions known in time.

        Most accesses end here, so it asks for nothing but two look-ups, in one loop without a call (2 µs beside 4);
        whatever it cannot tell is None and looked at closely.
        """
        if not self._is_own_assignment_enough:
            return [None] * len(messages)
        rows = read_plain(source, [m.value for m in messages])
        logins, duties, grace = self.knowledge.plain_logins, self.knowledge.plain_duties, self._grace
        for n, row in enumerate(rows):
            if row is None:
                continue
            rows[n] = None
            message = messages[n]
            _, actor, kind, record, day, minute, second, milli = row
            login = logins.get(f"{source} {actor}")
            if login is None or (message.headers and not is_canonical(message)):
                continue
            instant = DAYS[day] + MINUTES[minute] + SECONDS[second] + int(milli)
            staff, valid_from, valid_to = login
            if instant > message.timestamp or not valid_from <= instant < valid_to:
                continue
            for valid_from, valid_to, known_from in duties.get(f"{kind}/{record} {staff}", ()):
                if valid_from <= instant < valid_to and known_from <= instant + grace:
                    rows[n] = row
                    break
        return rows

    def _closely(self, out: JudgedBatch, source: str, message: Message) -> None:
        try:
            translated = self._translate(source, message.value, message.headers, message.timestamp)
        except RejectedInputError as error:
            out.rejected.append(Rejected(message, "translate", error))
            out.codes.append(CODE["dead_letter"])
            return
        if not translated.accesses:
            out.codes.append(CODE["control"])
        for index, access in enumerate(translated.accesses):
            if access.sequence is not None:
                out.sequences.append(access.sequence)
            self._judge(out, access, message, index)

    def _judge(self, out: JudgedBatch, access: Access, message: Message, index: int) -> None:
        question = question_of(access, message.timestamp)
        verdict = decide(self.knowledge, self.policy, question, access)
        if verdict.outcome == "explained" and not self.published.may_know(out.partition, message.offset):
            out.codes.append(EXPLAINED)
            return
        name = finding_id(access)
        entry = OpenAccess(
            partition=out.partition,
            offset=message.offset,
            index=index,
            appended_at=message.timestamp,
            access=access,
            question=question,
            finding_id=name,
            published=self.published.state(name, out.partition),
        )
        certainty = self.certainty(entry)
        is_pending = certainty is None and verdict.outcome != "explained"
        out.codes.append(CODE["pending"] if is_pending else CODE[verdict.outcome])
        finding = self._reconcile(entry, verdict)
        if finding is not None:
            out.findings.append(finding)
            out.appended[name] = message.timestamp
        elif entry.published is not None:
            out.repeats += 1
        if self.may_change(entry, verdict.outcome):
            out.opened.append(entry)

    def _reconcile(self, entry: OpenAccess, verdict: Verdict) -> Finding | None:
        certainty = self.certainty(entry)
        judged = State(
            self.knowledge.position,
            verdict.outcome,
            certainty or "incomplete",
            verdict.staff,
            verdict.clause,
            verdict.severity,
            self._ref.hash,
        )
        step = transition(entry.published, judged, certainty is not None)
        if step is None:
            return None
        name, state = step
        entry.published = state
        self.published.sent(entry.finding_id, state, entry.partition)
        told = tell(self.knowledge, self.policy, entry.question, entry.access, verdict)
        return Finding(
            finding_id=entry.finding_id,
            position=state.position,
            transition=name,
            outcome=state.outcome,
            certainty=state.certainty,
            severity=state.severity,
            clause=state.clause,
            reason=told.reason,
            staff=state.staff,
            flags=verdict.flags,
            access=entry.access,
            message=MessagePlace(topic=entry.partition.topic, partition=entry.partition.partition, offset=entry.offset),
            explanations=told.explanations,
            near_misses=told.near_misses,
            policy=self._ref,
            marks=self.completeness.marks(),
            waiting_for=self.completeness.waiting_for(entry.question.end, self._grace),
        )


def is_canonical(message: Message) -> bool:
    """Whether the message says, or says nothing against, that it is canonical JSON."""
    if not message.headers:
        return True
    return all(name.lower() != "content-type" or value == CANONICAL_BYTES for name, value in message.headers)


CANONICAL_BYTES: Final = CANONICAL.encode()
