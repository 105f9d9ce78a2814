"""The calendar of expected activity: what is overdue at an instant, by the clocks of the department."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.ids import parse_instant
from schemas.topics import HEARTBEAT_SECONDS, Source
from sinks.watch.expected import Heard, overdue_ms, silent_ms

NIGHTLY = Source(name="facts", title="FACTS", zone="America/New_York", due="06:00")
PAPER = Source(name="paper", title="paper", zone="America/New_York", due="17:00", workdays_only=True)
BUSY = Source(name="ecms", title="ECMS", heard_every_seconds=60)
OFFICE = replace(BUSY, hours="08:00-17:00", workdays_only=True, heard_every_seconds=600)
MINUTE, HOUR = 60_000, 3_600_000


def at(text: str) -> int:
    """UTC ms of an instant with its offset."""
    return parse_instant(text)


def brought(text: str) -> Heard:
    """What it last brought was of then."""
    return Heard(at(text), at(text))


@pytest.mark.parametrize(
    ("last", "now", "hours"),
    [
        ("2026-01-05T05:50:00-05:00", "2026-01-06T05:59:00-05:00", 0),  # not due yet
        ("2026-01-05T05:50:00-05:00", "2026-01-06T08:00:00-05:00", 2),  # yesterday's file is not today's
        ("2026-01-05T06:20:00-05:00", "2026-01-06T07:00:00-05:00", 1),  # nor is yesterday's that was late
        ("2026-01-06T03:00:00-05:00", "2026-01-06T07:00:00-05:00", 0),  # in time
        ("2026-01-05T18:00:00-05:00", "2026-01-06T07:00:00-05:00", 0),  # early, within twelve hours
        ("2026-01-06T06:30:00-05:00", "2026-01-06T07:00:00-05:00", 0),  # late, and there
        ("2026-01-04T05:00:00-05:00", "2026-01-06T05:00:00-05:00", 23),  # since yesterday morning
        # The night in which the clocks go forward has 23 hours, the one in which they go back 25.
        ("2026-03-07T05:50:00-05:00", "2026-03-08T05:59:00-04:00", 0),
        ("2026-03-07T05:50:00-05:00", "2026-03-08T07:00:00-04:00", 1),
        ("2026-10-31T05:50:00-04:00", "2026-11-01T05:59:00-05:00", 0),
        ("2026-10-31T05:50:00-04:00", "2026-11-01T07:00:00-05:00", 1),
    ],
)
def test_a_nightly_file_is_overdue_from_six_in_the_morning_by_local_time(last: str, now: str, hours: int) -> None:
    """Each night for itself."""
    assert overdue_ms(NIGHTLY, brought(last), at(now)) == hours * HOUR


@pytest.mark.parametrize(
    ("due", "last", "now", "is_overdue"),
    [
        ("02:30", "2026-03-07T03:00:00-05:00", "2026-03-08T03:30:00-04:00", False),  # 02:30 never was
        ("02:30", "2026-03-07T03:00:00-05:00", "2026-03-08T03:30:01-04:00", True),
        ("01:30", "2026-10-31T02:00:00-04:00", "2026-11-01T01:45:00-04:00", False),  # it will be 01:30 once more
        ("01:30", "2026-10-31T02:00:00-04:00", "2026-11-01T01:45:00-05:00", True),
    ],
)
def test_a_time_that_clocks_skip_or_show_twice_is_the_later(due: str, last: str, now: str, is_overdue: bool) -> None:
    """Nobody is paged early: something came the day before, and nothing since."""
    assert (overdue_ms(replace(NIGHTLY, due=due), brought(last), at(now)) > 0) is is_overdue


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ("2026-01-09T18:00:00-05:00", 1),  # Friday: nothing since Thursday
        ("2026-01-10T18:00:00-05:00", 25),  # Saturday: still Friday's
        ("2026-01-12T16:00:00-05:00", 71),  # Monday before five: still Friday's
    ],
)
def test_nothing_new_is_due_at_the_weekend(now: str, hours: int) -> None:
    """What was due on Friday is, until something comes."""
    assert overdue_ms(PAPER, brought("2026-01-08T16:00:00-05:00"), at(now)) == hours * HOUR
    assert overdue_ms(PAPER, brought("2026-01-09T16:00:00-05:00"), at(now)) == 0


def test_a_late_file_is_not_the_next_one() -> None:
    """It came at 19:05, within twelve hours of the next six o'clock, and is of the night before."""
    heard = Heard(at("2026-01-05T19:05:00-05:00"), at("2026-01-05T04:59:59-05:00"))
    assert overdue_ms(NIGHTLY, heard, at("2026-01-06T09:00:00-05:00")) == 3 * HOUR


def test_a_heartbeat_brings_nothing() -> None:
    """The machine lives, and its file did not come."""
    heard = Heard(at("2026-01-06T06:59:00-05:00"), at("2026-01-05T05:00:00-05:00"), has_beaten=True)
    assert overdue_ms(NIGHTLY, heard, at("2026-01-06T07:00:00-05:00")) == HOUR


def test_of_a_source_that_never_spoke_nothing_is_expected() -> None:
    """It is not connected yet."""
    for source in (NIGHTLY, PAPER, BUSY, OFFICE):
        assert silent_ms(source, Heard(), at("2026-01-06T12:00:00Z")) == 0
        assert overdue_ms(source, Heard(), at("2026-01-06T12:00:00Z")) == 0


def test_a_source_that_promised_to_be_heard_is_late_after_that() -> None:
    """By exactly so much."""
    last = at("2026-01-06T12:00:00Z")
    assert silent_ms(BUSY, Heard(last), last + MINUTE) == 0
    assert silent_ms(BUSY, Heard(last), last + 3 * MINUTE) == 2 * MINUTE


def test_whoever_sent_a_heartbeat_promised_to_go_on() -> None:
    """Silence is noticed within three minutes of the last of them; who never did promised nothing."""
    source, last = replace(BUSY, heard_every_seconds=None), at("2026-01-06T12:00:00Z")
    assert silent_ms(source, Heard(last, has_beaten=True), last + HEARTBEAT_SECONDS * 1000) == 0
    assert silent_ms(source, Heard(last, has_beaten=True), last + 150_000) > 0
    assert silent_ms(source, Heard(last, last), last + 9 * HOUR) == 0
    assert silent_ms(replace(source, heard_every_seconds=0), Heard(last, has_beaten=True), last + 9 * HOUR) == 0


@pytest.mark.parametrize(
    ("now", "minutes"),
    [
        ("2026-01-09T17:30:00-05:00", 0),  # Friday evening
        ("2026-01-10T12:00:00-05:00", 0),  # Saturday
        ("2026-01-12T07:59:00-05:00", 0),
        ("2026-01-12T08:10:00-05:00", 0),  # ten minutes of Monday
        ("2026-01-12T08:15:00-05:00", 5),
    ],
)
def test_silence_counts_within_working_hours_only(now: str, minutes: int) -> None:
    """The night is no silence."""
    assert silent_ms(OFFICE, Heard(at("2026-01-09T16:58:00-05:00")), at(now)) == minutes * MINUTE
