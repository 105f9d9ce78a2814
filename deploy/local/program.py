"""One program on this machine: started on our leash, waited for, ended in order. What all real parts have in common."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.jars import Say
from deploy.local.leash import Account, leashed

PAUSE_SECONDS: Final = 0.1  # between two questions whether it is ready
GONE_SECONDS: Final = 20.0  # for the kernel to end what was killed, and for its children to notice
TAIL_LINES: Final = 25  # enough for a Java stack trace's first lines and what led to it


class ProgramError(RuntimeError):
    """A program did not start, answer or end; the message ends with what it logged last."""


def silent(_line: str) -> None:
    """Says nothing: for callers who show no progress."""


@dataclass
class Program:
    """A program, called `name` in messages; `error` is what its owner's callers know. What it writes is appended to
    `log_file`. It can be started again after it has ended.
    """

    name: str
    log_file: Path
    error: type[ProgramError]
    say: Say = silent
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    # The end of a pipe whose other end the program and all its children hold: it is closed when the last has ended.
    _family: int | None = field(default=None, init=False)
    _log_began: int = field(default=0, init=False)

    @property
    def pid(self) -> int:
        """The process id, also after it has ended."""
        assert self._process is not None, "it was never started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives; a paused one does."""
        return self._process is not None and self._process.poll() is None

    def start(
        self,
        command: list[str],
        *,
        is_ready: Callable[[], bool],
        seconds: float,
        cwd: Path | None = None,
        account: Account | None = None,
    ) -> None:
        """Returns once it is ready. Raises `error` when it ends or that takes longer, and leaves nothing running."""
        if self.is_running:
            raise self.error(f"{self.name} is running already")
        self._launch(command, cwd, account)
        try:
            self._wait_ready(is_ready, seconds)
        except BaseException:
            self.kill()
            raise

    def stop(self, *, seconds: float, request: signal.Signals = signal.SIGTERM) -> None:
        """Asks it to end, kills it after that long; returns when its children have ended too. Safe to call twice."""
        self.signal(request)
        self.signal(signal.SIGCONT)  # a paused process would hear the request only after it goes on
        if self._process is not None and _wait(self._process, seconds) is None:
            self.signal(signal.SIGKILL)
        self._bury()

    def kill(self) -> None:
        """Ends it at once, as a power cut would; harmless when it has ended already."""
        self.signal(signal.SIGKILL)
        self._bury()

    def signal(self, number: signal.Signals) -> None:
        """To it and those of its children that stayed in its process group, if it lives."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def wait_until(self, what: str, is_so: Callable[[], bool], seconds: float) -> None:
        """Asks until it is so. Raises `error`, naming `what`, after that long."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise self.error(f"no {what} within {seconds:g} s")
            self._pause()

    def written(self) -> str:
        """What it has written since it was last started."""
        with self.log_file.open("rb") as log:
            log.seek(self._log_began)
            return log.read().decode(errors="replace")

    def _launch(self, command: list[str], cwd: Path | None, account: Account | None) -> None:
        reading, writing = os.pipe()
        try:
            with self.log_file.open("ab") as log:
                self._log_began = log.tell()
                self._process = subprocess.Popen(
                    leashed(command, account),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=cwd,
                    pass_fds=[writing],
                    start_new_session=True,  # Ctrl-C reaches the demo, which then stops its parts in the right order
                )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._family = reading

    def _wait_ready(self, is_ready: Callable[[], bool], seconds: float) -> None:
        began = said = time.monotonic()
        while not is_ready():
            status = self._pause()
            waited = time.monotonic() - began
            if status is not None:
                raise self.error(f"{self.name} ended with status {status} while starting.{tail(self.log_file)}")
            if waited > seconds:
                raise self.error(f"{self.name} did not answer in {waited:.0f} s.{tail(self.log_file)}")
            if time.monotonic() - said >= 1:
                said = time.monotonic()
                self.say(f"{self.name}: starting, {waited:.0f} s")

    def _pause(self) -> int | None:
        """A tenth of a second, or less when the process ends: its status then."""
        assert self._process is not None
        return _wait(self._process, PAUSE_SECONDS)

    def _bury(self) -> None:
        """Waits until it and all that it began have ended. Raises `error` when that takes too long."""
        if self._process is None or self._family is None:
            return
        family = select.poll()
        family.register(self._family, select.POLLIN)  # a hang-up is always told
        if _wait(self._process, GONE_SECONDS) is None or not family.poll(GONE_SECONDS * 1000):
            raise self.error(f"{self.name}, process {self._process.pid}, or a child of it did not end")
        os.close(self._family)
        self._family = None


def run_to_end(program: Program, command: list[str], *, seconds: float, account: Account | None = None) -> None:
    """Runs a command that prepares something, logging where the program does. Raises its error when that fails."""
    try:
        with program.log_file.open("ab") as log:
            subprocess.run(
                leashed(command, account),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",  # one that every account can reach
                timeout=seconds,
                check=True,
            )
    except subprocess.SubprocessError as failed:
        raise program.error(f"{program.name} could not prepare its store.{tail(program.log_file)}") from failed


def tail(log_file: Path) -> str:
    """The last lines of a log, as the end of a message."""
    lines = log_file.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f" The end of {log_file}:", *(f"    {line}" for line in lines)])


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
