"""`needtoknow explain`: the verdict on one access with every path tried, as it was at a position and as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

import click
import orjson

from schemas.access import Access, finding_id
from schemas.codec import decode, decode_registered
from schemas.errors import RejectedInputError
from schemas.fact import RegisteredFact, Waiver
from schemas.finding import Finding
from schemas.policy import Policy
from schemas.settings import Settings
from schemas.topics import SOURCES
from streams.join.knowledge import knowing
from streams.join.question import Question, question_of
from streams.policies import load_policy
from streams.policy.decide import decide
from streams.policy.every_path import every_path, people
from streams.policy.explain import tell
from streams.sources import translate

from . import kafka
from .explanation import Judged, explanation_page
from .kafka import Broker, Message
from .options import as_json, with_broker


class Found(NamedTuple):
    """An access and where it lies."""

    place: str
    access: Access
    question: Question


@click.command()
@click.argument("source", type=click.Choice(sorted(SOURCES)))
@click.argument("event_id")
@click.option("--at-position", type=click.IntRange(min=0), metavar="N", help="Also as it was by the facts below N.")
@as_json
@with_broker
def explain(
    broker: Broker, settings: Settings, source: str, event_id: str, at_position: int | None, as_json: bool
) -> None:
    """Show what is known about one access: who it was, each way in which a duty could explain it, and with which facts.

    "in time" is what was recorded before the grace was over; "now" is everything. A finding names the position it was
    judged at; --at-position shows what followed from the facts there, unless that is where the facts end now.

    \b
    Example:
      needtoknow explain ecms ecms-000123
      needtoknow explain ecms ecms-000123 --at-position 318 --json
    """
    found, facts, said = kafka.run(_read(broker, settings, source, event_id), broker)
    if not found:
        raise RejectedInputError("event_id", f"names no access on the topic of {source}; ids are compared as they are")
    policy = load_policy(settings.policy_file)
    ends = sorted({len(facts), len(facts) if at_position is None else min(at_position, len(facts))})
    for one in found:
        judged = [judge(policy, facts[:end], one) for end in ends]
        transitions = [f for f in said if f.finding_id == finding_id(one.access)]
        click.echo(
            orjson.dumps(_document(one, judged, transitions)).decode()
            if as_json
            else explanation_page(one.place, judged, transitions)
        )


def judge(policy: Policy, facts: Sequence[RegisteredFact | Waiver], one: Found) -> Judged:
    """What follows from these facts alone. Pure."""
    knowledge = knowing(facts, policy.grace_ms)
    verdict = decide(knowledge, policy, one.question, one.access)
    told = tell(knowledge, policy, one.question, one.access, verdict)
    paths = {staff: every_path(knowledge, policy, one.question, staff) for staff in people(knowledge, one.question)}
    return Judged(len(facts), verdict, told.reason, paths)


def _document(one: Found, judged: Sequence[Judged], transitions: Sequence[Finding]) -> dict[str, Any]:
    return {
        "message": one.place,
        "finding_id": finding_id(one.access),
        "judged": [
            {
                "position": each.position,
                "outcome": each.verdict.outcome,
                "staff": each.verdict.staff,
                "severity": each.verdict.severity,
                "clause": each.verdict.clause,
                "reason": each.reason,
                "paths": {
                    staff: [
                        {
                            "path": tried.path,
                            "in_time": _facts(tried.then),
                            "now": _facts(tried.now),
                            "closest": tried.why,
                        }
                        for tried in paths
                    ]
                    for staff, paths in each.paths.items()
                },
            }
            for each in judged
        ],
        "published": [
            {"position": f.position, "transition": f.transition, "outcome": f.outcome, "certainty": f.certainty}
            for f in transitions
        ],
    }


def _facts(refs: Sequence[Any] | None) -> list[dict[str, Any]] | None:
    return None if refs is None else [ref.model_dump() for ref in refs]


async def _read(
    broker: Broker, settings: Settings, source: str, event_id: str
) -> tuple[list[Found], list[RegisteredFact | Waiver], list[Finding]]:
    topics, found = settings.topics, list[Found]()
    needle = event_id.encode()
    async with aclosing(kafka.read_topic(broker, topics.access(source))) as messages:
        async for message in messages:
            if needle in (message.value or b""):
                found += _accesses(source, event_id, message)
    async with aclosing(kafka.read_topic(broker, topics.facts)) as messages:
        facts = [decode_registered(message.value) async for message in messages]
    async with aclosing(kafka.read_topic(broker, topics.violations)) as messages:
        said = [decode(Finding, m.value) async for m in messages if needle in (m.value or b"")]
    return found, facts, sorted(said, key=lambda f: f.position)


def _accesses(source: str, event_id: str, message: Message) -> list[Found]:
    try:
        accesses = translate(source, message.value, message.headers, message.timestamp).accesses
    except RejectedInputError:
        return []
    place = f"{message.topic}/{message.partition}/{message.offset}"
    return [Found(place, a, question_of(a, message.timestamp)) for a in accesses if a.event_id == event_id]
