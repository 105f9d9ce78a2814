"""Workers that begin with a snapshot know what the others do, sooner; and one in doubt is thrown away."""

from __future__ import annotations

import hashlib
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from deploy.local.service import Worker
from schemas.finding import Finding
from schemas.settings import Settings
from sinks.kafka import Broker, admin
from streams.snapshots import CHECK_SECONDS, Snapshots
from tests.faults.harness import BROKER_SECONDS, FAULTY, Running, running, until
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.builders import assignment
from tests.integration.tale import Tale
from tests.integration.test_judged_again import write_fact

EXPLAINED = 500
LOGS = 64
RESTORED = re.compile(r"restored (\d+) facts, position (\d+), and (\d+) accesses")


@pytest.fixture
def one(kafka: SharedBroker, namespace: str, tmp_path: Path) -> Iterator[Running]:
    """A service with one worker that takes snapshots twice a second."""
    with running(kafka.bootstrap, tmp_path, namespace, **FAULTY, NTK_SNAPSHOT_SECONDS="0.5") as made:
        made.service.start_workers(1)
        yield made


def told(one: Running) -> Tale:
    """A tale of one who had a duty, and one who had none."""
    tale = Tale(1, one)
    worker, snooper, case = tale.hires("w"), tale.hires("x"), tale.name("case:c")
    tale.learn(assignment(worker, case, **tale.fields()), assignment(tale.hires("z"), case, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    for _ in range(EXPLAINED):
        tale.see(worker, "view", case)
    tale.see(snooper, "view", case)
    tale.ends()
    assert [finding.staff for finding in tale.told()] == [snooper]
    one.wait_idle()
    return tale


def log_of(worker: Worker) -> str:
    """All that was written in its place, by whoever had its number."""
    return worker.log_file.read_text()


def written(worker: Worker) -> int:
    """How many snapshots it has written."""
    found = re.search(r'^needtoknow_snapshots_total{result="written"} (\S+)$', worker.metrics(), re.MULTILINE)
    assert found is not None
    return int(float(found.group(1)))


def void(one: Running, tale: Tale) -> None:
    """The duty turns out never to have been, while no worker is there to hear it."""
    changed = tale.fields(revision=2, void=True, recorded_at=tale.at("23:30"))
    write_fact(one, assignment(tale.name("w"), tale.name("case:c"), **changed))


def outcomes(findings: list[Finding]) -> list[str]:
    """Of those that stand, each finding's last word."""
    return sorted({finding.finding_id: finding.outcome for finding in findings}.values())


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_goes_on_from_its_snapshot(one: Running, ending: signal.Signals) -> None:
    """Nothing is read again; a fact that came meanwhile reaches what only the snapshot knows."""
    tale = told(one)
    (worker,) = one.service.workers
    before = written(worker)
    until(lambda: written(worker) >= before + 2, "no snapshot was written")
    worker.send(ending)
    worker.process.wait()
    void(one, tale)
    one.service.workers.clear()
    one.service.start_workers(1)
    until(lambda: len(one.findings()) >= EXPLAINED + 1, "what changed meanwhile was not noticed")
    one.wait_idle()
    (again,) = one.service.workers
    found = RESTORED.search(log_of(again))
    assert found is not None
    assert list(map(int, found.groups())) == [5, 5, EXPLAINED + 1]
    assert "looking back at" not in log_of(again)
    assert outcomes(one.findings()) == ["revoked"] * EXPLAINED + ["unexplained"]
    assert one.verify()["differences"] == []


@pytest.mark.parametrize("harm", ["cut short", "changed", "of another log", "of other code", "deleted"])
def test_a_snapshot_in_doubt_is_thrown_away(one: Running, kafka: SharedBroker, tmp_path: Path, harm: str) -> None:
    """And everything is read again instead."""
    tale = told(one)
    one.service.stop()
    snapshot = tmp_path / "data" / "snapshot-1"
    data = snapshot.read_bytes()
    match harm:
        case "cut short":
            snapshot.write_bytes(data[: len(data) // 2])
        case "changed":
            snapshot.write_bytes(data[:5_000] + bytes([data[5_000] ^ 255]) + data[5_001:])
        case "of another log":
            snapshot.write_bytes(snapshot_of_another(kafka, tmp_path / "other", one.service.prefix))
        case "of other code":  # that has the same version and layout, and calls a column otherwise
            snapshot.write_bytes(renamed(data, b'"plain.duties"', b'"plain.ducats"'))
        case _:
            snapshot.unlink()
    void(one, tale)
    one.service.start_workers(1)
    until(lambda: len(one.findings()) >= EXPLAINED + 1, "what changed meanwhile was not noticed")
    one.wait_idle()
    (again,) = one.service.workers
    assert RESTORED.search(log_of(again)) is None
    assert ("is thrown away" in log_of(again)) == (harm != "deleted")
    assert "looking back at" in log_of(again)
    assert outcomes(one.findings()) == ["revoked"] * EXPLAINED + ["unexplained"]


def snapshot_of_another(kafka: SharedBroker, directory: Path, prefix: str) -> bytes:
    """One that says it is of this installation, of topics that were there before."""
    other = new_namespace()
    with running(kafka.bootstrap, directory, other, **FAULTY) as one:
        one.service.start_workers(1)
        told(one)
        one.service.stop()
        ours, theirs = prefix.encode(), other.encode()
        assert len(ours) == len(theirs)
        return renamed((directory / "data" / "snapshot-1").read_bytes(), theirs, ours)


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    """The same with other names, and a checksum that fits."""
    body = data[:-64].replace(old, new)
    return body + hashlib.blake2b(body).digest()


def test_two_workers_of_one_directory_have_a_snapshot_each(one: Running, tmp_path: Path) -> None:
    """And whoever comes next takes the first that is free."""
    one.service.start_workers(1)
    told(one)
    one.service.stop()
    assert sorted(path.name for path in (tmp_path / "data").glob("snapshot-?")) == ["snapshot-1", "snapshot-2"]
    one.service.start_workers(2)
    one.wait_idle()
    for worker in one.service.workers:
        assert RESTORED.search(log_of(worker)) is not None
    assert one.verify()["differences"] == []


def test_a_directory_that_cannot_be_written_costs_only_time(
    kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """It is said, and judging goes on."""
    (tmp_path / "data").write_text("a file where the directory should be")
    with running(kafka.bootstrap, tmp_path, namespace, **FAULTY, NTK_SNAPSHOT_SECONDS="0.5") as one:
        one.service.start_workers(1)
        told(one)
        assert "no snapshots: " in log_of(one.service.workers[0])


async def test_as_many_logs_as_a_department_has_are_looked_at_in_time(kafka: SharedBroker, namespace: str) -> None:
    """Behind the last message of each the broker is asked for the next, and answered late: half a second for each log
    would be too long, and every start would read all that is known."""
    topic, appended = f"{namespace}logs", list[int]()
    async with admin(Broker(kafka.bootstrap, BROKER_SECONDS)) as client:
        await client.create_topics([NewTopic(topic, LOGS, 1)])
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for partition in range(LOGS):
            appended.append((await producer.send_and_wait(topic, b"x", partition=partition)).timestamp)
    unused: Any = SimpleNamespace(judging=None)
    snapshots = Snapshots(
        Settings(broker=kafka.bootstrap), judge=unused, broadcast=unused, telemetry=unused, has_died=lambda: False
    )
    logs = [[topic, partition, 1, 0, at] for partition, at in enumerate(appended)]
    began = time.monotonic()
    assert await snapshots._changed({"logs": logs, "index": {"stretches": []}}) == []
    assert time.monotonic() - began < CHECK_SECONDS
