"""A real Apache Kafka on this machine, one node, for the demo and the tests; nothing has to be installed for it."""

import os
import random
import signal
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.jars import Say, ensure_jars
from deploy.local.java import find_java
from deploy.local.leash import leashed
from deploy.local.probe import serves_groups

HOST = "127.0.0.1"
# Below the range from which Linux and macOS take the local end of a connection: a client that keeps calling a stopped
# broker cannot be given the broker's own port, talk to itself, and keep the restarted broker from binding it.
PORTS = range(20_000, 32_000)
STOP_SECONDS = 20.0  # a broker with data stops in about 2; after this it is killed
TAIL_LINES = 25  # enough for a Java stack trace's first lines and what led to it

_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    # A killed broker is not let in again before its former self has timed out: 9 s by default, too long for a test.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # A killed worker is missed after its session: 6 s is the least by default, too long for a test.
    "group.min.session.timeout.ms": "1000",
    # One node: three copies, the default of each of these, could never be made.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # One partition and not 50: made and loaded at once, and one group served means every group is.
    "offsets.topic.num.partitions": "1",
}


class BrokerError(RuntimeError):
    """The broker did not start or did not answer; the message ends with what it logged last."""


def _silent(_line: str) -> None:
    """Says nothing: for callers who show no progress."""


