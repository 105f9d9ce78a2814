"""Open accesses: judged, not explained, and either pending or not yet final. Only these are kept, not their batches."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from schemas.access import Access

from .facts import RecordKey
from .knowledge import Touched
from .question import Question
from .reconcile import State


class Partition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


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
        "offset",
        "partition",
        "published",
        "question",
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

    @property
    def is_pending(self) -> bool:
        """Whether it waits without a standing finding."""
        return self.published is None or self.published.outcome == "explained"


class OpenAccesses:
    """All open accesses of the partitions held, found by what may decide them: marks, or facts they touch."""

    def __init__(self, grace: int) -> None:
        self._grace = grace
        self._by_target: defaultdict[RecordKey, set[OpenAccess]] = defaultdict(set)
        self._by_login: defaultdict[str, set[OpenAccess]] = defaultdict(set)
        self._held: defaultdict[Partition, dict[tuple[int, int], OpenAccess]] = defaultdict(dict)
        self._offsets: defaultdict[Partition, list[tuple[int, int]]] = defaultdict(list)
        # (instant, tie-breaker, access): due once the marks, or the marks and waivers, have come to the instant.
        self._due_by_mark: list[tuple[int, int, OpenAccess]] = []
        self._due_by_waiver: list[tuple[int, int, OpenAccess]] = []
        self._ties = 0
        self._count = 0
        self._pending: Counter[Partition] = Counter()

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
        if place not in held:
            held[place] = entry
            self._count += 1
            heapq.heappush(self._offsets[entry.partition], place)
            for target in entry.question.targets:
                self._by_target[target].add(entry)
            self._by_login[entry.question.login].add(entry)
        self._count_pending(entry, entry.is_pending)
        self._ties += 1
        end = entry.question.end
        if entry.is_pending:
            heapq.heappush(self._due_by_waiver, (end, self._ties, entry))
        elif entry.published is not None and entry.published.certainty == "incomplete":
            heapq.heappush(self._due_by_mark, (end, self._ties, entry))
        heapq.heappush(self._due_by_mark, (end + self._grace, self._ties, entry))

    def close(self, entry: OpenAccess) -> None:
        """Nothing to come decides it otherwise. Its offset is held until what was said of it is stored."""
        if entry.is_closed:
            return
        entry.is_closed = True
        self._count -= 1
        self._count_pending(entry, False)
        for target in entry.question.targets:
            _discard(self._by_target, target, entry)
        _discard(self._by_login, entry.question.login, entry)

    def release(self, entry: OpenAccess) -> None:
        """What was said of a closed access is stored: its offset may be committed past."""
        held = self._held.get(entry.partition, {})
        if held.get((entry.offset, entry.index)) is entry:  # not a later life of the same place
            del held[entry.offset, entry.index]

    def drop(self, partition: Partition) -> None:
        """Forget a partition that is no longer held; its accesses lie behind the committed offset of nobody."""
        for entry in list(self._held.get(partition, {}).values()):
            self.close(entry)
        self._held.pop(partition, None)
        self._offsets.pop(partition, None)

    def oldest_offset(self, partition: Partition) -> int | None:
        """The offset that the committed one must not pass (design section 8)."""
        held, offsets = self._held.get(partition), self._offsets.get(partition)
        while offsets and (held is None or offsets[0] not in held):
            heapq.heappop(offsets)
        return offsets[0][0] if offsets else None

    def touched(self, touched: Touched) -> set[OpenAccess]:
        """The open accesses that a fact may decide otherwise; never fewer, seldom many more."""
        if touched.is_everyone:
            return set(self)
        found: set[OpenAccess] = set()
        for record in touched.records:
            found |= self._by_target.get(record, set())
        for login in touched.logins:
            found |= self._by_login.get(login, set())
        return found

    def due(self, low: int, low_waived: int) -> set[OpenAccess]:
        """The open accesses that waited for marks up to `low`, or for marks and waivers up to `low_waived`."""
        return {*_pop_due(self._due_by_mark, low), *_pop_due(self._due_by_waiver, low_waived)}

    def pending(self) -> int:
        """How many wait without a standing finding."""
        return self._pending.total()

    def counts(self, partition: Partition) -> tuple[int, int]:
        """How many of this partition are open, and how many of these pending."""
        return len(self._held.get(partition, ())), self._pending[partition]

    def oldest_pending(self) -> int | None:
        """Append time (UTC ms) of the pending access whose instant is the earliest, near enough to the longest wait."""
        while self._due_by_waiver and not self._due_by_waiver[0][2].is_counted:
            heapq.heappop(self._due_by_waiver)
        return self._due_by_waiver[0][2].appended_at if self._due_by_waiver else None

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


def _pop_due(heap: list[tuple[int, int, OpenAccess]], through: int) -> Iterator[OpenAccess]:
    while heap and (heap[0][0] <= through or heap[0][2].is_closed):
        entry = heapq.heappop(heap)[2]
        if not entry.is_closed:
            yield entry
