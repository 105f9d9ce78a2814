"""How far a partition is finished: the contiguous prefix of its batches, and never past the oldest open access."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from streams.frontier import Batch, Frontier


@dataclass
class Message:
    """What the frontier reads of a Kafka record."""

    offset: int
    timestamp: int = 1_767_621_600_000


def frontier() -> Frontier:
    """Of one partition, nothing begun."""
    return Frontier("access.ecms.v1", 2)


def begun(on: Frontier, *sizes: int, first: int = 100) -> list[Batch]:
    """Batches of these sizes, one after the other from offset `first`."""
    batches = []
    for size in sizes:
        batches.append(on.begin([Message(first + n) for n in range(size)]))
        first += size
    return batches


def test_nothing_finished_is_nothing_to_commit() -> None:
    """Neither before nor while a batch is under way, whatever is held."""
    here = frontier()
    assert here.committable(None) is None
    begun(here, 3)
    assert here.committable(None) is None
    assert here.committable(7) is None


def test_a_finished_batch_may_be_committed_to_its_end() -> None:
    """The next offset to read, not the last one read."""
    here = frontier()
    [batch] = begun(here, 3)
    assert batch.next_offset == 103
    batch.finish()
    assert here.committable(None) == 103


@pytest.mark.parametrize(
    ("order", "reached"),
    [
        ((0, 1, 2), [102, 105, 109]),
        ((2, 1, 0), [None, None, 109]),
        ((1, 0, 2), [None, 105, 109]),
        ((0, 2, 1), [102, 102, 109]),
        ((2, 0, 1), [None, 102, 109]),
    ],
)
def test_only_the_contiguous_prefix_counts(order: tuple[int, ...], reached: list[int | None]) -> None:
    """A batch that finishes before an older one waits for it: no crash may lose the older one."""
    here = frontier()
    batches = begun(here, 2, 3, 4)
    seen = []
    for number in order:
        batches[number].finish()
        seen.append(here.committable(None))
    assert seen == reached


@pytest.mark.parametrize(("hold", "committed"), [(None, 105), (104, 104), (105, 105), (106, 105), (100, 100)])
def test_the_oldest_open_access_holds_the_offset_back(hold: int | None, committed: int) -> None:
    """But never moves it forward."""
    here = frontier()
    for batch in begun(here, 2, 3):
        batch.finish()
    assert here.committable(hold) == committed


def test_finished_batches_leave_and_unfinished_ones_stay() -> None:
    """What is under way is what a full queue is measured by."""
    here = frontier()
    first, second, third = begun(here, 1, 1, 1)
    second.finish()
    assert list(here.under_way) == [first, second, third]
    first.finish()
    assert list(here.under_way) == [third]


def test_finishing_twice_is_finishing_once() -> None:
    """The second call tells nobody."""
    told: list[int] = []
    here = Frontier("access.ecms.v1", 2, lambda f: told.append(len(f.under_way)))
    [batch] = begun(here, 1)
    batch.finish()
    batch.finish()
    assert told == [0]


def test_whoever_waits_is_told_of_each_finish() -> None:
    """Also when the prefix does not move: a queue may have room again."""
    told: list[int | None] = []
    here = Frontier("access.ecms.v1", 2, lambda f: told.append(f.finished_to))
    first, second = begun(here, 1, 1)
    second.finish()
    first.finish()
    assert told == [None, 102]


def test_a_late_finish_of_a_lost_partition_does_nothing() -> None:
    """Whoever holds it now reads the messages again; a commit by us would skip them."""
    told: list[Frontier] = []
    here = Frontier("access.ecms.v1", 2, told.append)
    first, second = begun(here, 2, 3)
    first.finish()
    here.abandon()
    second.finish()
    assert second.is_abandoned
    assert not second.is_finished
    assert here.committable(None) == 102
    assert (len(told), len(here.under_way)) == (1, 0)


def test_a_batch_knows_where_it_is_from() -> None:
    """Topic and partition of all its messages, and the newest append time is the frontier's."""
    here = frontier()
    batch = here.begin([Message(100, 1_000), Message(101, 2_000)])
    assert (batch.topic, batch.partition, here.newest) == ("access.ecms.v1", 2, 2_000)
    assert not batch.is_abandoned
