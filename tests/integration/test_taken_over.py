"""What a worker still has of partitions that come back, and what lies behind its index."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.service import Worker
from tests.faults.harness import FAULTY, Running, running, until
from tests.harness.broker import SharedBroker
from tests.harness.builders import assignment
from tests.integration.tale import Tale

OLD, NEW = 600, 40


def shown(worker: Worker, name: str) -> float:
    """A gauge of this worker."""
    found = re.search(rf"^{name} (\S+)$", worker.metrics(), re.MULTILINE)
    assert found is not None, name
    return float(found.group(1))


def looked_back(worker: Worker) -> int:
    """How many messages it has said it looks back at."""
    said = re.findall(r"looking back at (\d+) messages", worker.log_file.read_text())
    return sum(map(int, said))


@pytest.fixture
def one(kafka: SharedBroker, namespace: str, tmp_path: Path) -> Iterator[Running]:
    """A service with one worker."""
    with running(kafka.bootstrap, tmp_path, namespace, **FAULTY) as made:
        made.service.start_workers(1)
        yield made


def test_partitions_that_come_back_are_not_read_again(one: Running) -> None:
    """Only what others judged meanwhile is; and a fact reaches what was judged before, by either."""
    (first,) = one.service.workers
    tale = Tale(1, one)
    case, meanwhile = tale.name("case:c"), tale.name("case:m")
    workers = [tale.hires(f"w{number}") for number in range(8)]  # spread over all partitions
    duties = [(worker, record) for worker in workers for record in (case, meanwhile)]
    tale.learn(*(assignment(*duty, **tale.fields()) for duty in duties))
    tale.pass_to(tale.at("14:00"))
    for number in range(OLD):
        tale.see(workers[number % 8], "view", case)
    tale.ends()
    assert tale.told() == []
    one.wait_idle()
    assert looked_back(first) == 0
    one.service.start_workers(1)
    second = one.service.workers[1]
    until(lambda: looked_back(second) > 0, "the second worker was given nothing")
    for number in range(NEW):
        tale.see(workers[number % 8], "view", meanwhile)
    assert tale.told() == []
    one.wait_idle()
    second.send(signal.SIGTERM)
    second.process.wait()
    until(lambda: shown(first, "needtoknow_index_accesses") == OLD + NEW, "the first lacks what the second judged")
    one.wait_idle()
    assert 0 < looked_back(first) < NEW
    assert looked_back(second) < OLD
    void = tale.fields(revision=2, void=True, recorded_at=tale.at("23:30"))
    tale.learn(*(assignment(*duty, **void) for duty in duties))
    assert [finding.outcome for finding in tale.told()] == ["revoked"] * (OLD + NEW)
    one.wait_idle()
    assert one.verify()["differences"] == []


def test_a_fact_that_reaches_behind_the_index_makes_the_log_be_read(
    kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """One that takes something away; of one that explains, what was said is known by name."""
    with running(kafka.bootstrap, tmp_path, namespace, NTK_INDEX_MAX="1000") as one:
        one.service.start_workers(1)
        (worker,) = one.service.workers
        tale = Tale(1, one)
        able, snooper = tale.hires("w"), tale.hires("x")
        case, other = tale.name("case:c"), tale.name("case:o")
        tale.learn(assignment(able, case, **tale.fields()), assignment(able, other, **tale.fields()))
        tale.play()
        one.wait_idle()  # a login that comes after accesses reaches behind the index, too
        tale.pass_to(tale.at("14:00"))
        for _ in range(NEW):
            tale.see(able, "view", other)
        tale.see(snooper, "view", other)
        for _ in range(1100):
            tale.see(able, "view", case)
        tale.ends()
        assert [finding.staff for finding in tale.told()] == [snooper]
        until(lambda: shown(worker, "needtoknow_index_accesses") <= 1000, "nothing was let go of")
        one.wait_idle()
        tale.learn(assignment(snooper, other, **tale.fields(recorded_at=tale.at("23:30"))))
        assert [finding.outcome for finding in tale.told()] == ["late"]
        assert "reaches behind the index" not in worker.log_file.read_text()
        tale.learn(assignment(able, other, **tale.fields(revision=2, void=True, recorded_at=tale.at("23:31"))))
        outcomes = sorted(finding.outcome for finding in tale.told())
        assert outcomes == ["late", *["revoked"] * NEW]
        assert "reaches behind the index" in worker.log_file.read_text()
        one.wait_idle()
        assert one.verify()["differences"] == []
