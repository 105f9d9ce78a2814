"""The programs that can be measured: how each is started, what it gets beside the accesses, and how they differ."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.java import find_java

from .broker import Broker, RunTopics
from .process import Process
from .workload import Workload

HERE: Final = Path(__file__).resolve().parent
PEER_SOURCE: Final = HERE / "peers" / "kafka_streams"
PEER_JAR: Final = PEER_SOURCE / "target" / "kafka-streams-peer-1.jar"
REGISTER_SECONDS: Final = 300.0  # for register to get through the feeds; 76,000 facts take it about 20 s


@dataclass(frozen=True)
class Run:
    """Where one run happens."""

    broker: Broker
    topics: RunTopics
    workload: Workload
    scratch: Path
    run_id: str

    def environment(self) -> dict[str, str]:
        """What each peer needs to know; the service has settings of its own."""
        return {
            "BROKER": self.broker.address,
            "RUN_ID": self.run_id,
            "SCRATCH": str(self.scratch),
            **self.topics.environment(),
        }


@contextmanager
def fresh_run(name: str, workload: Workload, *, broker: Broker, scratch: Path) -> Iterator[Run]:
    """A run on topics and in a folder of its own; the topics are deleted afterwards."""
    run_id = f"bench-{name}-{time.time_ns() // 1_000_000}"
    topics, directory = RunTopics(f"{run_id}."), scratch / run_id
    directory.mkdir(parents=True)
    broker.create_topics(topics)
    try:
        yield Run(broker, topics, workload, directory, run_id)
    finally:
        broker.delete_topics(topics.prefix)


@dataclass(frozen=True)
class Preparation:
    """What a program did about its assignments before the measured process was started."""

    seconds: float = 0.0
    cpu_s: float = 0.0


@dataclass(frozen=True)
class Program:
    """One program to measure. `prepare` brings it the assignments, before there is any access."""

    name: str
    command: Callable[[], list[str]]
    environment: Callable[[Run], dict[str, str]]
    prepare: Callable[[Run], Preparation]
    differences: tuple[str, ...]
    build: Callable[[], None] = field(default=lambda: None)
    quick: Mapping[str, str] = field(default_factory=dict)  # environment that makes it answer soon, in the open loop


# ours


def _worker_command() -> list[str]:
    return [sys.executable, "-m", "sinks.cli.main", "worker"]


def _worker_environment(run: Run) -> dict[str, str]:
    return {
        "NTK_BROKER": run.broker.address,
        "NTK_TOPIC_PREFIX": run.topics.prefix,
        "NTK_GROUP": run.run_id,
        "NTK_DATA_DIR": str(run.scratch / "data"),
        "NTK_ADMIN_PORT": "0",
        "NTK_LOG_LEVEL": "INFO",
    }


def _register(run: Run) -> Preparation:
    """Facts and marks through the feed topics, registered by a worker of the same group that then ends."""
    for feed, messages in run.workload.feeds().items():
        run.broker.load(run.topics.service.feed(feed), messages)
    began = time.time()
    with Process(_worker_command(), _worker_environment(run), run.scratch / "register.log") as process:
        run.broker.wait_for_marks(run.topics, check=process.check, timeout=REGISTER_SECONDS)
        return Preparation(time.time() - began, process.cpu_s())


# peers


def _load_assignments(run: Run) -> Preparation:
    """The peers read their copy of the assignments themselves, in the measured process, before the first access."""
    run.broker.load(run.topics.assignments, run.workload.assignments_by_record())
    return Preparation()


def _streams_command() -> list[str]:
    options = ["-Xmx1500m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
    return [str(find_java()), *options, "-jar", str(PEER_JAR)]


def _build_streams() -> None:
    """Build the jar when it is missing or older than its source. Exits with what is lacking."""
    sources = [PEER_SOURCE / "pom.xml", *PEER_SOURCE.glob("src/**/*.java")]
    if PEER_JAR.exists() and PEER_JAR.stat().st_mtime > max(s.stat().st_mtime for s in sources):
        return
    if (maven := shutil.which("mvn")) is None:
        sys.exit("the Kafka Streams peer is built with Maven and a JDK of 17 or newer; install them (Debian: maven)")
    print("building the Kafka Streams peer with Maven", flush=True)
    subprocess.run([maven, "-q", "-B", "-f", str(PEER_SOURCE / "pom.xml"), "clean", "package"], check=True)


def _floor_command() -> list[str]:
    return [sys.executable, "-W", "ignore", str(HERE / "peers" / "aiokafka_floor.py")]


OURS: Final = Program(
    name="ours",
    command=_worker_command,
    environment=_worker_environment,
    prepare=_register,
    differences=(
        "checks every field of every access strictly (types, ids, no unknown or doubled field) and keeps dead letters",
        "answers for overlapping assignments, supervision, coverage, units, memberships; resolves logins by accounts",
        "asks what was known then as well as what is known now; waits for marks before it accuses",
        "writes whole findings: reason, near misses, policy, marks (about 0.9 kB; the peers' violations 0.3 kB)",
        "writes a ledger cut per batch, stored before the offset is committed; tails its own findings",
        "subscribes to all 8 access topics (32 partitions) and all 3 feeds, though only one access topic is used",
        "facts come through register first, in a process that ends before the measured one starts: `register_s` and "
        "`register_cpu_s`; `start_s` has the reading of facts.v1; all facts are in memory on every worker",
    ),
)
KAFKA_STREAMS: Final = Program(
    name="kafka-streams",
    command=_streams_command,
    environment=Run.environment,
    prepare=_load_assignments,
    build=_build_streams,
    quick={"KS_OPTIONS": "main.consumer.fetch.max.wait.ms=5 producer.linger.ms=0"},
    differences=(
        "Java, Processor API on a versioned RocksDB store with its changelog topic, one stream thread, at-least-once",
        "no check of an access beyond its types; no dead letters; a bad message stops it",
        "one interval per record and person: cannot answer for overlapping assignments of one pair",
        "reads assignments keyed and partitioned as the accesses are; ours takes facts under any key",
        "does not resolve logins: login and staff id are spelled alike in this workload",
        "never withdraws, keeps no `then`, waits for nothing beyond what the library does, keeps no ledger",
    ),
)
FLOOR: Final = Program(
    name="aiokafka-floor",
    command=_floor_command,
    environment=Run.environment,
    prepare=_load_assignments,
    differences=(
        "hand-written Python on aiokafka with a dictionary: what the join alone costs, not a substitute",
        "no offsets, no restart without starting over, no check of the input, no revision order",
    ),
)
PROGRAMS: Final = {p.name: p for p in (OURS, KAFKA_STREAMS, FLOOR)}
