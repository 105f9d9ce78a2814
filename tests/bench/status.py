"""Whether our workers are done, asked as a user asks: `needtoknow status`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from .programs import OURS, Run

IDLE_SECONDS: Final = 120.0  # for the workers to be done with everything
STEP_SECONDS: Final = 20.0  # of waiting after which it is asked anew, and said that it still goes on
LOOK_SECONDS: Final = 0.1


def wait_idle(run: Run, check: Callable[[], None], *, workers: int = 1, seconds: float = IDLE_SECONDS) -> float:
    """Return once so many workers run and nothing is left to do: how long it took. Raises TimeoutError.

    `check` is called meanwhile and raises when a worker has ended.
    """
    began, answer = time.monotonic(), dict[str, Any]()
    while not (answer.get("idle") and answer.get("workers") == workers):
        waited = time.monotonic() - began
        if waited > seconds:
            raise TimeoutError(f"not idle after {waited:.0f} s: {answer.get('why_not_idle')}")
        if answer:
            print(f"  {answer['workers']} workers, not idle: {answer['why_not_idle']}; {waited:.0f} s", flush=True)
        answer = _ask(run, check)
    return time.monotonic() - began


def _ask(run: Run, check: Callable[[], None]) -> dict[str, Any]:
    command = [sys.executable, "-m", "sinks.cli.main", "status", "--wait-idle", str(STEP_SECONDS), "--json"]
    file = run.scratch / "status.json"
    with file.open("w") as out:
        status = subprocess.Popen(
            command, env={**os.environ, **OURS.environment(run)}, stdout=out, stderr=subprocess.DEVNULL
        )
    try:
        while status.poll() is None:
            check()
            time.sleep(LOOK_SECONDS)
    finally:
        if status.poll() is None:
            status.kill()
        status.wait()
    answer: dict[str, Any] = json.loads(file.read_text())
    return answer
