"""Steps: what is sent when, and what it must lead to. Days of the department and stories are made of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.access import Access, finding_id
from schemas.fact import Fact, Mark, RegisteredFact, Waiver
from schemas.ids import parse_instant
from schemas.ledger import Judged
from schemas.policy import Policy
from sinks.ledger.rejudge import Rejudge, Verdict
from tests.harness.builders import registered

TopicKind = Literal["access", "feed"]
Topic = tuple[TopicKind, str]
"""("access", source) or ("feed", feed)."""
Headers = tuple[tuple[str, bytes], ...]
Meaning = Access | Fact | Mark | Literal["control", "dead-letter"]
"""What a reader of the contract must take the message for."""

LONG_AFTER = parse_instant("9000-01-01T00:00:00Z")
"""Stands for the append time, which is the broker's real clock and unknown here: later than everything in the past."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One message to send at `at_ms` (virtual UTC milliseconds); steps of the same instant keep their order.

    `also`: the accesses that it names beside the one it means.
    """

    at_ms: int
    topic: Topic
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    means: Meaning
    also: tuple[Access, ...] = ()

    @property
    def accesses(self) -> tuple[Access, ...]:
        """All that it names, in order."""
        return (self.means, *self.also) if isinstance(self.means, Access) else ()


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must have come of all steps once everything is read, registered, judged and settled.

    `findings` are the verdicts by finding_id of what is not explained and not pending; `judged` every access by
    finding_id. `accesses` counts as cuts do: a repeat is judged and counted like any other. `messages` counts what was
    sent; of these `dead_letters` could not be read and `control` name no access. `conflicts` are facts that repeat a
    revision with other content, or change their kind: registered, then reported as dead letters beside the others; one
    that was sent more than once counts once.
    """

    findings: Mapping[str, Verdict]
    judged: Mapping[str, tuple[Access, Verdict]]
    accesses: Mapping[Judged, int]
    messages: Mapping[TopicKind, int]
    control: int
    dead_letters: int
    conflicts: int

    @property
    def explained(self) -> int:
        """Accesses that nobody needs to look at, repeats included."""
        return self.accesses.get("explained", 0)


@dataclass(frozen=True)
class Script:
    """Steps in the order in which they are sent."""

    steps: tuple[Step, ...]

    def registered_log(self) -> list[RegisteredFact | Waiver]:
        """`facts.v1` as register writes it when the feeds arrive in this order (design section 6)."""
        log: list[RegisteredFact | Waiver] = []
        complete: dict[str, int] = {}
        for step in self.steps:
            feed = step.topic[1]
            if isinstance(step.means, Mark):
                complete[feed] = max(complete.get(feed, step.means.complete_through), step.means.complete_through)
            elif isinstance(step.means, Fact):
                is_broken = feed in complete and step.means.recorded_at <= complete[feed]
                known_from = complete[feed] + 1 if is_broken else step.means.recorded_at
                log.append(registered(step.means, feed=feed, known_from=known_from))
        return log

    def final_marks(self) -> dict[str, int]:
        """Each feed's highest mark, in UTC milliseconds."""
        marks: dict[str, int] = {}
        for step in self.steps:
            if isinstance(step.means, Mark):
                marks[step.means.feed] = max(marks.get(step.means.feed, 0), step.means.complete_through)
        return marks

    def expected(self, policy: Policy, *, appended_at: int = LONG_AFTER, waivers: Sequence[Waiver] = ()) -> Expected:
        """The truth at the end of the log, followed by `waivers` where the story is that register wrote some."""
        log = [*self.registered_log(), *waivers]
        judge, marks = Rejudge(policy, log), self.final_marks()
        judged: dict[str, tuple[Access, Verdict]] = {}
        accesses: Counter[Judged] = Counter()
        for access in self._accesses():
            key = finding_id(access, appended_at)
            if key not in judged:
                judged[key] = access, judge.judge(access, appended_at, position=len(log), marks=marks)
            verdict = judged[key][1]
            accesses["pending" if verdict.is_pending else verdict.outcome] += 1
        return Expected(
            findings={k: v for k, (_, v) in judged.items() if v.certainty is not None},
            judged=judged,
            accesses=accesses,
            messages=Counter(step.topic[0] for step in self.steps),
            control=sum(step.means == "control" for step in self.steps),
            dead_letters=sum(step.means == "dead-letter" for step in self.steps),
            conflicts=_conflicts(self.registered_log()),
        )

    def digest(self) -> str:
        """SHA-256 in hex over all that is sent and when; the same on every machine for the same seed."""
        digest = hashlib.sha256()
        for step in self.steps:
            for part in _parts(step):
                digest.update(b"-" if part is None else b"%d:%b" % (len(part), part))
        return digest.hexdigest()

    def _accesses(self) -> Iterator[Access]:
        return (access for step in self.steps for access in step.accesses)


def in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Sorted by time; what was added first goes first at the same instant."""
    return tuple(sorted(steps, key=lambda step: step.at_ms))


def _parts(step: Step) -> Iterator[bytes | None]:
    yield str(step.at_ms).encode()
    yield "/".join(step.topic).encode()
    yield step.key
    yield step.value
    for name, value in step.headers:
        yield name.encode()
        yield value


def _conflicts(log: Iterable[RegisteredFact | Waiver]) -> int:
    """How many contents contradict an earlier message of the same fact (feed and known_from are no content)."""
    first: dict[tuple[str, str], Fact] = {}
    contents: dict[tuple[str, str, int], str] = {}
    conflicts: set[tuple[str, str]] = set()
    for message in log:
        if isinstance(message, Waiver):
            continue
        content = message.model_dump_json(exclude={"feed", "known_from"})
        kind = first.setdefault((message.feed, message.fact_id), message).body.kind
        key = message.feed, message.fact_id, message.revision
        if kind != message.body.kind or contents.setdefault(key, content) != content:
            conflicts.add((message.feed, content))
    return len(conflicts)
