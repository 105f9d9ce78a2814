"""The last cut of each partition in the ledger, and the note beside its committed offset: where a run goes on from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson
import stamina
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.codec import decode
from schemas.errors import RejectedInputError
from schemas.ledger import Note
from schemas.settings import Settings
from streams.join.open import Partition

from .outgoing import cut_digest

log = logging.getLogger(__name__)

LOOK_BACK: Final = 20_000  # cuts of one ledger partition; a partition whose last cut is further back starts a new chain
FETCH_MS: Final = 500
WAIT_MAX: Final = 5.0  # seconds between two tries at the most


class LastCut(NamedTuple):
    """What a run's first cut names as the one before it, and the position it had reconciled its partition through."""

    digest: str | None
    reconciled: int


NO_CUT: Final = LastCut(None, 0)


class LastCuts:
    """Reads the ledger once, and then only what is new: partitions change hands often while workers come and go."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._newest: dict[Partition, LastCut] = {}
        self._read_to: dict[TopicPartition, int] = {}

    async def look(self) -> dict[Partition, LastCut]:
        """The newest cut of each partition that has one within the last LOOK_BACK of its ledger partition.

        A partition without new messages has no new cut: its note may have been reconciled further. Waits for a broker
        that is away: partitions often change hands because it was.
        """
        async for attempt in stamina.retry_context(on=KafkaError, attempts=None, timeout=None, wait_max=WAIT_MAX):
            with attempt:
                await self._read()
                notes = await self._notes()
        found = dict(self._newest)
        for partition, note in notes.items():
            last = found.get(partition, NO_CUT)
            found[partition] = last._replace(reconciled=max(last.reconciled, note.reconciled))
        return found

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.broker, enable_auto_commit=False)
        try:
            await consumer.start()
            await self._read_on(consumer)
        finally:
            await consumer.stop()

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        topic = self._settings.topics.ledger
        partitions = [TopicPartition(topic, p) for p in sorted(await consumer._client._wait_on_metadata(topic))]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        for tp in partitions:
            consumer.seek(tp, max(starts[tp], ends[tp] - LOOK_BACK, self._read_to.get(tp, 0)))
        newest: dict[bytes, bytes] = {}
        waiting = {tp for tp, end in ends.items() if end and await consumer.position(tp) < end}
        while waiting:
            fetched = await consumer.getmany(*waiting, timeout_ms=FETCH_MS)
            for tp, messages in fetched.items():
                newest.update((message.key, message.value) for message in messages)
                if messages[-1].offset + 1 >= ends[tp]:
                    waiting.discard(tp)
        self._read_to = ends
        for key, value in newest.items():
            self._newest[_partition(key)] = LastCut(cut_digest(value), orjson.loads(value)["reconciled"])

    async def _notes(self) -> dict[Partition, Note]:
        client = AIOKafkaAdminClient(bootstrap_servers=self._settings.broker)
        try:
            await client.start()
            group = await client.list_consumer_group_offsets(self._settings.group)
        finally:
            await client.close()
        return notes_of(group)


def notes_of(group: Mapping[TopicPartition, Any]) -> dict[Partition, Note]:
    """The notes beside a group's committed offsets."""
    notes: dict[Partition, Note] = {}
    for tp, found in group.items():
        try:
            notes[Partition(tp.topic, tp.partition)] = decode(Note, getattr(found, "metadata", "").encode())
        except RejectedInputError:
            continue  # at work, or written by another version: the offset alone counts
    return notes


def _partition(key: bytes) -> Partition:
    topic, _, number = key.decode().rpartition("/")
    return Partition(topic, int(number))
