"""The judge's shell: brings batches and changes of knowledge to the pure judge, and carries what it says to Kafka."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import mode

from schemas.codec import encode
from schemas.ledger import AtWork, Note
from schemas.registry import written_times
from schemas.settings import Settings
from schemas.topics import CONSOLE
from streams.broadcast import Broadcast
from streams.frontier import Batch
from streams.join.open import OpenAccesses, Partition
from streams.join.touched import Query
from streams.policy.judged import JudgedBatch
from streams.policy.judging import Judging
from streams.store import Store
from streams.telemetry import Telemetry
from streams.times import refuse_other_times
from streams.touching import Touching
from streams.turns import Pieces

from .careful import Careful, Tries
from .corrections import Corrections
from .counting import count_batch, told
from .cuts import cut_of
from .holding import Holding
from .lane import Job
from .outgoing import aside_letter, outputs_of
from .settling import Settling
from .take_over import TakeOver

log = logging.getLogger(__name__)


class Judge(mode.Service):
    """Judges the partitions held. All state here is of this worker's hold on them and is forgotten when it ends."""

    def __init__(
        self,
        settings: Settings,
        *,
        run_id: str,
        judging: Judging,
        broadcast: Broadcast,
        touching: Touching,
        store: Store,
        telemetry: Telemetry,
        crash: Callable[[BaseException], None],
        careful: Careful,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._topics = settings.topics
        self._store = store
        self.touching = touching
        self._sources = settings.topics.accesses()
        self.judging = judging
        self._telemetry = telemetry
        self._careful = careful
        self.open = OpenAccesses(judging.policy.grace_ms)
        self._holding = Holding(
            settings, run_id=run_id, broadcast=broadcast, store=store, telemetry=telemetry, crash=crash
        )
        self._has_room = asyncio.Event()
        self._pieces = Pieces()
        self.settling = Settling(
            judging=judging,
            open_accesses=self.open,
            holding=self._holding,
            telemetry=telemetry,
            topics=settings.topics,
            reconciled_to=self._reconciled_to,
            blame=self._blame,
            doubt=lambda *messages: self.corrections.doubt(*messages),  # noqa: PLW0108 - made below
            on_room=self._has_room.set,
        )
        self.corrections = Corrections(
            settings,
            judging=judging,
            telemetry=telemetry,
            is_open=self.open.holds,
            settle=self.settling.settle,
            ready=self._calm,
            reach_back=lambda *change: self.take_over.reach_back(*change),  # noqa: PLW0108 - made below
            blame=self._blame,
        )
        self.take_over = TakeOver(
            settings,
            judging=judging,
            corrections=self.corrections,
            reconciled=self._holding.reconciled_before,
            blame=self._blame,
        )

    def parts(self) -> tuple[mode.Service, ...]:
        """What judges again; it runs beside."""
        return self.settling, self.corrections, self.take_over

    # what the transport asks

    def hold(self, tp: Any) -> int | None:
        """The oldest open access of the partition: the committed offset must not pass it."""
        return self.open.oldest_offset(Partition(tp.topic, tp.partition))

    def lose(self, tp: Any) -> None:
        """The partition is no longer held."""
        partition = Partition(tp.topic, tp.partition)
        unsettled = self.open.drop(partition) | self.judging.published.forget_flight(partition)
        self.corrections.lose(partition, unsettled)
        self._has_room.set()
        self._holding.lose(partition)

    def note(self, tp: Any, finished: int, *, is_open: bool) -> str:
        """What the next worker must know, and to what knowledge this partition has been judged (for `status`)."""
        partition = Partition(tp.topic, tp.partition)
        hold = self._careful.hold(partition, is_open=is_open)
        if (times := written_times(self._topics.sources, self._sources[partition.topic])) is not None:
            hold = hold.model_copy(update={"times": times})
        if self._is_behind(partition) or not self._holding.is_stored(partition):
            return encode(AtWork(hold=hold)).decode()
        kept, pending = self.open.counts(partition)
        low = self.judging.completeness.low_of(self._sources[partition.topic] == CONSOLE)
        return encode(
            Note(
                judged=finished,
                position=self.judging.knowledge.position,
                reconciled=self._reconciled_to(partition),
                low=low.marked,
                low_waived=low.waived,
                open=kept,
                pending=pending,
                hold=hold,
            )
        ).decode()

    def refused(self) -> int:
        """Of how many partitions nothing more is judged until somebody mends it."""
        return len(self._careful.refused())

    def doubtful(self) -> dict[Partition, set[int]]:
        """The messages of which it is not settled and stored what is true, by partition."""
        judged = {partition: set(offsets) for partition, offsets in self.corrections.doubtful().items()}
        for partition in self.corrections.held():
            unsettled = self.open.offsets(partition) | self.judging.published.in_flight(partition)
            judged[partition] = judged.get(partition, set()) | unsettled
        return judged

    def seek(self, positions: Mapping[Any, int], notes: Mapping[Any, str], ends: Mapping[Any, int]) -> None:
        """These partitions are held, and read from these offsets on; whatever was held before has been forgotten.

        Raises ChangedTimesError where a partition was judged by other times than the registry of this worker says.
        """
        refuse_other_times(self._topics, notes)
        self._careful.begin(notes, positions, ends)
        self.judging.aside = self._careful.aside()
        for partition in {*self._holding.partitions(), *self.corrections.held()}:
            self.lose(partition)
        behind = {Partition(tp.topic, tp.partition): offset for tp, offset in positions.items()}
        self.corrections.begin(behind)
        self.take_over.begin(behind)

    def _is_behind(self, partition: Partition) -> bool:
        """Whether what is known has not yet been brought to every access of the partition."""
        is_done = self.corrections.is_done() and self.take_over.is_done(partition)
        return not (self.touching.is_done() and is_done and self.settling.is_done())

    def _reconciled_to(self, partition: Partition) -> int:
        """The position through which everything due has been said, once all that is on its way is stored.

        Not while an access that was judged before is open again: the committed offset leads nobody back to it.
        """
        if not (self._is_behind(partition) or self.open.has_reopened(partition)):
            self._holding.reconciled(partition, self.judging.knowledge.position)
        return self._holding.reconciled_to(partition)

    async def drain(self) -> None:
        """Return once everything judged has been stored."""
        await self._holding.drain()

    # new messages

    async def take(self, batch: Batch) -> None:
        """Judge one batch of one partition."""
        if not batch.is_abandoned:
            await self._holding.ready()
        await self._wait_for_room(batch)
        care = self._careful
        if not await care.has_begun(batch):
            return
        partition = Partition(batch.topic, batch.partition)
        if partition in care.refused():
            batch.messages = ()
            return  # it stays unfinished, so that nothing behind it is committed, and the partition is paused when full
        parts = care.parts(partition, batch.messages)
        batch.messages = ()  # what is still needed of them is in what was judged
        for number, part in enumerate(parts, 1):
            if not await care.attempt(batch, part):
                return
            try:
                with self._pieces.piece():
                    self._take(partition, part, batch if number == len(parts) else None)
            except Exception as error:
                self._blame(partition, error, ((m.offset, partial(self._try, partition, m)) for m in part))
                return
            await care.survived(batch, part[-1].offset + 1, self._holding.lane(partition).wait_idle)
        await self._pieces.give_way()

    def _blame(self, partition: Partition, error: Exception, tries: Tries) -> None:
        self._careful.blame(partition, error, tries, partial(self._tell_aside, partition))
        self.judging.aside = self._careful.aside()  # at once: others find it by what was indexed

    async def _tell_aside(self, partition: Partition, offset: int) -> None:
        """The letter of a message that was judged before. All others are read again, and get theirs with their cut."""
        judged_to = self.corrections.judged_to(partition) or 0
        if offset >= judged_to or self.open.keeps(partition, offset):
            return
        if (message := await self.corrections.message(partition, offset)) is not None:
            letter, reason = aside_letter(self._topics, partition, message)
            await self._store.put([letter])
            self._telemetry.count("needtoknow_dead_letters_total", stage="quarantine", reason=reason)

    def _try(self, partition: Partition, message: Any) -> None:
        outputs_of(self._topics, self.judging.batch(partition, self._sources[partition.topic], [message]))

    def _take(self, partition: Partition, messages: Sequence[Any], finishes: Batch | None) -> None:
        """Judge some messages; once all they gave is stored this batch is finished."""
        began = time.perf_counter()
        source = self._sources[partition.topic]
        judged = self.judging.batch(partition, source, messages, self.corrections.judged_to(partition))
        outputs = outputs_of(self._topics, judged)
        self.corrections.judged(partition, judged.next_offset)
        for entry in judged.opened:
            self.open.keep(entry)
        lane = self._holding.lane(partition)
        cut = cut_of(
            judged,
            reconciled=self._reconciled_to(partition),
            source=source,
            policy_hash=self.judging.policy_hash,
            run=self._holding.run,
        )
        lane.put(Job(outputs, cut, lambda: self._finished(finishes, judged)))
        count_batch(self._telemetry, judged, source, time.perf_counter() - began)

    def is_waiting(self) -> bool:
        """Whether it holds all the open accesses that it may, and reads no more until feeds have spoken."""
        return len(self.open) >= self._settings.pending_max

    async def _wait_for_room(self, batch: Batch) -> None:
        """What waits for a silent feed is kept in memory: beyond `pending_max` the rest waits in Kafka."""
        if self.is_waiting():
            log.warning("%d accesses wait for feeds: reading no more until they speak", len(self.open))
        while self.is_waiting() and not batch.is_abandoned:
            self._has_room.clear()
            await self._has_room.wait()

    async def _calm(self) -> None:
        """Ready, and nobody could be blamed for what looking back does."""
        await self._holding.ready()
        await self._careful.calm()

    def _finished(self, batch: Batch | None, judged: JudgedBatch) -> None:
        if batch is not None:
            batch.finish()
        now = time.time() * 1000
        for finding in judged.findings:
            told(self._telemetry, finding, now - judged.appended[finding.finding_id])
        self._telemetry.count("needtoknow_ledger_cuts_total", kind="batch")

    # changed knowledge

    def change(self, queries: list[Query], strangers: list[tuple[Partition, int]]) -> None:
        """Facts, marks or findings have moved."""
        self.settling.change(queries, strangers)
        self.corrections.change(queries, strangers)
