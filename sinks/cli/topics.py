"""`needtoknow topics`: every topic of the contract, created or checked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import click
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from schemas.errors import NotReadyError
from schemas.settings import Settings
from schemas.topics import Topic
from schemas.topics_check import PRODUCTION, SINGLE_BROKER, Difference, Floor, Found, compare, refusals, wanted_config
from sinks import kafka
from sinks.kafka import Broker

from .lines import json_line, topic_line
from .options import as_json, with_broker

SET_ON_TOPIC: Final = 1  # Kafka's number for "this value was set on the topic itself"
PAUSE_SECONDS: Final = 0.1
SAY_SECONDS: Final = 1.0

Differences = dict[str, tuple[Difference, ...]]


@click.group()
def topics() -> None:
    """Create the topics, or check that they are as they must be."""


@topics.command()
@click.option(
    "--single-broker",
    is_flag=True,
    help="For one machine: one copy of everything. Without it each topic has 3 copies of which 2 must be written, and "
    "fewer brokers are refused.",
)
@as_json
@with_broker
def apply(broker: Broker, settings: Settings, single_broker: bool, as_json: bool) -> None:
    """Create every topic that is missing, and put settings back that were changed.

    Says of each topic whether it was created, is as it should be, or differs. What cannot be put right without losing
    something (the number of partitions of a topic that has one order, its cleanup policy, too few copies) is refused
    with exit code 1. Running it again, or twice at once, does no harm.

    \b
    Example:
      needtoknow topics apply --single-broker --broker 127.0.0.1:9092
    """
    floor = SINGLE_BROKER if single_broker else PRODUCTION
    before, after = kafka.run(_apply(broker, settings.topics.all(), floor), broker)
    for name, differences in before.items():
        if as_json:
            click.echo(json_line(_document(name, differences, after[name])))
        else:
            click.echo(topic_line(name, differences, after[name]))
    if any(after.values()):
        raise click.exceptions.Exit(1)


def _document(name: str, before: tuple[Difference, ...], after: tuple[Difference, ...]) -> dict[str, Any]:
    def plain(differences: Iterable[Difference]) -> list[dict[str, str]]:
        return [{"setting": d.setting, "wanted": d.wanted, "found": d.found} for d in differences]

    return {"topic": name, "found": plain(before), "left": plain(after)}


async def _apply(broker: Broker, wanted: tuple[Topic, ...], floor: Floor) -> tuple[Differences, Differences]:
    """The differences found, and those that are left once what may be put right has been."""
    async with kafka.admin(broker) as client:
        brokers = len((await client.describe_cluster())["brokers"])
        if brokers < floor.replication:
            raise NotReadyError(
                f"{broker.address} is a cluster of {brokers}; {floor.replication} copies of each topic need as many "
                "brokers (for one machine: --single-broker)"
            )
        found = await find(client, (t.name for t in wanted))
        before = {t.name: compare(t, found[t.name], floor) for t in wanted}
        await _create(client, [t for t in wanted if found[t.name] is None], floor)
        await _alter(client, [(t, found[t.name]) for t in wanted if _is_alterable(before[t.name])], floor)
        return before, await _left(client, broker, wanted, floor)


def _is_alterable(differences: tuple[Difference, ...]) -> bool:
    return not refusals(differences) and any(d.remedy == "alter" for d in differences)


async def find(client: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, Found | None]:
    """Each topic as the broker describes it, None for those it does not have."""
    # All topics: asked for one by name, a broker may create it, with settings of its own.
    described = {t["topic"]: t["partitions"] for t in await client.describe_topics() if not t["error_code"]}
    wanted = list(names)
    configs = await _configs(client, [name for name in wanted if name in described])
    return {
        name: Found(
            partitions=len(described[name]),
            replication=min(len(p["replicas"]) for p in described[name]),
            config={key: value for key, (value, _) in configs[name].items()},
        )
        if name in configs
        else None
        for name in wanted
    }


async def _configs(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, tuple[str, int]]]:
    """topic -> setting -> its value and Kafka's number for where it was set. A topic deleted meanwhile is left out."""
    if not names:
        return {}
    responses = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {
        name: {entry[0]: (entry[1], int(entry[3])) for entry in entries}
        for response in responses
        for code, _, _, name, entries in response.resources
        if code == 0
    }


async def _create(client: AIOKafkaAdminClient, missing: list[Topic], floor: Floor) -> None:
    if not missing:
        return
    response = await client.create_topics(
        [
            NewTopic(
                name=topic.name,
                num_partitions=topic.partitions,
                replication_factor=floor.replication,
                topic_configs=wanted_config(topic, floor=floor),
            )
            for topic in missing
        ]
    )
    for name, code, message in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):  # somebody else created it: it is checked with the rest
            raise NotReadyError(f"topic {name} cannot be created: {for_code(code).__name__}: {message}")


async def _alter(client: AIOKafkaAdminClient, altered: list[tuple[Topic, Found | None]], floor: Floor) -> None:
    if not altered:
        return
    present = await _configs(client, [topic.name for topic, _ in altered])
    responses = await client.alter_configs(
        [
            ConfigResource(
                ConfigResourceType.TOPIC, topic.name, _kept(present[topic.name]) | wanted_config(topic, found, floor)
            )
            for topic, found in altered
        ]
    )
    for response in responses:
        for code, message, _, name in response.resources:
            if code:
                raise NotReadyError(f"topic {name} cannot be altered: {for_code(code).__name__}: {message}")


def _kept(present: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    """What operations set on the topic besides: this request of Kafka's resets whatever it does not name."""
    return {name: value for name, (value, origin) in present.items() if origin == SET_ON_TOPIC}


async def _left(client: AIOKafkaAdminClient, broker: Broker, wanted: tuple[Topic, ...], floor: Floor) -> Differences:
    """What still differs, once the brokers have told each other of what was changed."""
    began = said = time.monotonic()
    while True:
        found = await find(client, (t.name for t in wanted))
        left = {t.name: compare(t, found[t.name], floor) for t in wanted}
        if not any(d.remedy != "refuse" and not refusals(ds) for ds in left.values() for d in ds):
            return left
        now = time.monotonic()
        if now - began > broker.timeout:
            return left
        if now - said > SAY_SECONDS:
            said = now
            click.echo(
                f"waiting for the brokers to tell each other: {now - began:.0f} of {broker.timeout:.0f} s", err=True
            )
        await asyncio.sleep(PAUSE_SECONDS)
