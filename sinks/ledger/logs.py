"""What the audit reads: messages, cuts, findings and dead letters, by partition and in the order of the logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.access import Access
from schemas.finding import Finding
from schemas.ledger import Cut

Place = tuple[str, int]
"""(topic, partition)."""


class Read(NamedTuple):
    """One message of an access topic as its translator reads it: its accesses, or none and why (`kind`)."""

    offset: int
    appended_at: int
    accesses: tuple[Access, ...]
    kind: str  # translated, control, dead_letter


class StoredCut(NamedTuple):
    """A cut and the digest by which the next one names it."""

    cut: Cut
    digest: str


@dataclass(frozen=True, kw_only=True)
class Logs:
    """Everything the audit looks at, by partition, in the order of the logs."""

    messages: Mapping[Place, list[Read]]
    cuts: Mapping[Place, list[StoredCut]]
    findings: list[Finding]
    dead_letters: frozenset[str]  # keys: topic/partition/offset
    marks: Mapping[str, int]
    position: int
    since: int = 0  # append time, UTC ms: what is older than a worker's index is not held to later facts
    begins: Mapping[Place, int] = field(default_factory=dict)  # the first offset read; not given: of the first message
    is_whole: bool = True  # whether the ledger was read from its start, so that each cut that is named must be there

    def begin(self, place: Place) -> int:
        """The first offset of a partition that was read."""
        messages = self.messages.get(place)
        return self.begins.get(place, messages[0].offset if messages else 0)
