"""The faults that matter most, on a broker of our own: nothing is lost, nothing invented, and the ledger tells it all.

All of them, and for longer: python -m tests.faults --seeds 30 --seconds 60
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.jars import JarError
from deploy.local.java import NoJavaError
from deploy.local.kafka import LocalKafka
from tests.faults.run import Order, run
from tests.faults.scene import proxied_broker
from tests.harness.parts import require_part
from tests.harness.proxy import Proxy

SECONDS = 6.0  # in which the day is played; the last of it waits for the last fault
ACCESSES = 500

Broker = tuple[LocalKafka, list[Proxy]]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One that may be killed, with a proxy before it for each worker."""
    directory = tmp_path_factory.mktemp("faults")
    try:
        started = proxied_broker(directory, print)
        with started as found:
            yield found
    except (JarError, NoJavaError) as missing:
        require_part("Kafka", None, str(missing))
        raise
    shutil.rmtree(directory / "data")


@pytest.mark.kafka
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "faults",
    [
        "worker-stopped+worker-killed+feed-silent+source-replayed",
        "connection-stalled+broker-killed+state-deleted+feed-restarted+hot-key",
    ],
)
def test_no_fault_loses_or_invents_a_finding(faults: str, broker: Broker, tmp_path: Path) -> None:
    """A day is played through two workers, each fault strikes once and is healed; what stands is as if none had."""
    order = Order(faults=faults, seed=1, seconds=SECONDS, accesses=ACCESSES, once=True)
    result = run(order, *broker, tmp_path, print)
    assert result.wrong == []
    assert result.is_valid, result.evidence
