"""Faults of local files: all of them deleted while the worker is down, and a disk that is full."""

from __future__ import annotations

import errno
import shutil
import signal
import subprocess
from pathlib import Path
from random import Random
from typing import Final

from tests.faults.fault import Fault
from tests.faults.on_workers import living
from tests.faults.scene import MOVE_SECONDS, Scene, Seat

DISK_SIZE: Final = "1m"
FILLER: Final = "filler"
WRITTEN: Final = 4_096  # bytes at once while a disk is filled


class StateDeleted(Fault):
    """A worker's local files are deleted while it is down: they are caches."""

    name = "state-deleted"
    strikes = 4

    def strike(self, scene: Scene) -> None:
        """The worker ends, by request or not; then its directory goes."""
        self._seat = scene.chance.choice(living(scene))
        assert self._seat.worker is not None
        scene.end(self._seat.worker, scene.chance.choice((signal.SIGKILL, signal.SIGTERM)))
        found = [path for path in self._seat.data.rglob("*") if path.is_file()] if self._seat.data.exists() else None
        size = sum(path.stat().st_size for path in found or ())
        shutil.rmtree(self._seat.data, ignore_errors=True)
        self._was_there = found is not None and not self._seat.data.exists()
        self._evidence = f"{len(found or ())} local files of worker {self._seat.worker.number} deleted, {size} bytes"

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
        """Fill all of them."""
        self._filled = sum(fill(seat.data) for seat in scene.seats)
        self._restarted = ""
        if scene.chance.random() < 0.5:
            seat: Seat = scene.chance.choice(living(scene))
            assert seat.worker is not None
            scene.end(seat.worker, scene.chance.choice((signal.SIGKILL, signal.SIGTERM)))
            scene.one.service.wait_ready(scene.seat(seat))
            self._restarted = ", and a worker started so"

    def hold_seconds(self, chance: Random) -> float:
        """A while."""
        return chance.uniform(2, 8)

    def heal(self, scene: Scene) -> None:
        """Room again."""
        are_full = all(is_full(seat.data) for seat in scene.seats)
        for seat in scene.seats:
            (seat.data / FILLER).unlink()
        has_room = not any(is_full(seat.data) for seat in scene.seats)
        self.note(are_full and has_room, f"{self._filled} bytes filled two disks of {DISK_SIZE}{self._restarted}")

    def restore(self) -> None:
        """Give the disks back."""
        while self._mounted:
            subprocess.run(["umount", str(self._mounted.pop())], check=True, capture_output=True, timeout=MOVE_SECONDS)


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
