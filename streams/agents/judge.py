"""The judge's shell: brings batches and changes of knowledge to the pure judge, and carries what it says to Kafka."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

import mode

from schemas.codec import encode
from schemas.finding import Finding
from schemas.ledger import CODES, Note
from schemas.settings import Settings
from streams.broadcast import Broadcast
from streams.frontier import Batch
from streams.join.knowledge import NOTHING, Touched
from streams.join.open import OpenAccess, OpenAccesses, Partition
from streams.policy.judged import JudgedAgain, JudgedBatch
from streams.policy.judging import Judging
from streams.store import Outgoing, Store
from streams.telemetry import Telemetry

from .cuts import cut_of, settlement_cut
from .lane import Job, Lane
from .last_cuts import last_cut_digests
from .outgoing import dead_letter_message, finding_message, reason_class

log = logging.getLogger(__name__)

SETTLE_MAX: Final = 500  # open accesses judged again before others get the loop: about 20 ms
TURNS: Final = 8  # of the loop for others between two batches: storing takes so many, and would take as many batches
NAMES: Final = {letter: name for name, letter in CODES.items()}


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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._topics = settings.topics
        self._sources = settings.topics.accesses()
        self._run_id = run_id
        self._judging = judging
        self._broadcast = broadcast
        self._store = store
        self._telemetry = telemetry
        self._crash = crash
        self.open = OpenAccesses(judging.policy.grace_ms)
        self._lanes: dict[Partition, Lane] = {}
        self._digests: dict[Partition, str] = {}
        self._holding = 0  # counts how often partitions were lost; what was begun under an older hold is dropped
        self._adopted = -1
        self._touched = NOTHING
        self._changed = asyncio.Event()
        self._is_settling = False
        self._has_room = asyncio.Event()

    # what the transport asks

    def hold(self, tp: Any) -> int | None:
        """The oldest open access of the partition: the committed offset must not pass it."""
        return self.open.oldest_offset(Partition(tp.topic, tp.partition))

    def lose(self, tp: Any) -> None:
        """The partition is no longer held."""
        partition = Partition(tp.topic, tp.partition)
        self._holding += 1
        self.open.drop(partition)
        self._has_room.set()
        self._judging.published.forget_flight(partition)
        if (lane := self._lanes.pop(partition, None)) is not None:
            lane.drop()

    def note(self, tp: Any, finished: int) -> str:
        """To what knowledge this partition has been judged (for `status`); empty while something is under way."""
        partition = Partition(tp.topic, tp.partition)
        lane = self._lanes.get(partition)
        if self._is_settling or self._changed.is_set() or lane is None or not lane.is_idle:
            return ""
        is_open, pending = self.open.counts(partition)
        completeness = self._judging.completeness
        return encode(
            Note(
                judged=finished,
                position=self._judging.knowledge.position,
                low=completeness.low,
                low_waived=completeness.low_waived,
                open=is_open,
                pending=pending,
            )
        ).decode()

    async def drain(self) -> None:
        """Return once everything judged has been stored."""
        for lane in list(self._lanes.values()):
            await lane.wait_idle()

    # new messages

    async def take(self, batch: Batch) -> None:
        """Judge one batch of one partition."""
        if not batch.is_abandoned and self._adopted != self._holding:
            await self._adopt()
        await self._wait_for_room(batch)
        if batch.is_abandoned:
            return
        began = time.perf_counter()
        partition = Partition(batch.topic, batch.partition)
        source = self._sources[batch.topic]
        judged = self._judging.batch(partition, source, batch.messages)
        batch.messages = ()  # what is still needed of them is in what was judged
        for entry in judged.opened:
            self.open.keep(entry)
        cut = cut_of(judged, source=source, policy_hash=self._judging.policy_hash, run=self._run)
        self._lane(partition).put(Job(self._outputs(judged), cut, lambda: self._finished(batch, judged)))
        self._count(judged, source, time.perf_counter() - began)
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def _wait_for_room(self, batch: Batch) -> None:
        """What waits for a silent feed is kept in memory: beyond `pending_max` the rest waits in Kafka."""
        if len(self.open) >= self._settings.pending_max:
            log.warning("%d accesses wait for feeds: reading no more until they speak", len(self.open))
        while len(self.open) >= self._settings.pending_max and not batch.is_abandoned:
            self._has_room.clear()
            await self._has_room.wait()

    async def _adopt(self) -> None:
        """New partitions: first know all that whoever held them before has said."""
        holding = self._holding
        await self._broadcast.catch_up()
        self._digests = await last_cut_digests(self._settings)
        if holding == self._holding:
            self._adopted = holding

    @property
    def _run(self) -> str:
        """A run of the ledger is one hold: its first cut names the last one read, which another worker may have cut."""
        return f"{self._run_id}-{self._adopted}"

    def _lane(self, partition: Partition) -> Lane:
        lane = self._lanes.get(partition)
        if lane is None:
            lane = Lane(self._store, self._topics, self._digests.get(partition), self._crash)
            self._lanes[partition] = lane
        return lane

    def _outputs(self, judged: JudgedBatch) -> list[Outgoing]:
        dead = [
            dead_letter_message(
                self._topics,
                topic=judged.partition.topic,
                partition=judged.partition.partition,
                message=rejected.message,
                stage=rejected.stage,
                error=rejected.error,
            )
            for rejected in judged.rejected
        ]
        return dead + [finding_message(self._topics, finding) for finding in judged.findings]

    def _finished(self, batch: Batch, judged: JudgedBatch) -> None:
        batch.finish()
        now = time.time() * 1000
        for finding in judged.findings:
            self._told(finding, now - judged.appended[finding.finding_id])
        self._telemetry.count("needtoknow_ledger_cuts_total", kind="batch")

    # changed knowledge

    def change(self, touched: Touched) -> None:
        """Facts, marks or findings have moved."""
        self._touched = Touched(
            self._touched.records | touched.records,
            self._touched.logins | touched.logins,
            self._touched.is_everyone or touched.is_everyone,
        )
        self._changed.set()

    @mode.Service.task
    async def _settle(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._changed.wait(), self._stopped.wait())
            self._is_settling = True
            self._changed.clear()
            await self._settle_all()
            self._is_settling = False

    async def _settle_all(self) -> None:
        touched, self._touched = self._touched, NOTHING
        completeness = self._judging.completeness
        due = self.open.touched(touched) | self.open.due(completeness.low, completeness.low_waived)
        ordered = sorted(due, key=lambda e: (e.partition, e.offset, e.index))
        for start in range(0, len(ordered), SETTLE_MAX):
            self._settle_some(ordered[start : start + SETTLE_MAX])
            await asyncio.sleep(0)

    def _settle_some(self, entries: Iterable[OpenAccess]) -> None:
        by_partition: defaultdict[Partition, list[OpenAccess]] = defaultdict(list)
        for entry in entries:
            if not entry.is_closed and entry.partition in self._lanes:
                by_partition[entry.partition].append(entry)
        for partition, some in by_partition.items():
            self._settle_partition(partition, some)

    def _settle_partition(self, partition: Partition, entries: list[OpenAccess]) -> None:
        again = self._judging.again(entries)
        for entry in again.kept:
            self.open.keep(entry)
        for entry in again.closed:
            self.open.close(entry)
            self._has_room.set()
        for entry, outcome in again.waited:
            self._telemetry.count("needtoknow_settled_total", source=entry.access.source, outcome=outcome)
        if not (again.findings or again.closed):
            return
        cut = None
        if again.explained:
            cut = settlement_cut(
                partition,
                again.explained,
                position=self._judging.knowledge.position,
                marks=self._judging.completeness.marks(),
                policy_hash=self._judging.policy_hash,
                run=self._run,
            )
        outputs = [finding_message(self._topics, finding) for finding, _ in again.findings]
        self._lane(partition).put(Job(outputs, cut, lambda: self._settled(again, cut is not None)))

    def _settled(self, again: JudgedAgain, is_cut: bool) -> None:
        for entry in again.closed:
            self.open.release(entry)
        now = time.time() * 1000
        for finding, entry in again.findings:
            self._told(finding, now - entry.appended_at)
        if is_cut:
            self._telemetry.count("needtoknow_ledger_cuts_total", kind="settlement")

    # counting

    def _told(self, finding: Finding, took_ms: float) -> None:
        self._telemetry.count(
            "needtoknow_findings_total",
            outcome=finding.outcome,
            severity=finding.severity,
            transition=finding.transition,
        )
        if finding.transition == "raised":
            self._telemetry.observe("needtoknow_access_to_finding_seconds", took_ms / 1000, certainty=finding.certainty)

    def _count(self, judged: JudgedBatch, source: str, seconds: float) -> None:
        telemetry = self._telemetry
        telemetry.observe("needtoknow_judge_seconds", seconds)
        telemetry.observe("needtoknow_batch_messages", judged.next_offset - judged.first_offset)
        telemetry.count("needtoknow_messages_total", judged.translated, source=source, kind="translated")
        for code, number in Counter(judged.codes).items():
            name = NAMES[chr(code)]
            if name == "control":
                telemetry.count("needtoknow_messages_total", number, source=source, kind="control")
            elif name == "dead_letter":
                telemetry.count("needtoknow_messages_total", number, source=source, kind="dead_letter")
            else:
                telemetry.count("needtoknow_accesses_total", number, source=source, outcome=name)
        telemetry.count("needtoknow_repeats_total", judged.repeats)
        for rejected in judged.rejected:
            telemetry.count("needtoknow_dead_letters_total", stage=rejected.stage, reason=reason_class(rejected.error))
