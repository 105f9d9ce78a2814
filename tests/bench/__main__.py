"""Measures our worker, alone and beside programs that join accesses with assignments on a Kafka broker.

    tests/bench/run                       (a) 1.2 million accesses, ours and Kafka Streams, 3 alternated runs
    tests/bench/run drain --programs ours,kafka-streams,aiokafka-floor --accesses 200000 --repeat 1
    tests/bench/run open-loop             (b) from an access to its finding, at 1,000/s, 4,000/s and up
    tests/bench/run disorder              (c) facts late, shortened and void while accesses flow
    tests/bench/run two-workers           (d) CPU per access of two workers against one
    tests/bench/run costs                 (e) memory, loading, one question, judging again
    tests/bench/run alerts                (f) lists, searches and acts in a store of 300,000 alerts; needs no Kafka
    tests/bench/run all --json FILE       (a) to (f), one table
    tests/bench/run memory                our worker's memory with 100,000, 400,000 and 1.2 million waiting
    tests/bench/run profile               where our worker spends its time, by py-spy

Verdicts are compared with the known answers first: a run with a false or missed one has FAILED. README.md beside this
file has the workloads, the columns and the caveats.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import psutil

from deploy.local.kafka import LocalKafka

from . import report
from .broker import Broker
from .context import Bench, prepared
from .goals import Goal, Part, goal_table
from .options import parse
from .parts import PARTS, one_drain
from .profiler import Profiler, read_profile
from .profiler import show as show_profile
from .programs import OURS

ALL: Final = ("drain", "open-loop", "disorder", "two-workers", "costs", "alerts")
STOLEN_MAX: Final = 0.01  # of the processors, by others on the same host; with 12 % a worker took half as long again
QUIET_LOAD: Final = 0.5  # processes that want a processor, on average of the last minute
RESULTS: Final = Path(__file__).resolve().parents[2] / ".ntk" / "bench"


def main() -> int:
    """Returns 0 when every run was right, 1 when one was not. A goal that is not met is told, and no failure."""
    args = parse(__doc__ or "")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that programs are stopped and topics deleted
    load_before = os.getloadavg()[0]
    if load_before > QUIET_LOAD:
        print(f"the machine is not quiet (load {load_before:.1f}): what follows shows that it works, and no figures")
    with _scratch(args.keep) as scratch, _broker(_address(args), scratch) as broker:
        bench = Bench(args, broker, scratch, load_before)
        if args.what == "profile":
            return _profile(bench)
        return _measure(bench, list(ALL) if args.what == "all" else [args.what])


def _measure(bench: Bench, names: list[str]) -> int:
    """Each part, one table at the end; what is measured is kept after each part already."""
    files = [report.new_file(RESULTS, bench.args.what), *([bench.args.json] if bench.args.json else [])]
    parts: list[Part] = []
    for name in names:
        parts += [_part(bench, name)]
        done = {part.name: part.as_json() for part in parts}
        report.write(files, {"load_before": bench.load_before, **done})
        print("\n" + goal_table(parts[-1:]), flush=True)
    print("\nRough edges:\n" + "\n".join(f"  - {text}" for part in parts for text in part.rough_edges))
    if len(parts) > 1:
        print("\n" + goal_table(parts))
    if getattr(bench.args, "short", False):
        print("\nshort: all of it works, or does not; none of these figures is one to keep")
    print(f"\nkept in {', '.join(map(str, files))}")
    return 0 if all(part.is_right for part in parts) else 1


def _part(bench: Bench, name: str) -> Part:
    """One that fails must not take with it what the others measured."""
    print(f"\n== {name}\n", flush=True)
    began, stolen = time.monotonic(), psutil.cpu_times().steal
    try:
        part = PARTS[name](bench)
    except Exception as error:
        traceback.print_exc()
        lost = Goal(part=name, what=f"ended with {type(error).__name__}", unit="", measured=None, limit=0)
        return Part(name=name, is_right=False, goals=[lost], rough_edges=[])
    took_s = round(time.monotonic() - began)
    share = (psutil.cpu_times().steal - stolen) / (max(1, took_s) * (os.cpu_count() or 1))
    print(f"\n{name} took {took_s} s; the host took {share:.1%} of this machine's processors meanwhile", flush=True)
    if share > STOLEN_MAX:
        print("that is too much: what stands above is slower than this machine, and by chance")
    return replace(part, document={"took_s": took_s, "stolen": share, **part.document})


def _profile(bench: Bench) -> int:
    RESULTS.mkdir(parents=True, exist_ok=True)
    observer = Profiler(RESULTS / "profile.raw")
    row = one_drain(bench, OURS, 1, prepared(bench.plan(bench.args.accesses)), observer)
    if observer.raw.exists():
        show_profile(read_profile(observer.raw.read_text()))
    print(f"\nkept in {observer.raw}")
    return 0 if row.is_right else 1


def _address(args: argparse.Namespace) -> str | None:
    """A store is filled without Kafka: the address of none, to which nobody connects."""
    return "127.0.0.1:1" if args.what == "alerts" else args.broker


@contextlib.contextmanager
def _broker(address: str | None, scratch: Path) -> Iterator[Broker]:
    if address is not None:
        yield Broker(address)
        return
    with LocalKafka.start(scratch / "kafka", say=lambda line: print(line, flush=True)) as local:
        yield Broker(local.bootstrap)


@contextlib.contextmanager
def _scratch(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    path = Path(tempfile.mkdtemp(prefix="ntk-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
