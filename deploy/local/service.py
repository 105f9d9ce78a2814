"""Our own programs on this machine: topics, and workers as processes, started and stopped in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from deploy.local.leash import leashed
from deploy.local.ports import HOST, free_port

READY_SECONDS: Final = 60.0  # a worker on a quiet machine needs 4
STOP_SECONDS: Final = 15.0  # it promises 10
PAUSE: Final = 0.1
PROGRAM: Final = str(Path(sys.executable).with_name("needtoknow"))
_OPENER: Final = build_opener(ProxyHandler({}))  # everything asked here is on this machine
_THEIRS: Final = ("NTK_BROKER_WAIT_SECONDS",)  # of the settings in our environment: not where, only how long to wait

Say = Callable[[str], None]


class ServiceError(RuntimeError):
    """A program of ours did not do what it must; the message ends with what it wrote last."""


@dataclass
class Worker:
    """One process, a worker, a console or a watch; `port` serves /live, /ready and /metrics, and a console's pages."""

    number: int
    port: int
    process: subprocess.Popen[bytes]
    log_file: Path
    what: str = "worker"

    @property
    def name(self) -> str:
        """How people are told of it."""
        return f"{self.what} {self.number}"

    @property
    def address(self) -> str:
        """Where Prometheus finds it."""
        return f"{HOST}:{self.port}"

    def is_ready(self) -> bool:
        """Whether it says so."""
        try:
            with _OPENER.open(f"http://{self.address}/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def metrics(self) -> str:
        """What it shows Prometheus."""
        with _OPENER.open(f"http://{self.address}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def send(self, number: signal.Signals) -> None:
        """A signal, if it still lives."""
        if self.process.poll() is None:
            self.process.send_signal(number)


@dataclass
class Service:
    """An installation on one broker: its settings, topics, workers and consoles. `directory` holds data and logs."""

    bootstrap: str
    directory: Path
    prefix: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    say: Say = lambda line: None
    workers: list[Worker] = field(default_factory=list)
    consoles: list[Worker] = field(default_factory=list)
    watches: list[Worker] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        """The settings as a program of ours reads them."""
        ours = {
            "NTK_BROKER": self.bootstrap,
            "NTK_TOPIC_PREFIX": self.prefix,
            "NTK_GROUP": f"{self.prefix}needtoknow",
            "NTK_DATA_DIR": str(self.directory / "data"),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NTK_") or name in _THEIRS}
        return {**kept, **ours, **self.settings, **more}

    def command(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `needtoknow` with these arguments to its end, saying what it tells on standard error as it comes."""
        process = subprocess.Popen(
            [PROGRAM, *arguments], env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told: list[str] = []
        listening = threading.Thread(target=self._listen, args=(process, told))
        alarm = threading.Timer(timeout, process.kill)
        listening.start()
        alarm.start()
        try:
            out, code = process.stdout.read(), process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            alarm.cancel()
            listening.join()
        return subprocess.CompletedProcess(arguments, code, out, "".join(told))

    def _listen(self, process: subprocess.Popen[str], told: list[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            told.append(line)
            self.say(f"  {line.rstrip()}")

    def document(self, *arguments: str, timeout: float = 120) -> Any:
        """The JSON that a command prints; raises ServiceError when it prints none."""
        done = self.command(*arguments, timeout=timeout)
        try:
            return json.loads(done.stdout)
        except ValueError:
            why = done.stderr.strip().rpartition("\n")[2]
            raise ServiceError(f"needtoknow {' '.join(arguments)}: {why or 'no answer'}") from None

    def apply_topics(self) -> None:
        """Create the topics."""
        done = self.command("topics", "apply", "--single-broker")
        if done.returncode:
            raise ServiceError(f"topics apply: {done.stderr.strip().rpartition(chr(10))[2]}")

    def start_workers(self, count: int) -> None:
        """Start so many more workers; returns once all are ready."""
        self.directory.mkdir(parents=True, exist_ok=True)
        started = [self._launch() for _ in range(count)]
        for worker in started:
            self.wait_ready(worker)

    def start_console(self, users: str, *, port: int = 0, **settings: str) -> Worker:
        """Start a console with these demo users (`login:role,...`); returns once it is ready."""
        self.directory.mkdir(parents=True, exist_ok=True)
        port = port or free_port()
        more = {"NTK_CONSOLE_PORT": str(port), "NTK_CONSOLE_HOST": HOST, "NTK_CONSOLE_DEMO_USERS": users, **settings}
        console = self._start("console", self.consoles, port, more)
        self.wait_ready(console)
        return console

    def start_watch(self, **settings: str) -> Worker:
        """Start what watches the sources; returns once it is ready. What is started after it asks this one."""
        self.directory.mkdir(parents=True, exist_ok=True)
        port = free_port()
        more = {"NTK_WATCH_PORT": str(port), "NTK_ADMIN_HOST": HOST, **settings}
        watch = self._start("watch", self.watches, port, more)
        self.wait_ready(watch)
        self.settings = {**self.settings, "NTK_WATCH_URL": f"http://{watch.address}"}
        return watch

    def launch(self, **settings: str) -> Worker:
        """Start one more worker, with settings of its own on top of the others', without waiting for it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        return self._launch(**settings)

    def wait_ready(self, worker: Worker) -> None:
        """Return once it is ready. Raises ServiceError when it ends or takes too long."""
        began = said = time.monotonic()
        while not worker.is_ready():
            if worker.process.poll() is not None:
                raise ServiceError(f"{worker.name} ended with {worker.process.returncode}.{_tail(worker)}")
            waited = time.monotonic() - began
            if waited > READY_SECONDS:
                raise ServiceError(f"{worker.name} is not ready after {waited:.0f} s.{_tail(worker)}")
            if time.monotonic() - said >= 1:
                said = time.monotonic()
                self.say(f"{worker.name}: starting, {waited:.0f} s")
            time.sleep(PAUSE)

    def stop(self) -> None:
        """Ask every process to end, then wait; one that does not is killed. Safe to call twice."""
        for worker in (*self.workers, *self.consoles, *self.watches):
            worker.send(signal.SIGCONT)
            worker.send(signal.SIGTERM)
        for worker in (*self.workers, *self.consoles, *self.watches):
            try:
                worker.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self.workers.clear()
        self.consoles.clear()
        self.watches.clear()

    def _launch(self, **settings: str) -> Worker:
        port = free_port()
        return self._start(
            "worker", self.workers, port, {"NTK_ADMIN_PORT": str(port), "NTK_ADMIN_HOST": HOST, **settings}
        )

    def _start(self, what: str, others: list[Worker], port: int, settings: Mapping[str, str]) -> Worker:
        number = 1 + max((w.number for w in others), default=0)
        log_file = self.directory / f"{what}-{number}.log"
        with log_file.open("ab") as log:
            process = subprocess.Popen(
                leashed([PROGRAM, what]),
                env=self.environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the demo, which then stops its parts in order
            )
        started = Worker(number, port, process, log_file, what)
        others.append(started)
        return started


def _tail(worker: Worker, lines: int = 15) -> str:
    text = worker.log_file.read_text(errors="replace").splitlines()[-lines:]
    return f" It wrote last, in {worker.log_file.name}:\n" + "\n".join(text)
