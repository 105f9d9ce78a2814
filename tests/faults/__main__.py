"""Plays generated days through two workers on a real broker while faults strike, and compares with the truth.

python -m tests.faults --seeds 30 --seconds 60
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.faults.catalogue import FAULTS, make
from tests.faults.run import Order, Result, run
from tests.harness.broker import proxied_broker

ACCESSES_A_SECOND: Final = 60
ACCESSES_MIN: Final = 1_000
COLUMNS: Final = ("accesses", "due", "standing", "false", "missed", "other_verdict", "dead_letters", "repeats", "cuts")


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every run is valid and right; 1: some is not."""
    options = _options(arguments)
    directory = Path(tempfile.mkdtemp(prefix="needtoknow-faults-"))
    results: list[Result] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as Ctrl-C: what there is so far is told
    try:
        with proxied_broker(directory / "kafka", print) as (kafka, proxies):
            for number, order in enumerate(orders := list(_orders(options)), start=1):
                print(f"{number} of {len(orders)}: {order.faults}, seed {order.seed}", flush=True)
                began, place = time.monotonic(), directory / f"{order.faults}-{order.seed}"
                result = run(order, kafka, proxies, place, lambda line: print(f"  {line}", flush=True))
                results.append(result)
                _keep(results, options.json)
                print(f"  {result.line()} ({time.monotonic() - began:.0f} s)", flush=True)
                for wrong in result.wrong:
                    print(f"  WRONG: {wrong}", flush=True)
                if result.is_good:
                    shutil.rmtree(place, ignore_errors=True)
    finally:
        print("\n" + table(results), flush=True)
    if results and all(result.is_good for result in results):
        shutil.rmtree(directory, ignore_errors=True)
        return 0
    print(f"logs are kept in {directory}")
    return 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=30, help="so many runs, dealt to the faults in turn")
    parser.add_argument("--each", action="store_true", help="every fault with every seed, not in turn")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0, help="that a day is played, and faults strike")
    parser.add_argument("--accesses", type=int, help=f"in a day; default: {ACCESSES_A_SECOND} for each second")
    faults = ", ".join(FAULTS)
    parser.add_argument("--faults", help=f"some of: {faults}; by commas; several in one run: a+b")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there, too")
    options = parser.parse_args(arguments)
    options.names = options.faults.split(",") if options.faults else list(FAULTS)
    try:
        for names in options.names:
            make(names)
    except KeyError as unknown:
        parser.error(f"there is no fault {unknown}; there are {faults}")
    return options


def _orders(options: argparse.Namespace) -> Iterator[Order]:
    accesses = options.accesses or max(ACCESSES_MIN, int(ACCESSES_A_SECOND * options.seconds))
    for number in range(options.seeds):
        names = options.names if options.each else [options.names[number % len(options.names)]]
        for name in names:
            yield Order(faults=name, seed=options.first_seed + number, seconds=options.seconds, accesses=accesses)


def _keep(results: Sequence[Result], file: Path | None) -> None:
    if file is not None:
        file.write_text(json.dumps([result.document() for result in results], indent=2) + "\n")


def table(results: Sequence[Result]) -> str:
    """One line a fault, and one for all."""
    by_fault: defaultdict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_fault[result.order.faults].append(result)
    lines = [("fault", "runs", "valid", "good", *(name.replace("_", " ") for name in COLUMNS), "verify")]
    for name, some in [*by_fault.items(), ("all", list(results))]:
        valid, good = sum(r.is_valid for r in some), sum(r.is_good for r in some)
        sums = [str(sum(r.numbers.get(column, 0) for r in some)) for column in COLUMNS]
        verified = sum(bool(r.numbers.get("verified")) for r in some)
        lines.append((name, str(len(some)), str(valid), str(good), *sums, f"{verified} of {len(some)}"))
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    rows = ["  ".join(v.ljust(w) if n == 0 else v.rjust(w) for n, (v, w) in enumerate(zip(line, widths, strict=True)))
            for line in lines]  # fmt: skip
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
