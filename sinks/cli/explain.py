"""`needtoknow explain`: the verdict on one access with every path tried, as it was at a position and as it is now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, NamedTuple, TypeVar

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
from .explanation import Judged, aside_page, explanation_page
from .kafka import Broker, Message
from .letters import Aside, told_in
from .options import as_json, with_broker

T = TypeVar("T")


class Found(NamedTuple):
    """An access and where it lies."""

    place: str
    access: Access
    question: Question
    finding_id: str


class Read(NamedTuple):
    """What lies in the logs about an event id: accesses, and messages that hold it and that nobody must look at."""

    found: list[Found]
    aside: list[tuple[Message, Aside]]
    facts: list[RegisteredFact | Waiver | None]  # None: what stands there is not ours
    said: list[Finding]


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
    judged at; --at-position shows what followed from the facts there, unless that is where the facts end now. A message
    that was set aside (quarantined), since it ends whoever looks at it, is not read here either: its letter is named.

    \b
    Example:
      needtoknow explain ecms ecms-000123
      needtoknow explain ecms ecms-000123 --at-position 318 --json
    """
    read = kafka.run(_read(broker, settings, source, event_id), broker)
    if not read.found and not read.aside:
        raise RejectedInputError("event_id", f"names no access on the topic of {source}; ids are compared as they are")
    for message, aside in read.aside:
        _show_aside(message, aside, read.said, as_json=as_json)
    policy, facts = load_policy(settings.policy_file), read.facts
    ends = sorted({len(facts), len(facts) if at_position is None else min(at_position, len(facts))})
    for one in read.found:
        judged = [judge(policy, facts[:end], one) for end in ends]
        transitions = [f for f in read.said if f.finding_id == one.finding_id]
        click.echo(
            orjson.dumps(_document(one, judged, transitions)).decode()
            if as_json
            else explanation_page(one.place, judged, transitions)
        )


def _show_aside(message: Message, aside: Aside, said: Sequence[Finding], *, as_json: bool) -> None:
    """Something may have been published about it before it was set aside."""
    place = message.topic, message.partition, message.offset
    transitions = [f for f in said if (f.message.topic, f.message.partition, f.message.offset) == place]
    document = {
        "message": _place(message),
        "set_aside": {"dead_letter": aside.letter, "message": aside.why},
        "published": _published(transitions),
    }
    page = aside_page(_place(message), aside, transitions)
    click.echo(orjson.dumps(document).decode() if as_json else page)


def judge(policy: Policy, facts: Sequence[RegisteredFact | Waiver | None], one: Found) -> Judged:
    """What follows from these facts alone. Pure."""
    knowledge = knowing(facts, policy.grace_ms)
    verdict = decide(knowledge, policy, one.question, one.access)
    told = tell(knowledge, policy, one.question, one.access, verdict)
    paths = {staff: every_path(knowledge, policy, one.question, staff) for staff in people(knowledge, one.question)}
    return Judged(len(facts), verdict, told.reason, paths)


def _document(one: Found, judged: Sequence[Judged], transitions: Sequence[Finding]) -> dict[str, Any]:
    return {
        "message": one.place,
        "finding_id": one.finding_id,
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
        "published": _published(transitions),
    }


def _published(transitions: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"position": f.position, "transition": f.transition, "outcome": f.outcome, "certainty": f.certainty}
        for f in transitions
    ]


def _facts(refs: Sequence[Any] | None) -> list[dict[str, Any]] | None:
    return None if refs is None else [ref.model_dump() for ref in refs]


async def _read(broker: Broker, settings: Settings, source: str, event_id: str) -> Read:
    """Letters first: what they set aside ends whoever looks at it."""
    topics = settings.topics
    told = await told_in(broker, topics.dead_letters)
    found, aside = list[Found](), list[tuple[Message, Aside]]()
    needle = event_id.encode()
    part = event_id.removeprefix(f"{source}-").encode()  # a native line has but the number
    async with aclosing(kafka.read_topic(broker, topics.access(source))) as messages:
        async for message in messages:
            value = message.value or b""
            if (letter := told.aside(message.topic, message.partition, message.offset)) is not None:
                aside += [(message, letter)] if _stands_in(value, needle, part) else []
            elif part in value:
                found += _accesses(source, event_id, message)
    async with aclosing(kafka.read_topic(broker, topics.facts)) as messages:
        facts = [_ours(message, decode_registered) async for message in messages]
    async with aclosing(kafka.read_topic(broker, topics.violations)) as messages:
        told_of = [_ours(m, partial(decode, Finding)) async for m in messages if needle in (m.value or b"")]
    return Read(found, aside, facts, sorted(filter(None, told_of), key=lambda f: f.position))


def _ours(message: Message, read: Callable[[bytes | None], T]) -> T | None:
    """What stands there; None, with a word, where it is not ours: a worker passes it over, too."""
    try:
        return read(message.value)
    except RejectedInputError as error:
        click.echo(f"needtoknow: {_place(message)} is not ours, and is passed over: {error}", err=True)
        return None


def _stands_in(value: bytes, needle: bytes, part: bytes) -> bool:
    """Whether an id stands in what nobody may read: in JSON all of it between quotes, else its part anywhere."""
    return (b'"%b"' % needle if value.lstrip().startswith(b"{") else part) in value


def _accesses(source: str, event_id: str, message: Message) -> list[Found]:
    try:
        accesses = translate(source, message.value, message.headers, message.timestamp).accesses
    except RejectedInputError:
        return []
    place, at = _place(message), message.timestamp
    return [Found(place, a, question_of(a, at), finding_id(a, at)) for a in accesses if a.event_id == event_id]


def _place(message: Message) -> str:
    return f"{message.topic}/{message.partition}/{message.offset}"
