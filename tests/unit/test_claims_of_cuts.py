"""From which position on a worker that takes a partition asks about facts: whom it believes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition

from schemas.codec import encode
from schemas.ledger import AtWork, Hold, Note
from streams.agents.last_cuts import Claim, Committed, believed, claim_of, committed_in
from streams.join.open import Partition
from streams.told import ToldCut

NOTE = Note(judged=7, position=9, reconciled=9, low=0, low_waived=0, open=0, pending=0)


@pytest.mark.parametrize(
    ("claim", "committed", "position"),
    [
        (Claim(10, 3), Committed(10, 0), 3),
        (Claim(10, 3), Committed(8, 0), 3),
        (Claim(10, 3), Committed(11, 0), 0),
        (Claim(10, 3), Committed(11, 2), 2),
        (Claim(10, 3), Committed(10, 5), 5),
    ],
    ids=["all-of-it", "beyond", "a-zombie", "a-zombie-and-a-note", "a-later-note"],
)
def test_a_cut_is_believed_that_reaches_what_was_committed(claim: Claim, committed: Committed, position: int) -> None:
    """Whoever was taken for dead has not seen what its heir judged: with it somebody would stay accused."""
    assert believed(claim, committed) == position


def test_a_settlement_claims_nothing() -> None:
    """It may be older than what its writer has read."""
    ecms = Partition("access.ecms.v1", 0)
    assert claim_of(ToldCut(ecms, 5, 9, 2)) == Claim(9, 2)
    assert claim_of(ToldCut(ecms, 3, 3, 8)) is None


def test_a_note_of_a_worker_that_is_at_work_tells_the_offset_alone() -> None:
    """As one of another version."""
    group = {
        TopicPartition("access.ecms.v1", 0): SimpleNamespace(offset=7, metadata=encode(NOTE).decode()),
        TopicPartition("access.ecms.v1", 1): SimpleNamespace(
            offset=8, metadata=encode(AtWork(hold=Hold(is_open=True))).decode()
        ),
        TopicPartition("access.ecms.v1", 2): SimpleNamespace(offset=9, metadata=""),
    }
    assert committed_in(group) == {
        Partition("access.ecms.v1", 0): Committed(7, 9),
        Partition("access.ecms.v1", 1): Committed(8, 0),
        Partition("access.ecms.v1", 2): Committed(9, 0),
    }
