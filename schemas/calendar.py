"""What a source may promise of when it is heard, and of its numbers: whether it can be read. Pure.

Whoever watches the sources reads it at six in the morning; what is wrong with it is said when a process starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .ids import parse_instant
from .topics import Source

HEARD_EVERY_MAX: Final = 604_800  # seconds: whoever is heard less than once a week is missed by a date, not by this
DUE_WITHIN_MAX: Final = 168  # hours: a calendar looks a week back

_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_DUE = re.compile(_TIME)
_HOURS = re.compile(f"({_TIME})-({_TIME})")


def faults(source: Source) -> Iterator[tuple[str, str]]:
    """Of what is declared of a source each field that cannot be read or kept, and why."""
    every = source.heard_every_seconds
    if every is not None and not 0 <= every <= HEARD_EVERY_MAX:
        yield "heard_every_seconds", f"must be from 1 to {HEARD_EVERY_MAX} seconds, or 0 where it promises nothing"
    if not 1 <= source.due_within_hours <= DUE_WITHIN_MAX:
        yield "due_within_hours", f"must be from 1 to {DUE_WITHIN_MAX} hours"
    if source.due is not None and not _DUE.fullmatch(source.due):
        yield "due", "must be a time of day by the clocks of its zone, like 06:00, without an offset"
    if source.hours is not None and (wrong := _wrong_hours(source.hours)) is not None:
        yield "hours", wrong
    if source.numbers_since is not None and (wrong := _wrong_instant(source.numbers_since)) is not None:
        yield "numbers_since", wrong
    if any(not 0 <= first <= last for first, last in source.never_given):
        yield "never_given", "must be ranges, each its first and its last number, like [[5, 9]]"


def _wrong_hours(text: str) -> str | None:
    found = _HOURS.fullmatch(text)
    if found is None:
        return "must be two times of day by the clocks of its zone, like 08:00-17:00, without an offset"
    begins, ends = (f"{clock}:00"[:8] for clock in found.groups())
    if begins >= ends:
        return "must end after they begin, on the same day"
    return None


def _wrong_instant(text: str) -> str | None:
    try:
        parse_instant(text)
    except ValueError as error:
        return str(error)
    return None
