"""The same accesses worked off by one worker and by several that share the partitions."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.request import ProxyHandler, build_opener

from deploy.local.ports import HOST, free_port

from .broker import Broker
from .process import OtherCpu, Process
from .programs import OURS, Run, fresh_run
from .reader import Reader
from .status import wait_idle
from .workers_report import WorkersRow, judged_in
from .workload import Workload

STALL_SECONDS: Final = 30.0  # without a new finding, or a first one, a run is over
SETTLE_SECONDS: Final = 1.0  # for false verdicts after the last expected one
LOOK_SECONDS: Final = 0.05
SAY_SECONDS: Final = 10.0
_OPENER: Final = build_opener(ProxyHandler({}))


def share_work(workers: int, number: int, workload: Workload, *, broker: Broker, scratch: Path) -> WorkersRow:
    """One run with so many workers, on fresh topics. Raises EndedEarlyError, TimeoutError."""
    with fresh_run(f"workers-{workers}", workload, broker=broker, scratch=scratch) as run:
        OURS.prepare(run)
        return _measure(workers, number, run)


def _measure(workers: int, number: int, run: Run) -> WorkersRow:
    """The workers hold their partitions before the first access comes: a rebalance is not what is measured here."""
    ports = [free_port() for _ in range(workers)]
    with Reader(run.broker, run.topics) as reader, contextlib.ExitStack() as stack:
        processes = [stack.enter_context(_worker(run, port)) for port in ports]

        def check() -> None:
            for process in processes:
                process.check()

        def cpu_s() -> float:
            return sum(process.cpu_s() for process in processes)

        wait_idle(run, check, workers=workers)
        before, other, began = cpu_s(), OtherCpu(*processes), time.time()
        run.broker.load(run.topics.accesses, run.workload.accesses)
        _wait(reader, run.workload.violations, check)
        used, other_cpu_s = cpu_s() - before, other.used_s()
        time.sleep(SETTLE_SECONDS)
        seen = dict(reader.first)
        return WorkersRow(
            workers=workers,
            number=number,
            accesses=len(run.workload.accesses),
            due=len(run.workload.violations),
            false=len(seen.keys() - run.workload.violations),
            missed=len(run.workload.violations - seen.keys()),
            judged=[_judged(port) for port in ports],
            span_s=max((one.received for one in seen.values()), default=began) - began,
            cpu_s=used,
            other_cpu_s=other_cpu_s,
            rss_mb=sum(process.peak_rss_mb for process in processes),
        )


def _worker(run: Run, port: int) -> Process:
    environment = {**OURS.environment(run), "NTK_ADMIN_HOST": HOST, "NTK_ADMIN_PORT": str(port)}
    return Process(OURS.command(), environment, run.scratch / f"worker-{port}.log")


def _wait(reader: Reader, due: frozenset[str], check: Callable[[], None]) -> None:
    """Until all is seen or nothing comes any more."""
    began = changed = said = time.monotonic()
    missing = len(due)
    while still := len(due - reader.first.keys()):
        check()
        now = time.monotonic()
        if still != missing:
            missing, changed = still, now
        if now - changed > STALL_SECONDS:
            return
        if now - said >= SAY_SECONDS:
            said = now
            print(f"  {still:,} of {len(due):,} findings are still to come after {now - began:.0f} s", flush=True)
        time.sleep(LOOK_SECONDS)


def _judged(port: int) -> int:
    """How many accesses a worker says it has judged."""
    with _OPENER.open(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
        return judged_in(answer.read().decode())
