"""Measures programs that join accesses with assignments on a Kafka broker.

    tests/bench/run                                  1.2 million accesses, ours and Kafka Streams, 3 alternated runs
    tests/bench/run drain --programs ours,kafka-streams,aiokafka-floor --accesses 200000 --repeat 1
    tests/bench/run memory                           our worker's memory with 100,000, 400,000 and 1.2 million waiting
    tests/bench/run profile                          where our worker spends its time, by py-spy

Verdicts are compared with the known answers first: a run with a false or missed one has FAILED. README.md beside this
file has the workload, the columns and the caveats.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from deploy.local.kafka import LocalKafka

from . import memory, report
from .broker import Broker
from .drain import Observer, Row, drain
from .profiler import Profiler, read_profile
from .profiler import show as show_profile
from .programs import PROGRAMS, Program
from .workload import Plan, Workload, make_workload

RESULTS: Final = Path(__file__).resolve().parents[2] / ".ntk" / "bench"


def main() -> int:
    """Returns 0 when every run was right, 1 when one was not."""
    args = _parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that programs are stopped and topics deleted
    with _scratch(args.keep) as scratch, _broker(args.broker, scratch) as broker:
        return {"drain": _drain, "memory": _memory, "profile": _profile}[args.what](args, broker, scratch)


def _drain(args: argparse.Namespace, broker: Broker, scratch: Path) -> int:
    programs = [PROGRAMS[name] for name in args.programs]
    for program in programs:
        program.build()
    workload = _workload(_plan(args, args.accesses))
    rows: report.Rows = {program.name: [] for program in programs}
    for number in range(args.repeat):
        for program in programs if number % 2 == 0 else reversed(programs):  # so that none always comes first
            rows[program.name].append(_run(program, number + 1, broker, workload, scratch))
    report.show(rows)
    document = {
        "plan": asdict(workload.plan),
        "runs": [row.as_json() for some in rows.values() for row in some],
        "medians": report.medians(rows),
        "ratios": report.ratios(rows),
        "differences": {program.name: program.differences for program in programs},
    }
    return _end([row for some in rows.values() for row in some], report.write(RESULTS, "drain", document))


def _memory(args: argparse.Namespace, broker: Broker, scratch: Path) -> int:
    rows: list[Row] = []
    for backlog in args.backlogs:
        workload = _workload(_plan(args, backlog))
        rows.append(_run(PROGRAMS["ours"], 1, broker, workload, scratch))
    memory.show(rows)
    document = {"backlogs": args.backlogs, "runs": [row.as_json() for row in rows], **memory.growth(rows)}
    return _end(rows, report.write(RESULTS, "memory", document))


def _profile(args: argparse.Namespace, broker: Broker, scratch: Path) -> int:
    RESULTS.mkdir(parents=True, exist_ok=True)
    observer = Profiler(RESULTS / "profile.raw")
    row = _run(PROGRAMS["ours"], 1, broker, _workload(_plan(args, args.accesses)), scratch, observer)
    if observer.raw.exists():
        show_profile(read_profile(observer.raw.read_text()))
    return _end([row], observer.raw)


def _run(
    program: Program, number: int, broker: Broker, workload: Workload, scratch: Path, observer: Observer | None = None
) -> Row:
    row = drain(program, number, broker=broker, workload=workload, scratch=scratch, observer=observer)
    print(json.dumps(row.as_json()), flush=True)
    return row


def _end(rows: list[Row], path: Path) -> int:
    print(f"\nkept in {path}")
    return 0 if all(row.is_right for row in rows) else 1


def _workload(plan: Plan) -> Workload:
    print(f"making {plan.accesses:,} accesses", flush=True)
    gc.unfreeze()
    workload = make_workload(plan)
    gc.collect()
    gc.freeze()  # the messages stay: the collector must not walk through them while a program is timed
    return workload


def _plan(args: argparse.Namespace, accesses: int) -> Plan:
    return Plan(accesses=accesses, subjects=args.subjects, staff=args.staff, share=args.share, seed=args.seed)


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


def _parse() -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--broker", metavar="HOST:PORT", help="an existing Kafka; default: one of its own, for the run")
    common.add_argument("--keep", type=Path, metavar="DIR", help="leave logs and state there; default: nothing is left")
    common.add_argument("--share", type=float, default=Plan.share, help="of random accesses, nearly all violations")
    common.add_argument("--subjects", type=int, default=Plan.subjects, help="records")
    common.add_argument("--staff", type=int, default=Plan.staff)
    common.add_argument("--seed", type=int, default=Plan.seed)
    parser = argparse.ArgumentParser(
        prog="tests/bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_subparsers(dest="what", required=True)
    d = what.add_parser("drain", parents=[common], help="speed of every program")
    d.add_argument("--programs", type=_names, default=["ours", "kafka-streams"], help=f"of {', '.join(PROGRAMS)}")
    d.add_argument("--accesses", type=int, default=1_200_000)
    d.add_argument("--repeat", type=int, default=3, help="runs of each")
    m = what.add_parser("memory", parents=[common], help="memory of our worker")
    m.add_argument("--backlogs", type=_numbers, default=[100_000, 400_000, 1_200_000])
    p = what.add_parser("profile", parents=[common], help="where our worker spends its time")
    p.add_argument("--accesses", type=int, default=1_200_000)
    return parser.parse_args(sys.argv[1:] or ["drain"])


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(PROGRAMS):
        raise argparse.ArgumentTypeError(f"no such program: {', '.join(sorted(unknown))}")
    return names


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
