"""What can be asked of the benchmark on the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from .programs import PROGRAMS
from .workload import Plan

STORES: Final = ("sqlite", "postgresql")
SHORT: Final[dict[str, object]] = {
    "subjects": 4_000,
    "staff": 400,
    "accesses": 100_000,
    "repeat": 1,
    "rates": [1_000],
    "highest": 2_000,
    "refine": 0,
    "warm_up": 2.0,
    "seconds": 5.0,
    "disorder_rate": 300,
    "disorder_seconds": 20.0,
    "disorder_records": 1_000,
    "disorder_staff": 200,
    "scale": 90.0,
    "storm": 200,
    "shared_accesses": 100_000,
    "shared_repeat": 1,
    "many_facts": 60_000,
    "few_accesses": 30_000,
    "many_accesses": 130_000,
    "alerts": 3_000,
    "rounds": 1,
}
"""What `--short` asks for, whatever else was asked."""


def parse(description: str) -> argparse.Namespace:
    """The arguments of this process; without any, the drain."""
    common = _common()
    parser = argparse.ArgumentParser(
        prog="tests/bench/run", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_subparsers(dest="what", required=True)
    drain, open_loop = _drain(), _open_loop()
    what.add_parser("drain", parents=[common, drain], help="(a) speed of every program")
    what.add_parser("open-loop", parents=[common, open_loop], help="(b) from an access to its finding at steady rates")
    what.add_parser("disorder", parents=[common, _disorder()], help="(c) late, shortened and void facts")
    what.add_parser("two-workers", parents=[common, _two_workers()], help="(d) two workers against one")
    what.add_parser("costs", parents=[common, _costs()], help="(e) memory, loading, one question, judging again")
    what.add_parser("alerts", parents=[common, _alerts()], help="(f) a full store of alerts, without Kafka")
    every = [common, drain, open_loop, _disorder(), _two_workers(), _costs(), _alerts()]
    a = what.add_parser("all", parents=every, help="(a) to (f), one table")
    a.add_argument("--short", action="store_true", help="small enough to see that all works; no figures to keep")
    m = what.add_parser("memory", parents=[common], help="memory of our worker beside a backlog")
    m.add_argument("--backlogs", type=_numbers, default=[100_000, 400_000, 1_200_000])
    p = what.add_parser("profile", parents=[common], help="where our worker spends its time")
    p.add_argument("--accesses", type=int, default=1_200_000)
    args = parser.parse_args(sys.argv[1:] or ["drain"])
    if getattr(args, "short", False):
        vars(args).update(SHORT)
    return args


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--broker", metavar="HOST:PORT", help="an existing Kafka; default: one of its own, for the run")
    common.add_argument("--keep", type=Path, metavar="DIR", help="leave logs and state there; default: nothing is left")
    common.add_argument("--json", type=Path, metavar="FILE", help="write the result there too")
    common.add_argument("--share", type=float, default=Plan.share, help="of random accesses, nearly all violations")
    common.add_argument("--subjects", type=int, default=Plan.subjects, help="records")
    common.add_argument("--staff", type=int, default=Plan.staff)
    common.add_argument("--seed", type=int, default=Plan.seed)
    return common


def _drain() -> argparse.ArgumentParser:
    d = argparse.ArgumentParser(add_help=False)
    _programs(d, "--programs")
    _runs(d, "--")
    return d


def _open_loop() -> argparse.ArgumentParser:
    o = argparse.ArgumentParser(add_help=False)
    _programs(o, "--open-programs")
    o.add_argument("--rates", type=_numbers, default=[1_000, 4_000], help="accesses/s, in order; then the last doubled")
    o.add_argument("--highest", type=int, default=128_000, help="rate that is tried")
    o.add_argument("--refine", type=int, default=1, help="rates halfway between the last good and the first bad one")
    o.add_argument("--warm-up", type=float, default=5.0, help="seconds of each rate that are not measured")
    o.add_argument("--seconds", type=float, default=20.0, help="seconds of each rate that are")
    return o


def _disorder() -> argparse.ArgumentParser:
    c = argparse.ArgumentParser(add_help=False)
    c.add_argument("--disorder-rate", type=int, default=1_000, help="accesses a second")
    c.add_argument("--disorder-seconds", type=float, default=90.0, help="by the clock")
    c.add_argument("--disorder-records", type=int, default=4_000, help="three assignments each")
    c.add_argument("--disorder-staff", type=int, default=500)
    c.add_argument("--scale", type=float, default=20.0, help="seconds of event time in one by the clock")
    c.add_argument("--late", type=float, default=0.05, help="of all assignments, 1 to 600 s of event time")
    c.add_argument("--shortened", type=float, default=0.02, help="of all assignments")
    c.add_argument("--void", type=float, default=0.01, help="of all assignments")
    c.add_argument("--storm", type=int, default=1_500, help="assignments void at once by mistake, and restored")
    return c


def _two_workers() -> argparse.ArgumentParser:
    d = argparse.ArgumentParser(add_help=False)
    _runs(d, "--shared-")
    d.add_argument("--workers", type=_numbers, default=[1, 2], help="how many share the work")
    return d


def _costs() -> argparse.ArgumentParser:
    e = argparse.ArgumentParser(add_help=False)
    e.add_argument("--few-facts", type=int, default=10_000)
    e.add_argument("--many-facts", type=int, default=1_000_000)
    e.add_argument("--few-accesses", type=int, default=200_000)
    e.add_argument("--many-accesses", type=int, default=1_200_000)
    return e


def _alerts() -> argparse.ArgumentParser:
    f = argparse.ArgumentParser(add_help=False)
    f.add_argument("--alerts", type=int, default=300_000, help="with some three acts each")
    f.add_argument("--rounds", type=int, default=3, help="of all questions; the kinds of store alternate")
    f.add_argument("--stores", type=_stores, default=list(STORES), help=f"of {', '.join(STORES)}; the first always")
    return f


def _stores(text: str) -> list[str]:
    names = text.split(",")
    if names[0] != STORES[0] or set(names) - set(STORES):
        raise argparse.ArgumentTypeError(f"{STORES[0]}, or {','.join(STORES)}")
    return names


def _programs(parser: argparse.ArgumentParser, option: str) -> None:
    known = f"of {', '.join(PROGRAMS)}"
    parser.add_argument(option, type=_names, default=["ours", "kafka-streams"], help=known)


def _runs(parser: argparse.ArgumentParser, prefix: str) -> None:
    parser.add_argument(f"{prefix}accesses", type=int, default=1_200_000)
    parser.add_argument(f"{prefix}repeat", type=int, default=3, help="runs of each")


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(PROGRAMS):
        raise argparse.ArgumentTypeError(f"no such program: {', '.join(sorted(unknown))}")
    return names


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]
