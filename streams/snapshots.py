"""Snapshots of what a worker knows, in its data directory: a start that finds a good one reads only what came since.

Caches: deleting them changes nothing but time, and one that is in doubt is thrown away. Each belongs to one worker of
the data directory at a time (a lock tells), whichever partitions it holds.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import mode
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.registry import registry_hash
from schemas.settings import Settings
from streams.join.columns import Columns, Document, layout, put_index, put_knowledge, take_index, take_knowledge
from streams.join.index import AccessIndex
from streams.join.knowledge import Knowledge
from streams.join.open import Partition
from streams.join.reconcile import State
from streams.join.renumber import let_go_of_names
from streams.policy.published import Published

from .access_log import LINGER_MS
from .agents.judge import Judge
from .broadcast import NO_TAIL, Broadcast, Tail
from .connect import at, closed, started
from .snapshot_file import SnapshotError, read_snapshot, write_snapshot
from .telemetry import Telemetry

log = logging.getLogger(__name__)

SLOTS: Final = 64  # workers that share a data directory at the most
CHECK_SECONDS: Final = 10.0  # to look at one message of each log; whoever waits longer loads everything instead


@dataclass(frozen=True)
class Found:
    """What a snapshot says."""

    knowledge: Knowledge
    index: AccessIndex
    published: Published
    logs: dict[TopicPartition, tuple[int, Tail]]
    doubtful: dict[Partition, list[int]]


class Snapshots(mode.Service):
    """Puts away what the judge knows and the broadcast has read, and takes it out before they start.

    `has_died`: whether the worker goes down with an error. What it was in the middle of may be half done, and would be
    found so by every start: the snapshot before stays.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        judge: Judge,
        broadcast: Broadcast,
        telemetry: Telemetry,
        has_died: Callable[[], bool],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._judge = judge
        self._judging = judge.judging
        self._broadcast = broadcast
        self._telemetry = telemetry
        self._has_died = has_died
        self._slot: tuple[Path, int] | None = None  # and the descriptor that holds its lock
        self.written_at: float | None = None  # seconds since the epoch

    async def on_start(self) -> None:
        """Take a slot, and what is in it; before anything is read from Kafka."""
        try:
            self._slot = _free_slot(self._settings.data_dir)
        except OSError as error:
            log.warning("no snapshots: %s is not to be had (%s)", self._settings.data_dir, type(error).__name__)
        if self._slot is not None:
            await self._restore(self._slot[0])

    async def on_stop(self) -> None:
        """What is known at the end is what the next start wants. Broadcast and judge have stopped by now."""
        if self._slot is not None:
            await self._write(self._slot[0])
            os.close(self._slot[1])

    @mode.Service.task
    async def _go_on(self) -> None:
        while not self.should_stop:
            await asyncio.sleep(self._settings.snapshot_seconds)
            if self._slot is not None and not self.should_stop:
                await self._write(self._slot[0])

    async def _write(self, path: Path) -> None:
        if self._has_died() or not self._broadcast.is_loaded:
            return
        began = time.time()
        document, columns = self._take()
        try:
            size = await asyncio.to_thread(write_snapshot, path, document, columns)
        except OSError as error:
            log.warning("no snapshot: %s cannot be written (%s); the next start takes longer", path, error.strerror)
            self._telemetry.count("needtoknow_snapshots_total", result="failed")
            return
        self.written_at = began
        self._telemetry.count("needtoknow_snapshots_total", result="written")
        self._telemetry.set("needtoknow_snapshot_bytes", size)

    def _take(self) -> tuple[Document, Columns]:
        """In one step, so that all of it is of one moment."""
        judging = self._judging
        knowledge, columns = take_knowledge(judging.knowledge)
        index, more = take_index(judging.index)
        document = {
            "of": self._of(),
            "logs": [[*tp, next_offset, *tail] for tp, (next_offset, tail) in self._broadcast.tails().items()],
            "knowledge": knowledge,
            "index": index,
            "published": judging.published.columns(),
            "doubtful": [[*partition, sorted(offsets)] for partition, offsets in self._judge.doubtful().items()],
        }
        return document, columns | more

    def _of(self) -> dict[str, str]:
        """What else a snapshot follows from: it is no good for any other."""
        settings = self._settings
        return {
            "version": version("needtoknow"),
            "layout": layout(),
            "policy": self._judging.policy_hash,
            "registry": registry_hash(settings.sources),
            "prefix": settings.topic_prefix,
            "group": settings.group,
            "state": " ".join(State._fields),
        }

    async def _restore(self, path: Path) -> None:
        try:
            document, columns = await asyncio.to_thread(read_snapshot, path)
            if document["of"] != self._of():
                raise SnapshotError("it is of another version, code, policy, registry or installation")
            async with asyncio.timeout(CHECK_SECONDS):
                changed = await self._changed(document)
            found = _taken_out(document, columns, self._judging.policy.grace_ms)
        except FileNotFoundError:
            return
        except Exception as error:  # whatever is wrong with it: the next start must not find it again
            log.warning("snapshot %s is thrown away: %s: %s", path.name, type(error).__name__, error)
            self._telemetry.count("needtoknow_snapshots_total", result="thrown_away")
            await asyncio.to_thread(_remove, path)
            return
        self._take_up(found)
        for partition in changed:
            self._judging.index.drop(partition)
        self._telemetry.count("needtoknow_snapshots_total", result="restored")
        knowledge = self._judging.knowledge
        facts, accesses = len(knowledge.facts), len(self._judging.index)
        log.info("restored %d facts, position %d, and %d accesses", facts, knowledge.position, accesses)

    def _take_up(self, found: Found) -> None:
        self._judging.knowledge.become(found.knowledge)
        self._judging.index.become(found.index)
        self._judging.published.become(found.published)
        for tp, (next_offset, tail) in found.logs.items():
            self._broadcast.begin_at(tp, next_offset, tail)
        for partition, offsets in found.doubtful.items():
            self._judge.corrections.doubt(partition, offsets)

    async def _changed(self, document: Document) -> list[Partition]:
        """The partitions of accesses that are not the logs that were read: their last messages lie elsewhere, or were
        appended at another time. Raises SnapshotError when facts or findings are not."""
        consumer = AIOKafkaConsumer(**at(self._settings), enable_auto_commit=False, fetch_max_wait_ms=LINGER_MS)
        await started(consumer)
        try:
            for topic, number, _, *tail in document["logs"]:
                if not await _is_there(consumer, TopicPartition(topic, number), Tail(*tail)):
                    raise SnapshotError(f"{topic}/{number} is not the log that was read")
            found = _access_tails(document).items()
            return [partition for partition, tail in found if not await _is_there(consumer, partition, tail)]
        finally:
            await closed(consumer)


