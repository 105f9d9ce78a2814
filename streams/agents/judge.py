"""The judge's shell: brings batches and changes of knowledge to the pure judge, and carries what it says to Kafka."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import mode

from schemas.codec import encode
from schemas.ledger import AtWork, Note
from schemas.settings import Settings
from streams.broadcast import Broadcast
from streams.frontier import Batch
from streams.join.open import OpenAccess, OpenAccesses, Partition
from streams.join.touched import Query
from streams.policy.judged import JudgedAgain, JudgedBatch
from streams.policy.judging import Judging
from streams.store import Store
from streams.telemetry import Telemetry
from streams.turns import others_first, slices

from .careful import Careful
from .corrections import Corrections
from .counting import count_batch, told
from .cuts import cut_of, settlement_cut
from .lane import Job, Lane
from .last_cuts import NO_CUT, LastCut, LastCuts
from .outgoing import finding_message, outputs_of
from .take_over import TakeOver

log = logging.getLogger(__name__)

SETTLE_MAX: Final = 50  # open accesses judged again before others get the loop: about 10 ms
ASKED_MAX: Final = 500  # queries that open accesses are found by before others get the loop


class Judge(mode.Service):
    """Judges the partitions held. All state here is of this worker's hold on them and is forgotten when it ends."""

    def __init__(
        self,
        settings: Settings,
        *,
        run_id: str,
        judging: Judging,
        broadcast: Broadcast,
        store: Store,
        telemetry: Telemetry,
        crash: Callable[[BaseException], None],
        careful: Careful,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._topics = settings.topics
        self._sources = settings.topics.accesses()
        self._run_id = run_id
        self.judging = judging
        self._broadcast = broadcast
        self._store = store
        self._telemetry = telemetry
        self._crash = crash
        self._careful = careful
        self.open = OpenAccesses(judging.policy.grace_ms)
        self._lanes: dict[Partition, Lane] = {}
        self._ledger = LastCuts(settings)
        self._last_cuts: dict[Partition, LastCut] = {}
        self._reconciled: dict[Partition, int] = {}  # the position through which it was, since it was held
        self._holding = 0  # counts how often partitions were lost; what was begun under an older hold is dropped
        self._adopted = -1
        self._queries: list[Query] = []
        self._strangers: list[tuple[Partition, int]] = []
        self._changed = asyncio.Event()
        self._is_settling = False
        self._has_room = asyncio.Event()
        self.corrections = Corrections(
            settings,
            judging=judging,
            telemetry=telemetry,
            is_open=self.open.holds,
            settle=self._settle_partition,
            ready=self._calm,
            reach_back=lambda *change: self.take_over.reach_back(*change),  # noqa: PLW0108 - made below
        )
        self.take_over = TakeOver(
            settings,
            judging=judging,
            corrections=self.corrections,
            reconciled=self._reconciled_before,
        )

    # what the transport asks

    def hold(self, tp: Any) -> int | None:
        """The oldest open access of the partition: the committed offset must not pass it."""
        return self.open.oldest_offset(Partition(tp.topic, tp.partition))

    def lose(self, tp: Any) -> None:
        """The partition is no longer held."""
        partition = Partition(tp.topic, tp.partition)
        self._holding += 1
        self._reconciled.pop(partition, None)
        unsettled = self.open.drop(partition) | self.judging.published.forget_flight(partition)
        self.corrections.lose(partition, unsettled)
        self._has_room.set()
        if (lane := self._lanes.pop(partition, None)) is not None:
            lane.drop()

    def note(self, tp: Any, finished: int, *, is_open: bool) -> str:
        """What the next worker must know, and to what knowledge this partition has been judged (for `status`)."""
        partition = Partition(tp.topic, tp.partition)
        lane, hold = self._lanes.get(partition), self._careful.hold(partition, is_open=is_open)
        if self._is_behind(partition) or (lane is not None and not lane.is_idle):
            return encode(AtWork(hold=hold)).decode()
        kept, pending = self.open.counts(partition)
        completeness = self.judging.completeness
        return encode(
            Note(
                judged=finished,
                position=self.judging.knowledge.position,
                reconciled=self._reconciled_to(partition),
                low=completeness.low,
                low_waived=completeness.low_waived,
                open=kept,
                pending=pending,
                hold=hold,
            )
        ).decode()

    def doubtful(self) -> dict[Partition, set[int]]:
        """The messages of which it is not settled and stored what is true, by partition."""
        judged = {partition: set(offsets) for partition, offsets in self.corrections.doubtful().items()}
        for partition in self.corrections.held():
            unsettled = self.open.offsets(partition) | self.judging.published.in_flight(partition)
            judged[partition] = judged.get(partition, set()) | unsettled
        return judged

    def seek(self, positions: Mapping[Any, int], notes: Mapping[Any, str], ends: Mapping[Any, int]) -> None:
        """These partitions are held, and read from these offsets on; whatever was held before has been forgotten."""
        self._careful.begin(notes, positions, ends)
        self.judging.aside = self._careful.aside()
        for partition in {*self._lanes, *self.corrections.held()}:
            self.lose(partition)
        behind = {Partition(tp.topic, tp.partition): offset for tp, offset in positions.items()}
        self.corrections.begin(behind)
        self.take_over.begin(behind)

    def _is_behind(self, partition: Partition) -> bool:
        """Whether what is known has not yet been brought to every access of the partition."""
        is_done = self.corrections.is_done() and self.take_over.is_done(partition)
        return self._is_settling or self._changed.is_set() or not is_done

    def _reconciled_to(self, partition: Partition) -> int:
        """The position through which everything due has been said, once all that is on its way is stored.

        Not while an access that was judged before is open again: the committed offset leads nobody back to it.
        """
        if not (self._is_behind(partition) or self.open.has_reopened(partition)):
            self._reconciled[partition] = self.judging.knowledge.position
        return self._reconciled.get(partition, self._last_cuts.get(partition, NO_CUT).reconciled)

    async def _reconciled_before(self, partition: Partition) -> int:
        await self._ready()
        return self._last_cuts.get(partition, NO_CUT).reconciled

    async def drain(self) -> None:
        """Return once everything judged has been stored."""
        for lane in list(self._lanes.values()):
            await lane.wait_idle()

    # new messages

    async def take(self, batch: Batch) -> None:
        """Judge one batch of one partition."""
        if not batch.is_abandoned:
            await self._ready()
        await self._wait_for_room(batch)
        care = self._careful
        if not await care.has_begun(batch):
            return
        partition = Partition(batch.topic, batch.partition)
        parts = care.parts(partition, batch.messages)
        batch.messages = ()  # what is still needed of them is in what was judged
        for number, part in enumerate(parts, 1):
            if not await care.attempt(batch, part):
                return
            try:
                self._take(partition, part, batch if number == len(parts) else None)
            except Exception as error:
                self._blame(partition, error, ((m.offset, partial(self._try, partition, m)) for m in part))
                return
            await care.survived(batch, part[-1].offset + 1, self._lane(partition).wait_idle)
        await others_first()

    def _blame(self, partition: Partition, error: Exception, tries: Iterable[tuple[int, Callable[[], object]]]) -> None:
        self._careful.blame(partition, error, tries)
        self.judging.aside = self._careful.aside()  # at once: others find it by what was indexed

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
        lane = self._lane(partition)
        cut = cut_of(
            judged,
            reconciled=self._reconciled_to(partition),
            source=source,
            policy_hash=self.judging.policy_hash,
            run=self._run,
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

    async def _ready(self) -> None:
        if self._adopted != self._holding:
            await self._adopt()

    async def _calm(self) -> None:
        """Ready, and nobody could be blamed for what looking back does."""
        await self._ready()
        await self._careful.calm()

    async def _adopt(self) -> None:
        """New partitions: first know all that whoever held them before has said."""
        holding = self._holding
        await self._broadcast.catch_up()
        last = await self._ledger.look()
        if holding == self._holding:
            self._last_cuts, self._adopted = last, holding

    @property
    def _run(self) -> str:
        """A run of the ledger is one hold: its first cut names the last one read, which another worker may have cut."""
        return f"{self._run_id}-{self._adopted}"

    def _lane(self, partition: Partition) -> Lane:
        lane = self._lanes.get(partition)
        if lane is None:
            last = self._last_cuts.get(partition, NO_CUT)
            self._reconciled.setdefault(partition, last.reconciled)
            lane = self._lanes[partition] = Lane(self._store, self._topics, last.digest, self._crash)
        return lane

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
        self._queries += queries
        self._strangers += strangers
        self._changed.set()
        self.corrections.change(queries, strangers)

    @mode.Service.task
    async def _settle(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._changed.wait(), self._stopped.wait())
            self._is_settling = True
            self._changed.clear()
            await self._settle_all()
            self._is_settling = False

    async def _settle_all(self) -> None:
        queries, self._queries = self._queries, []
        strangers, self._strangers = self._strangers, []
        completeness = self.judging.completeness
        due = self.open.due(completeness.low, completeness.low_waived)
        due |= self.open.at(strangers)
        for asked in slices(queries, ASKED_MAX):
            due |= self.open.touched(asked)
            await others_first()
        ordered = sorted(due, key=lambda e: (e.partition, e.offset, e.index))
        for some in slices(ordered, SETTLE_MAX):
            self._settle_some(some)
            await others_first()

    def _settle_some(self, entries: Iterable[OpenAccess]) -> None:
        by_partition: defaultdict[Partition, list[OpenAccess]] = defaultdict(list)
        for entry in entries:
            if not entry.is_closed and entry.partition in self._lanes:
                by_partition[entry.partition].append(entry)
        for partition, some in by_partition.items():
            self._settle_partition(partition, some)

    def _settle_partition(self, partition: Partition, entries: list[OpenAccess]) -> None:
        if not entries:
            return
        try:
            again = self.judging.again(entries)
        except Exception as error:
            self._blame(partition, error, ((e.offset, partial(self.judging.again, [e])) for e in entries))
            return
        for entry in again.kept:
            self.open.keep(entry)
        for entry in again.closed:
            self.open.close(entry)
            self._has_room.set()
        for entry, outcome in again.waited:
            self._telemetry.count("needtoknow_settled_total", source=entry.access.source, outcome=outcome)
        if not (again.findings or again.closed):
            return
        lane, cut = self._lane(partition), None
        if again.explained:
            cut = settlement_cut(
                partition,
                again.explained,
                position=self.judging.knowledge.position,
                reconciled=self._reconciled_to(partition),
                marks=self.judging.completeness.marks(),
                policy_hash=self.judging.policy_hash,
                run=self._run,
            )
        outputs = [finding_message(self._topics, finding) for finding, _ in again.findings]
        lane.put(Job(outputs, cut, lambda: self._settled(again, cut is not None)))

    def _settled(self, again: JudgedAgain, is_cut: bool) -> None:
        for entry in again.closed:
            self.open.release(entry)
        now = time.time() * 1000
        for finding, entry in again.findings:
            told(self._telemetry, finding, now - entry.appended_at)
        if is_cut:
            self._telemetry.count("needtoknow_ledger_cuts_total", kind="settlement")
