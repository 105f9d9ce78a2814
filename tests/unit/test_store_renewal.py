"""A producer that failed is replaced once, and nothing waits for ever for one that has gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.settings import Settings
from streams import store as module
from streams.store import Outgoing, Store, Stored
from streams.telemetry import Telemetry

MESSAGE = Outgoing("facts.v1", b"key", b"value")


class Producer:
    """One partition; it answers, fails, or says nothing."""

    def __init__(self, does: str) -> None:
        self.does = does
        self.sent = 0
        self.has_sent = asyncio.Event()
        self.is_stopped = False

    async def partitions_for(self, topic: str) -> set[int]:
        """One."""
        return {0}

    def create_batch(self) -> BatchBuilder:
        """As the real one."""
        return BatchBuilder(100_000, 0)

    async def send_batch(self, batch: BatchBuilder, topic: str, partition: int) -> asyncio.Future[Any]:
        """A future, as the real one gives."""
        self.sent += 1
        self.has_sent.set()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.does == "fail":
            future.set_exception(KafkaTimeoutError())
        elif self.does == "answer":
            future.set_result(Stored(partition, 7))
        return future

    async def stop(self) -> None:
        """At once; one that fails does so here, too."""
        self.is_stopped = True
        if self.does == "fail":
            raise KafkaTimeoutError


def made(monkeypatch: pytest.MonkeyPatch, *does: str) -> tuple[Store, list[Producer]]:
    """A store that connects these producers, one after the other; the first is connected."""
    store, producers = Store(Settings(), Telemetry()), [Producer(one) for one in does]
    coming = iter(producers[1:])

    async def connect() -> Any:
        await asyncio.sleep(0)
        return next(coming)

    monkeypatch.setattr(store, "_connect", connect)
    monkeypatch.setattr(store, "_producer", producers[0])
    monkeypatch.setattr(module, "AWAY_SECONDS", 0.01)
    return store, producers


async def test_all_whose_producer_failed_share_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each making one of its own would stop the one that another has just begun to use."""
    store, producers = made(monkeypatch, "fail", "answer")
    assert await asyncio.gather(*(store.put([MESSAGE]) for _ in range(3))) == [[Stored(0, 7)]] * 3
    assert [one.sent for one in producers] == [3, 3]
    await asyncio.sleep(0)
    assert [one.is_stopped for one in producers] == [True, False]


async def test_what_a_producer_took_that_has_gone_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's message failed; of what came while it flushed its last, nobody ever hears."""
    store, producers = made(monkeypatch, "keep silent", "answer")
    waiting = asyncio.create_task(store.put([MESSAGE]))
    await producers[0].has_sent.wait()
    producers[0].does = "fail"
    assert await store.put([MESSAGE]) == [Stored(0, 7)]
    assert await asyncio.wait_for(waiting, 10) == [Stored(0, 7)]
    assert [one.sent for one in producers] == [2, 2]
