"""Duties as bars and accesses as ticks on one time line: where everything goes. Pure; the template only writes it down.

So that somebody sees at once what words say slowly: the duty ended nine days before the access.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from schemas.ids import LATEST_MS, format_instant

Known = Literal["then", "now", "both"]
"""When a duty was on record: only as of the access, only by now, or both."""

WIDTH: Final = 640.0
LANE: Final = 26.0
HEAD: Final = 24.0  # for the accesses, above the duties
FOOT: Final = 24.0  # for the dates
FAR_MS: Final = 180 * 86_400_000  # what lies further from the accesses is cut off: they would be one tick
LANES_MAX: Final = 12
LABELS_MAX: Final = 6
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_STEPS: Final = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR)
_STEPS_OF_DAYS: Final = (DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A duty over [begin, end) in UTC ms; None: open. `words` say whose, without anybody's record.

    `is_theirs`: of whoever looked; else a step of a way that might have led to them, which by itself explains nothing.
    """

    words: str
    begin: int | None
    end: int | None
    known: Known = "both"
    is_theirs: bool = True


@dataclass(frozen=True, slots=True)
class Touch:
    """An access from `at` to `until` (UTC ms), the same where it is one instant."""

    at: int
    until: int
    words: str


@dataclass(frozen=True, slots=True)
class TimeLine:
    """What is drawn: duties, the accesses that were found, and those that a look-back has listed."""

    periods: tuple[Period, ...] = ()
    found: tuple[Touch, ...] = ()
    earlier: tuple[Touch, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """A duty: where, and whether it goes on beyond the edges."""

    x: float
    y: float
    width: float
    words: str
    dates: str
    known: Known
    is_theirs: bool
    is_open: bool
    is_before: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """An access. `width` is 0 for an instant."""

    x: float
    width: float
    words: str
    is_found: bool


@dataclass(frozen=True, slots=True)
class Label:
    """A date or time below."""

    x: float
    words: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it, in units of a page's pixels at full width."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]
    left_out: int


def draw(line: TimeLine) -> Drawing | None:
    """Where everything goes; None when there is no access to draw."""
    touches = (*line.earlier, *line.found)
    if not touches:
        return None
    first, last = _span(line.periods, touches)

    def x(ms: int) -> float:
        return round((min(max(ms, first), last) - first) / (last - first) * WIDTH, 1)

    lanes = line.periods[:LANES_MAX]
    bars = tuple(_bar(period, number, x, first, last) for number, period in enumerate(lanes))
    found = set(map(id, line.found))
    ticks = tuple(Tick(x(t.at), round(x(t.until) - x(t.at), 1), t.words, id(t) in found) for t in touches)
    labels = tuple(Label(x(ms), words) for ms, words in _labels(first, last))
    height = HEAD + LANE * len(bars) + FOOT
    return Drawing(WIDTH, height, bars, ticks, labels, len(line.periods) - len(lanes))


def _span(periods: Sequence[Period], touches: Sequence[Touch]) -> tuple[int, int]:
    """From the first to the last thing that matters, and some room; at least ten minutes."""
    first, last = min(t.at for t in touches), max(t.until for t in touches)
    edges = [edge for p in periods for edge in (p.begin, p.end) if edge is not None]
    near = [edge for edge in edges if first - FAR_MS <= edge <= last + FAR_MS]
    first, last = min([first, *near]), max([last, *near])
    room = max((last - first) * 6 // 100, 5 * MINUTE)
    return first - room, last + room


def _bar(period: Period, number: int, x: Callable[[int], float], first: int, last: int) -> Bar:
    begin = first if period.begin is None else period.begin
    end = last if period.end is None else period.end
    return Bar(
        x=x(begin),
        y=HEAD + LANE * number,
        width=max(2.0, round(x(end) - x(begin), 1)),
        words=period.words,
        dates=_dates(period),
        known=period.known,
        is_theirs=period.is_theirs,
        is_open=period.end is None or period.end > last,
        is_before=period.begin is None or period.begin < first,
    )


def _dates(period: Period) -> str:
    begin, end = (None if ms is None else _date(ms) for ms in (period.begin, period.end))
    if begin is None:
        return "always" if end is None else f"until {end}"
    return f"since {begin}" if end is None else f"{begin} to {end}"


def _date(ms: int) -> str:
    """To the minute, or the day where it is a day's beginning."""
    return format_instant(ms)[: 16 if ms % DAY else 10].replace("T", " ")


def _labels(first: int, last: int) -> Iterator[tuple[int, str]]:
    """Round moments, few enough to be read: times within a day or two, dates beyond."""
    steps = (*_STEPS, *_STEPS_OF_DAYS)
    longest = steps[-1] * -(-(last - first) // (steps[-1] * LABELS_MAX))  # an access may be said to end in 9999
    step = next((s for s in steps if (last - first) / s <= LABELS_MAX), longest)
    moment = -(-first // step) * step
    while moment <= min(last, LATEST_MS):
        text = format_instant(moment)
        yield moment, text[11:16] if step < DAY and moment % DAY else text[5:10]
        moment += step
