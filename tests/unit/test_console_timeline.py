"""The time line: everything within the picture, in its order, and what lies far away does not squeeze the rest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import EARLIEST_MS, LATEST_MS
from sinks.console.timeline import DAY, FAR_MS, LABELS_MAX, LANES_MAX, WIDTH, Period, TimeLine, Touch, draw
from tests.harness.builders import at

NOW = at("14:00")
instants = st.integers(NOW - 400 * DAY, NOW + 400 * DAY)
periods = st.builds(
    lambda begin, length, is_open: Period(words="-", begin=begin, end=None if is_open else begin + length),
    instants,
    st.integers(0, 500 * DAY),
    st.booleans(),
)
touches = st.builds(lambda ms, length: Touch(ms, ms + length, "view"), instants, st.integers(0, DAY))


@given(st.lists(periods, max_size=20), st.lists(touches, min_size=1, max_size=5), st.lists(touches, max_size=5))
def test_everything_lies_within_the_picture(duties: list[Period], found: list[Touch], earlier: list[Touch]) -> None:
    """Whatever the dates are; and earlier is further to the left."""
    drawing = draw(TimeLine(tuple(duties), tuple(found), tuple(earlier)))
    assert drawing is not None
    assert all(0 <= bar.x <= WIDTH and bar.width > 0 and bar.x + bar.width <= WIDTH + 2 for bar in drawing.bars)
    assert all(0 <= tick.x <= tick.x + tick.width <= WIDTH for tick in drawing.ticks)
    assert all(0 <= label.x <= WIDTH for label in drawing.labels)
    assert len(drawing.bars) + drawing.left_out == len(duties)
    assert len(drawing.bars) <= LANES_MAX
    order = sorted(zip([t.at for t in (*earlier, *found)], [t.x for t in drawing.ticks], strict=True))
    assert [x for _, x in order] == sorted(x for _, x in order)


def test_a_duty_that_ended_before_lies_left_of_the_access() -> None:
    """Nine days are seen as nine days."""
    duty = Period(words="own", begin=NOW - 30 * DAY, end=NOW - 9 * DAY)
    drawing = draw(TimeLine((duty,), (Touch(NOW, NOW, "view"),)))
    assert drawing is not None
    [bar], [tick] = drawing.bars, drawing.ticks
    assert bar.x + bar.width < tick.x
    assert abs((tick.x - bar.x - bar.width) / bar.width - 9 / 21) < 0.01
    assert (bar.dates, bar.is_open) == ("2025-12-06 14:00 to 2025-12-27 14:00", False)


def test_what_is_far_away_does_not_squeeze_what_is_near() -> None:
    """It is cut off at the edge."""
    far = Period(words="own", begin=NOW - 10 * FAR_MS, end=None)
    drawing = draw(TimeLine((far,), (Touch(NOW, NOW, "view"), Touch(NOW + DAY, NOW + DAY, "view"))))
    assert drawing is not None
    [bar] = drawing.bars
    assert (bar.x, bar.width, bar.is_open, bar.is_before) == (0.0, WIDTH, True, True)
    assert drawing.ticks[1].x - drawing.ticks[0].x > WIDTH / 2


def test_there_is_no_picture_without_an_access() -> None:
    """A bar alone says nothing."""
    assert draw(TimeLine((Period(words="own", begin=None, end=None),))) is None


def test_an_access_may_be_said_to_end_when_time_does() -> None:
    """Whoever sends one with `occurred_until` in 9999 must not have an alert that nobody can open."""
    for first in (NOW, EARLIEST_MS):
        drawing = draw(TimeLine(found=(Touch(first, LATEST_MS, "view"),)))
        assert drawing is not None
        assert 0 < len(drawing.labels) <= LABELS_MAX + 2
