"""Words for durations, actions and records."""

from __future__ import annotations

from typing import Final

from schemas.access import Action
from schemas.ids import format_instant
from streams.join.bodies import RecordKey

DID: Final[dict[Action, str]] = {
    "search": "searched for",
    "view": "viewed",
    "edit": "edited",
    "print": "printed",
    "export": "exported",
    "disclose": "disclosed",
    "subscribe": "subscribed to",
    "check_out": "checked out",
    "return": "returned",
}
_UNITS: Final = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second"), (1, "millisecond"))


def duration(ms: int) -> str:
    """A span in its largest whole unit, the rest cut off: "9 days", "1 hour", "40 milliseconds"."""
    return _whole(ms)[0]


def exceeded(ms: int) -> str:
    """The same where somebody compares it with a limit: "more than 1 hour" for an hour and a millisecond.

    Whoever was told of a grace of an hour must not read that an hour was too long.
    """
    words, rest = _whole(ms)
    return f"more than {words}" if rest else words


def _whole(ms: int) -> tuple[str, int]:
    """A span in its largest whole unit, and the milliseconds cut off."""
    for size, name in _UNITS:
        if ms >= size:
            count, rest = divmod(ms, size)
            return f"{count} {name}{'' if count == 1 else 's'}", rest
    return "no time", 0


def clock(ms: int) -> str:
    """An instant as people write it, in UTC to the second."""
    text = format_instant(ms)
    return f"{text[:10]} at {text[11:19]} UTC"


def span(start: int, end: int) -> str:
    """When something happened, of which no more is known than that it was not before `start` and not after `end`."""
    first, last = clock(start), clock(end)
    if first == last:  # within a second, and no more than that is told of any instant
        return f"on {first}"
    if first[:10] == last[:10]:
        return f"on {first[:10]} between {first[14:22]} and {last[14:]}"
    return f"between {first} and {last}"


def record_words(record: RecordKey) -> str:
    """`case/c0042` as "case c0042"."""
    kind, _, name = record.partition("/")
    return f"{kind} {name}"
