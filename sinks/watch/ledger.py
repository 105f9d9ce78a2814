"""Reads `ledger.v1` into what is known of the sources: each cut once a run, from where the copy on disk ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.codec import decode
from schemas.errors import RejectedInputError
from schemas.ledger import Cut
from sinks import kafka
from sinks.kafka import Broker

from .keeping import Copy, Reached
from .state import State

log: Final = logging.getLogger(__name__)

FETCH_MS: Final = 200
PIECE: Final = 200  # cuts at once: 40 ms, for which whoever asks waits
STEP_SECONDS: Final = 45.0  # a request takes 40 at the most
CHECK_SECONDS: Final = 5.0  # for the message at which the copy ends


class LedgerReader:
    """Knows how far the ledger was read. `read_until`: all cuts that were stored by then are taken (UTC ms)."""

    def __init__(self, state: State, broker: Broker, topic: str, copy: Copy) -> None:
        self._state, self._broker, self._topic, self._copy = state, broker, topic, copy
        self.reached: dict[int, Reached] = {}
        self.read_until = 0
        self.stepped_at = 0.0  # by the monotonic clock: when it last got something done
        self.unreadable = 0

    async def read(self, consumer: AIOKafkaConsumer) -> None:
        """Reads for ever. Raises NotReadyError and KafkaError when the broker is not there; begin anew then."""
        counts = await kafka.partitions(self._broker, [self._topic])
        held = [TopicPartition(self._topic, number) for number in range(counts[self._topic])]
        consumer.assign(held)
        if not self.reached:
            await self._restore(consumer, held)
        for place, first in (await consumer.beginning_offsets(held)).items():
            reached = self.reached.get(place.partition)
            consumer.seek(place, first if reached is None else max(first, reached.offset + 1))
        while True:
            async with asyncio.timeout(STEP_SECONDS):  # aiokafka waits for a lost broker without a word
                await self._step(consumer, held)

    async def _step(self, consumer: AIOKafkaConsumer, held: list[TopicPartition]) -> None:
        began = int(time.time() * 1000)
        ends = await consumer.end_offsets(held)
        fetched = await consumer.getmany(timeout_ms=FETCH_MS, max_records=PIECE)
        for place, records in fetched.items():
            for record in records:
                self._take(place, record)
            self.reached[place.partition] = Reached(records[-1].offset, records[-1].timestamp)
        if all([await consumer.position(place) >= ends[place] for place in held]):
            self.read_until = began
        if fetched or self.read_until == began:  # a client may answer questions and yet fetch nothing any more
            self.stepped_at = time.monotonic()
        await asyncio.sleep(0)

    def _take(self, place: TopicPartition, record: Any) -> None:
        try:
            cut = decode(Cut, record.value)
        except RejectedInputError as error:  # only judges write there: `verify` tells of it, too
            self.unreadable += 1
            log.error("%s/%d/%d is no cut: %s", place.topic, place.partition, record.offset, error)
            return
        self._state.take(cut, record.timestamp)

    async def _restore(self, consumer: AIOKafkaConsumer, held: list[TopicPartition]) -> None:
        """What the copy knows, if it ends at messages that this ledger has."""
        found = await asyncio.to_thread(self._copy.read)
        if found is None:
            return
        if not await self._is_of_this_ledger(consumer, held, found.reached):
            log.warning("the copy is of another ledger; all of this one is read")
            return
        if self._copy.restore(self._state, found):
            self.reached, self.unreadable = dict(found.reached), found.unreadable
            log.info("goes on from its copy")

    async def _is_of_this_ledger(
        self, consumer: AIOKafkaConsumer, held: list[TopicPartition], reached: Mapping[int, Reached]
    ) -> bool:
        begins, ends = await consumer.beginning_offsets(held), await consumer.end_offsets(held)
        for place in held:
            known = reached.get(place.partition)
            if known is None:
                continue
            if not begins[place] <= known.offset < ends[place]:
                return False
            consumer.seek(place, known.offset)
            deadline, records = time.monotonic() + CHECK_SECONDS, list[Any]()
            while not records and time.monotonic() < deadline:
                records = (await consumer.getmany(place, timeout_ms=FETCH_MS, max_records=1)).get(place, [])
            if not records or (records[0].offset, records[0].timestamp) != known:
                return False
        return True
