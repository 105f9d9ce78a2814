"""What the console has said is done is done, whenever it is killed: the short form."""

from __future__ import annotations

from pathlib import Path

from tests.faults.acknowledged import hammer
from tests.faults.harness import running
from tests.harness.broker import SharedBroker


def test_no_acknowledgement_is_lost_when_the_console_is_killed(
    kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """Killed twice, within 20 ms of a reply, while three people act as fast as they can."""
    with running(kafka.bootstrap, tmp_path, namespace) as one:
        told = hammer(one.service, acknowledgements=200, kills=2, seed=3)
    assert told.lost == 0, told.line()
    assert len(told.done) >= 200
    assert told.kills == 2
