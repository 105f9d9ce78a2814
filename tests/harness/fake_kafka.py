"""The real Faust consumer and our transport on it, over a broker that is a dictionary.

Only aiokafka's consumer is a fake. It keeps what matters here of the real one: a fetch moves the fetch position,
seeking to the committed offsets leaves a partition without one where it is, and fails when no partition is held.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import IllegalStateError, KafkaConnectionError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.types.tuples import TP

from schemas.settings import Settings
from streams.app import build_app
from streams.frontier import Batch
from streams.hooks import Hooks
from streams.transport import Consumer

ECMS, IRSS, STAFF = TP("access.ecms.v1", 2), TP("access.irss.v1", 0), TP("feed.staff.v1", 0)


BATCH_MAX = 2


@dataclass
class Record:
    """What the transport reads of a Kafka record."""

    offset: int
    timestamp: int
    timestamp_type: int = 1


class Kafka:
    """aiokafka's consumer with its broker: logs, positions, committed offsets."""

    _closed = False
    _max_poll_records = BATCH_MAX

    def __init__(self) -> None:
        self.held: set[TopicPartition] = set()
        self.begins: dict[TopicPartition, int] = {}
        self.ends: dict[TopicPartition, int] = {}
        self.positions: dict[TopicPartition, int] = {}
        self.committed: dict[TopicPartition, OffsetAndMetadata] = {}
        self.while_fetching: list[Callable[[], Any]] = []
        self.is_away = False
        self.may_fetch = asyncio.Event()  # a fetch under way waits for it before it moves a position
        self.may_fetch.set()
        self.fetches: list[set[TP]] = []
        self._fetcher = SimpleNamespace(
            _closed=False,
            _records={},
            _subscriptions=SimpleNamespace(fetch_context=nullcontext),
            fetched_records=self._fetched,
        )
        self._coordinator = SimpleNamespace(fetch_committed_offsets=self._committed)

    async def _committed(self, partitions: list[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        return {tp: self.committed.get(tp, OffsetAndMetadata(-1, "")) for tp in partitions}

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self.ends[TopicPartition(*tp)] for tp in partitions}

    def hold(self, tp: TP, begin: int, end: int) -> None:
        """A partition with messages at these offsets is held."""
        partition = TopicPartition(*tp)
        self.held.add(partition)
        self.begins[partition] = self.positions[partition] = begin
        self.ends[partition] = end

    async def _fetched(self, partitions: Container[TP], *, max_records: int, **_: Any) -> dict[TP, Any]:
        self.fetches.append({tp for tp in self.held if tp in partitions})
        await self.may_fetch.wait()
        found: dict[TP, Any] = {}
        for tp in sorted(
            tp for tp in self.held if not partitions or tp in partitions
        ):  # an empty set means all of them
            start = self.positions[TopicPartition(*tp)]
            stop = min(self.ends[TopicPartition(*tp)], start + max_records)
            if start < stop:
                found[tp] = [Record(n, 1000 * n) for n in range(start, stop)]
                self.positions[TopicPartition(*tp)] = stop
        for happens in self.while_fetching:
            answer = happens()
            if asyncio.iscoroutine(answer):
                await answer
        self.while_fetching = []
        return found

    def assignment(self) -> set[TopicPartition]:
        return set(self.held)

    def highwater(self, tp: TopicPartition) -> int | None:
        if tp not in self.held:
            raise IllegalStateError(f"{tp} is not assigned")
        return self.ends[TopicPartition(*tp)]

    async def seek_to_committed(self) -> dict[TopicPartition, int | None]:
        if self.is_away:
            raise KafkaConnectionError("nobody answers")
        assert self.held, "No partitions are currently assigned"
        offsets = {tp: self.committed[tp].offset if tp in self.committed else None for tp in self.held}
        self.positions.update({tp: offset for tp, offset in offsets.items() if offset})
        return offsets

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self.begins[TopicPartition(*tp)] for tp in partitions}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.positions[TopicPartition(*tp)] = offset

    async def position(self, tp: TopicPartition) -> int:
        return self.positions[TopicPartition(*tp)]

    async def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        if self.is_away:
            raise KafkaConnectionError("nobody answers")
        self.committed.update(offsets)


class Shell:
    """What the app is to the transport, and what it has been told."""

    def __init__(self) -> None:
        self.batches: defaultdict[TP, list[Batch]] = defaultdict(list)
        self.lost: list[TP] = []
        self.seeks: list[tuple[Mapping[TP, int], Mapping[TP, str], Mapping[TP, int]]] = []
        self.holds: dict[TP, int] = {}
        self.notes: dict[TP, str] = {}
        self.is_draining = asyncio.Event()
        self.may_drain = asyncio.Event()
        self.may_drain.set()

    def hooks(self) -> Hooks:
        return Hooks(
            batch_max=BATCH_MAX,
            batches_max=2,
            is_urgent=lambda tp: tp.topic.startswith("feed."),
            hold=self.holds.get,
            on_seek=lambda *found: self.seeks.append(found),
            on_lost=self.lost.append,
            note=lambda tp, finished, holds: self.notes.get(tp, f"finished {finished}{'' if holds else ', given up'}"),
            drain=self.drain,
        )

    async def drain(self) -> None:
        self.is_draining.set()
        await self.may_drain.wait()

    async def hear(self, message: Any) -> None:
        assert message.offset == message.value.messages[-1].offset
        self.batches[message.tp].append(message.value)

    def offsets(self, tp: TP) -> list[list[int]]:
        """The offsets of each batch that was handed over."""
        return [[m.offset for m in batch.messages] for batch in self.batches[tp]]


class Scene(SimpleNamespace):
    """A consumer that holds some partitions, its broker and its app."""

    consumer: Consumer
    kafka: Kafka
    shell: Shell

    async def fetch(self, times: int = 1) -> None:
        """So many turns of the delivery loop."""
        for _ in range(times):
            await self.consumer._drain_once()

    async def commit(self) -> dict[TP, tuple[int, str]]:
        """What stands committed after a commit."""
        await self.consumer.commit()
        return {TP(*tp): (kept.offset, kept.metadata) for tp, kept in self.kafka.committed.items()}


def make_scene(data_dir: Path) -> Scene:
    """ECMS holds offsets 5 to 20, nothing else is held and nothing committed."""
    app = build_app(Settings(data_dir=data_dir))
    shell, kafka = Shell(), Kafka()
    app.batch_hooks = shell.hooks()

    async def nothing(*_: Any) -> None:
        """The app's own answer to a rebalance is not what is tested."""

    consumer = app.transport.create_consumer(shell.hear, on_partitions_revoked=nothing, on_partitions_assigned=nothing)
    app._consumer = consumer

    async def at_once(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        answer = fun(*args, **kwargs)
        return await answer if asyncio.iscoroutine(answer) else answer

    consumer._thread._consumer, consumer._thread.call_thread = kafka, at_once
    consumer._thread.thread_loop = consumer.loop
    found = Scene(app=app, consumer=consumer, kafka=kafka, shell=shell)
    hold(found, ECMS, 5, 20)
    return found


def hold(scene: Scene, tp: TP, begin: int, end: int) -> None:
    """One more partition is held."""
    scene.kafka.hold(tp, begin, end)
    scene.consumer._set_active_tps({TP(*held) for held in scene.kafka.held})


def rebalance(scene: Scene) -> None:
    """The group has met again; another thread says so at any time."""
    scene.app.consumer_generation_id += 1
