"""The open loop's arithmetic: what is due when, whether a step counts, and which rate comes next."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.bench.goals import Goal, Part, goal_table
from tests.bench.schedule import Kept, Step, Tried, evenly, in_order, next_rate, sustained, ticks
from tests.bench.spread import Spread, percentile, spread


def kept(**other: object) -> Kept:
    """A schedule of 20 s that was kept, but for `other`."""
    return Kept(**{"planned_s": 20.0, "took_s": 20.01, "late": Spread(10, 0.1, 3.0, 80.0), "failed": 0, **other})


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """Nearest rank: of a hundred values the 99th, of ten the tenth, of one that one."""
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 99
    assert percentile([float(n) for n in range(1, 11)], 0.99) == 10
    assert percentile([float(n) for n in range(1, 11)], 0.5) == 5
    assert percentile([7.0], 0.5) == 7


def test_a_spread_does_not_ask_for_order() -> None:
    """And there is none of nothing: no delay is not a delay of nought."""
    assert spread([30.0, 10.0, 20.0]) == Spread(3, 20.0, 30.0, 30.0)
    assert spread([]) is None


def test_what_is_due_does_not_depend_on_what_was_sent() -> None:
    """The n-th of 4,000 a second is due at n / 4,000, without an error that adds up."""
    moments = list(evenly(8_001, 4_000))
    assert (moments[0], moments[4_000], moments[8_000]) == (0.0, 1.0, 2.0)


def test_ticks_go_on_until_the_end_is_covered() -> None:
    """The last mark must not come before the last access, or that one is never decided."""
    assert list(ticks(0.25, 0.1)) == pytest.approx([0.1, 0.2, 0.3])
    assert list(ticks(0.5, 0.5)) == [0.5]


def test_streams_are_merged_by_moment_and_the_earlier_stream_goes_first() -> None:
    """A fact of the same moment as a mark is sent before it."""
    facts = [Step(1.0, "facts", "k", b"f1"), Step(2.0, "facts", "k", b"f2")]
    marks = [Step(0.5, "marks", "k", b"m1"), Step(2.0, "marks", "k", b"m2")]
    assert [step.head for step in in_order(facts, marks)] == [b"m1", b"f1", b"f2", b"m2"]


def test_a_schedule_that_was_not_kept_says_nothing_of_the_worker() -> None:
    """Late messages, a longer run or one message lost: the rate was not offered."""
    assert kept().is_kept
    assert kept(late=None).is_kept
    assert not kept(late=Spread(10, 0.1, 51.0, 80.0)).is_kept
    assert not kept(took_s=20.5).is_kept
    assert not kept(failed=1).is_kept


def climb(capacity: int, refine: int = 0, highest: int = 1_000_000) -> list[int]:
    """The rates tried against something that sustains so much."""
    tried: list[Tried] = []

    def rates():  # type: ignore[no-untyped-def] # a generator of int
        while rate := next_rate([1_000, 4_000], tried, highest=highest, refine=refine):
            tried.append(Tried(rate, rate <= capacity))
            yield rate

    return list(islice(rates(), 50))


def test_rates_double_until_one_is_too_much() -> None:
    """1,000 and 4,000 first, as the issue asks."""
    assert climb(9_000) == [1_000, 4_000, 8_000, 16_000]


def test_after_the_first_bad_rate_the_gap_is_halved() -> None:
    """Between the best good one and the least bad one."""
    assert climb(9_000, refine=3) == [1_000, 4_000, 8_000, 16_000, 12_000, 10_000, 9_000]
    assert climb(11_000, refine=2) == [1_000, 4_000, 8_000, 16_000, 12_000, 10_000]


def test_climbing_ends() -> None:
    """At the highest rate, and at once when not even the first is sustained."""
    assert climb(10**9, highest=8_000) == [1_000, 4_000, 8_000]
    assert climb(500, refine=4) == [1_000]


def test_what_is_sustained_lies_below_every_failure() -> None:
    """A good run above a bad one is luck."""
    assert sustained([Tried(1_000, True), Tried(4_000, False), Tried(8_000, True)]) == 1_000
    assert sustained([Tried(1_000, False)]) is None
    assert sustained([]) is None


def goal(measured: float | None, **other: object) -> Goal:
    """A goal of 1.2 at the most, but for `other`."""
    return Goal(**{"part": "e", "what": "cost", "unit": "x", "measured": measured, "limit": 1.2, **other})


def test_a_goal_is_met_at_its_limit_and_not_beyond() -> None:
    """From below or from above; nothing asked, nothing met; nothing measured, not met."""
    assert goal(1.2).is_met is True
    assert goal(1.21).is_met is False
    assert goal(1.2, is_floor=True).is_met is True
    assert goal(1.19, is_floor=True).is_met is False
    assert goal(1.0, limit=None).is_met is None
    assert goal(None).is_met is False


def test_the_table_has_a_line_for_each_goal_and_names_what_is_not_met() -> None:
    """Whoever reads it looks for two words."""
    parts = [Part(name="e", is_right=True, goals=[goal(1.3), goal(None), goal(1.1)], rough_edges=[])]
    head, *lines = goal_table(parts).splitlines()
    assert head.split() == ["part", "what", "measured", "wanted"]
    assert [line.endswith("NOT MET") for line in lines] == [True, True, False]
    assert ["1.30 x" in lines[0], "nothing" in lines[1], "≤ 1.20" in lines[2]] == [True, True, True]
