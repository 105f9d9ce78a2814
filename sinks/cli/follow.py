"""`needtoknow send --follow`: a log that grows and rotates onto the topic of its source, at least once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.cloud_event import cloud_event
from schemas.errors import NotReadyError, RejectedInputError
from schemas.ids import LATEST_MS, SourceName
from schemas.settings import Settings
from schemas.topics import CANONICAL, ECMS_SYSLOG
from sinks import kafka
from sinks.kafka import Broker
from streams.sources import ecms_file, translate

from .growing import Batch, Growing, Line
from .layouts import outgoing
from .lines import json_line
from .outgoing import Outgoing, access_message
from .remembered import Memories, Memory, memories
from .signing import Sign, signing
from .storing import store_batch

POLL_SECONDS: Final = 0.5  # half a second of the few within which a finding is promised
AWAY_SECONDS: Final = 2.0  # between two tries while Kafka, or the disk, is away; twice as long each time, up to
AWAY_MAX_SECONDS: Final = 60.0  # so that a batch of which one message is refused for ever fills no topic
SAY_SECONDS: Final = 60.0
END_SECONDS: Final = 10.0  # for what is being stored when it is told to end; it is sent again otherwise
TOLD_MAX: Final = 20  # bad lines told one by one; all are counted, and each becomes a dead letter

WHOLE: Final = {
    "facts": "a night counts only once its trailer has come",
    "irss": "an export is checked by its header and footer",
    "clean": "a request is sent with its response, and what of the log is missing shows in a whole file",
    "accurint": "an export is checked from its header to its last row",
    "paper": "slips are exported as a whole table",
}
"""Why files of these systems are not followed."""


# --- what a line becomes


def message_of(line: bytes, source: SourceName, *, is_syslog: bool) -> Outgoing:
    """A line as a message. One that is wrong is sent as it is: the judge makes a dead letter of it, and goes on."""
    if is_syslog:
        return outgoing(ecms_file.message_of(line), source, ECMS_SYSLOG)
    text = line.strip(b" \t\r")
    try:
        return access_message(text, source)
    except RejectedInputError:
        name = f"{source}-line-{hashlib.sha256(text).hexdigest()[:32]}"
        return Outgoing(name.encode(), text, cloud_event(name, f"/sources/{source}", "needtoknow.access.v1", CANONICAL))


def fault_of(message: Outgoing, source: SourceName) -> RejectedInputError | None:
    """Why it will be a dead letter."""
    try:
        translate(source, message.value, message.headers, LATEST_MS)
    except RejectedInputError as error:
        return error
    return None


# --- the loop


@dataclass
class Follower:
    """Sends what the log gets, batch by batch: stored, then remembered, then the next."""

    broker: Broker
    topic: str
    source: SourceName
    is_syslog: bool
    growing: Growing
    memories: Memories
    is_once: bool
    sign: Sign
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    memory: Memory | None = None  # of the Kafka that answers; before one did nobody knows how far the log was sent
    stored: int = 0
    bad: int = 0
    has_lost: bool = False
    away: float = AWAY_SECONDS
    said_at: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Until it is told to stop; with `is_once` until all is read. Raises NotReadyError then when Kafka is away."""
        looking = asyncio.ensure_future(self._keep_looking())
        try:
            while not await self._sent_all():
                await self._pause(self.away)
                self.away = min(2 * self.away, AWAY_MAX_SECONDS)
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def _keep_looking(self) -> None:
        """So that also while Kafka is away each file is held before it is renamed away, compressed or deleted."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            with suppress(NotReadyError):  # the pump meets it, too
                self.growing.look()

    async def _sent_all(self) -> bool:
        """False when it must be tried again."""
        try:
            await kafka.partitions(self.broker, [self.topic])
            memory = await self._recall()
            async with kafka.producer(self.broker) as client:
                await self._pump(client, memory)
        except (NotReadyError, KafkaError) as error:
            if self.is_once:
                raise
            click.echo(f"{error}; going on when it is back, nothing is lost", err=True)
        return self.stop.is_set() or self.is_once

    async def _recall(self) -> Memory:
        """The memory of the Kafka that answers, from which the log goes on. Raises NotReadyError, KafkaError."""
        memory = self.memories.of(await kafka.cluster_id(self.broker))
        places, is_other = memory.read(), self.memory is None or self.memory.path != memory.path
        if memory.stored > sum((await kafka.offsets_at(self.broker, self.topic, LATEST_MS)).values()):
            words = f"{self.topic} holds less than was sent there: it was made anew, so the whole log is sent again"
            click.echo(words, err=True)
            places, memory.stored, is_other = [], 0, True
        if is_other:
            self.growing.resume(places)
        self.memory = memory
        return memory

    async def _pump(self, client: AIOKafkaProducer, memory: Memory) -> None:
        while not self.stop.is_set():
            self.growing.look()
            self._tell_lost()
            batch = self.growing.next_batch()
            if batch is None and self.is_once:
                return
            if batch is None:
                self._say()
                await self._pause(POLL_SECONDS)
                continue
            await self._store(client, batch)
            self.away = AWAY_SECONDS
            await self._remember(batch, memory)

    def _tell_lost(self) -> None:
        """Each once."""
        for words in self.growing.lost:
            self.has_lost = True
            click.echo(words, err=True)
        self.growing.lost.clear()

    async def _store(self, client: AIOKafkaProducer, batch: Batch) -> None:
        messages = [self.sign(message_of(line.value, self.source, is_syslog=self.is_syslog)) for line in batch.lines]
        if messages and await store_batch(client, self.broker, self.topic, messages) < len(messages):
            raise NotReadyError(f"Kafka at {self.broker.address} did not store everything")
        self.stored += len(messages)
        for line, message in zip(batch.lines, messages, strict=True):
            self._tell_fault(batch, line, message)

    def _tell_fault(self, batch: Batch, line: Line, message: Outgoing) -> None:
        if (fault := fault_of(message, self.source)) is None:
            return
        self.bad += 1
        if self.bad <= TOLD_MAX:
            click.echo(f"becomes a dead letter: {batch.log.name}, byte {line.at}: {fault}", err=True)

    async def _remember(self, batch: Batch, memory: Memory) -> None:
        """Only then the next batch: a disk that is full must not make the same lines be sent for ever."""
        self.growing.stored(batch)
        memory.stored += len(batch.lines)
        while True:
            try:
                memory.write(self.growing.remembered())
            except OSError as error:
                click.echo(f"{memory.path} cannot be written: {error.strerror}; nothing more is sent", err=True)
            else:
                return
            if self.is_once or self.stop.is_set():
                raise NotReadyError(f"{memory.path} cannot be written; what was stored last will be sent again")
            await self._pause(AWAY_SECONDS)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stop.wait()

    def _say(self) -> None:
        if (now := time.monotonic()) - self.said_at >= SAY_SECONDS:
            self.said_at = now
            click.echo(f"{self.stored:,} messages stored, {self.bad:,} become dead letters", err=True)


async def _until_told(follower: Follower) -> None:
    """Ends when the work does, or soon after a signal: what is being stored may still be remembered."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, follower.stop.set)
    work, told = asyncio.ensure_future(follower.run()), asyncio.ensure_future(follower.stop.wait())
    await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    await asyncio.wait({work}, timeout=END_SECONDS if follower.stop.is_set() else None)
    if not work.done():
        work.cancel()
        await asyncio.wait({work})
    if not work.cancelled():
        work.result()


