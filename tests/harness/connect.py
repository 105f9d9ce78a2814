"""A real Kafka Connect with the real Debezium in it, one process, for one connector."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from deploy.local.jars import CONNECT, DEBEZIUM, JarError, ensure_jars
from deploy.local.java import NoJavaError, find_java
from deploy.local.ports import HOST, free_port
from deploy.local.program import Program, ProgramError
from tests.harness.parts import require_part

START_SECONDS: Final = 90.0  # it needs three on a quiet machine
STOP_SECONDS: Final = 20.0


class ConnectError(ProgramError):
    """Connect did not start, or its connector failed; the message ends with what it logged last."""


class Connect:
    """One worker, standalone, and what it remembers in `directory`, from where it goes on when it is started again."""

    def __init__(self, directory: Path, bootstrap: str, connector: Mapping[str, Any]) -> None:
        """`connector` is the JSON that its REST interface takes: a name and a config."""
        self._directory = directory
        self._port = free_port()
        self._name = connector["name"]
        self._command = self._prepare(bootstrap, connector)
        self._program = Program("Kafka Connect", directory / "connect.log", ConnectError)

    def start(self) -> None:
        """Returns once the connector's task runs."""
        self._program.start(self._command, is_ready=self._runs, seconds=START_SECONDS, cwd=self._directory)

    def stop(self) -> None:
        """In order; safe to call twice."""
        self._program.stop(seconds=STOP_SECONDS)

    def kill(self) -> None:
        """At once: what it read and had not written down it will read again."""
        self._program.kill()

    @property
    def log(self) -> str:
        """What it has written since it was last started."""
        return self._program.written()

    def _prepare(self, bootstrap: str, connector: Mapping[str, Any]) -> list[str]:
        plugin = self._directory / "plugins" / "debezium"
        plugin.mkdir(parents=True)
        for jar in ensure_jars(print, DEBEZIUM):
            (plugin / jar.name).symlink_to(jar)
        text = "org.apache.kafka.connect.storage.StringConverter"
        settings = {
            "bootstrap.servers": bootstrap,
            "listeners": f"http://{HOST}:{self._port}",
            "plugin.path": str(plugin.parent),
            "plugin.discovery": "service_load",  # the others open every jar
            "offset.storage.file.filename": str(self._directory / "offsets"),
            "offset.flush.interval.ms": "500",
            "key.converter": text,
            "value.converter": text,
            "config.providers": "file",
            "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
        }
        worker, document = self._directory / "worker.properties", self._directory / "connector.json"
        worker.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        document.write_text(json.dumps(connector))
        (self._directory / "tmp").mkdir()
        java = [str(find_java()), "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"]
        java += [f"-Djava.io.tmpdir={self._directory / 'tmp'}", "-Dorg.apache.logging.log4j.level=INFO"]
        java += ["-cp", os.pathsep.join(map(str, ensure_jars(print, CONNECT)))]
        return [*java, "org.apache.kafka.connect.cli.ConnectStandalone", str(worker), str(document)]

    def _runs(self) -> bool:
        try:
            with urlopen(f"http://{HOST}:{self._port}/connectors/{self._name}/status", timeout=5) as answer:
                tasks = json.load(answer)["tasks"]
        except (URLError, ConnectionError, TimeoutError):
            return False
        if any(task["state"] == "FAILED" for task in tasks):
            raise ConnectError(f"the connector's task has failed: {tasks}")
        return [task["state"] for task in tasks] == ["RUNNING"]


@contextmanager
def a_connect(directory: Path, bootstrap: str, connector: Mapping[str, Any]) -> Iterator[Connect]:
    """Yields a running one. Skips, or fails in CI, where its jars or a Java are not to be had."""
    try:
        connect = Connect(directory, bootstrap, connector)
    except (JarError, NoJavaError) as missing:
        require_part("Kafka Connect and Debezium", None, str(missing))
        raise
    connect.start()
    try:
        yield connect
    finally:
        connect.stop()
