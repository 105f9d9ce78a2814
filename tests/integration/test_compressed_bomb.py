"""A compressed batch that unpacks to a gigabyte stops nobody and takes no memory: it is set aside by its offsets."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.service import Worker
from schemas.codec import decode
from schemas.ledger import Cut
from tests.faults.harness import Running, running, until
from tests.harness.broker import Expendable
from tests.harness.record_batches import MIB, ZSTD, batch, packed, produce, record
from tests.integration.test_worker_process import at_work

NUMBER = 1_024  # messages of a mebibyte of nothing: 33 KB in Kafka, a gigabyte in memory
STRANGERS = 40  # on all partitions
RSS_MAX_MIB = 450  # a worker has 110 when it starts, and may unpack 64 at a time


class Watch(threading.Thread):
    """How much memory a worker took at the most, MiB."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._process = psutil.Process(worker.process.pid)
        self._is_over = threading.Event()
        self.peak_mib = 0.0

    def run(self) -> None:
        """Looks a hundred times a second."""
        while not self._is_over.wait(0.01):
            self.peak_mib = max(self.peak_mib, self._process.memory_info().rss / MIB)

    def end(self) -> float:
        """The most there was."""
        self._is_over.set()
        self.join()
        return self.peak_mib


def nothings() -> Iterator[bytes]:
    """The records of the bomb."""
    value = bytes(MIB)
    for number in range(NUMBER):
        yield record(number, value)


async def send_bomb(one: Running, topic: str, partition: int) -> int:
    """Where it lies."""
    raw = batch(ZSTD, packed(nothings()), NUMBER)
    assert len(raw) < MIB
    async with AIOKafkaProducer(bootstrap_servers=one.service.bootstrap) as sender:
        return await produce(sender.client, topic, partition, raw)


def people(one: Running) -> set[str]:
    """Of whom something was found."""
    return {finding.access.actor for finding in one.findings()}


@pytest.mark.timeout(240)
def test_a_batch_of_a_gigabyte_is_set_aside_by_its_offsets(
    expendable: Expendable, namespace: str, tmp_path: Path
) -> None:
    """On an access topic and on a feed's: one letter each, every other access is judged, and the ledger is exact.

    The broker has half a gigabyte: asked for an offset by time it would unpack the batch, and end.
    """
    with running(expendable.kafka.bootstrap, tmp_path, namespace) as one:
        one.service.start_workers(1)
        [worker] = one.service.workers
        watch = Watch(worker)
        watch.start()
        topic, feed = one.topics.access("ecms"), one.topics.feed("staff")
        story = at_work("jdoe12", "w028")
        first = asyncio.run(send_bomb(one, topic, 0))
        asyncio.run(send_bomb(one, feed, 0))
        due = {f"stranger{n}" for n in range(STRANGERS)}
        for name in sorted(due):
            story.see(name, "view")
        one.play(story.steps)
        until(lambda: people(one) == due, "somebody is missed", seconds=60)
        one.wait_idle()
        assert watch.end() < RSS_MAX_MIB
        assert_set_aside(one, f"{topic}/0/{first}", f"{feed}/0/0")
        assert f'reason="unpacks",stage="quarantine"}} {2 * NUMBER}.0' in worker.metrics()
        assert worker.process.poll() is None
        a_successor_looks_back(one)
        assert_set_aside(one, f"{topic}/0/{first}", f"{feed}/0/0")
        assert expendable.kafka.is_running


def assert_set_aside(one: Running, *places: str) -> None:
    """By one letter each, and the ledger tells it as it was."""
    letters = one.letters()
    assert sorted(letters) == sorted(places)
    for letter in letters.values():
        headers = dict(letter.headers)
        assert headers["needtoknow.errors.stage"] == b"quarantine"
        assert headers["needtoknow.errors.through"] == b"1023"
        assert letter.value is None
    report = one.verify()
    assert (report["differences"], report["unjudged"], report["quarantined"]) == ([], 0, NUMBER)
    cuts = [decode(Cut, m.value) for m in one.messages(one.topics.ledger)]
    assert sum(c.messages.dead_letters for c in cuts) == NUMBER
    shown = one.document("dead-letters", "show", places[0])
    assert (shown["through"], shown["bytes"]) == (NUMBER - 1, None)


def a_successor_looks_back(one: Running) -> None:
    """It knows nothing, and reads all that was judged before once more: neither it nor the broker is hurt by that."""
    one.service.stop()
    shutil.rmtree(one.service.directory / "data")
    worker = one.service.launch()
    watch = Watch(worker)
    watch.start()
    one.service.wait_ready(worker)
    has_all = f"needtoknow_index_accesses {STRANGERS}.0"
    until(lambda: has_all in worker.metrics(), "what was judged before is not read again")
    assert watch.end() < RSS_MAX_MIB
