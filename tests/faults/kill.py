"""Kills workers at random moments while a day is played, and counts what is lost and what is invented.

python -m tests.faults.kill --kills 20 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.kafka import LocalKafka
from deploy.local.service import Worker
from schemas.access import Access
from tests.faults.harness import FAULTY, Checked, Running, Slices, check, play_sliced, running, sliced_day
from tests.harness.broker import new_namespace

WORKERS: Final = 2
ACCESSES: Final = 400
SPREAD_SECONDS: Final = 4.0  # after a piece begins to be played; the longest of these moments lie in a recovery
PENDING_SECONDS: Final = 5.0  # to wait for accesses to be pending, for a kill that is to hit such a moment
PAUSE: Final = 0.02
INVALID: Final = 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after a piece begins to be played, and whether only once accesses wait."""

    piece: int
    delay: float
    is_while_pending: bool


@dataclass(frozen=True)
class Hit:
    """One kill. `has_hit`: a living worker died of it. `pending` is None when the worker was not up yet."""

    seconds: float
    piece: int
    worker: int
    pending: int | None
    has_hit: bool

    def line(self) -> str:
        """For people."""
        state = "starting" if self.pending is None else f"{self.pending} accesses pending"
        what = "killed" if self.has_hit else "NOT HIT"
        return f"[{self.seconds:5.1f} s] piece {self.piece:2d}: worker {self.worker} {what}, {state}"


@dataclass
class Killer:
    """Kills a random worker at each of the moments, and starts another one at once."""

    one: Running
    chance: random.Random
    moments: dict[int, list[Moment]]
    say: Say
    hits: list[Hit] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    async def beside(self, piece: int) -> None:
        """The kills that are due while this piece is played."""
        began = time.monotonic()
        for moment in self.moments.get(piece, ()):
            await asyncio.sleep(max(0.0, began + moment.delay - time.monotonic()))  # the moment itself, not a wait
            victim = self.chance.choice(self._living())
            if moment.is_while_pending:
                await _until_pending(victim)
            self._kill(victim, piece)
            self.one.service.launch()

    def _living(self) -> list[Worker]:
        return [worker for worker in self.one.service.workers if worker.process.poll() is None]

    def _kill(self, victim: Worker, piece: int) -> None:
        pending = pending_of(victim)
        victim.send(signal.SIGKILL)
        has_hit = victim.process.wait() == -signal.SIGKILL
        hit = Hit(time.monotonic() - self.began, piece, victim.number, pending, has_hit)
        self.hits.append(hit)
        self.say(hit.line())


def pending_of(worker: Worker) -> int | None:
    """How many accesses wait at this worker; None when it does not answer."""
    with contextlib.suppress(OSError):
        for line in worker.metrics().splitlines():
            if line.startswith("needtoknow_pending_accesses "):
                return int(float(line.split()[1]))
    return None


async def _until_pending(worker: Worker) -> None:
    deadline = time.monotonic() + PENDING_SECONDS
    # Another process has no event to wait for: it can only be asked.
    while time.monotonic() < deadline and worker.process.poll() is None and not pending_of(worker):  # noqa: ASYNC110
        await asyncio.sleep(PAUSE)


def plan(chance: random.Random, kills: int, day: Slices) -> dict[int, list[Moment]]:
    """Random moments, more of them where more happens; a third of them while accesses are pending."""
    weights = [1 + sum(isinstance(step.means, Access) for step in piece) for piece in day.pieces]
    moments: defaultdict[int, list[Moment]] = defaultdict(list)
    for number in range(kills):
        (piece,) = chance.choices(range(len(day.pieces)), weights)
        moments[piece].append(Moment(piece, chance.uniform(0, SPREAD_SECONDS), is_while_pending=number % 3 == 0))
    return {piece: sorted(some, key=lambda m: m.delay) for piece, some in moments.items()}


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    hits: list[Hit]
    kills: int
    checked: Checked
    ended: list[int]
    """Exit codes of workers that ended by themselves."""

    @property
    def is_valid(self) -> bool:
        """Whether every kill hit a living worker; a run that is not valid shows nothing."""
        return len(self.hits) == self.kills and all(hit.has_hit for hit in self.hits)

    @property
    def is_good(self) -> bool:
        """Valid, and everything as it must be."""
        return self.is_valid and self.checked.is_right and not self.ended

    def line(self) -> str:
        """The closing line."""
        outcome, report = self.checked.outcome, self.checked.report
        return (
            f"{len(self.hits)} kills, {sum(bool(hit.pending) for hit in self.hits)} of them with accesses pending; "
            f"{len(outcome.standing)} findings, {len(outcome.missed)} lost, {len(outcome.false)} invented, "
            f"{len(outcome.wrong)} with another verdict, {self.checked.repeats} repeats; "
            f"ledger {'verified' if report['verified'] else 'NOT verified'}; "
            f"{'valid' if self.is_valid else 'INVALID: a kill hit nobody'}"
        )


def kill_during_a_day(
    bootstrap: str, directory: Path, *, kills: int, seed: int, say: Say, accesses: int = ACCESSES
) -> Result:
    """Play the day of `seed` through two workers, killing as planned by the same seed, and check what came of it."""
    day, chance = sliced_day(seed, accesses=accesses), random.Random(seed)
    with running(bootstrap, directory, new_namespace(), **FAULTY) as one:
        one.service.start_workers(WORKERS)
        killer = Killer(one, chance, plan(chance, kills, day), say)
        play_sliced(one, day, killer.beside)
        checked = check(one, day.expected)
        codes = [worker.process.poll() for worker in one.service.workers]
    return Result(killer.hits, kills, checked, [code for code in codes if code not in (None, -signal.SIGKILL)])


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all is well; 1: something is not; 3: the run is not valid."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the day and of the moments")
    parser.add_argument("--accesses", type=int, default=ACCESSES, help="in the day, at least 300")
    parser.add_argument("--broker", help="use this Kafka, host:port, instead of starting one")
    options = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="needtoknow-kill-"))
    code = 1
    try:
        code = _run(options, directory)
    finally:
        if code == 0:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            print(f"logs are kept in {directory}")
    return code


def _run(options: argparse.Namespace, directory: Path) -> int:
    with _broker(options.broker, directory) as bootstrap:
        result = kill_during_a_day(
            bootstrap,
            directory / "service",
            kills=options.kills,
            seed=options.seed,
            say=print,
            accesses=options.accesses,
        )
    for fault in [*result.checked.faults(), *(f"a worker ended by itself with {code}" for code in result.ended)]:
        print(fault)
    print(result.line())
    if not result.is_valid:
        return INVALID
    return 0 if result.is_good else 1


@contextlib.contextmanager
def _broker(given: str | None, directory: Path) -> Iterator[str]:
    if given:
        yield given
        return
    with LocalKafka.start(directory / "kafka", say=print) as kafka:
        yield kafka.bootstrap


if __name__ == "__main__":
    sys.exit(main())
