"""Where faults strike: a broker of our own, two workers, proxies between them, and a day that is played meanwhile."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

from deploy.local.kafka import LocalKafka
from deploy.local.service import Worker
from schemas.topics import Topics
from tests.faults.harness import Running, until
from tests.harness.broker import PROXIES
from tests.harness.group import members, roll
from tests.harness.player import play
from tests.harness.proxy import Proxy
from tests.harness.steps import Step

SEATS: Final = PROXIES
GATE: Final = 0.85  # of the day; the rest is sent when the last fault is healed, so that none strikes into silence
BROKER_BACK_SECONDS: Final = 240.0  # for one that was killed to serve again: twenty runs of topics, and a slow machine
MOVE_SECONDS: Final = 90.0  # for partitions to be handed over: a session, a rebalance, and a slow machine
PLAY_SECONDS: Final = 240.0  # beyond what a play was to take

Say = Callable[[str], None]


class Player(threading.Thread):
    """Sends steps in order, evenly over `seconds`, in a thread of its own; the last of them wait for `finish`.

    All before these are in so many `parts`; each waits until it may `begin`, so that every fault has something to
    strike into, however slow the machine is.
    """

    def __init__(self, bootstrap: str, topics: Topics, steps: Sequence[Step], seconds: float, parts: int) -> None:
        super().__init__(name="player", daemon=True)
        ends = [int(len(steps) * GATE * number / parts) for number in range(parts + 1)]
        self._parts = [*pairwise(ends), (ends[-1], len(steps))]
        self._begins = [threading.Event() for _ in self._parts]
        self._broker, self._topics, self._steps, self._seconds = bootstrap, topics, steps, seconds
        self._sent = 0
        self.error: BaseException | None = None

    @property
    def share(self) -> float:
        """How much of the day has been sent."""
        return self._sent / max(1, len(self._steps))

    @property
    def is_flowing(self) -> bool:
        """Whether there is still something to send before the last part."""
        return self.error is None and self.share < GATE - 0.01

    def begin(self, part: int) -> None:
        """This part, counted from 0, may be sent; returns when some of it has been."""
        self._begins[part].set()
        first = self._parts[part][0]
        until(lambda: self._sent > first or self.error, "nothing is sent", PLAY_SECONDS)

    def run(self) -> None:
        """Play."""
        try:
            for (first, end), begins in zip(self._parts, self._begins, strict=True):
                begins.wait()
                self._play(first, end)
        except BaseException as error:
            self.error = error

    def finish(self) -> None:
        """Send the rest, and return when all is stored. Raises what went wrong: then nothing is shown by the run."""
        for begins in self._begins:
            begins.set()
        self.join(self._seconds + PLAY_SECONDS)
        if self.error is not None:
            raise self.error
        assert not self.is_alive(), "the day could not be played"

    def _play(self, first: int, end: int) -> None:
        def progress(sent: int) -> None:
            self._sent = first + sent

        seconds = self._seconds * (end - first) / len(self._steps)
        asyncio.run(play(self._broker, self._topics, self._steps[first:end], seconds=seconds, on_progress=progress))


@dataclass
class Seat:
    """A place for a worker: its own directory for local files, its own way to the broker, whoever sits there."""

    number: int
    data: Path
    proxy: Proxy | None
    worker: Worker | None = None


@dataclass
class Scene:
    """One run's world."""

    kafka: LocalKafka
    one: Running
    seats: list[Seat]
    chance: Random
    say: Say
    asked_to_end: set[int] = field(default_factory=set)  # numbers of workers that we ended
    began: float = field(default_factory=time.monotonic)

    def tell(self, line: str) -> None:
        """For people, with the time."""
        self.say(f"[{time.monotonic() - self.began:5.1f} s] {line}")

    def seat(self, seat: Seat, **settings: str) -> Worker:
        """Start a worker there, with settings of its own, without waiting for it."""
        more = {"NTK_DATA_DIR": str(seat.data), **settings}
        if seat.proxy is not None:
            more["NTK_BROKER"] = seat.proxy.address
        seat.worker = self.one.service.launch(**more)
        return seat.worker

    def end(self, worker: Worker, how: signal.Signals) -> int:
        """End a worker and wait for that; its exit code."""
        self.asked_to_end.add(worker.number)
        worker.send(how)
        return worker.process.wait(MOVE_SECONDS)

    def group(self) -> Mapping[str, int]:
        """Partitions held by member of the group; nobody while they are being handed over."""
        return members(self.kafka.bootstrap, self.one.service.environment()["NTK_GROUP"])

    def roll(self) -> frozenset[str]:
        """Who is in the group, whatever it is at."""
        return roll(self.kafka.bootstrap, self.one.service.environment()["NTK_GROUP"])

    def wait_shared(self, count: int) -> float:
        """Wait until so many workers hold partitions and nobody else is in the group; how many seconds that took."""
        return until(lambda: self._is_shared(count), f"{count} workers do not share the partitions", MOVE_SECONDS)

    def _is_shared(self, count: int) -> bool:
        held = self.group()
        return len(held) == count and all(held.values())

    def ended(self) -> dict[int, int]:
        """Exit codes of workers that ended although nobody had asked them to, by number."""
        codes = {w.number: w.process.poll() for w in self.one.service.workers if w.number not in self.asked_to_end}
        return {number: code for number, code in codes.items() if code is not None}
