"""One batch of messages against what is known at one position: verdicts, findings, open accesses, dead letters.

Everything here happens at one position: knowledge does not move between the first message of a batch and its last.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

from schemas.errors import QuarantinedError, RejectedInputError
from schemas.finding import Certainty, Finding, MessagePlace, Outcome, Transition
from schemas.policy import Policy
from schemas.topics import CONSOLE
from streams.join.bodies import plain_key
from streams.join.completeness import Completeness
from streams.join.index import AccessIndex, Gap, Taking
from streams.join.knowledge import Knowledge
from streams.join.open import OpenAccess, Partition
from streams.join.question import Question, question_of
from streams.join.reconcile import State, prevails, transition
from streams.join.stretch import Place
from streams.sources import Translated, Translators

from .aside import NotRead, fault, rejected
from .decide import Verdict, ask, decide, outcome_of
from .explain import tell
from .judged import JudgedAgain, JudgedBatch
from .looked import CODE, EXPLAINED_LETTER, Looked, in_order, opened
from .plainly import Message, Plainly, nothing_plain, plainly_explained
from .published import Published

Step = tuple[Transition, State]
"""What to publish of a finding, and the state its log joins to afterwards."""

CLOSE_MAX: Final = 256  # messages looked at closely at a time; a search of 200 candidates takes 126 KB meanwhile


class Judging:
    """The judge without its shell: values in, values out."""

    def __init__(
        self,
        *,
        policy: Policy,
        knowledge: Knowledge,
        completeness: Completeness,
        published: Published,
        index: AccessIndex,
        translators: Translators,
    ) -> None:
        self.policy = policy
        self.knowledge = knowledge
        self.completeness = completeness
        self.published = published
        self.index = index
        self.translate = translators.translate
        self._reads_in_bulk = translators.reads_in_bulk
        self.aside: dict[Partition, frozenset[int]] = {}  # offsets of messages of the partitions held not to look at
        self._grace = policy.grace_ms
        self._ref = policy.ref()
        self.policy_hash = self._ref.hash

    def batch(
        self, partition: Partition, source: str, messages: Sequence[Message], begin: int | None = None
    ) -> JudgedBatch:
        """Judge messages of one partition, in order, at the present position.

        `begin`: there are no others from this offset on; by default that of the first.
        """
        out = JudgedBatch(
            partition,
            messages[0].offset,
            messages[-1].offset + 1,
            self.knowledge.position,
            self.completeness.marks(is_at_console=source == CONSOLE),
        )
        may_repeat = self.published.may_know(partition, out.first_offset)
        plainly = nothing_plain(messages) if may_repeat else self.plainly(source, messages)
        out.sequences += plainly.sequences
        slices = (plainly.others[start : start + CLOSE_MAX] for start in range(0, len(plainly.others), CLOSE_MAX))
        gap = (out.first_offset if begin is None else min(begin, out.first_offset), out.next_offset)
        with self.taking(partition, messages, gap) as taking:
            taking.add_plain(plainly.explained)
            letters = [
                found for some in slices for found in self._closely(out, source, [messages[n] for n in some], taking)
            ]
        out.codes = in_order(len(messages), plainly.others, letters)
        out.translated = len(messages) - len(out.rejected) - out.codes.count(CODE["control"])
        return out

    def taking(self, partition: Partition, messages: Sequence[Message], gap: Gap) -> AbstractContextManager[Taking]:
        """These messages, to be indexed; they are all there are in the gap."""
        return self.index.taking(partition, gap, (messages[0].timestamp, messages[-1].timestamp))

    def plainly(self, source: str, messages: Sequence[Message]) -> Plainly:
        """Which of these messages need no closer look."""
        if not (self.policy.paths.own_assignment.enabled and self._reads_in_bulk(source)):  # plain: at an instant
            return nothing_plain(messages)
        return plainly_explained(self.knowledge.plain, source, messages)

    def read(self, source: str, message: Message) -> Translated:
        """What a message says. Raises RejectedInputError; QuarantinedError when reading it raises anything else."""
        if isinstance(message.value, NotRead):
            raise message.value.error
        try:
            return self.translate(source, message.value, message.headers, message.timestamp)
        except (RejectedInputError, MemoryError):  # want of memory is no fault of the message
            raise
        except Exception:
            return self._read_again(source, message)

    def _read_again(self, source: str, message: Message) -> Translated:
        try:
            return self.translate(source, message.value, message.headers, message.timestamp)
        except (RejectedInputError, MemoryError):
            raise
        except Exception as error:
            raise QuarantinedError("raises", f"makes its reader fail: {fault(error)}") from None

    def is_aside(self, partition: Partition, offset: int) -> bool:
        """Whether nobody must look at this message."""
        return offset in self.aside.get(partition, ())

    def again(self, entries: Sequence[OpenAccess]) -> JudgedAgain:
        """Judge open accesses at the present position. Brings each up to date; whoever keeps them must act on the rest.

        A repeat of an access, or another worker, may have said something of the same finding meanwhile.
        """
        out = JudgedAgain()
        told: list[tuple[OpenAccess, Verdict, Step]] = []
        for entry in entries:
            verdict = decide(self.knowledge, self.policy, entry.question, entry.access)
            entry.published = self.published.state(entry.finding_id, entry.partition)
            step = self._reconcile(entry, verdict)
            if step is not None:
                told.append((entry, verdict, step))
            if entry.is_counted and (verdict.outcome == "explained" or not entry.is_pending):
                out.waited.append((entry, verdict.outcome))
                if entry.published is None:
                    out.explained.append(entry)
            (out.kept if self.may_change(entry, verdict.outcome) else out.closed).append(entry)
        out.findings = [(f, e) for f, (e, _, _) in zip(self._tell(told), told, strict=True)]
        return out

    def is_explained(self, question: Question) -> bool:
        """Whether this is explained at the present position; its action and result need not be known for that."""
        return outcome_of(ask(self.knowledge, self.policy, question), self.knowledge, question) == "explained"

    def certainty(self, entry: OpenAccess) -> Certainty | None:
        """How certain a verdict about this access may be now; None: pending."""
        question = entry.question
        return self.completeness.certainty(question.end, self._grace, is_at_console=question.is_at_console)

    def waiting_for(self, entry: OpenAccess) -> tuple[str, ...]:
        """The feeds that keep a verdict about this access from being final."""
        question = entry.question
        return self.completeness.waiting_for(question.end, self._grace, is_at_console=question.is_at_console)

    def may_change(self, entry: OpenAccess, outcome: Outcome) -> bool:
        """Whether what is still to come may decide an access just judged otherwise; if not, it need not be kept.

        Explained and never accused: done. Accused once, it is kept until final, also while it is withdrawn, and until
        this worker knows as much as whoever published last; at one position the word of a later policy stands.
        """
        said, position = entry.published, self.knowledge.position
        if said is None:
            return outcome != "explained"
        is_other = said.policy != self.policy_hash and (said.outcome, outcome) != ("explained", "explained")
        is_above = said.position > position or (said.position == position and is_other)
        return is_above or self.certainty(entry) != "final"

    def _closely(self, out: JudgedBatch, source: str, messages: Sequence[Message], taking: Taking) -> list[bytearray]:
        """The letters of each of these messages.

        One step for all of them, then the next: code that stays in the processor's caches takes a third less time.
        Only what reads or changes what has been published goes strictly in order.
        """
        letters = [bytearray() for _ in messages]
        looked = self._translated(out, source, messages, letters, taking)
        for one in looked:
            one.verdict = decide(self.knowledge, self.policy, one.question, one.access)
        adverse = [
            one
            for one in looked
            if one.verdict.outcome != "explained" or self.published.may_know(out.partition, one.message.offset)
        ]
        entries = [opened(out.partition, o.message, o.index, o.access, o.question) for o in adverse]
        steps = [self._step(out, one, entry) for one, entry in zip(adverse, entries, strict=True)]
        told = [
            (entry, one.verdict, step)
            for one, entry, step in zip(adverse, entries, steps, strict=True)
            if step is not None
        ]
        out.findings += self._tell(told)
        out.appended.update((entry.finding_id, entry.appended_at) for entry, _, _ in told)
        return letters

    def _translated(
        self,
        out: JudgedBatch,
        source: str,
        messages: Sequence[Message],
        letters: list[bytearray],
        taking: Taking,
    ) -> list[Looked]:
        looked: list[Looked] = []
        for message, codes in zip(messages, letters, strict=True):
            try:
                translated = self.read(source, message)
            except RejectedInputError as error:
                out.rejected.append(rejected(message, error))
                codes.append(CODE["dead_letter"])
                continue
            if not translated.accesses:
                codes.append(CODE["control"])
                if translated.given is not None:
                    out.given = max(translated.given, out.given or 0)
                if translated.file is not None:
                    out.files.add(translated.file)
            codes += EXPLAINED_LETTER * len(translated.accesses)  # `_step` changes those that are not
            for index, access in enumerate(translated.accesses):
                question = question_of(access, message.timestamp)
                if access.sequence is not None:
                    out.sequences.append(access.sequence)
                taking.add(Place(message.offset, index), question)
                looked.append(Looked(message, index, access, question, codes))
        return looked

    def _step(self, out: JudgedBatch, one: Looked, entry: OpenAccess) -> Step | None:
        verdict = one.verdict
        entry.published = self.published.state(entry.finding_id, entry.partition)  # one before it may be its repeat
        is_pending = verdict.outcome != "explained" and self.certainty(entry) is None
        one.letters[one.index] = CODE["pending"] if is_pending else CODE[verdict.outcome]
        step = self._reconcile(entry, verdict)
        if step is None and entry.published is not None:
            out.repeats += 1
        if self.may_change(entry, verdict.outcome):
            out.opened.append(entry)
        return step

    def _reconcile(self, entry: OpenAccess, verdict: Verdict) -> Step | None:
        """What is to be published so that the log says what was judged. From here on it counts as sent."""
        certainty = self.certainty(entry)
        judged = State(
            self.knowledge.position,
            verdict.outcome,
            certainty or "incomplete",
            verdict.staff,
            verdict.clause,
            verdict.severity,
            self._ref.hash,
            verdict.flags,
            self._ref.version,
        )
        step = transition(entry.published, judged, certainty is not None)
        if step is not None and not prevails(step[1], entry.published):
            return None  # of another policy at this position; `may_change` keeps the access until facts have come
        if step is not None:
            if entry.published is None:
                self.index.say(
                    entry.partition, entry.offset, entry.question.login, map(plain_key, entry.question.targets)
                )
            entry.published = step[1]
            self.published.sent(entry.finding_id, step[1], entry.partition, entry.offset)
        return step

    def _tell(self, steps: Sequence[tuple[OpenAccess, Verdict, Step]]) -> list[Finding]:
        """The findings that say these steps, in order."""
        words = [tell(self.knowledge, self.policy, e.question, e.access, verdict) for e, verdict, _ in steps]
        marks = [self.completeness.marks(is_at_console=is_at_console) for is_at_console in (False, True)]
        return [
            Finding(
                finding_id=entry.finding_id,
                position=state.position,
                transition=name,
                outcome=state.outcome,
                certainty=state.certainty,
                severity=state.severity,
                clause=state.clause,
                reason=told.reason,
                staff=state.staff,
                flags=state.flags,
                access=entry.access,
                message=MessagePlace(
                    topic=entry.partition.topic, partition=entry.partition.partition, offset=entry.offset
                ),
                explanations=told.explanations,
                near_misses=told.near_misses,
                policy=self._ref,
                marks=marks[entry.question.is_at_console],
                waiting_for=self.waiting_for(entry),
            )
            for (entry, verdict, (name, state)), told in zip(steps, words, strict=True)
        ]
