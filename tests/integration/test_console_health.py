"""What the console knows of the service it is part of, asked from the real Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.codec import encode
from schemas.fact import RegisteredMark
from schemas.settings import Settings
from sinks import kafka
from sinks.alerts.writing import hear
from sinks.console.watching import HealthReader
from sinks.kafka import Broker
from sinks.store.engine import sqlite_url
from sinks.store.store import Store
from tests.contract.examples import ACCESS, CUT
from tests.faults.harness import running
from tests.harness.broker import SharedBroker
from tests.harness.findings import make_finding, place

PATIENCE = 60.0


@pytest.fixture
def settings(kafka: SharedBroker, tmp_path: Path, namespace: str) -> Iterator[Settings]:
    """Topics without a worker."""
    with running(kafka.bootstrap, tmp_path, namespace):
        yield Settings(broker=kafka.bootstrap, topic_prefix=namespace)


async def test_it_says_when_each_part_was_heard(settings: Settings, tmp_path: Path) -> None:
    """One source has spoken, one feed has promised, one cut was stored; the others have not, and that is said, too."""
    store = Store(sqlite_url(tmp_path))
    store.upgrade()
    with store.writing() as writing:
        hear(writing, make_finding(), place(), int(time.time() * 1000) - 90_000)
    broker, topics, began = Broker(settings.broker, PATIENCE), settings.topics, int(time.time() * 1000) - 1000
    mark = RegisteredMark(feed="staff", complete_through=began, sequence=1, position=0)
    async with kafka.producer(broker) as producer:
        await producer.send_and_wait(topics.access("ecms"), ACCESS)
        await producer.send_and_wait(topics.marks, encode(mark), key=b"staff")
        await producer.send_and_wait(topics.ledger, CUT)
    reader = HealthReader(settings, broker, store, lambda: 3)
    task = asyncio.create_task(reader.run())
    async with asyncio.timeout(PATIENCE):
        while reader.now().cut_at is None:  # noqa: ASYNC110 - it has no event to wait for
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    found = reader.now()
    heard = {source.name: source.heard_at for source in found.sources}
    assert [name for name, at in heard.items() if at is not None] == ["ecms"]
    assert heard["ecms"] is not None
    assert heard["ecms"] >= began
    assert {feed.name: feed.complete_through for feed in found.feeds} == {
        "assignments": None,
        "staff": began,
        "cases": None,
        "console": None,
    }
    assert found.unread == 3
    assert found.outbox_age_ms is not None
    assert 90_000 <= found.outbox_age_ms < 150_000
    store.close()
