"""Storing what a file became, and counting that nothing is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import click
from aiokafka import AIOKafkaProducer

from schemas.errors import RejectedInputError
from sinks import kafka
from sinks.kafka import Broker
from sinks.progress import progress

from .lines import json_line
from .outgoing import FILE_MAX, Outgoing

BATCH: Final = 1_000  # messages under way at once: half a megabyte, and progress moves often
PATIENCE_SECONDS: Final = 5.0

Messages = Callable[[], Iterator[Outgoing]]
"""Makes the messages of a file anew, from bytes that do not change."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a file held and what the broker confirmed."""

    messages: int
    marks: int


def read_all(path: str) -> bytes:
    """The whole file, or standard input for `-`. Raises RejectedInputError when it is too large to hold."""
    with click.open_file(path, "rb") as stream:  # keeps standard input open
        raw: bytes = stream.read(FILE_MAX + 1)
    if len(raw) > FILE_MAX:
        raise RejectedInputError("file", f"is larger than {FILE_MAX >> 30} GiB; split it; nothing was sent")
    return raw


def check(messages: Messages, total: int, done: Callable[[], int] | None = None) -> Counts:
    """Makes every message once and throws it away: what is wrong is raised here, before anything is sent.

    Progress is in messages, or in the bytes that `done` counts, out of `total`.
    """
    count = marks = shown = 0
    with progress("checking, in bytes" if done else "checking", total) as advance:
        for message in messages():
            count += 1
            marks += message.is_mark
            if count % BATCH == 0:
                now = done() if done else count
                advance(now - shown)
                shown = now
        advance((done() if done else count) - shown)
    return Counts(messages=count, marks=marks)


def send_and_report(broker: Broker, topic: str, messages: Messages, held: Counts, *, as_json: bool) -> None:
    """Stores the messages and prints counts in and out; exit code 1 when they differ."""
    stored = kafka.run(store(broker, topic, messages(), held.messages), broker)
    if as_json:
        answer: dict[str, Any] = {"topic": topic, "in": held.messages, "marks": held.marks, "out": stored}
        click.echo(json_line(answer))
    else:
        marks = f" ({held.marks} of them marks)" if held.marks else ""
        click.echo(f"{held.messages} messages in{marks}, {stored} stored on {topic}")
    if stored != held.messages:
        click.echo("needtoknow: not everything was stored; send the whole file again, repeats do no harm", err=True)
        raise click.exceptions.Exit(1)


async def store(broker: Broker, topic: str, messages: Iterable[Outgoing], total: int) -> int:
    """How many messages the broker confirmed; stops at the first batch that is not stored whole."""
    await kafka.partitions(broker, [topic])
    stored, stream = 0, iter(messages)
    async with kafka.producer(broker) as client:
        with progress("sending", total) as advance:
            while batch := list(islice(stream, BATCH)):
                confirmed = await store_batch(client, broker, topic, batch)
                stored += confirmed
                advance(confirmed)
                if confirmed < len(batch):
                    break
    return stored


async def store_batch(client: AIOKafkaProducer, broker: Broker, topic: str, batch: list[Outgoing]) -> int:
    """How many of the batch were confirmed. Gives up when nothing has moved for the broker's timeout: aiokafka itself
    never does once an idempotent batch is under way (measured: 100 s and more)."""
    futures: list[asyncio.Future[Any]] = []
    handing = asyncio.ensure_future(_hand_over(client, topic, batch, futures))
    done, moved = 0, time.monotonic()
    while waiting := {task for task in (handing, *futures) if not task.done()}:
        await asyncio.wait(waiting, timeout=min(PATIENCE_SECONDS, broker.timeout))
        now = time.monotonic()
        if (count := sum(future.done() for future in futures)) > done:
            done, moved = count, now
        elif now - moved >= broker.timeout:
            handing.cancel()
            break
        elif now - moved >= PATIENCE_SECONDS:
            click.echo(f"waiting for Kafka at {broker.address}: {now - moved:.0f} of {broker.timeout:.0f} s", err=True)
    return _confirmed(topic, handing, futures)


async def _hand_over(
    client: AIOKafkaProducer, topic: str, batch: list[Outgoing], futures: list[asyncio.Future[Any]]
) -> None:
    for message in batch:
        sent = await client.send(topic, message.value, key=message.key, headers=list(message.headers))
        futures.append(sent)  # at once: those sent before an error are counted too


def _confirmed(topic: str, handing: asyncio.Future[None], futures: list[asyncio.Future[Any]]) -> int:
    """How many futures say that their message is stored; says what went wrong with the first that does not."""
    finished = [task for task in (handing, *futures) if task.done() and not task.cancelled()]
    error = next((error for task in finished if (error := task.exception()) is not None), None)
    if error is not None:
        click.echo(f"needtoknow: Kafka did not store everything on {topic}: {type(error).__name__}", err=True)
    return sum(future.done() and not future.cancelled() and future.exception() is None for future in futures)
