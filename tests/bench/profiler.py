"""Where our worker spends its time between the first and the last verdict, by py-spy."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .tables import table

RATE: Final = 200  # samples a second, of the thread that holds the interpreter; each stops the program for 0.1 ms
SHOWN: Final = 25
_FRAME: Final = re.compile(r"(?P<function>.+) \((?P<file>[^():]+)(:(?P<line>\d+))?\)")


def find_py_spy() -> str:
    """The program, from beside this Python or from PATH; exits with what to do when there is none."""
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    return found or sys.exit("py-spy is not among the locked packages; put one on PATH (pip install py-spy, elsewhere)")


class Profiler:
    """Samples one process while it is asked to."""

    def __init__(self, raw: Path) -> None:
        self.raw = raw
        self._program = find_py_spy()
        self._running: subprocess.Popen[bytes] | None = None

    def start(self, pid: int) -> None:
        """Begin to sample."""
        options = ["--gil", "--threads", "-d", "600", "-r", str(RATE), "-f", "raw", "-o", str(self.raw)]
        self._running = subprocess.Popen(
            [self._program, "record", "-p", str(pid), *options], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )

    def stop(self) -> None:
        """End it and wait for the file."""
        if self._running is not None:
            self._running.send_signal(signal.SIGINT)
            self._running.wait(30)


@dataclass(frozen=True)
class Profile:
    """Samples by function: `own` while it was on top of the stack, `within` while it was anywhere on it."""

    total: int
    own: Counter[str]
    within: Counter[str]
    own_lines: Counter[str]


def read_profile(raw: str) -> Profile:
    """Sum up py-spy's raw format: frames from outermost to innermost, separated by `;`, then the number of samples."""
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    own_lines: Counter[str] = Counter()
    total = 0
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        number = int(count)
        total += number
        own[_function(frames[-1])] += number
        own_lines[frames[-1]] += number
        for name in {_function(frame) for frame in frames}:
            within[name] += number
    return Profile(total, own, within, own_lines)


def _function(frame: str) -> str:
    match = _FRAME.fullmatch(frame)
    if match is None:
        return frame
    return f"{match['function']} ({'/'.join(Path(match['file']).parts[-3:])})"


def show(profile: Profile) -> None:
    """Print the top functions and lines."""
    for title, counter in (
        ("by own time", profile.own),
        ("by cumulative time", profile.within),
        ("by own time, lines", profile.own_lines),
    ):
        lines = [[name, f"{number / profile.total:.1%}"] for name, number in counter.most_common(SHOWN)]
        print(f"\n{title}, {profile.total} samples\n" + table([["function", "share"], *lines]))
