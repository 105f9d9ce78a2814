"""Open accesses, judged again: a mark lets them be decided, a fact touches them, or another worker spoke of them."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import mode

from schemas.topics import Topics
from streams.join.open import OpenAccess, OpenAccesses, Partition
from streams.join.touched import Query
from streams.policy.judged import JudgedAgain
from streams.policy.judging import Judging
from streams.telemetry import Telemetry
from streams.turns import others_first, slices

from .careful import Blame
from .counting import told
from .cuts import settlement_cut
from .holding import Holding
from .lane import Job
from .outgoing import finding_message

SETTLE_MAX: Final = 25  # open accesses judged again before others get the loop: about 5 ms
TOUCHED_MIN: Final = 5  # of them that facts touch, however many marks decide
ASKED_MAX: Final = 500  # queries that open accesses are found by before others get the loop


class Settling(mode.Service):
    """`settle` also says what was found of accesses that were judged before (corrections.py)."""

    def __init__(
        self,
        *,
        judging: Judging,
        open_accesses: OpenAccesses,
        holding: Holding,
        telemetry: Telemetry,
        topics: Topics,
        reconciled_to: Callable[[Partition], int],
        blame: Blame,
        doubt: Callable[[Partition, Iterable[int]], None],
        on_room: Callable[[], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._judging = judging
        self._open = open_accesses
        self._holding = holding
        self._telemetry = telemetry
        self._topics = topics
        self._reconciled_to = reconciled_to
        self._blame = blame
        self._doubt = doubt
        self._on_room = on_room  # an access is open no longer
        self._queries: list[Query] = []
        self._strangers: list[tuple[Partition, int]] = []
        self._changed = asyncio.Event()
        self._is_settling = False

    def is_done(self) -> bool:
        """Whether all that is known has been brought to the open accesses."""
        return not (self._is_settling or self._changed.is_set())

    def change(self, queries: list[Query], strangers: list[tuple[Partition, int]]) -> None:
        """Facts, marks or findings have moved."""
        self._queries += queries
        self._strangers += strangers
        self._changed.set()

    @mode.Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            await self.wait_first(self._changed.wait(), self._stopped.wait())
            self._is_settling = True
            self._changed.clear()
            await self._settle_all()
            self._is_settling = False

    async def _settle_all(self) -> None:
        left, due = await self._touched(), self._due()
        while due or left:
            # What a mark decides is new: it does not wait for all that a storm of facts touches, nor keeps it waiting.
            room = max(TOUCHED_MIN, SETTLE_MAX - len(due))
            some, due[:SETTLE_MAX], left[:room] = due[:SETTLE_MAX] + left[:room], (), ()
            self._settle_some(_in_order(set(some)))  # facts and marks may have come for the same
            await others_first()
            due += self._due()
            left += await self._touched()

    async def _touched(self) -> list[OpenAccess]:
        """What facts that have come touch, and of which others have spoken."""
        queries, self._queries = self._queries, []
        strangers, self._strangers = self._strangers, []
        touched = self._open.at(strangers)
        for asked in slices(queries, ASKED_MAX):
            touched |= self._open.touched(asked)
            await others_first()
        return _in_order(touched)

    def _due(self) -> list[OpenAccess]:
        completeness, due = self._judging.completeness, self._open.due
        return _in_order({*due(*completeness.low), *due(*completeness.low_at_console, is_at_console=True)})

    def _settle_some(self, entries: Iterable[OpenAccess]) -> None:
        by_partition: defaultdict[Partition, list[OpenAccess]] = defaultdict(list)
        for entry in entries:
            if not entry.is_closed:  # what is not held is closed
                by_partition[entry.partition].append(entry)
        for partition, some in by_partition.items():
            self.settle(partition, some)

    def settle(self, partition: Partition, entries: list[OpenAccess]) -> None:
        """Judge these of one partition again, and pass on what is to be stored."""
        if not entries:
            return
        try:
            again = self._judging.again(entries)
        except Exception as error:
            self._blame(partition, error, ((e.offset, partial(self._judging.again, [e])) for e in entries))
            # Nobody else knows of these; the others keep the committed offset and are read again.
            self._doubt(partition, [e.offset for e in entries if e.is_reopened])
            return
        for entry in again.kept:
            self._open.keep(entry)
        for entry in again.closed:
            self._open.close(entry)
            self._on_room()
        for entry, outcome in again.waited:
            self._telemetry.count("needtoknow_settled_total", source=entry.access.source, outcome=outcome)
        if again.findings or again.closed:
            self._pass_on(partition, again)

    def _pass_on(self, partition: Partition, again: JudgedAgain) -> None:
        lane, cut = self._holding.lane(partition), None
        if again.explained:
            cut = settlement_cut(
                partition,
                again.explained,
                position=self._judging.knowledge.position,
                reconciled=self._reconciled_to(partition),
                marks=self._judging.completeness.marks(is_at_console=again.explained[0].question.is_at_console),
                policy_hash=self._judging.policy_hash,
                run=self._holding.run,
            )
        outputs = [finding_message(self._topics, finding) for finding, _ in again.findings]
        lane.put(Job(outputs, cut, lambda: self._settled(again, is_cut=cut is not None)))

    def _settled(self, again: JudgedAgain, *, is_cut: bool) -> None:
        for entry in again.closed:
            self._open.release(entry)
        now = time.time() * 1000
        for finding, entry in again.findings:
            told(self._telemetry, finding, now - entry.appended_at)
        if is_cut:
            self._telemetry.count("needtoknow_ledger_cuts_total", kind="settlement")


def _in_order(entries: Iterable[OpenAccess]) -> list[OpenAccess]:
    return sorted(entries, key=lambda e: (e.partition, e.offset, e.index))
