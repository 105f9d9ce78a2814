"""When a worker puts away what it knows, and when it must not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from schemas.settings import Settings
from streams.policy.judging import Judging
from streams.snapshots import Snapshots
from streams.telemetry import Telemetry
from tests.harness.builders import assignment
from tests.harness.judging import judging
from tests.harness.verdicts import JDOE


@dataclass
class Worker:
    """What is put away of one: as judge and as broadcast, of logs of which nothing has been read."""

    is_loaded: bool = True
    judging: Judging = field(default_factory=lambda: judging(JDOE, assignment("w028")))

    def tails(self) -> dict[Any, Any]:
        """As the broadcast."""
        return {}

    def doubtful(self) -> dict[Any, Any]:
        """As the judge."""
        return {}


async def lived(directory: Path, worker: Worker, *, has_died: bool) -> bool:
    """Whether there is a snapshot once the worker has begun and ended."""
    one: Any = worker
    settings = Settings(data_dir=directory)
    snapshots = Snapshots(settings, judge=one, broadcast=one, telemetry=Telemetry(), has_died=lambda: has_died)
    await snapshots.on_start()
    await snapshots.on_stop()
    return (directory / "snapshot-1").exists()


async def test_a_worker_that_ends_in_order_writes_one(tmp_path: Path) -> None:
    """What it knew is what the next start wants."""
    assert await lived(tmp_path, Worker(), has_died=False)


async def test_a_worker_that_dies_writes_none(tmp_path: Path) -> None:
    """It may have died in the middle of a fact, and the next would go on from there."""
    assert not await lived(tmp_path, Worker(), has_died=True)


@pytest.mark.parametrize("is_loaded", [True, False])
async def test_a_worker_that_has_not_read_everything_writes_none(tmp_path: Path, is_loaded: bool) -> None:
    """Less than what there was before."""
    assert await lived(tmp_path, Worker(is_loaded=is_loaded), has_died=False) is is_loaded
