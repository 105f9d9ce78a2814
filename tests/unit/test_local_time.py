"""Local times in UTC: the hour that happens twice, the one that does not, and days of 23 and 25 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import parse_instant
from schemas.topics import DEPARTMENT_ZONE, SOURCES
from streams.sources.local_time import YEARS, readings, whole_day, zone_of

HERE = ZoneInfo("America/New_York")
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("wall", "first", "second"),
    [
        ("2026-01-05T14:14:03.120", "2026-01-05T19:14:03.120Z", "2026-01-05T19:14:03.120Z"),
        ("2026-07-05T14:14:03", "2026-07-05T18:14:03Z", "2026-07-05T18:14:03Z"),
        ("2025-11-02T00:59:59.999", "2025-11-02T04:59:59.999Z", "2025-11-02T04:59:59.999Z"),
        ("2025-11-02T01:00:00", "2025-11-02T05:00:00Z", "2025-11-02T06:00:00Z"),
        ("2025-11-02T01:59:59.999", "2025-11-02T05:59:59.999Z", "2025-11-02T06:59:59.999Z"),
        ("2025-11-02T02:00:00", "2025-11-02T07:00:00Z", "2025-11-02T07:00:00Z"),
        ("2026-03-08T01:59:59.999", "2026-03-08T06:59:59.999Z", "2026-03-08T06:59:59.999Z"),
        ("2026-03-08T03:00:00", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"),
    ],
)
def test_a_time_on_a_clock_is_one_instant_or_two(wall: str, first: str, second: str) -> None:
    """Two in the hour that happens twice."""
    assert readings(datetime.fromisoformat(wall), HERE) == (parse_instant(first), parse_instant(second))


def test_what_a_time_cuts_off_lies_behind_it() -> None:
    """A minute on a clock is all of its sixty seconds, and both of them in the hour that happens twice."""
    noon, double = datetime.fromisoformat("2026-01-05T12:00"), datetime.fromisoformat("2025-11-02T01:30")
    first, last = readings(noon, HERE, 60_000) or (0, 0)
    assert last - first == 59_999
    first, last = readings(double, HERE, 60_000) or (0, 0)
    assert last - first == HOUR_MS + 59_999


@pytest.mark.parametrize("wall", ["2026-03-08T02:00:00", "2026-03-08T02:59:59.999"])
def test_a_time_that_no_clock_showed_is_none(wall: str) -> None:
    """Whoever wrote it has a wrong clock, or another zone."""
    assert readings(datetime.fromisoformat(wall), HERE) is None


@pytest.mark.parametrize(("day", "hours"), [("2026-01-05", 24), ("2026-03-08", 23), ("2025-11-02", 25)])
def test_a_day_is_as_long_as_its_clocks_make_it(day: str, hours: int) -> None:
    """From midnight to the last millisecond before the next."""
    first, last = whole_day(date.fromisoformat(day), HERE)
    assert last - first == hours * HOUR_MS - 1
    assert datetime.fromtimestamp(first / 1000, UTC).astimezone(HERE).isoformat()[:19] == f"{day}T00:00:00"


@given(
    st.datetimes(datetime.fromisoformat(f"{YEARS[0]}-01-01"), datetime.fromisoformat(f"{YEARS[-1]}-12-31")),
    st.sampled_from(["America/New_York", "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_each_reading_shows_the_time_on_a_clock_again(wall: datetime, name: str) -> None:
    """In zones of all kinds: half hours, days left out, changes of half an hour."""
    zone, wall = ZoneInfo(name), wall.replace(microsecond=wall.microsecond // 1000 * 1000)
    found = readings(wall, zone)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for reading in found or ():
        assert (epoch + timedelta(milliseconds=reading)).astimezone(zone).replace(tzinfo=None) == wall
    shown = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    assert (found is None) == (shown != wall)


@pytest.mark.parametrize("source", [name for name, source in SOURCES.items() if source.zone is not None])
def test_a_source_that_writes_local_times_declares_where(source: str) -> None:
    """By its clocks, not by UTC: that of the department, so far."""
    assert zone_of(source) == ZoneInfo(DEPARTMENT_ZONE)


def test_local_times_of_a_source_without_a_zone_are_no_times() -> None:
    """Taking them for UTC would be a guess, five hours off."""
    with pytest.raises(AssertionError, match="ecms writes local times and declares no zone"):
        zone_of("ecms")
