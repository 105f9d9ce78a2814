"""Workers that join and leave in the middle of a day, on a real broker: nothing is lost and nothing invented."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.service import Worker
from tests.faults.harness import FAULTY, Running, check, play_sliced, running, sliced_day
from tests.harness.broker import SharedBroker

SEED: Final = 4
VISITS: Final = (5, 7, 9)  # the busiest pieces of the day
READY_SECONDS: Final = 30.0
LEAVE_SECONDS: Final = 10.0  # what a worker promises after SIGTERM
PAUSE: Final = 0.05


@dataclass
class Visitor:
    """A third worker that comes and goes while some of the pieces are played."""

    one: Running
    chance: random.Random
    codes: list[int | None] = field(default_factory=list)
    left_after: list[float] = field(default_factory=list)

    async def beside(self, piece: int) -> None:
        """One visit, when it is time for one."""
        if piece not in VISITS:
            return
        worker = self.one.service.launch()
        await _until(worker.is_ready, worker, READY_SECONDS)
        await asyncio.sleep(self.chance.uniform(0, 1))  # how long it stays, not a wait for something
        worker.send(signal.SIGTERM)
        began = time.monotonic()
        await _until(lambda: worker.process.poll() is not None, worker, LEAVE_SECONDS)
        self.left_after.append(time.monotonic() - began)
        self.codes.append(worker.process.poll())


async def _until(is_so: Callable[[], bool], worker: Worker, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    # Another process has no event to wait for: it can only be asked.
    while not is_so() and worker.process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(PAUSE)


def test_workers_that_come_and_go_change_nothing(kafka: SharedBroker, namespace: str, tmp_path: Path) -> None:
    """Every partition changes hands six times while accesses, facts and marks go on, and some accesses wait."""
    day = sliced_day(SEED)
    with running(kafka.bootstrap, tmp_path, namespace, **FAULTY) as one:
        one.service.start_workers(2)
        visitor = Visitor(one, random.Random(SEED))
        play_sliced(one, day, visitor.beside, seconds=1.5)
        assert visitor.codes == [0] * len(VISITS)
        assert max(visitor.left_after) < LEAVE_SECONDS
        assert [worker.process.poll() for worker in one.service.workers[:2]] == [None, None]
        assert check(one, day.expected).faults() == []
