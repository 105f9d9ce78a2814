"""The last cut of each partition in the ledger, and the note beside its committed offset: where a run goes on from."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import ConsumerRecord

from schemas.codec import decode
from schemas.errors import RejectedInputError
from schemas.ledger import Note
from schemas.settings import Settings
from streams.access_log import LINGER_MS
from streams.connect import answered, at, closed
from streams.join.open import Partition
from streams.policy.aside import fault
from streams.telemetry import Telemetry
from streams.told import ToldCut, read_cut

from .outgoing import cut_digest

log = logging.getLogger(__name__)

LOOK_BACK: Final = 20_000  # cuts of one ledger partition; a partition whose last cut is further back starts a new chain
FETCH_MS: Final = 500


class LastCut(NamedTuple):
    """What a run's first cut names as the one before it, and the position its partition was reconciled through."""

    digest: str | None
    reconciled: int


class Claim(NamedTuple):
    """All messages before this offset were reconciled through this position, says whoever judged them."""

    next_offset: int
    reconciled: int


NO_CUT: Final = LastCut(None, 0)
NO_CLAIM: Final = Claim(0, 0)


class Committed(NamedTuple):
    """The committed offset of a partition, and the position that the note beside it says it is reconciled through."""

    offset: int
    reconciled: int


NOTHING_COMMITTED: Final = Committed(0, 0)


class LastCuts:
    """Reads the ledger once, and then only what is new: partitions change hands often while workers come and go."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._settings = settings
        self._newest: dict[Partition, str] = {}  # digests
        self._claims: dict[Partition, Claim] = {}
        self._telemetry = telemetry
        self._read_to: dict[TopicPartition, int] = {}

    async def look(self) -> dict[Partition, LastCut]:
        """The newest cut of each partition that has one within the last LOOK_BACK of its ledger partition.

        A partition without new messages has no new cut: its note may have been reconciled further. Waits for a broker
        that is away: partitions often change hands because it was.
        """
        await answered(self._read)
        committed = await answered(self._committed)
        return {
            partition: LastCut(
                self._newest.get(partition),
                believed(self._claims.get(partition, NO_CLAIM), committed.get(partition, NOTHING_COMMITTED)),
            )
            for partition in {*self._newest, *committed}
        }

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(**at(self._settings), enable_auto_commit=False, fetch_max_wait_ms=LINGER_MS)
        try:
            await consumer.start()
            await self._read_on(consumer)
        finally:
            await closed(consumer)

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        topic = self._settings.topics.ledger
        partitions = [TopicPartition(topic, p) for p in sorted(await consumer._client._wait_on_metadata(topic))]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        for tp in partitions:
            consumer.seek(tp, max(starts[tp], ends[tp] - LOOK_BACK, self._read_to.get(tp, 0)))
        waiting = {tp for tp, end in ends.items() if end and await consumer.position(tp) < end}
        while waiting:
            fetched = await consumer.getmany(*waiting, timeout_ms=FETCH_MS)
            for tp, messages in fetched.items():
                self._hear(messages)
                if messages[-1].offset + 1 >= ends[tp]:
                    waiting.discard(tp)
        self._read_to = ends

    def _hear(self, messages: Sequence[ConsumerRecord]) -> None:
        """The newest cut of each partition, and the newest that claims something, of messages in order.

        Only our own workers write here: one message of somebody else's must not stop every worker for ever, nor hide
        the cut before it. A cut has up to 60 KB and is read in milliseconds, so no more of them are than must be.
        """
        seen, claimed = set[bytes | None](), set[bytes | None]()
        for message in reversed(messages):
            if message.key in claimed:
                continue
            try:
                cut = read_cut(message.key, message.value)
            except ValueError as error:
                place = message.topic, message.partition, message.offset
                log.error("%s/%d/%d is not ours; passed over (%s)", *place, fault(error))  # its text might name people
                self._telemetry.count("needtoknow_dead_letters_total", stage="broadcast", reason="unreadable")
                continue
            if message.key not in seen:
                self._newest[cut.partition] = cut_digest(message.value)
                seen.add(message.key)
            if (claim := claim_of(cut)) is not None:
                self._claims[cut.partition] = max(claim, self._claims.get(cut.partition, NO_CLAIM))
                claimed.add(message.key)

    async def _committed(self) -> dict[Partition, Committed]:
        client = AIOKafkaAdminClient(**at(self._settings))
        try:
            await client.start()
            group = await client.list_consumer_group_offsets(self._settings.group)
        finally:
            await client.close()
        return committed_in(group)


def claim_of(cut: ToldCut) -> Claim | None:
    """What a cut says of all before it; nothing if it settles: its writer may have read further, or not as far."""
    return Claim(cut.next_offset, cut.reconciled) if cut.first_offset < cut.next_offset else None


def believed(claim: Claim, committed: Committed) -> int:
    """The position through which a partition was reconciled by whoever held it before.

    A worker that was taken for dead may go on cutting for a while: it knows nothing of what its heir has judged behind
    it. So a cut counts only if it reaches what has been committed, and only whoever holds a partition can commit.
    """
    cut = claim.reconciled if claim.next_offset >= committed.offset else 0
    return max(cut, committed.reconciled)


def notes_of(group: Mapping[TopicPartition, Any]) -> dict[Partition, Note]:
    """The notes beside a group's committed offsets."""
    notes: dict[Partition, Note] = {}
    for tp, found in group.items():
        try:
            notes[Partition(tp.topic, tp.partition)] = decode(Note, getattr(found, "metadata", "").encode())
        except RejectedInputError:
            continue  # at work, or written by another version: the offset alone counts
    return notes


def committed_in(group: Mapping[TopicPartition, Any]) -> dict[Partition, Committed]:
    """A group's committed offsets, and how far the notes beside them say that all is reconciled."""
    notes = notes_of(group)
    return {
        partition: Committed(one.offset, notes[partition].reconciled if partition in notes else 0)
        for tp, one in group.items()
        for partition in [Partition(tp.topic, tp.partition)]
    }
