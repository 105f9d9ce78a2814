"""A real Prometheus on loopback with the committed rules and dashboard, and targets of your choice.

The demo and the tests start it the same way, so what a test has seen is what the demo shows. Only the intervals and the
targets of the committed configuration are replaced.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

from deploy.local.jars import Say
from deploy.local.leash import leashed

COMMITTED: Final = Path(__file__).resolve().parent.parent / "prometheus"
CONSOLE: Final = "violations.html"
HOW_TO_GET: Final = (
    "Prometheus is not on PATH: apt-get install prometheus, brew install prometheus or prometheus.io/download"
)
START_SECONDS: Final = 30.0  # it needs under one; the rest is for a machine that is busy building something
STOP_SECONDS: Final = 10.0
PORT_ATTEMPTS: Final = 5  # between choosing a free port and using it somebody else may take it
# Never through a proxy: everything asked here is on this machine, and a proxy from the environment would not reach it.
_OPENER: Final = build_opener(ProxyHandler({}))


class PrometheusError(Exception):
    """Prometheus did not start or did not answer; its log file says why."""


def find_prometheus() -> str | None:
    """The program's path, or None when it is not installed."""
    return shutil.which("prometheus")


def local_config(targets: Sequence[str], interval_seconds: float) -> str:
    """The committed configuration with these targets and intervals. Raises PrometheusError when its shape changed."""
    text = (COMMITTED / "prometheus.yml").read_text(encoding="utf-8")
    every = f"{round(interval_seconds * 1000)}ms"
    for pattern, value in (
        (r"^( +- targets: ).*$", json.dumps(list(targets))),  # a JSON list is a YAML list
        (r"^( +scrape_interval: ).*$", every),
        (r"^( +evaluation_interval: ).*$", every),
    ):
        text, found = re.subn(pattern, lambda m, v=value: m[1] + v, text, flags=re.MULTILINE)  # type: ignore[misc]
        if found != 1:
            raise PrometheusError(f"deploy/prometheus/prometheus.yml must have one line like {pattern}, it has {found}")
    return text


class LocalPrometheus:
    """One Prometheus process; `url` is its address once started. Its data, log and configuration lie in `directory`.

    A Ctrl-C does not reach it, so whoever starts it must turn its own signals into an orderly stop().
    """

    def __init__(
        self,
        targets: Sequence[str],
        directory: Path,
        *,
        interval_seconds: float = 2.0,
        port: int = 0,
        program: str | None = None,
        say: Say = lambda line: None,
    ) -> None:
        self.targets = tuple(targets)
        self.directory = directory.resolve()
        self.interval_seconds = interval_seconds
        self.url = ""
        self._wanted_port = port
        self._program = program or find_prometheus()
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def console_url(self) -> str:
        """Where the violations dashboard is; its lines show a quarter of an hour, since a local run is young."""
        return f"{self.url}/consoles/{CONSOLE}?range=15m"

    @property
    def log_file(self) -> Path:
        """What the program wrote."""
        return self.directory / "prometheus.log"

    def start(self) -> LocalPrometheus:
        """Returns once it answers. Raises PrometheusError when it does not."""
        if self._program is None:
            raise PrometheusError(HOW_TO_GET)
        self._write_configuration()
        attempts = 1 if self._wanted_port else PORT_ATTEMPTS
        for _ in range(attempts):
            if self._try_to_start(self._wanted_port or _free_port()):
                self._say(f"Prometheus answers at {self.url}")
                return self
            if "address already in use" not in self.log_file.read_text(errors="replace"):
                break
        raise PrometheusError(f"Prometheus did not start; see {self.log_file}")

    def stop(self) -> None:
        """Ends the process that start() began, and only that. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series that an instant query gives; a scalar has no labels."""
        data = self.api("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(row["metric"], float(row["value"][1])) for row in data["result"]]

    def api(self, path: str, **arguments: str) -> Any:
        """The `data` of an answer of /api/v1/. Raises PrometheusError."""
        address = f"{self.url}/api/v1/{path}?{urlencode(arguments)}"
        try:
            with _OPENER.open(address, timeout=10) as answer:
                return json.load(answer)["data"]
        except (URLError, ValueError) as error:
            raise PrometheusError(f"{path} {arguments}: {error}") from error

    def wait_for(self, expression: str, *, seconds: float = 30.0) -> list[tuple[dict[str, str], float]]:
        """Asks until the expression gives a series. Raises PrometheusError after that long."""
        rows: list[tuple[dict[str, str], float]] = []

        def is_there() -> bool:
            rows.extend(self.query(expression))
            return bool(rows)

        self.wait_until(f"series of {expression}", is_there, seconds)
        return rows

    def wait_until(self, what: str, is_so: Callable[[], bool], seconds: float = 30.0) -> None:
        """Asks until it is so. Raises PrometheusError, naming `what`, after that long."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise PrometheusError(f"no {what} within {seconds:g} s")
            self._pause()

    def __enter__(self) -> LocalPrometheus:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _write_configuration(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        for rules in ("recording.yml", "pages.yml"):
            shutil.copyfile(COMMITTED / rules, self.directory / rules)
        config = local_config(self.targets, self.interval_seconds)
        (self.directory / "prometheus.yml").write_text(config, encoding="utf-8")

    def _try_to_start(self, port: int) -> bool:
        """Leaves nothing running unless it answers, also when this wait is interrupted."""
        answers = False
        try:
            self._launch(port)
            answers = self._answers()
        finally:
            if not answers:
                self.stop()
        return answers

    def _launch(self, port: int) -> None:
        assert self._program is not None
        self.url = f"http://127.0.0.1:{port}"
        self._say(f"starting Prometheus at {self.url}")
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                leashed([self._program, *self._arguments(port)]),
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,  # a Ctrl-C on the demo is for the demo, which then stops this in order
            )

    def _arguments(self, port: int) -> list[str]:
        return [
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--web.console.templates={COMMITTED / 'consoles'}",
            f"--web.console.libraries={COMMITTED / 'consoles'}",
            "--storage.tsdb.retention.time=15d",  # SourceSilent looks back a week
            "--log.level=warn",
        ]

    def _answers(self) -> bool:
        """Waits until it is ready; False when it ended or took too long."""
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        said = time.monotonic()
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._is_ours():
                return True
            self._pause()
            if time.monotonic() - said > 1:
                self._say("waiting for Prometheus")
                said = time.monotonic()
        return False

    def _is_ours(self) -> bool:
        """Whether it is ready and no other Prometheus that has had the port before."""
        try:
            with _OPENER.open(f"{self.url}/-/ready", timeout=2):
                return bool(self.api("status/flags")["storage.tsdb.path"] == str(self.directory / "data"))
        except (OSError, PrometheusError):
            return False

    def _pause(self) -> None:
        """A tenth of a second, or less when the process ends."""
        assert self._process is not None
        try:
            self._process.wait(0.1)
        except subprocess.TimeoutExpired:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
