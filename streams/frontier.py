"""How far a partition has been finished, whatever order its batches finish in. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any


class Batch:
    """What one fetch brought of one partition: messages, and the duty to finish them once or to learn they are lost."""

    __slots__ = ("_frontier", "is_finished", "messages", "next_offset")

    def __init__(self, frontier: Frontier, messages: Sequence[Any]) -> None:
        self._frontier = frontier
        self.messages = messages
        self.next_offset: int = messages[-1].offset + 1
        self.is_finished = False

    @property
    def is_abandoned(self) -> bool:
        """Whether the partition was lost meanwhile: whoever holds it now reads these messages again."""
        return self._frontier.is_abandoned

    @property
    def topic(self) -> str:
        """Topic of all the messages."""
        return self._frontier.topic

    @property
    def partition(self) -> int:
        """Partition of all the messages."""
        return self._frontier.partition

    def finish(self) -> None:
        """All outputs are stored. A late call for an abandoned batch, or a second one, does nothing."""
        if not self.is_abandoned and not self.is_finished:
            self.is_finished = True
            self._frontier.finished()


class Frontier:
    """The batches of one partition under way, in order, and the offset that its contiguous finished prefix reaches."""

    def __init__(self, topic: str, partition: int, on_finished: Any = None, finished_to: int | None = None) -> None:
        self.topic = topic
        self.partition = partition
        self.is_abandoned = False
        self.under_way: deque[Batch] = deque()
        self.first = 0 if finished_to is None else finished_to  # offset of the first message begun
        self.newest: int | None = None  # append time of the newest message begun, UTC ms
        self.finished_to = finished_to
        self._on_finished = on_finished

    def begin(self, messages: Sequence[Any]) -> Batch:
        """A batch begins; batches begin in the order of their offsets."""
        batch = Batch(self, messages)
        if self.newest is None and self.finished_to is None:
            self.first = messages[0].offset
        self.under_way.append(batch)
        self.newest = messages[-1].timestamp
        return batch

    def finished(self) -> None:
        """Some batch has finished; take the finished ones off the front."""
        while self.under_way and self.under_way[0].is_finished:
            self.finished_to = self.under_way.popleft().next_offset
        if self._on_finished is not None:
            self._on_finished(self)

    def committable(self, hold: int | None) -> int | None:
        """The offset to commit: the end of the finished prefix, but never past `hold`, the oldest open access."""
        if self.finished_to is None or hold is None:
            return self.finished_to
        return min(self.finished_to, hold)

    def abandon(self) -> None:
        """The partition is lost."""
        self.is_abandoned = True
        self.under_way.clear()