class LocalKafka:
    """One running broker. Its data, ports and log (`kafka.log`) live in `data_dir`, where it can be started again."""

    def __init__(self, data_dir: Path, port: int, command: list[str]) -> None:
        """Made by `start` only, which also waits until the broker answers."""
        self.data_dir = data_dir
        self.port = port
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        port: int | None = None,
        properties: Mapping[str, str] = {},
        heap: str = "512m",
        wait_seconds: float = 60.0,
        say: Say = _silent,
    ) -> Self:
        """Starts a broker on loopback, and returns it when it serves topics and consumer groups.

        A `data_dir` used before is started again with its data and its port. `properties` go on top of ours; `say`
        is told of each wait over a second. Raises BrokerError when it dies or stays silent for `wait_seconds`,
        and NoJavaError or JarError when the machine lacks what it needs.
        """
        data_dir = data_dir.resolve()
        (data_dir / "tmp").mkdir(parents=True, exist_ok=True)
        java = [str(find_java()), f"-Xmx{heap}", *_java_options(data_dir), "-cp", _class_path(ensure_jars(say))]
        port = _write_properties(data_dir, port, properties)
        if not (data_dir / "data" / "meta.properties").exists():
            say("Kafka: preparing an empty store")
            _format(java, data_dir, wait_seconds)
        broker = cls(data_dir, port, [*java, "kafka.Kafka", str(data_dir / "server.properties")])
        broker.restart(wait_seconds=wait_seconds, say=say)
        return broker

    def restart(self, *, wait_seconds: float = 60.0, say: Say = _silent) -> None:
        """Starts the same broker again after `kill` or `stop`: same data, same port. Raises as `start` does."""
        if self.is_running:
            raise BrokerError(f"the broker on {self.bootstrap} is running already")
        _require_free(self.port)
        with self._log_file.open("ab") as log:
            # A session of its own: Ctrl-C reaches the demo, which then stops its parts in the right order.
            self._process = subprocess.Popen(
                leashed(self._command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait_until_ready(self._process, wait_seconds, say)
        except BaseException:
            self.kill()
            raise

    @property
    def bootstrap(self) -> str:
        """The address for clients, as host:port."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the broker, also after it has ended."""
        assert self._process is not None, "a LocalKafka comes from start()"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Tells whether the process lives; a paused one does."""
        return self._process is not None and self._process.poll() is None

    def pause(self) -> None:
        """Freezes the broker (SIGSTOP): connections stay open and nothing answers, as with a machine that hangs."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused broker go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends the broker at once (SIGKILL), as a power cut would; harmless when it has ended already."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(timeout=STOP_SECONDS)

    def stop(self) -> None:
        """Asks the broker to end (SIGTERM), kills it after 20 s; harmless when it has ended already."""
        self._signal(signal.SIGTERM)
        self.resume()  # a paused process would hear the request only after it goes on
        try:
            if self._process is not None:
                self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def _log_file(self) -> Path:
        return self.data_dir / "kafka.log"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def _wait_until_ready(self, process: subprocess.Popen[bytes], wait_seconds: float, say: Say) -> None:
        started = shown = time.monotonic()
        while not serves_groups(self.port):
            try:
                status = process.wait(timeout=0.1)  # paces the questions, and notices a death at once
            except subprocess.TimeoutExpired:
                waited = time.monotonic() - started
            else:
                raise BrokerError(f"Kafka ended with status {status} while starting.{_tail(self._log_file)}")
            if waited > wait_seconds:
                raise BrokerError(f"Kafka did not answer on {self.bootstrap} in {waited:.0f} s.{_tail(self._log_file)}")
            if time.monotonic() - shown >= 1:
                shown = time.monotonic()
                say(f"Kafka: starting on {self.bootstrap}, {waited:.0f} s")


def _java_options(data_dir: Path) -> list[str]:
    return [
        "-XX:+ExitOnOutOfMemoryError",  # a dead broker is noticed, a broker without memory answers strangely
        # Killed brokers would leave unpacked native libraries and performance files in the machine's /tmp.
        f"-Djava.io.tmpdir={data_dir / 'tmp'}",
        "-XX:-UsePerfData",
        "-Dorg.apache.logging.log4j.level=WARN",  # log4j's own default shows errors only
    ]


def _class_path(jars: list[Path]) -> str:
    return os.pathsep.join(map(str, jars))


def _write_properties(data_dir: Path, port: int | None, properties: Mapping[str, str]) -> int:
    """Writes server.properties, on the ports of last time if there was one, and returns the port for clients."""
    ports = data_dir / "ports"
    used = [int(line) for line in ports.read_text().split()] if ports.exists() else []
    port = port or (used[0] if used else free_port())
    controller = used[1] if used else free_port()
    ports.write_text(f"{port} {controller}\n")
    ours = {
        **_PROPERTIES,
        "log.dirs": str(data_dir / "data"),
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}",
        "controller.quorum.bootstrap.servers": f"{HOST}:{controller}",
    }
    lines = (f"{name}={value}\n" for name, value in {**ours, **properties}.items())
    (data_dir / "server.properties").write_text("".join(lines))
    return port


def _format(java: list[str], data_dir: Path, wait_seconds: float) -> None:
    """Prepares an empty data directory; one left half prepared by a killed start is prepared again."""
    cluster = _cluster_id()
    tool = [*java, "kafka.tools.StorageTool", "format", "--standalone", "--ignore-formatted"]
    command = [*tool, "--cluster-id", cluster, "--config", str(data_dir / "server.properties")]
    log_file = data_dir / "format.log"
    try:
        with log_file.open("wb") as log:
            subprocess.run(leashed(command), stdout=log, stderr=log, timeout=wait_seconds, check=True)
    except subprocess.SubprocessError as failed:
        raise BrokerError(f"Kafka could not prepare {data_dir}.{_tail(log_file)}") from failed


def _cluster_id() -> str:
    """A random id as Kafka spells it; one in 64 begins with a dash, which its tool takes for an option."""
    while (name := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        continue
    return name


def free_port() -> int:
    """Picks a port nobody listens on. Another program may still take it first; the broker then says so and dies."""
    for port in random.sample(PORTS, 100):
        if _is_free(port):
            return port
    raise BrokerError(f"no free port among 100 tried between {PORTS.start} and {PORTS.stop} on {HOST}")


def _require_free(port: int) -> None:
    """Refuses a taken port beforehand: were another Kafka there, its answers would pass for those of ours."""
    if not _is_free(port):
        raise BrokerError(f"{HOST}:{port} is in use by another program")


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        # As Kafka does: connections of the last broker that are still closing do not count.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
    return True


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f" The end of {log}:", *(f"    {line}" for line in lines)])
