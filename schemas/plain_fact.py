"""Registered assignments, many at once: a worker that starts reads all facts there ever were.

Nearly all facts are assignments, and register spells them in one way. Those are read by one regular expression (2 µs a
fact beside 20); all else is read the exact way, by the codec. A property test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple, get_args

from .access import RecordKind
from .fact import Role
from .plain import INSTANT, NAME, as_lines, line_pattern

PLAIN_FACT_MAX: Final = 2_500  # bytes; the longest has 1,500


class PlainFact(NamedTuple):
    """An assignment as it stands in its message, all of it texts; `valid_to` and `recorded_by` are quoted, or null."""

    fact_id: str
    revision: str
    valid_from: str
    valid_to: str
    recorded_at: str
    recorded_by: str
    void: str  # true, false
    holder: str  # staff, unit
    name: str  # of the holder
    record: str  # as `plain_record` spells it
    role: str
    feed: str
    known_from: str


Cut = tuple[str, ...]
"""The fields of PlainFact, in its order; all empty: it is to be read the exact way."""
FACT_ID, VALID_FROM, VALID_TO, FEED = map(PlainFact._fields.index, ("fact_id", "valid_from", "valid_to", "feed"))


def cut_plain_facts(values: Sequence[bytes | None]) -> list[Cut]:
    """One a message, in order. An interval may still end before it begins: ask `is_odd`."""
    rows: list[Cut] = _pattern().findall(as_lines(values, PLAIN_FACT_MAX))
    return rows


def is_odd(row: Cut) -> bool:
    """Whether it is to be read the exact way, which refuses an interval that ends before it begins."""
    valid_from, valid_to = row[VALID_FROM], row[VALID_TO]
    return not valid_from or (valid_to != "null" and valid_to[1:-1] < valid_from)


def read_plain_facts(values: Sequence[bytes | None]) -> list[PlainFact | None]:
    """One a message, in order; None: it is to be read the exact way."""
    return [None if is_odd(row) else PlainFact._make(row) for row in cut_plain_facts(values)]


@cache
def _pattern() -> re.Pattern[str]:
    fields = (
        rf'"fact_id":"({NAME})","revision":([1-9][0-9]{{0,8}}+)',
        rf',"valid_from":"({INSTANT})","valid_to":(null|"{INSTANT}")',
        rf',"recorded_at":"({INSTANT})","recorded_by":(null|"{NAME}"),"void":(true|false)',
        rf',"body":{{"kind":"assignment","(staff|unit)":"({NAME})"',
        rf',"record":{{"kind":"((?:{"|".join(get_args(RecordKind))})","id":"{NAME}")}}',
        rf',"role":"({"|".join(get_args(Role))})"}}',
        rf',"feed":"([a-z][a-z0-9_]{{0,31}}+)","known_from":"({INSTANT})"',
    )
    return line_pattern(fields)
