"""What was published against what must be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.codec import decode
from schemas.finding import Finding
from schemas.topics import Topics
from sinks.kafka import Broker, read_topic
from sinks.ledger.rejudge import Rejudge, Verdict, joined
from tests.harness.steps import Expected

WAIT_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Outcome:
    """Finding ids: standing but not due, due but not standing, standing with another verdict."""

    standing: dict[str, Finding]
    false: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether every finding that is due stands as it must, and no other."""
        return not (self.false or self.missed or self.wrong)


def compare(expected: Expected, transitions: Iterable[Finding]) -> Outcome:
    """The joined findings against the truth."""
    standing = {key: f for key, f in joined(transitions).items() if f.outcome != "explained"}
    due = expected.findings
    return Outcome(
        standing=standing,
        false=tuple(sorted(set(standing) - set(due))),
        missed=tuple(sorted(set(due) - set(standing))),
        wrong=tuple(sorted(k for k in set(standing) & set(due) if _said(standing[k]) != _due(due[k]))),
    )


async def read_findings(bootstrap: str, topics: Topics) -> list[Finding]:
    """Every transition there is."""
    return [decode(Finding, m.value) async for m in read_topic(Broker(bootstrap, WAIT_SECONDS), topics.violations)]


async def count(bootstrap: str, topic: str) -> int:
    """How many messages a topic holds, each key once."""
    messages: AsyncIterator[object] = read_topic(Broker(bootstrap, WAIT_SECONDS), topic)
    return len({getattr(m, "key", None) async for m in messages})


def _said(f: Finding) -> tuple[object, ...]:
    return f.outcome, f.certainty, f.staff, f.clause, f.severity, f.flags


def _due(v: Verdict) -> tuple[object, ...]:
    return v.outcome, v.certainty, v.staff, v.clause, v.severity, v.flags


def untrue(judge: Rejudge, appended_at: Mapping[tuple[int, int], int], transitions: Iterable[Finding]) -> int:
    """How many transitions, whatever replaced them, do not follow from their access at their position and marks.

    `appended_at`: UTC milliseconds by partition and offset of the message that a transition names.
    """
    found = 0
    for one in transitions:
        at = appended_at[one.message.partition, one.message.offset]
        due = judge.judge(one.access, at, position=one.position, marks=one.marks)
        said = one.outcome, one.staff, one.clause, one.severity, one.flags
        found += said != (due.outcome, due.staff, due.clause, due.severity, due.flags)
    return found
