"""Local times, as systems without an offset write them, in UTC: two instants where an hour happens twice. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.ids import SourceName
from schemas.topics import SOURCES

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_MS: Final = timedelta(milliseconds=1)
YEARS: Final = range(1900, 9999)  # one year inside the contract's bounds: the zone may move an instant over them


def zone_of(source: SourceName) -> ZoneInfo:
    """Where the local times of a source of ours are read off clocks. It declares a zone, or its times have offsets."""
    zone = SOURCES[source].zone
    assert zone is not None, f"{source} writes local times and declares no zone"
    return ZoneInfo(zone)


def readings(wall: datetime, zone: ZoneInfo, precision_ms: int = 1) -> tuple[int, int] | None:
    """The first and the last instant (UTC ms) at which clocks in `zone` may have shown `wall`, a time without a zone.

    They differ in the hour that happens twice, and by what a time of this precision cuts off. None in the hour that
    clocks leave out. `wall` is of `YEARS`.
    """
    local = wall.replace(tzinfo=zone)
    first, second = _utc_ms(local, fold=0), _utc_ms(local, fold=1)
    return None if second < first else (first, second + precision_ms - 1)  # over a gap the two readings cross


def whole_day(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """The first and the last millisecond of a local day, which may have 23 or 25 hours. `day` must be of `YEARS`."""
    begin = datetime.combine(day, time(), tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    return _utc_ms(begin, fold=0), _utc_ms(end, fold=0) - 1


def _utc_ms(local: datetime, *, fold: int) -> int:
    # By subtraction, not astimezone: it cannot overflow.
    wall = local.replace(fold=fold)
    return (wall.replace(tzinfo=None) - _EPOCH - (wall.utcoffset() or timedelta())) // _MS
