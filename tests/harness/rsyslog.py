"""The real rsyslogd with the published configuration: only addresses, paths and the topic's prefix are others."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.local.ports import HOST, free_port
from deploy.local.program import Program, ProgramError
from schemas.topics import Topics
from tests.harness.parts import require_part

PUBLISHING: Final = Path(__file__).parents[2] / "deploy" / "publishing"
PYTHON: Final = "/usr/bin/python3"
START_SECONDS: Final = 60.0  # it needs a tenth of one
STOP_SECONDS: Final = 30.0


class RsyslogError(ProgramError):
    """It did not start or end; the message ends with what it said last."""


class Rsyslog:
    """One rsyslogd, whose queue and files are in `directory`, where it can be started again."""

    def __init__(self, directory: Path, bootstrap: str, topics: Topics) -> None:
        self.directory = directory
        self.file = directory / "ecms" / "access.log"
        self.port = free_port()
        self._program = Program("rsyslogd", directory / "rsyslogd.out", RsyslogError)
        for name in ("spool", "log", "etc", "ecms"):
            (directory / name).mkdir()
        self.file.touch()
        self._configure(bootstrap, topics)

    def start(self) -> None:
        """Returns once it listens."""
        daemon = find_rsyslogd()
        assert daemon
        etc = self.directory / "etc"
        command = [daemon, "-n", "-f", str(etc / "rsyslog.conf"), "-i", str(self.directory / "pid")]
        self._program.start(command, is_ready=self._listens, seconds=START_SECONDS)

    def stop(self) -> None:
        """In order; safe to call twice."""
        self._program.stop(seconds=STOP_SECONDS)

    def kill(self) -> None:
        """It and the program that it feeds, at once."""
        self._program.kill()

    def send(self, messages: Iterable[bytes]) -> None:
        """By TCP, each counted (RFC 6587), so that a message may hold anything."""
        with socket.create_connection((HOST, self.port), timeout=30) as line:
            line.sendall(b"".join(b"%d %b" % (len(message), message) for message in messages))

    def log(self, messages: Iterable[bytes]) -> None:
        """Into ECMS's file, a line each."""
        with self.file.open("ab") as file:
            file.write(b"".join(message + b"\n" for message in messages))

    def hang_up(self) -> None:
        """The signal that it closes and opens its files by, as logrotate gives it after a rename."""
        os.kill(int((self.directory / "pid").read_text()), signal.SIGHUP)

    def queued(self) -> bytes:
        """What lies in its queue on disk, and in files of it that are done with and not yet deleted."""
        return b"".join(file.read_bytes() for file in sorted((self.directory / "spool").glob("ecms.0*")))

    def complaints(self) -> str:
        """Of the program that it feeds, and its own."""
        return "".join(file.read_text(errors="replace") for file in sorted((self.directory / "log").iterdir()))

    def _configure(self, bootstrap: str, topics: Topics) -> None:
        etc = self.directory / "etc"
        others = {
            "/var/spool/needtoknow": self.directory / "spool",
            "/var/log/needtoknow": self.directory / "log",
            "/var/log/ecms/access.log": self.file,
            "/usr/local/lib/needtoknow": PUBLISHING,
            "/etc/needtoknow": etc,
            'port="5514"': f'port="{self.port}"',
            "access.ecms.v1": topics.access("ecms"),
        }
        (etc / "rsyslog.conf").write_text(_replaced(PUBLISHING / "rsyslog.conf", others))
        (etc / "kafka.properties").write_text(
            _replaced(PUBLISHING / "kafka.properties", {f"{HOST}:9092": bootstrap}) + "message.timeout.ms=1000\n"
        )

    def _listens(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=5).close()
        except OSError:
            return False
        return True


def _replaced(file: Path, others: dict[str, object]) -> str:
    text = file.read_text(encoding="utf-8")
    for name, other in others.items():
        lines = [line for line in text.splitlines() if not line.startswith("#") and name in line]
        assert lines, f"{file.name} has no {name}"
        text = text.replace(name, str(other))
    return text


def find_rsyslogd() -> str | None:
    """Debian keeps it off the PATH of whoever is not root."""
    return shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin")


def require_client() -> None:
    """Skips, or fails in CI, where the Python that the program is written for has no client of Kafka."""
    try:
        found = subprocess.run([PYTHON, "-c", "import confluent_kafka"], capture_output=True, timeout=30, check=False)
        has_client = found.returncode == 0
    except OSError:
        has_client = False
    require_part(f"confluent_kafka of {PYTHON}", has_client, "apt-get install python3-confluent-kafka")


@contextmanager
def a_rsyslog(directory: Path, bootstrap: str, topics: Topics) -> Iterator[Rsyslog]:
    """Yields a running one. Skips, or fails in CI, where there is none."""
    require_part("rsyslogd", find_rsyslogd(), "apt-get install rsyslog")
    require_client()
    one = Rsyslog(directory, bootstrap, topics)
    try:
        one.start()
        yield one
    finally:
        one.stop()