def follow(
    broker: Broker, settings: Settings, file: str, source: SourceName, *, is_own: bool, is_once: bool, as_json: bool
) -> None:
    """Follows the log until a signal, or once to its end; prints what was stored."""
    if is_own and source != "ecms":
        reason = WHOLE.get(source, "it hands over no logs")
        raise click.UsageError(f"files of {source} are not followed: {reason}. Send each once it is closed")
    path, topic = Path(os.path.abspath(file)), settings.topics.access(source)
    with memories(settings, path, topic) as kept:
        growing = Growing(path, [])
        if not growing.listed and is_once:
            raise NotReadyError(f"there is no {path}, nor an older file of it")
        if not growing.listed:
            click.echo(f"there is no {path} yet: waiting for it", err=True)
        follower = Follower(broker, topic, source, is_own, growing, kept, is_once, signing(settings, source))
        try:
            kafka.run(_until_told(follower), broker)
        finally:
            unread = growing.unread() if follower.memory else None  # unknown: no Kafka answered
            growing.close()
            _report(follower, unread, as_json=as_json)
    if follower.has_lost and is_once:
        raise click.exceptions.Exit(1)


def _report(follower: Follower, unread: int | None, *, as_json: bool) -> None:
    if as_json:
        counts = {"topic": follower.topic, "out": follower.stored, "bad": follower.bad, "unread_bytes": unread}
        click.echo(json_line(counts))
        return
    bad = f", {follower.bad} of them become dead letters" if follower.bad else ""
    rest = f"; {unread} bytes of the log are not sent yet" if unread else ""
    click.echo(f"{follower.stored} messages stored on {follower.topic}{bad}{rest}")
