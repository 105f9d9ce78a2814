"""What should have come from a source by now: the calendar of expected activity. Pure.

Of a source that was never heard nothing is expected, but where the installation itself has declared it. Holidays are
not known: on one, a page about a source that rests is answered by a glance at the wall.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.topics import DEPARTMENT_ZONE, HEARTBEAT_SECONDS, Source

HOUR_MS: Final = 3_600_000
FIRST_MS: Final = 24 * HOUR_MS  # from an entry to the first message: it is registered before it is connected
WEEK: Final = range(8)  # days back: among so many there is each day of the week twice or once
SATURDAY: Final = 5


class Heard(NamedTuple):
    """When something last came from a source (append time), the newest moment of which it has brought an access, and
    whether it has ever sent a heartbeat. UTC ms; None: never. What we sent once more did not come from it.

    Not when it was brought: yesterday's file that comes this evening is not this night's.
    """

    at: int | None = None
    brought_at: int | None = None
    has_beaten: bool = False


def unheard(known_at: int) -> Heard:
    """In place of what was heard of a source that never was, although something is declared: it was known from then on
    (UTC ms), and is given a day to begin."""
    return Heard(known_at + FIRST_MS, known_at + FIRST_MS)


def silent_ms(source: Source, heard: Heard, now: int) -> int:
    """For how long past its promise nothing has been heard of a source; 0: it keeps it, or promises nothing now."""
    every = source.heard_every_seconds
    if every is None:
        every = HEARTBEAT_SECONDS if heard.has_beaten else 0
    if not every or heard.at is None:
        return 0
    begins = heard.at
    if source.hours is not None or source.workdays_only:
        opened = _opened_at(source, now)
        if opened is None:
            return 0
        begins = max(begins, opened)
    return max(0, now - begins - every * 1000)


def overdue_ms(source: Source, heard: Heard, now: int) -> int:
    """For how long what a source brings by a time of day is overdue; 0: it is not, or nothing is due."""
    if source.due is None or heard.at is None:
        return 0
    due = next((at for at in _times(source, source.due, now) if at <= now), None)
    if due is None or (heard.brought_at or 0) >= due - source.due_within_hours * HOUR_MS:
        return 0
    return now - due


def _opened_at(source: Source, now: int) -> int | None:
    """Since when its hours run that run now; None: they do not."""
    begin, end = _hours(source.hours or "00:00-23:59:59.999")
    zone = _zone(source)
    today = datetime.fromtimestamp(now / 1000, zone).date()
    if source.workdays_only and today.weekday() >= SATURDAY:
        return None
    opened, closed = _instant(today, begin, zone), _instant(today, end, zone)
    return opened if opened <= now <= closed else None


def _times(source: Source, clock: str, now: int) -> Iterator[int]:
    """This time of day today, yesterday and so on, on days that count (UTC ms)."""
    zone = _zone(source)
    today = datetime.fromtimestamp(now / 1000, zone).date()
    for day in (today - timedelta(days=back) for back in WEEK):
        if not (source.workdays_only and day.weekday() >= SATURDAY):
            yield _instant(day, time.fromisoformat(clock), zone)


def _instant(day: date, clock: time, zone: ZoneInfo) -> int:
    """When the clocks show this (UTC ms): the later time where they do twice, behind the jump where they never do."""
    readings = (datetime.combine(day, clock, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return int(max(readings).timestamp() * 1000)


def _hours(text: str) -> tuple[time, time]:
    begin, _, end = text.partition("-")
    return time.fromisoformat(begin), time.fromisoformat(end)


def _zone(source: Source) -> ZoneInfo:
    return ZoneInfo(source.zone or DEPARTMENT_ZONE)
