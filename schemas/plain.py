"""Plain accesses, many at once: one record at one instant, on the topic of their own source.

Nearly all messages are plain, and judging them must not cost a model each (9 µs). Those spelled as the codec and the
emitter spell them are read by one regular expression over the whole batch (1.6 µs): the fields of the contract in its
order, without spaces, escapes or anything but ASCII, so that nothing in them can be read in two ways. Other spellings
of the same take the thin model (4 µs). Both only ever say "plain"; all else is read the exact way, by the codec. A
property test holds the three together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Final, get_args

from .access import Action, RecordKind, Result
from .codec import decode_thin
from .ids import SourceName

PLAIN_MAX: Final = 2_000  # bytes; the longest plain access has 1,710. Longer messages are not even looked at

_CLOCK: Final = re.compile(
    r"(20[0-4][0-9]-[01][0-9]-[0-3][0-9])T((?:[01][0-9]|2[0-3]):[0-5][0-9]):([0-5][0-9])\.([0-9]{3})Z", re.ASCII
)


Plain = tuple[str, str, str, str, str, str, str, str]
"""What the judge asks of an access: sequence (may be empty), actor, record kind and id, and the UTC instant as day
(2026-01-05), minute (14:14), second and millisecond; all of them texts."""


def read_plain(source: SourceName, values: Sequence[bytes | None]) -> list[Plain | None]:
    """One row a message, in order, of at least one message on the topic of `source`; None: not plain."""
    lines = [v if v and len(v) <= PLAIN_MAX and b"\n" not in v else b"" for v in values]
    rows: list[Plain] = _pattern(source).findall(b"\n".join(lines).decode("latin-1"))
    return [row if row[1] else _by_model(source, values[n]) for n, row in enumerate(rows)]


def _by_model(source: SourceName, value: bytes | None) -> Plain | None:
    thin = decode_thin(value)
    if thin is None or thin["source"] != source:
        return None
    clock = _CLOCK.fullmatch(thin["occurred_at"])
    if clock is None:
        return None
    sequence = thin.get("sequence")
    number = "" if sequence is None else str(sequence)
    kind, record = thin["record"]["kind"], thin["record"]["id"]
    return number, thin["actor"], kind, record, clock[1], clock[2], clock[3], clock[4]


NO_DAY: Final = 1 << 62  # an instant later than any append time: no such access is plain


class Days(dict[str, int]):
    """UTC milliseconds of the midnights met so far, NO_DAY for what is none; at most the 40,000 that can be spelled.

    Only those met: a table of all would be too large for the processor's caches.
    """

    def __missing__(self, day: str) -> int:
        """Work it out once."""
        try:
            found = (date.fromisoformat(day) - date(1970, 1, 1)).days * 86_400_000
        except ValueError:
            found = NO_DAY
        self[day] = found
        return found


DAYS: Final = Days()
MINUTES: Final = {f"{n // 60:02}:{n % 60:02}": n * 60_000 for n in range(24 * 60)}
SECONDS: Final = {f"{n:02}": n * 1000 for n in range(60)}


@cache
def _pattern(source: SourceName) -> re.Pattern[str]:
    """Matches every line; its groups are those of Plain."""
    name = r"[!#-\[\]-~]{1,200}"  # an id (ids.py) without quote and backslash
    fields = (
        rf'"event_id":"{name}","source":"{re.escape(source)}"',
        r'(?:,"sequence":(0|[1-9][0-9]{0,17}))?',
        rf',"actor":"({name})"',
        rf'(?:,"requested_for":"{name}")?',
        rf',"action":"(?:{"|".join(get_args(Action))})"',
        rf',"record":{{"kind":"({"|".join(get_args(RecordKind))})","id":"({name})"}}',
        rf',"result":"(?:{"|".join(get_args(Result))})"',
        rf',"occurred_at":"{_CLOCK.pattern}"',
        rf'(?:,"session":"{name}")?(?:,"device":"{name}")?(?:,"batch_id":"{name}")?',
        r'(?:,"object_count":(?:0|[1-9][0-9]{0,8}))?',
    )
    return re.compile(rf"^(?:\{{{''.join(fields)}\}}|[^\n]*)$", re.MULTILINE)
