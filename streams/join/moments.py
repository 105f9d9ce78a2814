"""Instants as the 17 digits of their RFC 3339 text in UTC: they compare as instants do, and cost no calendar.

2026-01-05T14:14:03.120Z is 20260105141403120.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from schemas.ids import EARLIEST_MS, LATEST_MS, format_instant, parse_instant
from schemas.topics import DAY_MS

AFTER_ALL: Final = 10**17  # an open end: later than any moment
_DIGITS: Final = str.maketrans("", "", "-T:.Z")


def moments_of(texts: Iterable[str]) -> list[int]:
    """Of texts like 2026-01-05T14:14:03.120Z and no other."""
    return list(map(int, " ".join(texts).translate(_DIGITS).split()))


@lru_cache(maxsize=8_192)
def moment_of(ms: int) -> int:
    """Of UTC milliseconds; what no text can say is the nearest that one can."""
    day, rest = divmod(min(max(ms, EARLIEST_MS), LATEST_MS), DAY_MS)
    minutes, rest = divmod(rest, 60_000)
    return _digits(day) * 1_000_000_000 + (minutes // 60 * 100 + minutes % 60) * 100_000 + rest


def end_of(ms: int) -> int:
    """Of the end of an interval, which may be open."""
    return AFTER_ALL if ms > LATEST_MS else moment_of(ms)


def instant_of(moment: int) -> int:
    """UTC milliseconds."""
    return instants_of([moment])[0]


def instants_of(moments: Iterable[int]) -> list[int]:
    """The same of many, without a call for each."""
    return [
        _day(moment // 1_000_000_000)
        + moment // 10_000_000 % 100 * 3_600_000
        + moment // 100_000 % 100 * 60_000
        + moment % 100_000
        for moment in moments
    ]


@lru_cache(maxsize=4096)
def _digits(day: int) -> int:
    return int(format_instant(day * DAY_MS)[:10].translate(_DIGITS))


@lru_cache(maxsize=4096)
def _day(digits: int) -> int:
    text = str(digits)
    return parse_instant(f"{text[:4]}-{text[4:6]}-{text[6:]}T00:00:00.000Z")