def _taken_out(document: Document, columns: Columns, grace_ms: int) -> Found:
    """What a snapshot says, in full; nothing that the worker holds is touched before that is known to be good."""
    knowledge = Knowledge(grace_ms)
    index, published = AccessIndex(knowledge.facts.people, knowledge.facts.records), Published()
    let_go_of_names(document["knowledge"]["logins"], columns)
    put_knowledge(knowledge, document["knowledge"], columns)
    put_index(index, document["index"], columns)
    published.put(document["published"])
    logs = {
        TopicPartition(topic, number): (next_offset, Tail(offset, appended_at))
        for topic, number, next_offset, offset, appended_at in document["logs"]
    }
    doubtful = {Partition(topic, number): list(offsets) for topic, number, offsets in document["doubtful"]}
    return Found(knowledge, index, published, logs, doubtful)


def _access_tails(document: Document) -> dict[Partition, Tail]:
    """The last message indexed of each partition."""
    tails: dict[Partition, Tail] = {}
    for stretch in document["index"]["stretches"]:
        if not stretch["is_said"]:
            appended_at, _, next_offset = stretch["ages"][-1]
            tails[Partition(*stretch["partition"])] = Tail(next_offset - 1, appended_at)
    return tails


async def _is_there(consumer: AIOKafkaConsumer, partition: tuple[str, int], tail: Tail) -> bool:
    """Whether the message lies there; one of a log that was empty does."""
    if tail == NO_TAIL:
        return True
    tp = TopicPartition(*partition)
    consumer.assign([tp])
    begin, end = (await consumer.beginning_offsets([tp]))[tp], (await consumer.end_offsets([tp]))[tp]
    if not begin <= tail.offset < end:
        return False
    consumer.seek(tp, tail.offset)
    message = await consumer.getone(tp)
    return bool(message.offset == tail.offset and message.timestamp == tail.appended_at)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _free_slot(directory: Path) -> tuple[Path, int] | None:
    """The first that no other worker holds, locked until this process ends. OSError: the directory is not to be had."""
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(1, SLOTS + 1):
        lock = os.open(directory / f"snapshot-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        return directory / f"snapshot-{number}", lock
    return None
