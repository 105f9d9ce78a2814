"""Open accesses: judged, not explained, and either pending or not yet final. Only these are kept, not their batches."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from schemas.access import Access

from .bodies import RecordKey
from .question import Question
from .reconcile import State
from .touched import Query


class Partition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Wait(NamedTuple):
    """Until the marks, or the marks and waivers, have come to an instant (UTC ms)."""

    instant: int
    is_waivable: bool


class OpenAccess:
    """One access that knowledge yet to come may decide otherwise.

    `published` is what the log of findings says of it (what is in flight included); None or withdrawn: nothing stands.
    """

    __slots__ = (
        "access",
        "appended_at",
        "finding_id",
        "index",
        "is_closed",
        "is_counted",
        "is_reopened",
        "offset",
        "partition",
        "published",
        "question",
        "waits_for",
    )

    def __init__(
        self,
        *,
        partition: Partition,
        offset: int,
        index: int,
        appended_at: int,
        access: Access,
        question: Question,
        finding_id: str,
        published: State | None,
        is_reopened: bool = False,
    ) -> None:
        self.partition = partition
        self.offset = offset
        self.index = index  # among the accesses of its message
        self.appended_at = appended_at  # UTC milliseconds, the broker's clock
        self.access = access
        self.question = question
        self.finding_id = finding_id
        self.published = published
        self.is_closed = False
        self.is_counted = False  # among the pending of its partition
        self.is_reopened = is_reopened  # judged before: it may lie behind the committed offset, which does not hold it
        self.waits_for: Wait | None = None  # None: it is not queued

    @property
    def is_pending(self) -> bool:
        """Whether nothing has been published yet: a finding that was withdrawn does not wait to be raised."""
        return self.published is None

    def next_wait(self, grace: int) -> Wait:
        """What may raise the certainty next, whatever the facts do."""
        if self.published is None:
            return Wait(self.question.end, is_waivable=True)
        if self.published.certainty == "incomplete" and self.published.outcome != "explained":
            return Wait(self.question.end, is_waivable=False)
        return Wait(self.question.end + grace, is_waivable=False)


Due = tuple[Wait, int, OpenAccess]
"""Ordered by the instant; the number breaks ties."""


class OpenAccesses:
    """All open accesses of the partitions held, found by what may decide them: marks, or facts they touch."""

    def __init__(self, grace: int) -> None:
        self._grace = grace
        self._by_target: defaultdict[RecordKey, set[OpenAccess]] = defaultdict(set)
        self._by_login: defaultdict[str, set[OpenAccess]] = defaultdict(set)
        self._held: defaultdict[Partition, dict[tuple[int, int], OpenAccess]] = defaultdict(dict)
        self._offsets: defaultdict[Partition, list[tuple[int, int]]] = defaultdict(list)
        # An entry counts while it is what its access waits for; others are passed over when they come to the front.
        # Of accesses elsewhere, and of those at the alert console, which wait for one feed more.
        self._due_by_mark: tuple[list[Due], list[Due]] = [], []
        self._due_by_waiver: tuple[list[Due], list[Due]] = [], []
        self._ties = 0
        self._count = 0
        self._pending: Counter[Partition] = Counter()
        self._reopened: Counter[Partition] = Counter()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[OpenAccess]:
        for held in self._held.values():
            for entry in held.values():
                if not entry.is_closed:
                    yield entry

    def keep(self, entry: OpenAccess) -> None:
        """Keep an access until it is closed; called again after each judging to learn what it now waits for."""
        place = (entry.offset, entry.index)
        held = self._held[entry.partition]
        if held.get(place) is not entry:  # a former life of the place may still wait to be stored
            held[place] = entry
            self._count += 1
            self._reopened[entry.partition] += entry.is_reopened
            heapq.heappush(self._offsets[entry.partition], place)
            for target in entry.question.targets:
                self._by_target[target].add(entry)
            self._by_login[entry.question.login].add(entry)
        self._count_pending(entry, entry.is_pending)
        wait = entry.next_wait(self._grace)
        if wait != entry.waits_for:  # judged again by a fact that changed nothing: it is queued already
            entry.waits_for = wait
            self._ties += 1
            due = self._due_by_waiver if wait.is_waivable else self._due_by_mark
            heapq.heappush(due[entry.question.is_at_console], (wait, self._ties, entry))

    def close(self, entry: OpenAccess) -> None:
        """Nothing to come decides it otherwise. Its offset is held until what was said of it is stored."""
        if self._held.get(entry.partition, {}).get((entry.offset, entry.index)) is entry:
            self._forget(entry)
        entry.is_closed, entry.waits_for = True, None  # also of one that was never kept: nothing was to come

    def _forget(self, entry: OpenAccess) -> None:
        if entry.is_closed:
            return
        entry.is_closed, entry.waits_for = True, None
        self._count -= 1
        self._reopened[entry.partition] -= entry.is_reopened
        self._count_pending(entry, False)
        for target in entry.question.targets:
            _discard(self._by_target, target, entry)
        _discard(self._by_login, entry.question.login, entry)

    def release(self, entry: OpenAccess) -> None:
        """What was said of a closed access is stored: its offset may be committed past."""
        held = self._held.get(entry.partition, {})
        if held.get((entry.offset, entry.index)) is entry:  # not a later life of the same place
            del held[entry.offset, entry.index]

    def drop(self, partition: Partition) -> set[int]:
        """Forget a partition that is no longer held. At which offsets something was open, or not yet stored."""
        held = self._held.pop(partition, {})
        for entry in held.values():
            self._forget(entry)
        self._offsets.pop(partition, None)
        return {offset for offset, _ in held}

    def offsets(self, partition: Partition) -> set[int]:
        """At which offsets something is open, or not yet stored."""
        return {offset for offset, _ in self._held.get(partition, ())}

    def has_reopened(self, partition: Partition) -> bool:
        """Whether an access that was judged before is open again: no committed offset leads whoever is next to it."""
        return self._reopened[partition] > 0

    def oldest_offset(self, partition: Partition) -> int | None:
        """The offset that the committed one must not pass (design section 8)."""
        held, offsets = self._held.get(partition), self._offsets.get(partition)
        while offsets and (held is None or offsets[0] not in held):
            heapq.heappop(offsets)
        return offsets[0][0] if offsets else None

    def touched(self, queries: Iterable[Query]) -> set[OpenAccess]:
        """The open accesses that any of these queries is about."""
        return {entry for query in queries for entry in self._near(query) if query.is_about(entry.question)}

    def at(self, places: Iterable[tuple[Partition, int]]) -> set[OpenAccess]:
        """The open accesses of the messages at these offsets."""
        wanted = set(places)
        held = (
            entry for partition in {partition for partition, _ in wanted} for entry in self._held[partition].values()
        )
        return {entry for entry in held if (entry.partition, entry.offset) in wanted and not entry.is_closed}

    def _near(self, query: Query) -> Iterator[OpenAccess]:
        index = self._by_login if query.records is None else self._by_target
        for name in (query.logins if query.records is None else query.records) or ():
            yield from index.get(name, ())

    def holds(self, partition: Partition, place: tuple[int, int]) -> bool:
        """Whether the access at this offset and index is open: facts and marks find it here."""
        entry = self._held.get(partition, {}).get(place)
        return entry is not None and not entry.is_closed

    def keeps(self, partition: Partition, offset: int) -> bool:
        """Whether an access of this message is open and was judged as new: the committed offset does not pass it."""
        held = self._held.get(partition, {}).values()
        return any(entry.offset == offset and not entry.is_closed and not entry.is_reopened for entry in held)

    def due(self, low: int, low_waived: int, *, is_at_console: bool = False) -> set[OpenAccess]:
        """The open accesses that waited for marks up to `low`, or for marks and waivers up to `low_waived`: at the
        alert console, or elsewhere."""
        by_mark, by_waiver = self._due_by_mark[is_at_console], self._due_by_waiver[is_at_console]
        return {*_pop_due(by_mark, low), *_pop_due(by_waiver, low_waived)}

    def has_any(self, topic: str) -> bool:
        """Whether an access on this topic is open, or what was said of it not yet stored."""
        return any(held for partition, held in self._held.items() if partition.topic == topic)

    def pending(self) -> int:
        """How many wait without a standing finding."""
        return self._pending.total()

    def counts(self, partition: Partition) -> tuple[int, int]:
        """How many of this partition are open, and how many of these pending."""
        return len(self._held.get(partition, ())), self._pending[partition]

    def oldest_pending(self) -> int | None:
        """Append time (UTC ms) of the pending access whose instant is the earliest, near enough to the longest wait."""
        for due in self._due_by_waiver:
            while due and not due[0][2].is_counted:
                heapq.heappop(due)
        first = min((due[0] for due in self._due_by_waiver if due), default=None)
        return None if first is None else first[2].appended_at

    def _count_pending(self, entry: OpenAccess, is_pending: bool) -> None:
        if entry.is_counted != is_pending:
            self._pending[entry.partition] += 1 if is_pending else -1
            entry.is_counted = is_pending


def _discard(index: defaultdict[str, set[OpenAccess]], key: str, entry: OpenAccess) -> None:
    entries = index.get(key)
    if entries is not None:
        entries.discard(entry)
        if not entries:
            del index[key]


def _pop_due(heap: list[Due], through: int) -> Iterator[OpenAccess]:
    while heap and (heap[0][0].instant <= through or heap[0][2].waits_for != heap[0][0]):
        wait, _, entry = heapq.heappop(heap)
        if entry.waits_for == wait:
            entry.waits_for = None
            yield entry
