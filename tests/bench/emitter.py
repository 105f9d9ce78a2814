"""What the emitter takes of its host: time of the host's thread for each access, memory and disk with the broker gone.

    python -m tests.bench.emitter                      an hour at 100 a second (360,000 accesses) with no broker there
    python -m tests.bench.emitter --accesses 20000     to see that it works
    python -m tests.bench.emitter --broker HOST:PORT   and how fast what waited is sent then, on topics of its own

Times stand beside `json.dumps` of the same fields, on the same machine in the same minute: a busy or sleepy machine
takes ten times as long for either. Exit code 1: something was refused, or memory grew, or not all was stored.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from schemas.emit import Emitter
from tests.faults.harness import running
from tests.harness.broker import new_namespace
from tests.harness.emitting import fields

NOBODY: Final = "127.0.0.1:1"
GOAL_US: Final = 20.0
GROWTH_MB: Final = 8.0
DRAIN_SECONDS: Final = 1_800.0
STEPS: Final = 10
MIB: Final = 2**20


def main() -> int:
    """Returns 0 when nothing was refused or lost and memory stayed."""
    args = _options()
    with tempfile.TemporaryDirectory(prefix="ntk-emit-", dir=args.directory) as scratch:
        is_flat = memory(Path(scratch), args.accesses)
        for rate in (None, 1_000, 100):
            host_time(Path(scratch) / f"time-{rate}", 10_000 if rate is None else 5 * rate, rate)
        is_sent = args.broker is None or drained(Path(scratch), args.broker)
    return 0 if is_flat and is_sent else 1


def memory(spool: Path, accesses: int) -> bool:
    """An outage, as fast as the disk takes it: resident memory and the spool after each tenth."""
    print(f"{accesses:,} accesses with no broker there, an hour at {accesses / 3600:.0f} a second")
    process, grown = psutil.Process(), []
    with_emitter = Emitter("ecms", NOBODY, spool / "outage")
    step = max(1, accesses // STEPS)
    for number in range(1, accesses + 1):
        with_emitter.emit(**fields(number))
        if number % 1_000 == 0:
            with_emitter.flush(60)
        if number % step == 0:
            grown.append(process.memory_info().rss / MIB)
            print(f"  {number:>9,}: resident {grown[-1]:.1f} MiB, spool {_size(spool) / MIB:.1f} MiB", flush=True)
    with_emitter.flush(60)
    stats = with_emitter.stats()
    with_emitter.close(0)
    growth = grown[-1] - grown[0]
    print(f"  {stats}\n  {_size(spool) / max(1, accesses):.0f} bytes of disk each; memory grew by {growth:.1f} MiB\n")
    return stats.waiting == accesses and stats.refused == 0 and growth < GROWTH_MB


def host_time(spool: Path, count: int, rate: int | None) -> None:
    """What `emit` takes of the calling thread, back to back or at so many a second."""
    with_emitter = Emitter("ecms", NOBODY, spool, number_from=1)
    pause = 0.0 if rate is None else 1 / rate
    emitted = timed(lambda one: with_emitter.emit(**one), count, pause, with_emitter.flush)
    stats = with_emitter.stats()
    with_emitter.close(0)
    dumped = timed(json.dumps, count, pause, lambda: None)
    pace = "back to back" if rate is None else f"at {rate:,} a second"
    print(f"host time per access, {pace}: {said(emitted)} us (goal {GOAL_US:.0f})")
    print(f"  json.dumps: {said(dumped)} us; {middle(emitted) / middle(dumped):.1f} times that")
    print(f"  {stats.refused} of {count:,} refused")


def timed(
    do: Callable[[dict[str, Any]], object], count: int, pause: float, settle: Callable[[], object]
) -> list[float]:
    """Microseconds of each, sorted; what is back to back is let settle now and then, so that nothing is refused."""
    took = []
    for number in range(count):
        one = fields(number)
        began = time.perf_counter_ns()
        do(one)
        took.append((time.perf_counter_ns() - began) / 1_000)
        if pause:
            time.sleep(pause)  # the rate, not a wait for something
        elif number % 1_000 == 999:
            settle()
    return sorted(took)


def middle(took: Sequence[float]) -> float:
    """The median."""
    return took[len(took) // 2]


def said(took: Sequence[float]) -> str:
    """Median, 99th percentile and mean."""
    return f"p50 {middle(took):.1f}, p99 {took[len(took) * 99 // 100]:.1f}, mean {sum(took) / len(took):.1f}"


def drained(scratch: Path, broker: str) -> bool:
    """The outage ends."""
    prefix = new_namespace()
    with running(broker, scratch / "service", prefix):
        began = time.monotonic()
        with_emitter = Emitter("ecms", broker, scratch / "outage", topic_prefix=prefix)
        waiting = with_emitter.stats().waiting
        is_sent = with_emitter.drain(DRAIN_SECONDS)
        took = time.monotonic() - began
        print(f"{waiting:,} that waited were stored in {took:.1f} s, {waiting / took:,.0f} a second")
        print(f"  {with_emitter.stats()}")
        with_emitter.close()
    return is_sent


def _size(spool: Path) -> int:
    return sum(file.stat().st_size for file in spool.rglob("*") if file.is_file())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accesses", type=int, default=360_000)
    parser.add_argument("--broker", help="host:port of a broker that is there")
    parser.add_argument("--directory", type=Path, help="where the spool lies; a disk, not memory")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
