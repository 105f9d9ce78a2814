"""One program works off one backlog: how fast, for how much CPU and memory, and whether it was right."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from .broker import Broker
from .process import EndedEarlyError, OtherCpu, Process
from .programs import Preparation, Program, Run, fresh_run
from .reader import Verdicts
from .workload import Workload

STALL_SECONDS: Final = 15.0  # with no new verdict for so long a run is over
FIRST_SECONDS: Final = 120.0  # for the first verdict
SETTLE_SECONDS: Final = 1.0  # for false verdicts after the last expected one
LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one run gave. Absent numbers (None): it never came so far."""

    name: str
    number: int
    accesses: int
    violations: int
    false: int = 0
    missed: int = 0
    odd: int = 0
    duplicates: int = 0
    error: str | None = None
    accesses_per_s: float | None = None
    span_s: float | None = None
    cpu_s: float | None = None
    cpu_total_s: float | None = None
    other_cpu_s: float | None = None
    start_s: float | None = None
    register_s: float | None = None
    register_cpu_s: float | None = None
    rss_mb: float | None = None
    rss_first_mb: float | None = None
    rss_last_mb: float | None = None

    @property
    def is_right(self) -> bool:
        """Whether it came to its end with every verdict right."""
        return self.error is None and not (self.false or self.missed or self.odd)

    @property
    def accesses_per_cpu_s(self) -> float | None:
        """Accesses per CPU second within the measured span."""
        return self.accesses / self.cpu_s if self.cpu_s else None

    def as_json(self) -> dict[str, Any]:
        """All that is known."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        rounded = {name: round(value, 2) if isinstance(value, float) else value for name, value in known.items()}
        return {**rounded, "is_right": self.is_right}


@dataclass
class Watched:
    """Readings at the first and at the last verdict."""

    cpu_first: float = 0.0
    cpu_last: float = 0.0
    rss_first: float = 0.0
    rss_last: float = 0.0
    other_cpu: float = field(default=0.0)


class Observer(Protocol):
    """Looks into the measured process from the first verdict to the last."""

    def start(self, pid: int) -> None:
        """The first verdict is there."""

    def stop(self) -> None:
        """The last verdict is there, or nothing comes any more."""


def drain(
    program: Program,
    number: int,
    *,
    broker: Broker,
    workload: Workload,
    scratch: Path,
    observer: Observer | None = None,
) -> Row:
    """Run `program` once on fresh topics, which are deleted afterwards."""
    with fresh_run(program.name, workload, broker=broker, scratch=scratch) as run:
        try:
            return _measure(program, number, run, observer)
        except (EndedEarlyError, TimeoutError) as error:
            print(f"{program.name}: {error}", flush=True)
            first_line = str(error).splitlines()[0]
            counts = {"accesses": len(workload.accesses), "violations": len(workload.violations)}
            return Row(name=program.name, number=number, error=first_line, **counts)


def _measure(program: Program, number: int, run: Run, observer: Observer | None) -> Row:
    prepared = program.prepare(run)
    run.broker.load(run.topics.accesses, run.workload.accesses)
    with (
        Verdicts(run.broker, run.topics) as verdicts,
        Process(program.command(), program.environment(run), run.scratch / "measured.log") as process,
    ):
        watched = _watch(process, verdicts, run.workload.violations, observer)
        time.sleep(SETTLE_SECONDS)
        process.check()
        return _row(program, number, run, prepared, process, verdicts, watched)


def _watch(process: Process, verdicts: Verdicts, expected: frozenset[str], observer: Observer | None) -> Watched:
    """Wait until every expected verdict is there or nothing comes any more."""
    watched, other = Watched(), OtherCpu(process)
    count, changed = 0, time.time()
    while True:
        time.sleep(LOOK_SECONDS)
        process.check()
        now = len(verdicts.seen)
        if now and not count:
            watched.cpu_first, watched.rss_first = process.cpu_s(), process.rss_mb()
            if observer is not None:
                observer.start(process.pid)
        if now != count:
            count, changed = now, time.time()
        is_all = count >= len(expected) and expected <= set(verdicts.seen)
        if is_all or time.time() - changed > (STALL_SECONDS if count else FIRST_SECONDS):
            watched.cpu_last, watched.rss_last = process.cpu_s(), process.rss_mb()
            watched.other_cpu = other.used_s()
            if observer is not None:
                observer.stop()
            return watched


def _row(
    program: Program,
    number: int,
    run: Run,
    prepared: Preparation,
    process: Process,
    verdicts: Verdicts,
    watched: Watched,
) -> Row:
    seen, expected = dict(verdicts.seen), run.workload.violations
    first, last = min(seen.values(), default=0.0), max(seen.values(), default=0.0)
    accesses, span = len(run.workload.accesses), last - first
    return Row(
        name=program.name,
        number=number,
        accesses=accesses,
        violations=len(expected),
        false=len(seen.keys() - expected),
        missed=len(expected - seen.keys()),
        odd=verdicts.odd,
        duplicates=verdicts.duplicates,
        accesses_per_s=accesses / span if span else None,
        span_s=span,
        cpu_s=watched.cpu_last - watched.cpu_first,
        cpu_total_s=watched.cpu_last,
        other_cpu_s=watched.other_cpu,
        start_s=first - process.started if seen else None,
        register_s=prepared.seconds,
        register_cpu_s=prepared.cpu_s,
        rss_mb=process.peak_rss_mb,
        rss_first_mb=watched.rss_first,
        rss_last_mb=watched.rss_last,
    )
