"""Plain accesses, many at once: one record at one instant, on the topic of their own source.

Nearly all messages are plain, and judging them must not cost a model each (9 µs). Those spelled as the codec and the
emitter spell them are read by one regular expression over many messages (1.2 µs): the fields of the contract in its
order, without spaces, escapes or anything but ASCII, so that nothing in them can be read in two ways. Other spellings
of the same take the thin model (4 µs). Both only ever say "plain"; all else is read the exact way, by the codec. A
property test holds the three together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, get_args

from .access import Action, Record, RecordKind, Result
from .codec import decode_thin
from .ids import SourceName

PLAIN_MAX: Final = 2_000  # bytes; the longest plain access has 1,922. Longer messages are not even looked at

# Only days that exist, since nobody reads these numbers any more.
_DAY: Final = (
    r"(?:20[0-4][0-9]-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"|20(?:[024][048]|[13][26])-02-29)"
)
INSTANT: Final = rf"{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{3}}Z"
_INSTANT: Final = re.compile(INSTANT, re.ASCII)

NAME: Final = r"[!#-\[\]-~]{1,200}+"  # an id (ids.py) without quote and backslash

Plain = tuple[str, str, str, str]
"""What the judge asks of an access: sequence (may be empty), actor, record (as `plain_record` spells it) and instant
(like 2026-01-05T14:14:03.120Z); all of them texts."""

NOT_PLAIN: Final[Plain] = ("", "", "", "")


def plain_record(record: Record) -> str:
    """A record as it stands in a message: it is looked up as it was cut out.

    Unique, and known from whatever follows it, for the records that a plain access can name: their ids have no quote.
    """
    return f'{record.kind}","id":"{record.id}"'


def read_plain(source: SourceName, values: Sequence[bytes | None]) -> list[Plain]:
    """One row a message, in order, of messages on the topic of `source`."""
    rows = _pattern(source).findall(as_lines(values, PLAIN_MAX))
    if NOT_PLAIN in rows:
        rows = [row if row[1] else _by_model(source, values[n]) for n, row in enumerate(rows)]
    return rows


def as_lines(values: Sequence[bytes | None], longest: int) -> str:
    """A line each; an empty one for a message that could be none, or several, or is too long."""
    known = [v if v and len(v) <= longest else b"" for v in values] if _has_odd(values, longest) else values
    lines = b"\n".join([*known, b""])  # type: ignore[list-item] # no None among them by now
    if lines.count(b"\n") != len(values):
        lines = b"\n".join([*(b"" if not v or b"\n" in v else v for v in known), b""])
    return lines.decode("latin-1")


def line_pattern(fields: Iterable[str]) -> re.Pattern[str]:
    """Matches every line, and the fields of those that are an object of exactly these, spelled so."""
    return re.compile(rf"(?:\{{{''.join(fields)}\}}|[^\n]*+)\n")


def _has_odd(values: Sequence[bytes | None], longest: int) -> bool:
    return None in values or max(map(len, values)) > longest  # type: ignore[arg-type] # as above


def _by_model(source: SourceName, value: bytes | None) -> Plain:
    thin = decode_thin(value)
    if thin is None or thin["source"] != source or not _INSTANT.fullmatch(thin["occurred_at"]):
        return NOT_PLAIN
    if thin.get("requested_for") not in (None, thin["actor"]):  # that is two accesses
        return NOT_PLAIN
    sequence = thin.get("sequence")
    number = "" if sequence is None else str(sequence)
    return number, thin["actor"], plain_record(Record(**thin["record"])), thin["occurred_at"]


@cache
def _pattern(source: SourceName) -> re.Pattern[str]:
    """Matches every line; its groups are those of Plain.

    `(?:x|)` and `+` after a repeat: as `(?:x)?`, and never tried again with less, at half the time.
    """
    fields = (
        rf'"event_id":"{NAME}","source":"{re.escape(source)}"',
        r'(?:,"sequence":(0|[1-9][0-9]{0,17}+)|)',
        rf',"actor":"({NAME})"',
        rf',"action":"(?:{"|".join(get_args(Action))})"',
        rf',"record":{{"kind":"((?:{"|".join(get_args(RecordKind))})","id":"{NAME}")}}',
        rf'(?:,"agency":"{NAME}"|)',
        rf',"result":"(?:{"|".join(get_args(Result))})"',
        rf',"occurred_at":"({INSTANT})"',
        rf'(?:,"session":"{NAME}"|)(?:,"device":"{NAME}"|)(?:,"batch_id":"{NAME}"|)',
        r'(?:,"object_count":(?:0|[1-9][0-9]{0,8}+)|)',
    )
    return line_pattern(fields)
