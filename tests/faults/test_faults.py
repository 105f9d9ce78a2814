"""The faults that matter most, on a broker of our own: nothing is lost, nothing invented, and the ledger tells it all.

All of them, and for longer: python -m tests.faults --seeds 30 --seconds 60
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.run import Order, run
from tests.harness.broker import Expendable

SECONDS = 6.0  # in which the day is played; the last of it waits for the last fault
ACCESSES = 500


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "faults",
    [
        "worker-stopped+worker-killed+feed-silent+source-replayed",
        "connection-stalled+broker-killed+state-deleted+feed-restarted+hot-key",
    ],
)
def test_no_fault_loses_or_invents_a_finding(faults: str, expendable: Expendable, tmp_path: Path) -> None:
    """A day is played through two workers, each fault strikes once and is healed; what stands is as if none had."""
    order = Order(faults=faults, seed=1, seconds=SECONDS, accesses=ACCESSES, once=True)
    result = run(order, *expendable, tmp_path, print)
    assert result.wrong == []
    assert result.is_valid, result.evidence
