"""A real Prometheus on loopback with the committed rules and dashboard, and targets of your choice.

The demo and the tests start it the same way, so what a test has seen is what the demo shows. Only the intervals, the
targets and whom it tells are replaced, and on request how long a page waits.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from deploy.local.jars import Say
from deploy.local.program import ProgramError, silent
from deploy.local.web import LocalWeb

COMMITTED: Final = Path(__file__).resolve().parent.parent / "prometheus"
CONSOLE: Final = "violations.html"
HOW_TO_GET: Final = (
    "Prometheus is not on PATH: apt-get install prometheus, brew install prometheus or prometheus.io/download"
)


class PrometheusError(ProgramError):
    """Prometheus did not start or did not answer; its log file says why."""


def find_prometheus() -> str | None:
    """The program's path, or None when it is not installed."""
    return shutil.which("prometheus")


def local_config(
    targets: Sequence[str],
    interval_seconds: float,
    alertmanagers: Sequence[str] = (),
    consoles: Sequence[str] = (),
    watches: Sequence[str] = (),
    receivers: Sequence[str] = (),
) -> str:
    """The committed configuration with these workers, intervals, Alertmanagers, consoles, watches and receivers
    (host:port).

    Without an Alertmanager nobody is told, without a console nothing is known of alerts. Raises PrometheusError when
    its shape changed.
    """
    text = (COMMITTED / "prometheus.yml").read_text(encoding="utf-8")
    every = f"{round(interval_seconds * 1000)}ms"
    for pattern, value in (
        (r"^( +- targets: ).*$", json.dumps(list(targets))),  # JSON is YAML
        (r"^( +- job_name: needtoknow-console\n +static_configs: )\[.*$", json.dumps([{"targets": list(consoles)}])),
        (r"^( +- job_name: needtoknow-watch\n +static_configs: )\[.*$", json.dumps([{"targets": list(watches)}])),
        (r"^( +- \{ targets: ).*$", f"{json.dumps(list(receivers))} }}"),
        (r"^( +- static_configs: ).*$", json.dumps([{"targets": list(alertmanagers)}])),
        (r"^( +scrape_interval: ).*$", every),
        (r"^( +evaluation_interval: ).*$", every),
    ):
        text, found = re.subn(pattern, lambda m, v=value: m[1] + v, text, flags=re.MULTILINE)  # type: ignore[misc]
        if found != 1:
            raise PrometheusError(f"deploy/prometheus/prometheus.yml must have one line like {pattern}, it has {found}")
    return text


def local_pages(patience_seconds: float | None) -> str:
    """The committed pages; with a patience, each fires after that long instead of after its own `for`."""
    text = (COMMITTED / "pages.yml").read_text(encoding="utf-8")
    if patience_seconds is None:
        return text
    return re.sub(r"^( +for: ).*$", rf"\g<1>{round(patience_seconds * 1000)}ms", text, flags=re.MULTILINE)


class LocalPrometheus(LocalWeb):
    """One Prometheus. `patience_seconds` is as in local_pages, `alertmanagers` and what follows as in local_config."""

    NAME = "Prometheus"
    HOW_TO_GET = HOW_TO_GET
    API = "/api/v1/"
    ERROR = PrometheusError

    def __init__(
        self,
        targets: Sequence[str],
        directory: Path,
        *,
        interval_seconds: float = 2.0,
        patience_seconds: float | None = None,
        alertmanagers: Sequence[str] = (),
        consoles: Sequence[str] = (),
        watches: Sequence[str] = (),
        receivers: Sequence[str] = (),
        port: int = 0,
        program: str | None = None,
        say: Say = silent,
    ) -> None:
        super().__init__(program or find_prometheus(), directory, port=port, say=say)
        self.targets = tuple(targets)
        self.interval_seconds = interval_seconds
        self.patience_seconds = patience_seconds
        self.alertmanagers = tuple(alertmanagers)
        self.consoles = tuple(consoles)
        self.watches = tuple(watches)
        self.receivers = tuple(receivers)

    @property
    def console_url(self) -> str:
        """Where the violations dashboard is; its lines show a quarter of an hour, since a local run is young."""
        return f"{self.url}/consoles/{CONSOLE}?range=15m"

    def api(self, path: str, **arguments: str) -> Any:
        """The `data` of an answer of /api/v1/. Raises PrometheusError."""
        return super().api(path, **arguments)["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series that an instant query gives; a scalar has no labels."""
        data = self.api("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(row["metric"], float(row["value"][1])) for row in data["result"]]

    def wait_for(self, expression: str, *, seconds: float = 30.0) -> list[tuple[dict[str, str], float]]:
        """Asks until the expression gives a series. Raises PrometheusError after that long."""
        rows: list[tuple[dict[str, str], float]] = []

        def is_there() -> bool:
            rows.extend(self.query(expression))
            return bool(rows)

        self.wait_until(f"series of {expression}", is_there, seconds)
        return rows

    def _write_configuration(self) -> None:
        shutil.copyfile(COMMITTED / "recording.yml", self.directory / "recording.yml")
        (self.directory / "pages.yml").write_text(local_pages(self.patience_seconds), encoding="utf-8")
        others = (self.alertmanagers, self.consoles, self.watches, self.receivers)
        config = local_config(self.targets, self.interval_seconds, *others)
        (self.directory / "prometheus.yml").write_text(config, encoding="utf-8")

    def _arguments(self, listen: str) -> list[str]:
        return [
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address={listen}",
            f"--web.console.templates={COMMITTED / 'consoles'}",
            f"--web.console.libraries={COMMITTED / 'consoles'}",
            "--storage.tsdb.retention.time=15d",  # SourceSilent looks back a week
            # It finds an Alertmanager five seconds after its start, and would say a minute later what fired before.
            "--rules.alert.resend-delay=2s",
            "--log.level=warn",
        ]

    def _is_ours(self) -> bool:
        return bool(self.api("status/flags")["storage.tsdb.path"] == str(self.directory / "data"))
