"""Faults of workers: killed, stopped until they are taken for dead, and coming and going all the time."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from random import Random
from typing import Final

from deploy.local.service import Worker
from tests.faults.fault import Fault
from tests.faults.harness import PAUSE, until
from tests.faults.scene import SEATS, Scene, Seat

PENDING_EVERY: Final = 3
PENDING_SECONDS: Final = 5.0
STORM_EVERY: Final = 1.0  # seconds
VISITORS: Final = 30  # each joins and leaves: a storm of a minute
STARTED: Final = 5  # of them at a time
SUDDEN: Final = 0.2  # share of those who leave without a word
SEEN_MIN: Final = 0.5  # of those who come and go, as changes of the group: a rebalance takes in several at a time


def pending_of(worker: Worker) -> int | None:
    """How many accesses wait at this worker; None when it does not answer."""
    try:
        page = worker.metrics()
    except OSError:
        return None
    lines = [line for line in page.splitlines() if line.startswith("needtoknow_pending_accesses ")]
    return int(float(lines[0].split()[1])) if lines else None


def is_stopped(worker: Worker) -> bool:
    """Whether the kernel says that the process is stopped."""
    stat = Path(f"/proc/{worker.process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


def living(scene: Scene) -> list[Seat]:
    """Seats whose worker lives."""
    return [seat for seat in scene.seats if seat.worker is not None and seat.worker.process.poll() is None]


def _wait_pending(worker: Worker) -> None:
    """For a kill that is to hit such a moment: wait a while for accesses to be pending."""
    deadline = time.monotonic() + PENDING_SECONDS
    while time.monotonic() < deadline and worker.process.poll() is None and not pending_of(worker):
        time.sleep(PAUSE)


class Killed(Fault):
    """SIGKILL of a worker; one of three while accesses are pending, some while it still starts. Another one follows."""

    name = "worker-killed"

    def __init__(self) -> None:
        super().__init__()
        self._pending: list[int] = []  # accesses at those that were at work

    def strike(self, scene: Scene) -> None:
        """The same in one step: kill, and start the next."""
        seat = scene.chance.choice(living(scene))
        assert seat.worker is not None
        if len(self.proofs) % PENDING_EVERY == 0:
            _wait_pending(seat.worker)
        pending = pending_of(seat.worker)
        code = scene.end(seat.worker, signal.SIGKILL)
        state = "starting" if pending is None else f"{pending} accesses pending"
        self._pending += [] if pending is None else [pending]
        self.note(code == -signal.SIGKILL, f"worker {seat.worker.number} killed, {state}")
        scene.seat(seat)

    def hold_seconds(self, chance: Random) -> float:
        """Until the next strike; the longest of these moments lie in the recovery from it."""
        return chance.uniform(0, 6)

    def prove(self, scene: Scene) -> None:
        """One that was at work, and, of several, one at which accesses waited: those are lost with it."""
        if len(self.proofs) >= PENDING_EVERY:
            self.note(any(self._pending), f"{sum(map(bool, self._pending))} of them while accesses were pending")
        else:
            self.note(bool(self._pending), f"{len(self._pending)} of them at work")


class Zombie(Fault):
    """SIGSTOP of a worker until the others have its partitions; then it wakes, and believes that they are its own."""

    name = "worker-stopped"

    def __init__(self) -> None:
        super().__init__()
        self._sleeper: Worker | None = None
        self._moved_after = 0.0

    def strike(self, scene: Scene) -> None:
        """Returns once all partitions lie with the other one."""
        scene.wait_shared(SEATS)
        sleeper = scene.chance.choice(living(scene)).worker
        assert sleeper is not None
        self._sleeper = sleeper
        sleeper.send(signal.SIGSTOP)
        until(lambda: is_stopped(sleeper), "a worker does not stop")
        self._moved_after = scene.wait_shared(SEATS - 1)

    def hold_seconds(self, chance: Random) -> float:
        """While it sleeps on."""
        return chance.uniform(0, 3)

    def heal(self, scene: Scene) -> None:
        """It wakes, and takes part again."""
        sleeper = self._sleeper
        assert sleeper is not None
        has_slept = is_stopped(sleeper)
        sleeper.send(signal.SIGCONT)
        back_after = scene.wait_shared(SEATS)
        evidence = (
            f"worker {sleeper.number} slept, its partitions lay with the other after {self._moved_after:.1f} s, "
            f"it took part again {back_after:.1f} s after it woke"
        )
        self.note(has_slept and sleeper.process.poll() is None, evidence)


def _is_parked(visitor: Worker) -> bool:
    """Stops it as soon as it can be."""
    if is_stopped(visitor):
        return True
    if pending_of(visitor) is not None:
        visitor.send(signal.SIGSTOP)
    return False


class Storm(Fault):
    """Every second a worker joins or leaves.

    A start takes longer than that, so the visitors wait for the storm, stopped, a moment before they join.
    """

    name = "rebalance-storm"
    strikes = 1
    lasts = 2 * VISITORS * STORM_EVERY

    def __init__(self) -> None:
        super().__init__()
        self._parked: list[Worker] = []

    def prepare(self, scene: Scene) -> None:
        """Start the visitors, some at a time, and stop each."""
        for first in range(0, VISITORS, STARTED):
            places = [scene.one.service.directory / f"visitor-{first + n}" for n in range(STARTED)]
            visitors = [scene.seat(Seat(first + n, place, None)) for n, place in enumerate(places)]
            until(lambda v=visitors: not [one for one in v if not _is_parked(one)], "a worker does not start")  # type: ignore[misc]
            self._parked += visitors

    def strike(self, scene: Scene) -> None:
        """The whole storm."""
        parked = self._parked
        scene.wait_shared(SEATS)
        began, events, joined, groups = time.monotonic(), 0, list[Worker](), [scene.roll()]
        while parked or joined:
            if parked and (not joined or scene.chance.random() < 0.5):
                joined.append(parked.pop())
                joined[-1].send(signal.SIGCONT)
            else:
                self._leave(scene, joined.pop(0))
            events += 1
            self._watch(scene, groups, began + events * STORM_EVERY)
        lasted = time.monotonic() - began
        calm_after = scene.wait_shared(SEATS)
        evidence = f"{events} times in {lasted:.0f} s a worker joined or left, {len(groups) - 1} changes of the group "
        self.note(len(groups) > SEEN_MIN * events, evidence + f"seen, at rest {calm_after:.1f} s later")

    @staticmethod
    def _leave(scene: Scene, visitor: Worker) -> None:
        """One that is killed is missed after a session only, one that is asked to end says so."""
        scene.asked_to_end.add(visitor.number)
        visitor.send(signal.SIGKILL if scene.chance.random() < SUDDEN else signal.SIGTERM)

    @staticmethod
    def _watch(scene: Scene, groups: list[frozenset[str]], until_when: float) -> None:
        """The storm's own clock; what is seen of the group meanwhile."""
        while (left := until_when - time.monotonic()) > 0:
            if (group := scene.roll()) != groups[-1]:
                groups.append(group)
            time.sleep(min(left, 0.1))
