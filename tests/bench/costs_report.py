"""What a fact, an access and a question cost, against what was wanted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from .goals import Goal

RATIO_MAX: Final = 1.2  # of a question, from few facts to many
ACCESS_BYTES: Final = 80.0
ASSIGNMENT_BYTES: Final = 300.0
LOADED_PER_S: Final = 100_000.0
AGAIN_PER_S: Final = 20_000.0
ROUGH_EDGES: Final = (
    "(e) facts are stored on facts.v1 as register would store them, not by register",
    "(e) loading in a worker and bytes in a worker are differences between many and few facts or accesses, so what a "
    "worker costs anyhow is not in them, and what its allocator keeps of garbage is",
    "(e) questions are asked of all records alike: with a million facts each misses the processor's caches, which "
    "asking about the same few records of a million does not; both are told",
    "(e) an unexplained access is the whole of it, from its bytes to the finding as a value: telling it is most",
    "(e) what is measured without Kafka is CPU time of one thread; the clock says the same on a quiet machine",
    "(e) judged again: without Kafka, so without reading again what became doubtful",
    "(e) traced bytes are the allocator's count while growing: arrays have up to an eighth to spare",
)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of each: facts to load few and many of, accesses to index few and many of."""

    few_facts: int
    many_facts: int
    few_accesses: int
    many_accesses: int


@dataclass(frozen=True, kw_only=True)
class Started:
    """A worker that has read so many facts: seconds from its start until it was ready, and MiB resident then."""

    facts: int
    ready_s: float
    rss_mb: float


@dataclass(frozen=True, kw_only=True)
class Costs:
    """All that was measured; `pure` as `pure_costs.py` answers, by question."""

    sizes: Sizes
    few: Started
    many: Started
    index: Mapping[str, float]
    pure: Mapping[str, Mapping[str, float]]

    @property
    def loaded_per_s(self) -> float:
        """Facts a worker that starts reads in a second."""
        return (self.many.facts - self.few.facts) / max(0.001, self.many.ready_s - self.few.ready_s)

    @property
    def bytes_per_assignment(self) -> float:
        """Of resident memory."""
        return (self.many.rss_mb - self.few.rss_mb) * 2**20 / (self.many.facts - self.few.facts)

    def ratio(self, of: str, kind: str) -> float:
        """Cost of a question against the mean of those about few facts; `kind`: explained_us, unexplained_us."""
        return self.pure[of][kind] * 2 / (self.pure["few"][kind] + self.pure["few_again"][kind])

    def as_json(self) -> dict[str, Any]:
        """All that is known."""
        pure = {what: {k: round(v, 2) for k, v in found.items()} for what, found in self.pure.items()}
        started = {name: asdict(one) for name, one in (("few", self.few), ("many", self.many))}
        return {"sizes": asdict(self.sizes), "started": started, "index_in_worker": dict(self.index), "pure": pure}


def goals(found: Costs) -> list[Goal]:
    """Questions, memory, loading and judging again."""
    return [*_questions(found), *_memory(found), *_speed(found)]


def _questions(found: Costs) -> list[Goal]:
    size = f"{found.sizes.few_facts:,} to {found.sizes.many_facts:,} facts"
    kinds = (("explained access", "explained_us"), ("unexplained access", "unexplained_us"))
    asked = [
        Goal(part="e", what=f"{name}, {size}", unit="x", measured=found.ratio("many", kind), limit=RATIO_MAX)
        for name, kind in kinds
    ]
    same = found.ratio("many_same_records", "explained_us")
    return [*asked, Goal(part="e", what=f"explained access, the same records, {size}", unit="x", measured=same)] + [
        Goal(part="e", what=f"{name}, {found.sizes.few_facts:,} facts", unit="µs", measured=found.pure["few"][kind])
        for name, kind in kinds
    ]


def _memory(found: Costs) -> list[Goal]:
    values = (
        ("indexed access, traced", found.pure["index"]["traced_bytes"], ACCESS_BYTES),
        ("indexed access, resident in a worker", found.index["bytes_per_access"], ACCESS_BYTES),
        ("assignment, traced", found.pure["assignment"]["traced_bytes"], ASSIGNMENT_BYTES),
        ("assignment, resident in a worker", found.bytes_per_assignment, ASSIGNMENT_BYTES),
    )
    return [Goal(part="e", what=what, unit="B", measured=value, limit=most) for what, value, most in values]


def _speed(found: Costs) -> list[Goal]:
    again, loading = found.pure["corrections"], found.pure["loading"]["facts_per_s"]
    values = (
        ("facts loaded at a worker's start", found.loaded_per_s, LOADED_PER_S),
        ("facts learned, without Kafka", loading, None),
        ("accesses judged again that stay as they were", again["stayed_per_s"], AGAIN_PER_S),
        ("accesses judged again, each a new finding", again["turned_per_s"], None),
    )
    return [
        Goal(part="e", what=what, unit="/s", measured=value, limit=least, is_floor=True)
        for what, value, least in values
    ]
