"""`needtoknow findings`: what the judge found, for people and for programs."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

import click

from schemas.codec import decode, encode
from schemas.errors import RejectedInputError
from schemas.finding import Finding, Transition
from schemas.settings import Settings
from sinks import kafka
from sinks.joined import Joined
from sinks.kafka import Broker, Message, Start

from .lines import finding_line
from .options import as_json, with_broker

LOOK_BACK: Final = 1_000  # messages a partition: read in a blink, and seldom fewer than the findings asked for
REMEMBERED: Final = 1_000_000  # findings, about 2 GB: years of a department


@click.group()
def findings() -> None:
    """Show accesses that no recorded duty explains."""


@findings.command()
@click.option("-n", "--count", type=click.IntRange(min=0), default=10, show_default=True, help="How many to show.")
@click.option("--from-start", is_flag=True, help="Show every finding there is, each once, as it stands now.")
@click.option("--follow", is_flag=True, help="Then go on, and show each finding as it comes or changes; Ctrl-C ends.")
@as_json
@with_broker
def tail(broker: Broker, settings: Settings, count: int, from_start: bool, follow: bool, as_json: bool) -> None:
    """Show the latest findings: when, how grave, who, did what, whose record, the outcome, and why.

    A finding is a question to a person, not a verdict: it can be withdrawn when a duty is recorded after all, and is
    then shown as WITHDRAWN. "provisional" says that facts known in time may still arrive, "final" that none can, and
    "incomplete" that a feed was silent for too long to wait for.

    \b
    Example:
      needtoknow findings tail
      needtoknow findings tail --from-start --json
      needtoknow findings tail --follow
    """
    start: Start = "first" if from_start else LOOK_BACK
    try:
        kafka.run(_tail(broker, settings, start, None if from_start else count, follow, as_json), broker)
    except KeyboardInterrupt:
        if not follow:  # the way to end a program that never ends is no error
            raise


async def _tail(
    broker: Broker, settings: Settings, start: Start, count: int | None, follow: bool, as_json: bool
) -> None:
    topic, state = settings.topics.violations, Joined(REMEMBERED)
    next_offsets: dict[int, int] = {}
    async with aclosing(kafka.read_topic(broker, topic, start=start)) as messages:
        async for message in messages:
            next_offsets[message.partition] = message.offset + 1
            if (finding := _finding(message)) is not None:
                state.add(finding)
    for finding in state.newest(count):
        _print(finding, "withdrawn" if finding.outcome == "explained" else "raised", as_json=as_json)
    if not follow:
        if not (as_json or next_offsets):
            click.echo("no findings")
        return
    async with aclosing(kafka.read_topic(broker, topic, start=next_offsets, follow=True)) as messages:
        async for message in messages:
            if (finding := _finding(message)) is not None:
                after, spoken = state.add(finding)
                if spoken is not None:
                    _print(after, spoken, as_json=as_json)


def _finding(message: Message) -> Finding | None:
    """The transition in a message. One that cannot be read is said so and passed over: the others must be seen."""
    try:
        return decode(Finding, message.value)
    except RejectedInputError as error:
        place = f"{message.topic}/{message.partition}/{message.offset}"
        click.echo(f"needtoknow: {place} is no finding: {error}", err=True)
        return None


def _print(finding: Finding, spoken: Transition, *, as_json: bool) -> None:
    click.echo(encode(finding).decode() if as_json else finding_line(finding, spoken))
