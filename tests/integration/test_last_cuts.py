"""Reading the last cuts when partitions change hands, from a real Kafka that may be away in that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer

from schemas.settings import Settings
from streams.agents.last_cuts import LastCut, LastCuts
from streams.agents.outgoing import cut_digest
from streams.join.open import Partition
from streams.telemetry import Telemetry
from tests.contract.examples import CUT
from tests.faults.harness import Running, running
from tests.harness.broker import SharedBroker
from tests.harness.proxy import Proxy

REFUSED = 3
PATIENCE = 60.0  # seconds, of a look that takes one


@pytest.fixture
def one(kafka: SharedBroker, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Topics without a worker."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("service"), namespace) as made:
        yield made


async def test_a_broker_that_is_away_is_waited_for(one: Running) -> None:
    """A worker that takes partitions over while the line is cut goes on when it is mended; it does not die of it."""
    with Proxy(int(one.service.bootstrap.rpartition(":")[2])) as proxy:
        settings = Settings(broker=proxy.address, topic_prefix=one.service.prefix, group=f"{one.service.prefix}g")
        proxy.cut()
        looking = asyncio.create_task(LastCuts(settings, Telemetry()).look())
        async with asyncio.timeout(PATIENCE):
            while proxy.refused < REFUSED and not looking.done():  # noqa: ASYNC110 - it has no event to wait for
                await asyncio.sleep(0.05)
            assert not looking.done()
            proxy.mend()
            assert await looking == {}


async def test_what_others_wrote_to_the_ledger_is_passed_over(one: Running) -> None:
    """With any key, also after the last cut of a partition."""
    settings = Settings(broker=one.service.bootstrap, topic_prefix=one.service.prefix, group=f"{one.service.prefix}g")
    key, topic = b"access.ecms.v1/2", settings.topics.ledger
    producer = AIOKafkaProducer(bootstrap_servers=settings.broker)
    await producer.start()
    try:
        for key_of, value in ((None, b"hello"), (b"hello", b"{}"), (key, CUT), (key, b"hello"), (key, None)):
            await producer.send_and_wait(topic, value, key=key_of)
    finally:
        await producer.stop()
    assert await LastCuts(settings, Telemetry()).look() == {
        Partition("access.ecms.v1", 2): LastCut(cut_digest(CUT), 318)
    }
