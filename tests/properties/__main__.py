"""Many histories held to the laws, by command.

    python -m tests.properties --histories 20000 --processes 2
    python -m tests.properties --histories 5000 --shell    # by the judge's own shell: lanes, tasks, stops

Exit code 1: a law was broken, and the shortest history that breaks it is printed; or the histories were not about
everything they ought to be about.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from typing import Final

from tests.harness.play import play
from tests.harness.shell_play import play_shell

from .coverage import holes, table
from .trial import Broken, many, shortest

SAY_EVERY: Final = 10.0  # seconds
SHOWN: Final = 3  # broken laws made short


def main() -> int:
    """Progress, the table of what the histories were about, and one line in the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=20_000, help="how many (default 20000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one (default 0)")
    parser.add_argument("--processes", type=int, default=2, help="how many at a time (default 2)")
    parser.add_argument("--shell", action="store_true", help="play them by the judge's own shell")
    asked = parser.parse_args()
    seen: Counter[str] = Counter()
    broken: list[Broken] = []
    done = acts = accesses = findings = 0
    began = said = time.monotonic()
    logging.disable()  # workers that are killed say so
    for some in many(asked.seed, asked.histories, asked.processes, play_shell if asked.shell else play):
        done, acts, accesses = done + some.histories, acts + some.acts, accesses + some.accesses
        findings += some.findings
        seen += some.seen
        broken += some.broken
        for one in some.broken:
            print(f"seed {one.history.seed} breaks: {one.law}", flush=True)
        if time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            print(f"{done}/{asked.histories} histories, {len(broken)} broken ({said - began:.0f} s)", flush=True)
    if not asked.shell:
        table(seen, done, print)
    for law in list(dict.fromkeys(b.law for b in broken))[:SHOWN]:
        short = shortest(min((b for b in broken if b.law == law), key=lambda b: len(b.history.acts)))
        print(f"\nbroken: {short.law}\n{short.history.told()}\n{short.how}")
    missing = [] if asked.shell else holes(seen, done)
    for name in missing:
        print(f"too seldom: {name}")
    print(
        f"{done} histories from seed {asked.seed}: {acts} acts, {accesses} accesses, {findings} transitions;"
        f" {len(broken)} broken laws; {time.monotonic() - began:.0f} s with {asked.processes} processes"
    )
    return 1 if broken or missing else 0


if __name__ == "__main__":
    sys.exit(main())
