"""Messages of access topics once more, beside the consumer group: those at given offsets, or a range from its start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError
from aiokafka.structs import ConsumerRecord

from schemas.settings import Settings
from streams.join.open import Partition

from .batch_heads import head_at
from .connect import answered, at, closed, connected, started

log = logging.getLogger(__name__)

FETCH_MS: Final = 500
LINGER_MS: Final = 20  # all that is asked for is there already; whoever asks next would wait behind a longer poll
RANGE_MAX: Final = 1_000  # messages handed out at a time: a few milliseconds of judging
RANGE_BYTES: Final = 1_048_576  # of one fetch of a range
PLACE_BYTES: Final = 65_536  # of one fetch for single messages: some 250 of them, and the largest that there is
CLOCKS_MS: Final = 60_000  # by which the clocks of two brokers differ at the most: so far may append times go back
QUIET_MAX: Final = 60  # fetches without an answer before it is said


class Some(NamedTuple):
    """Some messages of a range: all there are in [first, next_offset), perhaps none."""

    first: int
    next_offset: int
    messages: list[ConsumerRecord]


class AccessLog:
    """One connection, one partition at a time. It commits nothing and belongs to no group."""

    def __init__(self, settings: Settings, fetch_bytes: int) -> None:
        self._settings = settings
        self._fetch_bytes = fetch_bytes
        self._turn = asyncio.Lock()
        self._connection: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect."""
        self._connection = await connected(self._settings, self._connect)

    async def _connect(self) -> AIOKafkaConsumer:
        return await started(
            AIOKafkaConsumer(
                **at(self._settings),
                enable_auto_commit=False,
                auto_offset_reset="earliest",  # what is past its retention is passed over
                fetch_max_wait_ms=LINGER_MS,
                max_partition_fetch_bytes=self._fetch_bytes,
            )
        )

    async def stop(self) -> None:
        """Close. Whoever goes on asking gets ConsumerStoppedError: a closed client would let them wait for ever."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await closed(connection)

    @property
    def _consumer(self) -> AIOKafkaConsumer:
        if self._connection is None:
            raise ConsumerStoppedError
        return self._connection

    async def first_since(self, partition: Partition, instant: int, end: int) -> int:
        """An offset in [beginning, end] in front of which nothing was appended at this instant (UTC ms) or later.

        At most a minute in front of the first that was. One question where all is younger, and some thirty at the most.
        """
        tp = TopicPartition(*partition)
        return await answered(lambda: self._halve(tp, instant - CLOCKS_MS, end))

    async def _halve(self, tp: TopicPartition, instant: int, end: int) -> int:
        low, high = await self._bounds(tp)
        place, high = low, min(end, high)
        while low < high:
            head = await head_at(self._consumer._client, tp, place)
            if head.appended_at < instant:
                low = head.following
            else:
                high = min(place, head.first)
            place = (low + high) // 2
        return min(low, end)

    async def beginning(self, partition: Partition) -> int:
        """The first offset that is still there."""
        return (await self._bounds(TopicPartition(*partition)))[0]

    async def _bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """The first offset that is there, and the first that is not there yet. Waits for a broker that is away."""
        begins = await answered(lambda: self._consumer.beginning_offsets([tp]))
        ends = await answered(lambda: self._consumer.end_offsets([tp]))
        return int(begins[tp]), int(ends[tp])

    async def read(self, partition: Partition, first: int, end: int) -> AsyncIterator[Some]:
        """The messages in [first, end), some at a time, without a hole; waits for the broker for as long as it takes.

        One reader at a time.
        """
        tp, quiet = self._seek(partition, first), 0
        while first < end:
            fetched = (await self._consumer.getmany(tp, timeout_ms=FETCH_MS, max_records=RANGE_MAX)).get(tp, [])
            quiet = self._listen(partition, fetched, quiet)
            following = min(end, await self._consumer.position(tp))  # behind the last message there may lie a marker
            if following > first:
                yield Some(first, following, [m for m in fetched if m.offset < end])
                first = following
        self._rest()

    async def pick(self, partition: Partition, offsets: Sequence[int]) -> dict[int, ConsumerRecord]:
        """The messages at these offsets; those that the log does not have, or has no longer, are not among them."""
        wanted, found, quiet = sorted(set(offsets)), dict[int, ConsumerRecord](), 0
        async with self._turn:
            while wanted:
                tp = self._seek(partition, wanted[0])
                fetched = (await self._consumer.getmany(tp, timeout_ms=FETCH_MS)).get(tp, [])
                quiet = self._listen(partition, fetched, quiet)
                known, before = set(wanted), len(wanted)
                found.update((m.offset, m) for m in fetched if m.offset in known)
                if fetched:
                    wanted = [offset for offset in wanted if offset > fetched[-1].offset]
                if len(wanted) == before:  # of what the log has let go of nothing will ever come
                    begin, end = await self._bounds(tp)
                    wanted = [offset for offset in wanted if begin <= offset < end]
            self._rest()
        return found

    def _rest(self) -> None:
        """Whatever is assigned is polled for what is new, which nobody here wants."""
        self._consumer.pause(*self._consumer.assignment())

    def _seek(self, partition: Partition, offset: int) -> TopicPartition:
        tp = TopicPartition(*partition)
        if self._consumer.assignment() != {tp}:
            self._consumer.assign([tp])
        self._consumer.resume(tp)
        self._consumer.seek(tp, offset)
        return tp

    def _listen(self, partition: Partition, fetched: Sequence[object], quiet: int) -> int:
        if fetched:
            return 0
        if quiet % QUIET_MAX == QUIET_MAX - 1:
            log.warning("%s/%d: waiting for what was judged before", *partition)
        return quiet + 1
