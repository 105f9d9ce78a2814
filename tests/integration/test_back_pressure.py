"""A judge that is far behind pauses its own partitions and holds up nobody else (design section 8)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import orjson
import psutil
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.service import Worker
from schemas.access import Access
from schemas.codec import decode, encode
from schemas.fact import RegisteredMark
from tests.faults.harness import Running, running, until
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.builders import DUTY_FEEDS, account, assignment, at, make_access, unit_member
from tests.harness.timeline import Story

BACKLOG: Final = 100_000  # accesses of 280 bytes: 28 MB in Kafka, and ten times as much were all of it in Python
SMALL: Final = {"NTK_BATCH_MESSAGES": "50", "NTK_QUEUED_BATCHES": "2"}
MARK_SECONDS: Final = 3.0  # from a feed's mark to everybody's; a fifth of a second on a quiet machine
TRIES: Final = 5
MEMORY_MB: Final = 50  # that the worker may grow by; 13 were seen, and the backlog's raw messages would be 80


@dataclass
class Behind:
    """One worker with a backlog that it needs a good while for; its memory (MiB) when it began and at the most."""

    one: Running
    worker: Worker
    snooped: Access
    began_mb: float = 0.0
    peak_mb: float = 0.0

    def metric(self, name: str) -> float:
        """A metric of the worker, over all its labels; notes the memory too."""
        self.peak_mb = max(self.peak_mb, self.memory_mb())
        lines = self.worker.metrics().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def memory_mb(self) -> float:
        """What it takes now."""
        return float(psutil.Process(self.worker.process.pid).memory_info().rss) / 2**20

    def is_behind(self) -> bool:
        """Whether much is still to be read."""
        return self.metric("needtoknow_lag_messages") > BACKLOG / 10


@pytest.fixture(scope="module")
def behind(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """No feed has marked yet. First comes a snooper; everybody behind does their job, by duty of their unit."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("behind"), new_namespace(), **SMALL) as one:
        story = Story("08:00")
        story.learn(account("jdoe12", "w028"), unit_member("w028", "u02"), assignment(unit="u02"))
        story.learn(account("asmith3", "w031"))
        story.pass_to("14:00")
        snooped = story.see("w031", "view")
        one.play(story.steps)
        asyncio.run(pile_up(one))
        one.service.start_workers(1)
        (worker,) = one.service.workers
        behind = Behind(one, worker, snooped)
        behind.began_mb = behind.memory_mb()
        until(lambda: behind.metric("needtoknow_paused_partitions") > 0, "its queues do not fill")
        yield behind


async def pile_up(one: Running) -> None:
    """Stores the backlog."""
    document = orjson.loads(encode(make_access("jdoe12")))
    producer = AIOKafkaProducer(bootstrap_servers=one.service.bootstrap, linger_ms=20, max_batch_size=262_144)
    await producer.start()
    try:
        for number in range(BACKLOG):
            value = orjson.dumps(document | {"event_id": f"more-{number}", "sequence": number})
            await producer.send(one.topics.access("ecms"), value, key=b"%d" % number)
    finally:
        await producer.stop()


def test_facts_and_marks_pass_a_judge_that_is_behind(behind: Behind) -> None:
    """They are registered at once, and what waited for them is settled in the middle of the backlog."""
    one = behind.one
    assert one.findings() == []
    for number in range(TRIES):
        story = Story(at("15:00") + number)
        story.learn(account(f"login{number}", f"x{number}"))
        story.mark_all()
        one.play(story.steps)
        until(partial(is_marked, one, story.now), "the marks are not registered", MARK_SECONDS)
    until(one.findings, "what waited is not settled", MARK_SECONDS)
    assert {finding.access for finding in one.findings()} == {behind.snooped}
    assert behind.is_behind(), "the backlog was too short to show anything"


def is_marked(one: Running, through: int) -> bool:
    """Whether every feed is complete through this instant by `marks.v1`."""
    marks = [decode(RegisteredMark, message.value) for message in one.messages(one.topics.marks)]
    return {mark.feed for mark in marks if mark.complete_through >= through} == set(DUTY_FEEDS)


def test_a_backlog_takes_no_memory(behind: Behind) -> None:
    """Most of it waits in Kafka, not in the worker."""
    until(lambda: behind.metric("needtoknow_lag_messages") == 0, "the backlog does not end", seconds=90)
    assert behind.metric("needtoknow_accesses_total") == BACKLOG + 1
    assert behind.peak_mb - behind.began_mb < MEMORY_MB


def test_what_waits_for_a_silent_feed_is_bounded_too(kafka: SharedBroker, namespace: str, tmp_path: Path) -> None:
    """Beyond the limit accesses wait in Kafka; when the feeds speak at last each of them is judged."""
    limits = {"NTK_PENDING_MAX": "100", "NTK_BATCH_MESSAGES": "50", "NTK_QUEUED_BATCHES": "2"}
    with running(kafka.bootstrap, tmp_path, namespace, **limits) as one:
        one.service.start_workers(1)
        story = Story("08:00")
        for number in range(2_000):
            story.see(f"stranger{number}", "view")
        one.play(story.steps)
        behind = Behind(one, one.service.workers[0], make_access())
        # It also pauses for a moment when it has enough to judge, so both are asked for.
        until(lambda: behind.metric("needtoknow_pending_accesses") >= 100, "too little waits", seconds=40)
        until(lambda: behind.metric("needtoknow_paused_partitions") == 4, "it goes on reading", seconds=40)
        assert behind.metric("needtoknow_pending_accesses") <= 150
        story.mark_all("2026-01-09")
        one.play(story.steps[-len(DUTY_FEEDS) :])
        one.wait_idle()
        assert len(one.findings()) == 2_000
        assert one.verify()["differences"] == []
