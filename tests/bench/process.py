"""A program under measurement: its CPU seconds, its memory, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import psutil

from deploy.local.leash import leashed

STOP_SECONDS: Final = 40.0  # after SIGTERM; then it is killed
LOOK_SECONDS: Final = 0.25  # between two looks at its memory
TAIL_LINES: Final = 25


class EndedEarlyError(Exception):
    """The program ended by itself; the message has the end of its log."""


class Process:
    """A running program in a session of its own, its output in a log file."""

    def __init__(self, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self._log = log
        self._looked = 0.0
        self.peak_rss_mb = 0.0
        self.started = time.time()
        with log.open("w") as out:
            self._popen = subprocess.Popen(
                leashed(command),
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._root = psutil.Process(self._popen.pid)

    @property
    def pid(self) -> int:
        """For whoever wants to look into it, such as a profiler."""
        return self._popen.pid

    def cpu_s(self) -> float:
        """CPU seconds (user and system) of the program and its children since their start."""
        return sum(self._of_each(lambda p: p.cpu_times().user + p.cpu_times().system))

    def rss_mb(self) -> float:
        """Resident memory now, in MiB."""
        return sum(self._of_each(lambda p: float(p.memory_info().rss))) / 2**20

    def check(self) -> None:
        """Notes its memory. Raises EndedEarlyError when it has ended."""
        if (status := self._popen.poll()) is not None:
            raise EndedEarlyError(f"ended with status {status}; the end of {self._log}:\n{self._tail()}")
        if time.time() - self._looked >= LOOK_SECONDS:
            self._looked = time.time()
            self.peak_rss_mb = max(self.peak_rss_mb, self.rss_mb())

    def stop(self) -> int:
        """Ask it to end and wait; returns its exit status, negative when it had to be killed."""
        if self._popen.poll() is None:
            os.killpg(self._popen.pid, signal.SIGTERM)
            try:
                self._popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._popen.pid, signal.SIGKILL)
                self._popen.wait()
        return self._popen.returncode

    def _of_each(self, ask: Callable[[psutil.Process], float]) -> Iterator[float]:
        """What each process of the tree answers; a child may end meanwhile."""
        for process in [self._root, *self._root.children(recursive=True)]:
            try:
                yield ask(process)
            except psutil.NoSuchProcess:
                continue

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-TAIL_LINES:])

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class OtherCpu:
    """CPU seconds used by neither the programs nor this process: the broker, and whatever disturbs."""

    def __init__(self, *processes: Process) -> None:
        self._processes = processes
        self._before = self._now()

    def used_s(self) -> float:
        """Since this was made."""
        return self._now() - self._before

    def _now(self) -> float:
        own, all_ = psutil.Process().cpu_times(), psutil.cpu_times()
        whole = all_.user + all_.system + all_.nice + all_.irq + all_.softirq
        return float(whole - sum(p.cpu_s() for p in self._processes) - own.user - own.system)
