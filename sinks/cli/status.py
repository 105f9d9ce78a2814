"""`needtoknow status`: what is read, what waits, what was found."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

import click
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.codec import decode
from schemas.fact import RegisteredMark
from schemas.finding import Finding
from schemas.settings import Settings
from sinks.kafka import Broker, admin, consumer, partitions, read_topic, run
from sinks.ledger.rejudge import joined
from streams.agents.last_cuts import notes_of
from streams.join.completeness import NEVER
from streams.policies import load_policy

from .options import Seconds, as_json, with_broker
from .standing import Seen, Standing, standing

LOOK_SECONDS: Final = 0.3  # between two looks while waiting; commits come once a second


@click.command()
@click.option("--wait-idle", type=Seconds(min=0), metavar="SECONDS", help="Wait until idle, at most so long.")
@as_json
@with_broker
def status(broker: Broker, settings: Settings, wait_idle: float | None, as_json: bool) -> int:
    """Say what is read, judged, pending and found; exit 0 when idle and well, 1 when not.

    Idle means: a worker runs, nothing is left to read, register or judge, and every open access has been judged with
    the newest facts and marks. Pending accesses may remain: they wait for a feed, not for us.

    Example: needtoknow status --json --wait-idle 30
    """
    found = run(_wait(broker, settings, wait_idle), broker)
    click.echo(json.dumps(found.document(), indent=2) if as_json else _lines(found))
    return 0 if found.is_good else 1


async def _wait(broker: Broker, settings: Settings, wait_idle: float | None) -> Standing:
    deadline = time.monotonic() + (wait_idle or 0)
    counts = await partitions(broker, [topic.name for topic in settings.topics.all()])
    places = [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]
    async with admin(broker) as client, consumer(broker) as reader:
        said = time.monotonic()
        while True:
            found = standing(await _look(settings, client, reader, places))
            if found.why_not_idle is None or time.monotonic() >= deadline:
                break
            if time.monotonic() - said > 1:
                said = time.monotonic()
                behind = f"{sum(found.lag.values()):,} messages behind"
                patience = f"waiting {deadline - said:.0f} s more"
                click.echo(f"not idle yet: {behind}; {found.why_not_idle}; {patience}", err=True)
            await asyncio.sleep(LOOK_SECONDS)
    await _count_findings(broker, settings, found)
    return found


async def _look(
    settings: Settings, client: AIOKafkaAdminClient, reader: AIOKafkaConsumer, places: list[TopicPartition]
) -> Seen:
    topics = settings.topics
    # The group before the ends: a fact stored between the two looks is then seen as one that is still to be judged.
    group = await client.list_consumer_group_offsets(settings.group)
    begins = await reader.beginning_offsets(places)
    ends = await reader.end_offsets(places)
    marks = await _marks(reader, topics.marks, ends[TopicPartition(topics.marks, 0)])
    facts = ends[TopicPartition(topics.facts, 0)]
    through = {feed: mark.complete_through for feed, mark in marks.items() if mark.position <= facts}
    policy, accesses = load_policy(settings.policy_file), topics.accesses()
    return Seen(
        begins={(tp.topic, tp.partition): offset for tp, offset in begins.items()},
        ends={(tp.topic, tp.partition): offset for tp, offset in ends.items()},
        committed={(tp.topic, tp.partition): found.offset for tp, found in group.items()},
        notes={(p.topic, p.partition): note for p, note in notes_of(group).items()},
        access_topics=frozenset(accesses),
        feed_topics=frozenset(topics.feeds()),
        facts_topic=topics.facts,
        marks=through,
        low={topic: _low(through, policy.gating_feeds(source)) for topic, source in accesses.items()},
        unregistered=await _unregistered(client, settings),
        workers=await _workers(client, settings.group),
    )


def _low(through: Mapping[str, int], gating: frozenset[str]) -> int:
    return min((through.get(feed, NEVER) for feed in gating), default=NEVER)


async def _workers(client: AIOKafkaAdminClient, group: str) -> int:
    """How many are in the group; one that was killed still is for a session's length."""
    members = -1  # where the group's members stand in its description
    return sum(
        len(found[members]) for answer in await client.describe_consumer_groups([group]) for found in answer.groups
    )


async def _marks(reader: AIOKafkaConsumer, topic: str, end: int) -> dict[str, RegisteredMark]:
    highest: dict[str, RegisteredMark] = {}
    tp = TopicPartition(topic, 0)
    reader.assign([tp])
    await reader.seek_to_beginning(tp)
    while await reader.position(tp) < end:
        for message in (await reader.getmany(tp, timeout_ms=500)).get(tp, ()):
            mark = decode(RegisteredMark, message.value)
            if mark.feed not in highest or mark.complete_through > highest[mark.feed].complete_through:
                highest[mark.feed] = mark
    return highest


async def _unregistered(client: AIOKafkaAdminClient, settings: Settings) -> tuple[str, ...]:
    known = settings.topics.accesses()
    start = f"{settings.topic_prefix}access."
    return tuple(sorted(name for name in await client.list_topics() if name.startswith(start) and name not in known))


async def _count_findings(broker: Broker, settings: Settings, found: Standing) -> None:
    findings = [decode(Finding, m.value) async for m in read_topic(broker, settings.topics.violations)]
    states = joined(findings).values()
    found.findings = dict(Counter(f.outcome for f in states if f.outcome != "explained"))
    found.certainty = dict(Counter(f.certainty for f in states if f.outcome != "explained"))


def _lines(found: Standing) -> str:
    lines = ["idle" if found.why_not_idle is None else f"not idle: {found.why_not_idle}"]
    lines.append(f"workers: {found.workers}")
    lines.append(f"facts: position {found.facts_position}")
    lines += [f"mark of {feed}: complete through {through}" for feed, through in found.marks.items()]
    lines.append(f"accesses: {found.pending} pending, {found.open} open")
    lines += [f"{topic}: {lag} behind" for topic, lag in found.lag.items() if lag]
    shown = ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.findings.items())) or "none"
    lines.append(f"findings: {shown}")
    lines += [f"not registered, nobody reads it: {topic}" for topic in found.unregistered]
    return "\n".join(lines)
