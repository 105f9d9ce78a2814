"""From which position on a worker that takes a partition asks about facts: whom it believes."""

from __future__ import annotations

from types import SimpleNamespace

import orjson
import pytest
from aiokafka import TopicPartition

from schemas.codec import encode
from schemas.ledger import AtWork, Hold, Note
from streams.agents.last_cuts import Claim, Committed, believed, claims_of, committed_in
from streams.join.open import Partition

ECMS, IRSS = b"access.ecms.v1/0", b"access.irss.v1/3"
NOTE = Note(judged=7, position=9, reconciled=9, low=0, low_waived=0, open=0, pending=0)


def cut(first: int, following: int, reconciled: int) -> bytes:
    """What is read of a cut."""
    return orjson.dumps({"first_offset": first, "next_offset": following, "reconciled": reconciled})


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


def test_the_last_batch_of_each_partition_claims() -> None:
    """A settlement may be older than what its writer has read."""
    cuts = [(ECMS, cut(0, 5, 1)), (ECMS, cut(5, 9, 2)), (IRSS, cut(0, 4, 2)), (ECMS, cut(3, 3, 8))]
    assert claims_of(reversed(cuts)) == {ECMS: Claim(9, 2), IRSS: Claim(4, 2)}


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
