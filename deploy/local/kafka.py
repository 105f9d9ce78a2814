"""A real Apache Kafka on this machine, one node, for the demo and the tests; nothing has to be installed for it."""

import os
import signal
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.jars import Say, ensure_jars
from deploy.local.java import find_java
from deploy.local.ports import HOST, free_port, is_free
from deploy.local.probe import serves_groups
from deploy.local.program import Program, ProgramError, run_to_end, silent

STOP_SECONDS = 20.0  # a broker with data stops in about 2; after this it is killed

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


class BrokerError(ProgramError):
    """The broker did not start or did not answer; the message ends with what it logged last."""


class LocalKafka:
    """One running broker. Its data, ports and log (`kafka.log`) live in `data_dir`, where it can be started again."""

    def __init__(self, data_dir: Path, port: int, command: list[str], is_ready: Callable[[], bool]) -> None:
        """Made by `start` only, which also waits until the broker answers."""
        self.data_dir = data_dir
        self.port = port
        self._command = command
        self._is_ready = is_ready
        self._program = _program(data_dir)

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        port: int | None = None,
        properties: Mapping[str, str] = {},
        format_options: Sequence[str] = (),
        is_ready: Callable[[], bool] | None = None,
        heap: str = "512m",
        wait_seconds: float = 60.0,
        say: Say = silent,
    ) -> Self:
        """Starts a broker on loopback, and returns it when it serves topics and consumer groups.

        A `data_dir` used before is started again with its data and its port. `properties` go on top of ours,
        `format_options` to Kafka's program that prepares a store; `is_ready` asks a broker that lets in only whom it
        knows. `say` is told of each wait over a second. Raises BrokerError when it dies or stays silent for
        `wait_seconds`, and NoJavaError or JarError when the machine lacks what it needs.
        """
        data_dir = data_dir.resolve()
        (data_dir / "tmp").mkdir(parents=True, exist_ok=True)
        java = [str(find_java()), f"-Xmx{heap}", *_java_options(data_dir), "-cp", _class_path(ensure_jars(say))]
        port = _write_properties(data_dir, port, properties)
        if not (data_dir / "data" / "meta.properties").exists():
            say("Kafka: preparing an empty store")
            _format(java, data_dir, format_options, wait_seconds)
        command = [*java, "kafka.Kafka", str(data_dir / "server.properties")]
        broker = cls(data_dir, port, command, is_ready or (lambda: serves_groups(port)))
        broker.restart(wait_seconds=wait_seconds, say=say)
        return broker

    def restart(self, *, wait_seconds: float = 60.0, say: Say = silent) -> None:
        """Starts the same broker again after `kill` or `stop`: same data, same port. Raises as `start` does."""
        if not self.is_running:
            _require_free(self.port)
        self._program.say = say
        self._program.start(self._command, is_ready=self._is_ready, seconds=wait_seconds)

    @property
    def bootstrap(self) -> str:
        """The address for clients, as host:port."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the broker, also after it has ended."""
        return self._program.pid

    @property
    def is_running(self) -> bool:
        """Tells whether the process lives; a paused one does."""
        return self._program.is_running

    def pause(self) -> None:
        """Freezes the broker (SIGSTOP): connections stay open and nothing answers, as with a machine that hangs."""
        self._program.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused broker go on."""
        self._program.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Ends the broker at once (SIGKILL), as a power cut would; harmless when it has ended already."""
        self._program.kill()

    def stop(self) -> None:
        """Asks the broker to end (SIGTERM), kills it after 20 s; harmless when it has ended already."""
        self._program.stop(seconds=STOP_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def _program(data_dir: Path) -> Program:
    return Program("Kafka", data_dir / "kafka.log", BrokerError)


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


def _format(java: list[str], data_dir: Path, options: Sequence[str], wait_seconds: float) -> None:
    """Prepares an empty data directory; one left half prepared by a killed start is prepared again."""
    cluster = _cluster_id()
    tool = [*java, "kafka.tools.StorageTool", "format", "--standalone", "--ignore-formatted"]
    command = [*tool, "--cluster-id", cluster, "--config", str(data_dir / "server.properties"), *options]
    run_to_end(_program(data_dir), command, seconds=wait_seconds)


def _cluster_id() -> str:
    """A random id as Kafka spells it; one in 64 begins with a dash, which its tool takes for an option."""
    while (name := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        continue
    return name


def _require_free(port: int) -> None:
    """Refuses a taken port beforehand: were another Kafka there, its answers would pass for those of ours."""
    if not is_free(port):
        raise BrokerError(f"{HOST}:{port} is in use by another program")
