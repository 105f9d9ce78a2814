"""A look at Kafka: what is stored, read, judged and promised. Whoever wants to know how the service is asks here."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.codec import decode
from schemas.fact import RegisteredMark
from schemas.settings import Settings
from sinks.standing import Seen
from streams.agents.last_cuts import notes_of
from streams.join.completeness import NEVER
from streams.policies import load_policy


async def look(
    settings: Settings, client: AIOKafkaAdminClient, reader: AIOKafkaConsumer, places: list[TopicPartition]
) -> Seen:
    """What Kafka says of the service: one look, of a second at most. Raises KafkaError when it does not answer."""
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
        unregistered=topics.unregistered(await client.list_topics()),
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
