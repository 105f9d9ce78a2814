"""The thread in which aiokafka runs: what is committed and what is fetched there (see transport.py)."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any, cast

from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP

from .bulk import Allowance, fetched_in_bulk
from .connect import GATHER_MS, GATHERED, closed, connected
from .records import limits


class Active:
    """The partitions that may deliver, as they are at each look: the other thread pauses and resumes meanwhile.

    Never empty to whoever asks whether it is: aiokafka takes an empty set for all partitions there are.
    """

    def __init__(self, tps: Container[TP]) -> None:
        self._tps = tps

    def __bool__(self) -> bool:
        return True

    def __contains__(self, tp: TP) -> bool:
        return tp in self._tps


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Commits offsets with a note each; a broker that is away is no reason to die."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._allowance = Allowance(limits.unpacked)

    async def on_start(self) -> None:
        """As upstream; a broker that went away since the first look is waited for as it was there."""
        await connected(self.consumer.app.our_settings, self._connect)

    async def _connect(self) -> None:
        try:
            await super().on_start()
        except BaseException:
            await closed(self._ensure_consumer())
            raise

    async def on_thread_stop(self) -> None:
        """As upstream, which waits for ever for a consumer that does not close."""
        await super(driver.AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await closed(self._consumer)

    def _create_worker_consumer(self, transport: Any) -> Any:
        """As upstream, which has no setting for these two."""
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_min_bytes, consumer._fetch_max_wait_ms = GATHERED, GATHER_MS
        return consumer

    async def _commit(self, offsets: Any) -> bool:
        held = self.assignment()
        notes = self.consumer.notes
        due = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, notes.get(tp, ""))
            for tp, offset in offsets.items()
            if tp in held
        }
        try:
            await self._ensure_consumer().commit(due)
        except KafkaError as error:
            # The broker is away or the partitions have moved: nothing is lost, whoever holds them reads them again.
            self.log.warning("offsets are not committed yet: %s", type(error).__name__)
            notes.clear()
            return False
        return True

    async def committed_notes(self, tps: Iterable[TP]) -> dict[TP, str]:
        """What stands beside the committed offset of each of these partitions; nothing of those without one."""
        return cast(dict[TP, str], await self.call_thread(self._committed_notes, list(tps)))

    async def _committed_notes(self, tps: list[TP]) -> dict[TP, str]:
        asked = {TopicPartition(tp.topic, tp.partition): tp for tp in tps}
        found = await self._ensure_consumer()._coordinator.fetch_committed_offsets(list(asked))
        return {asked[partition]: known.metadata for partition, known in found.items() if known.offset >= 0}

    async def positions(self) -> dict[TP, int]:
        """Up to which offset each partition held has been fetched."""
        return cast(dict[TP, int], await self.call_thread(self._positions))

    async def _positions(self) -> dict[TP, int]:
        held = self._ensure_consumer()._subscription.subscription
        if held is None or held.assignment is None:
            return {}
        states = {tp: held.assignment.state_value(tp) for tp in held.assignment.tps}
        return {TP(*tp): s.position for tp, s in states.items() if s is not None and s.has_valid_position}

    async def _fetch_records(self, consumer: Any, active_partitions: Any, *args: Any, **kwargs: Any) -> Any:
        """Of urgent partitions what there is, else whatever there is, waiting a moment for it.

        aiokafka hands out all that it has fetched of one partition before it looks at the next: behind a few busy
        partitions a mark waited 8 s. Both looks are one call, since each answer waits for a judge that is busy.
        """
        fetched_in_bulk(consumer, self._allowance, limits.unpacked)
        active = set(active_partitions or ())  # in one step: the other thread pauses and resumes meanwhile
        if urgent := {tp for tp in active if self.consumer.hooks.is_urgent(tp)}:
            found = await super()._fetch_records(consumer, urgent, **{**kwargs, "timeout": 0})
            if found:
                return found
        return await super()._fetch_records(consumer, Active(active_partitions), *args, **kwargs)
