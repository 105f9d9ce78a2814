"""What reading a message costs, each format beside canonical JSON; one core, no Kafka.

    python -m tests.bench.translation                  every format, rounds in turn; the best, and the median beside it
    python -m tests.bench.translation --rounds 1 --messages 50     to see that it works
    python -m tests.bench.translation --against DIR    canonical JSON only, in turn with the checkout in DIR

Every message is read from its bytes and headers as a worker reads it (`Translators.translate`), and each is another
one: other people, records, seconds and numbers. A message may name several accesses: both are counted. Canonical JSON
that a worker reads in bulk is a row of its own, since it does not come this way. Exit code 1: something was misread.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

GOAL: Final = 20_000  # records a second and core, of the slowest format
KEPT: Final = 0.05  # how much slower canonical JSON may have become
HEADINGS: Final = "what is read | bytes | accesses | us, best | us, median | messages/s | accesses/s | of canonical"
ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Shape:
    """Messages of one kind, and how all of them are read."""

    name: str
    messages: Sequence[bytes]
    accesses: int
    read: Callable[[], int]
    """Reads all, and says how many accesses they name."""


def main() -> int:
    """Returns 0 when every message named as many accesses as it was written with."""
    args = _options()
    if args.canonical:
        return _as_canonical(args)
    before, stolen = os.getloadavg()[0], psutil.cpu_times().steal
    began = time.monotonic()
    is_right = _against(args) if args.against else _table(args)
    share = (psutil.cpu_times().steal - stolen) / ((time.monotonic() - began) * (os.cpu_count() or 1))
    print(f"\nload before {before:.1f}; the host took {share:.1%} of this machine's processors meanwhile")
    return 0 if is_right else 1


def _table(args: argparse.Namespace) -> bool:
    from tests.bench.translation_load import shapes  # another checkout, which runs this file too, has no such module

    found = shapes(args.messages)
    took: dict[str, list[float]] = {shape.name: [] for shape in found}
    is_right = True
    for number in range(args.rounds + 1):  # the first warms up
        for shape in found:
            seconds, accesses = timed(shape.read)
            is_right &= accesses == shape.accesses
            took[shape.name] += [seconds] if number else []
    base = min(took[found[0].name]) / len(found[0].messages)
    print(HEADINGS + "\n" + " | ".join("---" for _ in HEADINGS.split("|")))
    for shape in found:
        print(_row(shape, min(took[shape.name]), statistics.median(took[shape.name]), base))
    slowest = min(found, key=lambda shape: shape.accesses / min(took[shape.name]))
    rate = slowest.accesses / min(took[slowest.name])
    print(f"\nslowest: {slowest.name}, {rate:,.0f} accesses a second (goal {GOAL:,})")
    return is_right


def _row(shape: Shape, best: float, median: float, base: float) -> str:
    """Others take time and give none, so the best round is nearest to what a core can do; the median tells how quiet
    it was."""
    count = len(shape.messages)
    size, each = statistics.mean(map(len, shape.messages)), shape.accesses / count
    return (
        f"{shape.name} | {size:,.0f} | {each:.0f} | {best / count * 1e6:,.1f} | {median / count * 1e6:,.1f} | "
        f"{count / best:,.0f} | {shape.accesses / best:,.0f} | {best / count / base:,.2f}"
    )


def _against(args: argparse.Namespace) -> bool:
    """Canonical JSON in this checkout and in another, each in processes of its own, in turn."""
    checkouts, before, now = (args.against.resolve(), ROOT), list[float](), list[float]()
    for number in range(args.rounds):
        pair = list(zip(checkouts, (before, now), strict=True))
        for checkout, took in pair[:: -1 if number % 2 else 1]:
            took += [_canonical_in(checkout, args.messages)]
    print(f"before: {' '.join(f'{us:.2f}' for us in before)} us")
    print(f"now:    {' '.join(f'{us:.2f}' for us in now)} us")
    ratio = statistics.median(after / first for first, after in zip(before, now, strict=True))
    print(f"the median pair: {ratio:.3f} of what it was (at most {1 + KEPT} wanted)")
    return True


def _canonical_in(checkout: Path, messages: int) -> float:
    command = [sys.executable, str(ROOT / "tests" / "bench" / "translation.py"), "--canonical"]
    command += ["--messages", str(messages)]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["us"])


def _as_canonical(args: argparse.Namespace) -> int:
    """Microseconds of a message in the checkout that this process imports from."""
    from streams.sources import translate

    values, headers = [canonical(number) for number in range(args.messages)], [("content-type", b"application/json")]

    def read() -> int:
        return sum(len(translate("ecms", value, headers, 1_767_700_000_000).accesses) for value in values)

    timed(read)
    took = min(timed(read)[0] for _ in range(15))
    print(json.dumps({"us": took / len(values) * 1e6}))
    return 0


def canonical(number: int) -> bytes:
    """As an emitter writes it, with what most accesses say."""
    said = {
        "event_id": f"ecms-{number:09}",
        "source": "ecms",
        "sequence": number,
        "actor": f"user{number % 997}",
        "action": "view",
        "record": {"kind": "case", "id": f"c{number * 7919 % 99991:05}"},
        "result": "success",
        "occurred_at": f"2026-01-06T12:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}Z",
        "session": f"s{number % 4999}",
    }
    return json.dumps(said, separators=(",", ":")).encode()


def timed(read: Callable[[], int]) -> tuple[float, int]:
    """CPU seconds, since that is what a core has; without the collector, which a worker lets run seldom."""
    gc.collect()
    gc.disable()
    began = time.process_time()
    accesses = read()
    took = time.process_time() - began
    gc.enable()
    return took, accesses


def _options(given: Iterable[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2_000, help="of each kind")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--against", type=Path, metavar="DIR", help="a checkout of what canonical JSON was read by")
    parser.add_argument("--canonical", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(None if given is None else list(given))


if __name__ == "__main__":
    sys.exit(main())
