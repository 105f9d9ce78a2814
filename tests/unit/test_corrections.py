"""Of what others say, only what concerns accesses judged here is judged again; all else is judged when it is read."""

from __future__ import annotations

from schemas.settings import Settings
from streams.agents.corrections import Corrections
from streams.join.open import Partition
from streams.join.touched import Query
from streams.telemetry import Telemetry
from tests.harness.judging import judging

HERE, THERE = Partition("access.ecms.v1", 0), Partition("access.ecms.v1", 3)


async def ready() -> None:
    """At once."""


async def corrections() -> Corrections:
    """Not started."""
    return Corrections(
        Settings(),
        judging=judging(),
        telemetry=Telemetry(),
        is_open=lambda partition, place: False,
        settle=lambda partition, entries: None,
        ready=ready,
    )


async def test_strangers_are_answered_about_what_was_judged_here() -> None:
    """Not about other partitions, nor about messages that are yet to be read: those are judged with what was said."""
    made = await corrections()
    made.begin({HERE: 10})
    made.change([], [(HERE, 9), (HERE, 10), (THERE, 3)])
    assert dict(made._strangers) == {HERE: {9}}
    made.judged(HERE, 12)
    made.change([], [(HERE, 11), (HERE, 12)])
    assert dict(made._strangers) == {HERE: {9, 11}}
    made.begin({THERE: 5})
    assert dict(made._strangers) == {}


async def test_it_is_done_when_nothing_waits() -> None:
    """A partition to look back in, or a change, is still to do."""
    made = await corrections()
    assert made.is_done(HERE)
    made.change([], [(HERE, 9)])
    assert made.is_done(HERE)  # not held: nobody here answers
    made.begin({HERE: 10})
    assert (made.is_done(HERE), made.is_done(THERE)) == (False, True)
    made.begin({})
    made.change([Query(None, None)], [])
    assert not made.is_done(THERE)
