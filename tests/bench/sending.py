"""The sender as a process: made ready, told to start, watched, and asked how it went."""

from __future__ import annotations

import select
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from deploy.local.leash import leashed

from .schedule import Kept
from .spread import Spread

READY_SECONDS: Final = 120.0  # a million messages take it about 8
SLACK_SECONDS: Final = 120.0  # beyond what was planned; then it is stuck
LOOK_SECONDS: Final = 0.2
SAY_SECONDS: Final = 10.0

Watch = Callable[[], None]
"""Called several times a second meanwhile; raises when the measured program has ended."""


class SenderError(Exception):
    """The sender ended, or did not answer in time."""


class Sent(NamedTuple):
    """What a sender did. `start`: wall clock, seconds; `stored`: of the watched messages, from due to stored."""

    start: float
    sent: int
    kept: Kept
    stored: Spread | None


class Sender:
    """One schedule; `plan` as `tests.bench.sender` takes it. Ends with this object."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._popen = subprocess.Popen(
            leashed([sys.executable, "-m", "tests.bench.sender", orjson.dumps(plan).decode()]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def wait_ready(self, watch: Watch) -> None:
        """Return once all its messages are made. Raises SenderError."""
        if (line := self._line(READY_SECONDS, watch, "makes its messages")) != b"ready\n":
            raise SenderError(f"the sender said {line[:100]!r}")

    def run(self, planned_s: float, watch: Watch) -> Sent:
        """Let it go through its schedule; returns when it has. Raises SenderError."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(b"go\n")
        self._popen.stdin.flush()
        said = orjson.loads(self._line(planned_s + SLACK_SECONDS, watch, f"sends, {planned_s:.0f} s planned"))
        late, stored = (None if said[name] is None else Spread(*said[name]) for name in ("late", "stored"))
        kept = Kept(planned_s=planned_s, took_s=said["took_s"], late=late, failed=said["failed"])
        return Sent(said["start"], said["sent"], kept, stored)

    def _line(self, seconds: float, watch: Watch, doing: str) -> bytes:
        assert self._popen.stdout is not None
        began = told = time.monotonic()
        while not select.select([self._popen.stdout], [], [], LOOK_SECONDS)[0]:
            watch()
            now = time.monotonic()
            if now - began > seconds:
                raise SenderError(f"the sender is silent for {seconds:.0f} s")
            if now - told >= SAY_SECONDS:
                told = now
                print(f"  the sender {doing}: {now - began:.0f} s", flush=True)
        if not (line := self._popen.stdout.readline()):
            raise SenderError(f"the sender ended with status {self._popen.wait()}")
        return line

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()
