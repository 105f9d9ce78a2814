"""Instants as digits: there and back, in order, and what lies beyond all that a text can say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ids import EARLIEST_MS, LATEST_MS, format_instant
from streams.join.moments import AFTER_ALL, end_of, instant_of, moment_of, moments_of
from tests.harness.builders import at

INSTANTS = st.integers(EARLIEST_MS, LATEST_MS)


def test_a_moment_is_the_digits_of_its_text() -> None:
    """To the millisecond, in UTC."""
    assert moment_of(at("2026-01-05T14:14:03.120Z")) == 20260105141403120
    texts = ["2026-01-05T14:14:03.120Z", "1999-12-31T23:59:59.999Z"]
    assert moments_of(texts) == [20260105141403120, 19991231235959999]
    assert moments_of([]) == []


@settings(deadline=None)
@given(ms=INSTANTS)
def test_a_moment_is_an_instant_again(ms: int) -> None:
    """Hours, minutes, seconds and milliseconds, on any day."""
    assert instant_of(moment_of(ms)) == ms
    assert moments_of([format_instant(ms)]) == [moment_of(ms)]


@settings(deadline=None)
@given(one=INSTANTS, other=INSTANTS)
def test_moments_compare_as_instants_do(one: int, other: int) -> None:
    """That is all they are for."""
    assert (moment_of(one) < moment_of(other)) is (one < other)


def test_what_no_text_can_say_is_the_nearest_that_one_can() -> None:
    """Before the first and after the last."""
    assert moment_of(EARLIEST_MS - 1) == moment_of(EARLIEST_MS) < moment_of(EARLIEST_MS + 1)
    assert moment_of(LATEST_MS + 1) == moment_of(LATEST_MS) > moment_of(LATEST_MS - 1)


@pytest.mark.parametrize(("ms", "is_open"), [(LATEST_MS - 1, False), (LATEST_MS, False), (LATEST_MS + 1, True)])
def test_an_open_end_is_later_than_any_moment(ms: int, is_open: bool) -> None:
    """An end that a text can say is that moment, also the last one."""
    assert end_of(ms) == (AFTER_ALL if is_open else moment_of(ms))
    assert moment_of(LATEST_MS) < AFTER_ALL
