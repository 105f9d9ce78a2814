"""`needtoknow explain`: the verdict on one access with every path tried, as it was at a position and as it is now."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import click

from schemas.access import Access, finding_id
from schemas.codec import decode, decode_registered
from schemas.errors import RejectedInputError
from schemas.fact import RegisteredFact, Waiver
from schemas.finding import Finding, MessagePlace
from schemas.ids import format_instant
from schemas.policy import Policy
from schemas.settings import Settings
from sinks import kafka
from sinks.kafka import Broker, Message
from sinks.letters import Aside, told_in
from streams.join.knowledge import knowing
from streams.join.question import Question, question_of
from streams.policies import load_policy
from streams.policy.decide import decide
from streams.policy.every_path import every_path, people
from streams.policy.explain import tell
from streams.policy.plainly import is_canonical
from streams.sources import Translators

from .explanation import Judged, Page, Said, aside_page, explanation_page, named_facts
from .lines import json_line
from .options import as_json, registered_source, with_broker

T = TypeVar("T")

_FINDING_ID: Final = re.compile(r"f_[0-9a-f]{32}")


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
    said: list[Said]


@click.command()
@click.argument("source", metavar="[FINDING_ID | SOURCE EVENT_ID]")
@click.argument("event_id", metavar="", required=False)
@click.option("--at-position", type=click.IntRange(min=0), metavar="N", help="Also as it was by the facts below N.")
@as_json
@with_broker
def explain(
    broker: Broker, settings: Settings, source: str, event_id: str | None, at_position: int | None, as_json: bool
) -> None:
    """Show what is known about one access: who it was, each way in which a duty could explain it, and with which facts.

    Name it by its finding (f_ and 32 digits, at the end of each line of `findings tail`), or by its source and the id
    that the source gave it.

    "in time" is what was recorded before the grace was over; "by now" is everything. A finding names the position it
    was judged at; --at-position shows what followed from the facts there, unless that is where the facts end now. A
    message that was set aside (quarantined), since it ends whoever looks at it, is not read here either: its letter is
    named.

    \b
    Example:
      needtoknow explain f_0123456789abcdef0123456789abcdef
      needtoknow explain ecms ecms-000123 --at-position 318 --json
    """
    if event_id is None and not _FINDING_ID.fullmatch(source):
        raise click.UsageError("name a finding (f_ and 32 digits), or SOURCE and EVENT_ID")
    if event_id is not None:
        registered_source(settings, source, "SOURCE")
    read = kafka.run(_read(broker, settings, source, event_id), broker)
    policy, facts = load_policy(settings.policy_file), read.facts
    if at_position is not None and at_position > len(facts):
        raise click.BadParameter(f"facts end at position {len(facts)}", param_hint="--at-position")
    for message, aside in read.aside:
        _show_aside(message, aside, read.said, as_json=as_json)
    ends = sorted({len(facts), len(facts) if at_position is None else at_position})
    for one in read.found:
        judged = [judge(policy, facts[:end], one) for end in ends]
        said = [(finding, at) for finding, at in read.said if finding.finding_id == one.finding_id]
        page = Page(one.place, one.finding_id, policy, judged, named_facts(judged, facts), said)
        click.echo(json_line(_document(page)) if as_json else explanation_page(page))


def _show_aside(message: Message, aside: Aside, said: Sequence[Said], *, as_json: bool) -> None:
    """Something may have been published about it before it was set aside."""
    place = message.topic, message.partition, message.offset
    transitions = [(f, at) for f, at in said if (f.message.topic, f.message.partition, f.message.offset) == place]
    document = {
        "message": _place(message),
        "set_aside": {"dead_letter": aside.letter, "message": aside.why},
        "published": _published(transitions),
    }
    page = aside_page(_place(message), aside, transitions)
    click.echo(json_line(document) if as_json else page)


def judge(policy: Policy, facts: Sequence[RegisteredFact | Waiver | None], one: Found) -> Judged:
    """What follows from these facts alone. Pure."""
    knowledge = knowing(facts, policy.grace_ms)
    verdict = decide(knowledge, policy, one.question, one.access)
    told = tell(knowledge, policy, one.question, one.access, verdict)
    paths = {staff: every_path(knowledge, policy, one.question, staff) for staff in people(knowledge, one.question)}
    return Judged(len(facts), verdict, told.reason, paths)


def _document(page: Page) -> dict[str, Any]:
    return {
        "message": page.place,
        "finding_id": page.finding_id,
        "policy": page.policy.ref().model_dump(),
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
                            "closest": None if tried.closest is None else tried.closest.why,
                        }
                        for tried in paths
                    ]
                    for staff, paths in each.paths.items()
                },
            }
            for each in page.judged
        ],
        "facts": [fact.model_dump(mode="json") for fact in page.facts],
        "published": _published(page.said),
    }


def _published(said: Sequence[Said]) -> list[dict[str, Any]]:
    return [
        {
            "at": format_instant(at),
            "position": f.position,
            "transition": f.transition,
            "outcome": f.outcome,
            "certainty": f.certainty,
        }
        for f, at in said
    ]


def _facts(refs: Sequence[Any] | None) -> list[dict[str, Any]] | None:
    return None if refs is None else [ref.model_dump() for ref in refs]


async def _read(broker: Broker, settings: Settings, source: str, event_id: str | None) -> Read:
    """All about this access, or the one that the finding called `source` is about. Raises RejectedInputError where
    there is none."""
    topics, by = settings.topics, Translators(settings.topics)
    finding = None
    if event_id is None:
        finding = await _finding(broker, topics.violations, source)
        source, event_id = finding.access.source, finding.access.event_id
        if source not in settings.sources:
            raise RejectedInputError(
                "source", f"{source} is not registered here; set NTK_SOURCES_FILE as workers have it"
            )
    # Letters first: what they set aside ends whoever looks at it.
    told = await told_in(broker, topics.dead_letters)
    found, aside = list[Found](), list[tuple[Message, Aside]]()
    needle = event_id.encode()
    part = event_id.removeprefix(f"{source}-").encode()  # a native line has but the number
    async with aclosing(kafka.read_topic(broker, topics.access(source))) as messages:
        async for message in messages:
            value = message.value or b""
            if (letter := told.aside(message.topic, message.partition, message.offset)) is not None:
                aside += [(message, letter)] if _stands_in(message, needle, part) else []
            elif needle in value or b"\\" in value or not is_canonical(message):  # where it may be spelled otherwise
                found += _accesses(by, source, event_id, message)
    async with aclosing(kafka.read_topic(broker, topics.facts)) as messages:
        facts = [_ours(message, decode_registered) async for message in messages]
    found = [one for one in found if finding is None or one.finding_id == finding.finding_id]
    if not found and not aside:
        raise _none_of(source, finding)
    return Read(found, aside, facts, await _said(broker, topics.violations, event_id))


def _none_of(source: str, finding: Finding | None) -> RejectedInputError:
    if finding is None:
        return RejectedInputError("event_id", f"names no access on the topic of {source}; ids are compared as they are")
    return RejectedInputError(
        "finding_id",
        f"is about {_place(finding.message)}, which is not on the topic of {source} any more (past its retention); "
        "what was published still stands in `needtoknow findings tail --from-start`",
    )


async def _finding(broker: Broker, topic: str, name: str) -> Finding:
    """The finding of this id, as it was first published."""
    for finding, _ in await _said(broker, topic, name):
        if finding.finding_id == name:
            return finding
    raise RejectedInputError("finding_id", "names no finding; ids are compared as they are")


async def _said(broker: Broker, topic: str, name: str) -> list[Said]:
    """The transitions in which this name stands, in the order of their positions."""
    needle, said = name.encode(), list[Said]()
    async with aclosing(kafka.read_topic(broker, topic)) as messages:
        async for message in messages:
            if needle in (message.value or b"") and (finding := _ours(message, partial(decode, Finding))) is not None:
                said.append((finding, message.timestamp))
    return sorted(said, key=lambda one: one[0].position)


def _ours(message: Message, read: Callable[[bytes | None], T]) -> T | None:
    """What stands there; None, with a word, where it is not ours: a worker passes it over, too."""
    try:
        return read(message.value)
    except RejectedInputError as error:
        click.echo(f"needtoknow: {_place(message)} is not ours, and is passed over: {error}", err=True)
        return None


def _stands_in(message: Message, needle: bytes, part: bytes) -> bool:
    """Whether an id stands in what nobody may read: all of it between quotes, in a native message its part alone."""
    value = message.value or b""
    if is_canonical(message):
        return b'"%b"' % needle in value
    if value.lstrip().startswith(b"{"):
        return re.search(rb"(?<![0-9A-Za-z])%b(?![0-9A-Za-z])" % re.escape(part), value) is not None
    return part in value  # columns stand side by side


def _accesses(by: Translators, source: str, event_id: str, message: Message) -> list[Found]:
    try:
        accesses = by.translate(source, message.value, message.headers, message.timestamp).accesses
    except RejectedInputError:
        return []
    place, at = _place(message), message.timestamp
    return [Found(place, a, question_of(a, at), finding_id(a, at)) for a in accesses if a.event_id == event_id]


def _place(message: Message | MessagePlace) -> str:
    return f"{message.topic}/{message.partition}/{message.offset}"
