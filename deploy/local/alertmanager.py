"""A real Alertmanager on loopback with the committed routes and inhibitions, which tells an address of your choice.

Only the waits and the receivers' addresses of the committed configuration are replaced.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from deploy.local.jars import Say
from deploy.local.program import ProgramError, silent
from deploy.local.web import LocalWeb

COMMITTED: Final = Path(__file__).resolve().parent.parent / "alertmanager" / "alertmanager.yml"
HOW_TO_GET: Final = (
    "Alertmanager is not on PATH: apt-get install prometheus-alertmanager, brew install alertmanager or "
    "prometheus.io/download"
)
PROGRAMS: Final = ("prometheus-alertmanager", "alertmanager")  # Debian's name, and its own


class AlertmanagerError(ProgramError):
    """Alertmanager did not start or did not answer; its log file says why."""


def find_alertmanager() -> str | None:
    """The program's path, or None when it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def local_config(receiver: str, wait_seconds: float) -> str:
    """The committed configuration that tells `receiver` (http://host:port; the paths stay) after that long.

    Raises AlertmanagerError when its shape changed.
    """
    text = COMMITTED.read_text(encoding="utf-8")
    wait = f"{round(wait_seconds * 1000)}ms"
    for pattern, value, expected in (
        (r"^( +- url: )http://[^/\s]+", receiver, 3),
        (r"^( +group_wait: )\w+", wait, 4),
        (r"^( +group_interval: )\w+", wait, 4),
    ):
        text, found = re.subn(pattern, lambda m, v=value: m[1] + v, text, flags=re.MULTILINE)  # type: ignore[misc]
        if found != expected:
            raise AlertmanagerError(f"{COMMITTED} must have {expected} lines like {pattern}, it has {found}")
    return text


class LocalAlertmanager(LocalWeb):
    """One Alertmanager. `receiver` and `wait_seconds` are as in local_config."""

    NAME = "Alertmanager"
    HOW_TO_GET = HOW_TO_GET
    API = "/api/v2/"
    ERROR = AlertmanagerError

    def __init__(
        self,
        receiver: str,
        directory: Path,
        *,
        wait_seconds: float = 2.0,
        port: int = 0,
        program: str | None = None,
        say: Say = silent,
    ) -> None:
        super().__init__(program or find_alertmanager(), directory, port=port, say=say)
        self.receiver = receiver
        self.wait_seconds = wait_seconds

    @property
    def address(self) -> str:
        """Where Prometheus finds it."""
        return self.url.removeprefix("http://")

    def pages(self) -> list[dict[str, Any]]:
        """Every page that fires, as the API describes it."""
        found: list[dict[str, Any]] = self.api("alerts")
        return found

    def tell(self, pages: Iterable[Mapping[str, str]]) -> None:
        """Says that pages with these labels fire, as Prometheus would; they count as over after five minutes."""
        self.post("alerts", [{"labels": dict(labels)} for labels in pages])

    def _write_configuration(self) -> None:
        config = local_config(self.receiver, self.wait_seconds)
        (self.directory / "alertmanager.yml").write_text(config, encoding="utf-8")

    def _arguments(self, listen: str) -> list[str]:
        return [
            f"--config.file={self.directory / 'alertmanager.yml'}",
            f"--storage.path={self.directory / 'data'}",
            f"--web.listen-address={listen}",
            "--cluster.listen-address=",  # alone; or it would listen for others of its kind on every interface
            f"--web.external-url={self.url}",  # or it would tell the receiver this machine's name
            "--log.level=warn",
        ]

    def _is_ours(self) -> bool:
        return bool(self.api("status")["config"]["original"].count(self.receiver))
