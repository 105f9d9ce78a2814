"""What the ledger says about where each access was judged."""

from __future__ import annotations

import pytest

from schemas.access import finding_id
from schemas.ledger import Cut, MessageCounts
from sinks.cli.recorded import Moment, Recorded
from sinks.kafka import Message
from streams.join.open import OpenAccess, Partition
from streams.join.question import question_of
from tests.harness.builders import make_access

HERE, THERE = Partition("access.ecms.v1", 2), Partition("access.ecms.v1", 3)


def cut(
    first: int, following: int, position: int, *, at: Partition = HERE, settled: tuple[int, int] | None = None
) -> Cut:
    """A cut; its marks tell it from others."""
    return Cut(
        topic=at.topic,
        partition=at.partition,
        first_offset=first,
        next_offset=following,
        position=position,
        reconciled=position,
        marks={"staff": position * 1000},
        policy="hash",
        messages=MessageCounts(translated=following - first, control=0, dead_letters=0),
        accesses={},
        sequences={},
        digest="digest",
        run="run",
        settled=None if settled is None else [settled],
    )


def recorded(*cuts: Cut, with_cuts: bool = True) -> Recorded:
    """The ledger in this order."""
    made = Recorded(with_cuts=with_cuts)
    for one in cuts:
        made.add(one)
    return made


def message(offset: int) -> Message:
    """What was in it does not matter here."""
    return Message(HERE.topic, HERE.partition, offset, 0, None, None, ())


def judged(made: Recorded, *offsets: int) -> dict[int, list[int]]:
    """Offsets by the position they were first judged at."""
    found = made.first_judged(HERE, [message(offset) for offset in offsets])
    return {moment.position: [m.offset for m in inside] for moment, inside in found}


def entry(offset: int, index: int = 0) -> OpenAccess:
    """An access that waits."""
    access = make_access()
    return OpenAccess(
        partition=HERE,
        offset=offset,
        index=index,
        appended_at=0,
        access=access,
        question=question_of(access, 0),
        finding_id=finding_id(access),
        published=None,
    )


def test_each_message_is_judged_where_its_cut_says() -> None:
    """With the marks that counted there; what is in no cut is left out."""
    made = recorded(cut(0, 3, 7), cut(3, 5, 9), cut(0, 9, 1, at=THERE))
    assert judged(made, 1, 2, 3, 4, 5) == {7: [1, 2], 9: [3, 4]}
    [(moment, _)] = made.first_judged(HERE, [message(3)])
    assert moment == Moment(9, {"staff": 9000})


def test_where_cuts_overlap_the_lowest_position_came_first() -> None:
    """A crash makes the next worker judge again what the first one had judged; whatever order they are read in."""
    for order in ((cut(0, 4, 7), cut(2, 6, 9)), (cut(2, 6, 9), cut(0, 4, 7))):
        assert judged(recorded(*order), 1, 2, 3, 4, 5) == {7: [1, 2, 3], 9: [4, 5]}


def test_an_access_that_waited_was_judged_in_every_cut_it_is_in_and_where_it_ended() -> None:
    """A settlement is of one access of one message."""
    made = recorded(cut(0, 9, 7), cut(2, 6, 9), cut(3, 3, 12, settled=(3, 1)), cut(5, 9, 13))
    assert [m.position for m in made.moments(entry(3, 1))] == [7, 9, 12]
    assert [m.position for m in made.moments(entry(3, 0))] == [7, 9]
    assert [m.position for m in made.moments(entry(8, 0))] == [7, 13]


@pytest.mark.parametrize("with_cuts", [True, False])
def test_how_far_each_partition_is_judged_is_always_known(with_cuts: bool) -> None:
    """Also where nothing else is kept."""
    made = recorded(cut(0, 4, 7), cut(2, 6, 9), cut(1, 1, 12, settled=(1, 0)), with_cuts=with_cuts)
    assert (made.judged_to[HERE], made.judged_to[THERE], len(made)) == (6, 0, 2 if with_cuts else 0)
