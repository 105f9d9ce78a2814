"""Whoever watches the sources goes on by itself when its broker is back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest

from tests.faults.harness import running, until
from tests.harness.broker import Expendable, new_namespace
from tests.integration.test_watch import send, sources

AWAY_SECONDS: Final = 15.0  # and as long as it takes to start
BACK_SECONDS: Final = 200.0  # a step, and a connection that is given up, and some for a busy machine


@pytest.mark.slow
def test_a_watch_goes_on_when_its_broker_is_back(expendable: Expendable, tmp_path: Path) -> None:
    """The broker is killed and started again; the same process hears what is sent then."""
    with running(expendable.kafka.bootstrap, tmp_path, new_namespace()) as one:
        watch = one.service.start_watch()
        send(one, "ecms", [1])
        until(lambda: sources(watch)["ecms"]["heard_at"] is not None, "the first message is not heard")
        first = sources(watch)["ecms"]["heard_at"]
        expendable.kafka.kill()
        gone = time.monotonic()
        until(lambda: time.monotonic() - gone > AWAY_SECONDS, "the time has not passed")
        expendable.kafka.restart()
        send(one, "ecms", [2])
        until(lambda: sources(watch)["ecms"]["heard_at"] > first, "what came afterwards is not heard", BACK_SECONDS)
        assert watch.process.poll() is None
