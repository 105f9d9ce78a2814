"""Faults of local files: all of them deleted while the worker is down, and a disk that is full."""

from __future__ import annotations

import errno
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Final

from tests.faults.fault import Fault
from tests.faults.harness import until
from tests.faults.on_workers import living
from tests.faults.scene import MOVE_SECONDS, Scene, Seat

DISK_SIZE: Final = "8m"  # two snapshots of a day need 1 to 2
FILLER: Final = "filler"
WRITTEN: Final = 4_096  # bytes at once while a disk is filled
OFTEN: Final = MappingProxyType({"NTK_SNAPSHOT_SECONDS": "1"})
"""So that there is a snapshot to delete, and somebody who writes to a full disk."""


class StateDeleted(Fault):
    """A worker's snapshot, and all its other local files, are deleted while it is down: they are caches."""

    name = "state-deleted"
    strikes = 4
    settings = OFTEN

    def strike(self, scene: Scene) -> None:
        """The worker has written a snapshot and ends, by request or not; then its directory goes."""
        self._seat = seat = scene.chance.choice(living(scene))
        assert seat.worker is not None
        until(lambda: snapshots(seat.data), "no snapshot is written")
        scene.end(seat.worker, scene.chance.choice((signal.SIGKILL, signal.SIGTERM)))
        size = sum(path.stat().st_size for path in snapshots(seat.data))
        shutil.rmtree(seat.data, ignore_errors=True)
        self._was_there = size > 0 and not seat.data.exists()
        self._evidence = f"the snapshot of worker {seat.worker.number} deleted, {size} bytes"

    def hold_seconds(self, chance: Random) -> float:
        """While nobody sits there."""
        return chance.choice((0.0, chance.uniform(0, 8)))

    def heal(self, scene: Scene) -> None:
        """The next worker begins without."""
        was_gone = not self._seat.data.exists()
        scene.one.service.wait_ready(scene.seat(self._seat))
        self.note(self._was_there and was_gone, self._evidence)


class DiskFull(Fault):
    """Both workers' directories lie on small disks, which fill up; half the time a worker starts on a full one."""

    name = "disk-full"
    strikes = 4
    settings = OFTEN

    def __init__(self) -> None:
        super().__init__()
        self._mounted: list[Path] = []

    def prepare(self, scene: Scene) -> None:
        """Raises CalledProcessError where nobody may mount: then the run is not valid."""
        for seat in scene.seats:
            seat.data.mkdir(parents=True, exist_ok=True)
            command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "needtoknow-faults", str(seat.data)]
            subprocess.run(command, check=True, capture_output=True, timeout=10)
            self._mounted.append(seat.data)

    def strike(self, scene: Scene) -> None:
        """Fill all of them. Returns when each worker has failed to write."""
        failed = {seat.number: counted(seat, "failed") for seat in scene.seats}
        self._filled = sum(fill(seat.data) for seat in scene.seats)
        self._restarted = ""
        if scene.chance.random() < 0.5:
            seat: Seat = scene.chance.choice(living(scene))
            assert seat.worker is not None
            scene.end(seat.worker, scene.chance.choice((signal.SIGKILL, signal.SIGTERM)))
            scene.one.service.wait_ready(scene.seat(seat))
            self._restarted = ", and a worker started so"
            failed[seat.number] = 0
        self._wait_counted(scene, "failed", failed)
        self._filled += sum(fill(seat.data) for seat in scene.seats)  # what was begun, and then given back

    def hold_seconds(self, chance: Random) -> float:
        """A while."""
        return chance.uniform(2, 8)

    def heal(self, scene: Scene) -> None:
        """Room again. Returns when each worker has written."""
        are_full = all(is_full(seat.data) for seat in scene.seats)
        written = {seat.number: counted(seat, "written") for seat in scene.seats}
        for seat in scene.seats:
            (seat.data / FILLER).unlink()
        self._wait_counted(scene, "written", written)
        evidence = f"{self._filled} bytes filled two disks of {DISK_SIZE}, both workers could not write and then could"
        self.note(are_full, evidence + self._restarted)

    @staticmethod
    def _wait_counted(scene: Scene, result: str, before: Mapping[int, int]) -> None:
        for seat in scene.seats:
            until(lambda s=seat: counted(s, result) > before[s.number], f"no snapshot is {result}")  # type: ignore[misc]

    def restore(self) -> None:
        """Give the disks back."""
        while self._mounted:
            subprocess.run(["umount", str(self._mounted.pop())], check=True, capture_output=True, timeout=MOVE_SECONDS)


def snapshots(directory: Path) -> list[Path]:
    """Those that are there, whole."""
    return [path for path in directory.glob("snapshot-*") if not path.suffix]


def counted(seat: Seat, result: str) -> int:
    """How many snapshots came to this, of the worker that sits there."""
    assert seat.worker is not None
    found = re.search(rf'^needtoknow_snapshots_total{{result="{result}"}} (\S+)$', seat.worker.metrics(), re.MULTILINE)
    return int(float(found.group(1))) if found else 0


def fill(directory: Path) -> int:
    """Write until there is no room left; how many bytes that took."""
    written = 0
    with (directory / FILLER).open("ab", buffering=0) as file:
        while True:
            try:
                written += file.write(b"\0" * WRITTEN)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                return written


def is_full(directory: Path) -> bool:
    """Whether not one block can be written there."""
    probe = directory / "probe"
    try:
        probe.write_bytes(b"\0" * WRITTEN)
    except OSError as error:
        return error.errno == errno.ENOSPC
    finally:
        probe.unlink(missing_ok=True)
    return False
