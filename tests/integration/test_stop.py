"""A worker that is told to end does, whatever its broker does and whatever of ours does not."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from deploy.local.kafka import LocalKafka
from streams.stopping import LEFT_OVER
from tests.faults.harness import FAULTY, check, running, sliced_day, until
from tests.faults.poison import poison
from tests.harness.broker import SharedBroker, new_namespace

STOP_SECONDS: Final = 10.0  # what a worker promises after SIGTERM
NEVER_ENDS: Final = """
            import asyncio
            import streams.stopping, streams.agents.take_over
            streams.stopping.STOP_MAX = 3.0

            async def waits_for_ever(self):
                await asyncio.Event().wait()

            streams.agents.take_over.TakeOver.on_shutdown = waits_for_ever
"""
"""For `poison`: a part that does not end, and less patience with it than usual."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LocalKafka]:
    """One that may come to harm."""
    with LocalKafka.start(tmp_path / "broker") as kafka:
        yield kafka


@pytest.mark.parametrize(
    ("harm", "heal"),
    [(LocalKafka.kill, LocalKafka.restart), (LocalKafka.pause, LocalKafka.resume)],
    ids=["killed", "paused"],
)
def test_a_worker_ends_in_time_while_its_broker_is_away(
    broker: LocalKafka, tmp_path: Path, harm: Callable[[LocalKafka], None], heal: Callable[[LocalKafka], None]
) -> None:
    """In order, though nothing can be committed; whoever comes when the broker is back judges all of it."""
    day = sliced_day(4)
    half = len(day.pieces) // 2
    with running(broker.bootstrap, tmp_path, new_namespace(), **FAULTY) as one:
        one.service.start_workers(1)
        (worker,) = one.service.workers
        for piece in day.pieces[:half]:
            one.play(piece)
        until(one.findings, "the worker has not begun")
        harm(broker)
        worker.send(signal.SIGTERM)
        began = time.monotonic()
        assert worker.process.wait(STOP_SECONDS + 5) == 0
        assert time.monotonic() - began < STOP_SECONDS
        heal(broker)
        one.service.start_workers(1)
        for piece in day.pieces[half:]:
            one.play(piece)
        one.wait_idle()
        assert check(one, day.expected).faults() == []


def test_a_stop_that_does_not_end_is_ended_and_says_what_it_waited_for(
    kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """Rather than be killed by whoever runs it, who would never hear why."""
    with running(kafka.bootstrap, tmp_path, namespace) as one:
        path = poison(tmp_path / "custom", "", NEVER_ENDS, module="app", function="build_app")
        worker = one.service.launch(PYTHONPATH=path)
        one.service.wait_ready(worker)
        worker.send(signal.SIGTERM)
        assert worker.process.wait(STOP_SECONDS) == LEFT_OVER
        said = worker.log_file.read_text().splitlines()
    [line] = [one for one in said if "waits_for_ever" in one]
    assert "streams.stopping it waits for Service.stop:" in line
