"""How translators take what means harm: `python -m tests.harness.hostile [--mutants 100000] [--seed 7]`.

For each format: how many kinds its corpus has, and damaged copies of its messages. Each must be accesses or a
RejectedInputError, never anything else; time and memory are told. The exit code is 1 when that is not so.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import dataclass, field

import click

from schemas.errors import RejectedInputError
from streams.policy.aside import fault
from streams.sources import translate

from . import CORPORA, Corpus, damaged

AT = 1_800_000_000_000  # appended after every message
ROW = "{:<10} {:<42} {:>6} {:>6} {:>9} {:>9} {:>7} {:>8} {:>9}"


@dataclass
class Told:
    """What became of messages. `others`: what was raised that must not be; `slowest` in CPU seconds."""

    read: int = 0
    rejected: int = 0
    slowest: float = 0.0
    others: set[str] = field(default_factory=set)

    def take(self, corpus: Corpus, value: bytes) -> None:
        """One message."""
        began = time.process_time()
        try:
            translate(corpus.source, value, (("content-type", corpus.content_type.encode()),), AT)
            self.read += 1
        except RejectedInputError:
            self.rejected += 1
        except Exception as error:
            self.others.add(fault(error))
        self.slowest = max(self.slowest, time.process_time() - began)


def tried(corpus: Corpus, seed: int, mutants: int) -> tuple[Told, Told]:
    """The corpus' hostile messages, and damaged copies of all."""
    hostile, others = Told(), Told()
    for value in corpus.hostile.values():
        hostile.take(corpus, value)
    for value in damaged(corpus, seed, mutants):
        others.take(corpus, value)
    return hostile, others


def main() -> int:
    """Prints a row for each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    click.echo(
        ROW.format("source", "content type", "kinds", "taken", "mutants", "rejected", "others", "slowest", "grown")
    )
    is_good = True
    for corpus in CORPORA:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        hostile, mutants = tried(corpus, asked.seed, asked.mutants)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        others = hostile.others | mutants.others
        is_good &= not others and hostile.read == 0
        click.echo(
            ROW.format(
                corpus.source,
                corpus.content_type,
                len(corpus.hostile),
                hostile.read,
                asked.mutants,
                mutants.rejected,
                len(others),
                f"{max(hostile.slowest, mutants.slowest) * 1000:.0f} ms",
                f"{grown / 1024:.1f} MiB",
            )
        )
        for one in sorted(others):
            click.echo(f"    {one}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
