"""The judge without Kafka: what it has read and heard, and messages for it, in one line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.access import Access
from schemas.codec import encode
from schemas.fact import Fact, RegisteredFact, RegisteredMark, Waiver
from schemas.policy import Policy
from streams.join.completeness import Completeness
from streams.join.index import AccessIndex
from streams.join.knowledge import Knowledge
from streams.join.knowledge import knowing as knowing_registered
from streams.join.open import Partition
from streams.policy.judging import Judging
from streams.policy.published import Published
from streams.sources import BUILT_IN, Headers, Translators
from tests.harness.builders import When, at, make_policy, registered
from tests.harness.verdicts import COMPLETE

PARTITION = Partition("access.ecms.v1", 2)
APPENDED = at("2026-01-06")


@dataclass
class Message:
    """What the judge reads of a Kafka record."""

    offset: int
    value: bytes | None
    timestamp: int = APPENDED
    key: bytes | None = b"jdoe12"
    headers: Headers = ()


def messages(*said: Access | bytes | None, first: int = 960, appended_at: When = APPENDED) -> list[Message]:
    """One message for each, at offsets from `first`."""
    values = [encode(one) if isinstance(one, Access) else one for one in said]
    return [Message(first + n, value, at(appended_at)) for n, value in enumerate(values)]


def knowing(log: Iterable[Fact | RegisteredFact | Waiver], grace_ms: int = 0) -> Knowledge:
    """Knowledge after this log; plain facts are registered as known when recorded."""
    return knowing_registered((registered(said) if type(said) is Fact else said for said in log), grace_ms)


def judging(
    *log: Fact | RegisteredFact | Waiver,
    policy: Policy | None = None,
    marks: Mapping[str, int] = COMPLETE,
    published: Published | None = None,
    translators: Translators = BUILT_IN,
) -> Judging:
    """A judge that has read this log and heard these marks."""
    rules = policy or make_policy()
    knowledge = knowing(log, rules.grace_ms)
    completeness = Completeness.under(rules)
    for feed, through in marks.items():
        heard = RegisteredMark(feed=feed, complete_through=through, sequence=4711, position=knowledge.position)
        completeness.learn(heard, knowledge.position)
    completeness.advance(knowledge.position, knowledge.waivers)
    return Judging(
        policy=rules,
        knowledge=knowledge,
        completeness=completeness,
        published=Published() if published is None else published,
        index=AccessIndex(knowledge.facts.people, knowledge.facts.records),
        translators=translators,
    )
