"""SIGKILL at random moments, on a real broker: nothing is lost, nothing invented, and the ledger tells it all."""

from __future__ import annotations

from pathlib import Path

from tests.faults.kill import kill_during_a_day
from tests.harness.broker import SharedBroker

KILLS = 5


def test_killed_workers_lose_and_invent_nothing(kafka: SharedBroker, tmp_path: Path) -> None:
    """Five kills at moments that the seed chooses, some of them while accesses wait for a feed.

    Many more: python -m tests.faults.kill --kills 20
    """
    result = kill_during_a_day(kafka.bootstrap, tmp_path, kills=KILLS, seed=1, say=print)
    assert result.is_valid, result.line()
    assert any(hit.pending for hit in result.hits), result.line()
    assert result.checked.faults() == []
    assert result.ended == []
