"""Headers that no library writes, on a real broker: they stop no worker and no reader (promise 10)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.producer import message_accumulator, producer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from schemas.codec import encode
from tests.faults.harness import Running, running, until
from tests.harness.broker import SharedBroker
from tests.harness.builders import make_access
from tests.integration.test_worker_process import at_work
from tests.unit.test_records import Name

MIB = 1_048_576


async def send(one: Running, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
    """To the first partition of ECMS, compressed: the broker's limit is for what it is given."""
    async with AIOKafkaProducer(
        bootstrap_servers=one.service.bootstrap, compression_type="gzip", max_request_size=20 * MIB
    ) as sender:
        await sender.send_and_wait(one.topics.access("ecms"), value, key=key, partition=0, headers=headers)


def test_no_header_stops_a_worker(
    kafka: SharedBroker, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is no text, headers and a key of megabytes: each bad message one letter, all others judged."""
    for module in (producer, message_accumulator):
        monkeypatch.setattr(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    with running(kafka.bootstrap, tmp_path, namespace) as one:
        one.service.start_workers(1)
        one.play(at_work("jdoe12", "w028").steps)
        strangers = [encode(make_access(f"ghost{n}", event_id=f"e{n}", when="13:00")) for n in range(6)]
        asyncio.run(send(one, b"k", strangers[0], [(Name("x"), b"v")]))
        asyncio.run(send(one, b"k", b"bad", [(Name("x"), b"v")]))
        asyncio.run(send(one, b"k", strangers[1], [("h", b"y" * 5 * MIB)]))
        asyncio.run(send(one, b"k", b"bad", [("h", b"y" * 3 * MIB)]))
        asyncio.run(send(one, b"k", b"bad", [(f"h{n}", b"y") for n in range(100_000)]))
        asyncio.run(send(one, b"k" * 3 * MIB, b"bad", []))
        asyncio.run(send(one, b"k", strangers[2], []))
        until(lambda: len(one.findings()) == 3, "somebody is missed", seconds=30)
        one.wait_idle()
        letters = one.letters()
        topic = one.topics.access("ecms")
        assert sorted(letters) == [f"{topic}/0/{offset}" for offset in (1, 3, 4, 5)]
        left_out = {key: dict(m.headers).get("needtoknow.errors.headers_left_out") for key, m in letters.items()}
        assert left_out == {f"{topic}/0/1": None, f"{topic}/0/3": b"1", f"{topic}/0/4": b"100000", f"{topic}/0/5": None}
        report = one.verify()
        assert (report["differences"], report["unjudged"]) == ([], 0)
        assert [w.process.poll() for w in one.service.workers] == [None]
