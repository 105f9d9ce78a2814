"""FACTS2: one change of its audit table, as a change-data-capture connector of Debezium's public shape wraps it, is one
message. The table is synthetic; the real one is not public.

    op             c: a row was added; r: a snapshot read a row (again). Both say the same of the same row
    before, after  null (or absent), and the row
    source         where the row comes from; its table must be AUDIT_TRAIL, all else in it is let be
    ts_ms          when the connector saw it: never when the record was opened

    AUDIT_ID       integer, counted without a gap as rows are made; they are committed, and come, in any order
    USER_ID        login       ACTION_CD   what was done       OBJ_TYPE_CD, OBJ_ID   the record
    TERMINAL_ID    device      SESSION_ID  session             RESULT_CD             how it ended
    REASON_TXT     text or null: what the user gave as a reason
    RESULT_CNT     of a search how many it showed; of everything else null
    ACCESS_TS      when, on a clock in New York. The column has no zone, so the connector writes the milliseconds from
                   1970 to the same time on a clock in UTC: read as an instant it would be four or five hours early

A converter with schemas puts {"schema": ..., "payload": ...} around all that. Heartbeats and the bounds of transactions
are control messages. Columns that are not named here are ignored, since tables grow; these eleven must be there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeVar

from schemas.access import Access, Action, Purpose, Record, RecordKind, Result
from schemas.codec import read_json
from schemas.errors import RejectedInputError
from schemas.ids import ID_MAX, SourceName

from .codes import meaning
from .local_time import YEARS, readings, zone_of
from .translated import CONTROL, Translated

Json = Mapping[str, object]

TABLE: Final = "AUDIT_TRAIL"
AUDIT_ID_MAX: Final = 2**63 - 1
COUNT_MAX: Final = 1_000_000_000
REASON_MAX: Final = 2_000  # characters

_ZONE = zone_of("facts2")
_WORD = re.compile(rf"[\x21-\x7e]{{1,{ID_MAX}}}")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_MS: Final = timedelta(milliseconds=1)
_MINUTE_MS: Final = 60_000
# Seconds and tenths read as milliseconds lie in 1970 or so, microseconds beyond all years: a connector set otherwise
# must be told, or all its accesses would be judged by what was known of another time.
_WALL_MS: Final = range(
    (datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None) - _EPOCH) // _MS,
    (datetime(YEARS.stop, 1, 1, tzinfo=UTC).replace(tzinfo=None) - _EPOCH) // _MS,
)

_ACTIONS: Final[Mapping[str, Action]] = {
    "SRCH": "search",
    "VIEW": "view",
    "UPDT": "edit",
    "PRNT": "print",
    "RPRT": "export",
}
_KINDS: Final[Mapping[str, RecordKind]] = {
    "PERS": "person",
    "CASE": "case",
    "INTK": "intake",
    "DOCM": "document",
    "SERV": "service",
    "CRIT": "criteria",
}
_RESULTS: Final[Mapping[str, Result]] = {"OK": "success", "DENY": "denied", "FAIL": "failed"}

_ADDED: Final = frozenset({"c", "r"})
_WHO: Final = "an audit trail is only added to, so the FACTS2 team must find out who did it, and why"
_CHANGED: Final[Mapping[str, str]] = {
    "u": f"says that a row was changed afterwards; {_WHO}",
    "d": f"says that a row was deleted; {_WHO}",
    "t": f"says that the whole table was emptied; {_WHO}",
}

_CLOCKS: Final = frozenset({"ts_ms", "ts_us", "ts_ns"})
_TRANSACTION: Final = _CLOCKS | {"status", "id", "event_count", "data_collections"}

T = TypeVar("T")


def translate(source: SourceName, value: bytes) -> Translated:
    """The access that an added row names; none for heartbeats and the bounds of transactions: control messages.

    `value` is one JSON object in UTF-8. Raises RejectedInputError naming the field, counted from `op` and its
    neighbours whether they lie in a payload or not: of a row the FACTS2 team must act, of all around it whoever runs
    the connector. A local time that happened twice becomes an interval from the first instant to the second.
    """
    envelope = _envelope(read_json(value))
    if envelope is None or _is_control(envelope):
        return CONTROL if envelope is None else _control(envelope)
    return Translated(accesses=(_access(source, _added_row(envelope)),), is_control=False)


def _envelope(document: Json) -> Json | None:
    """The change itself, out of its schema; None for a tombstone of a converter that writes those with a schema too."""
    if "payload" not in document:
        return document
    if document.keys() != {"schema", "payload"}:
        raise RejectedInputError("payload", "must stand beside its schema and nothing else")
    if document["payload"] is None and document["schema"] is None:
        return None
    return _object(document, "payload", "payload")


def _is_control(envelope: Json) -> bool:
    """Nothing but a clock, or a bound of a transaction: with anything else in it, it could hide an access."""
    if type(envelope.get("ts_ms", 0)) is not int or not envelope.keys() <= _TRANSACTION:
        return False
    if envelope.keys() <= _CLOCKS:
        return "ts_ms" in envelope
    return envelope.get("status") in ("BEGIN", "END") and isinstance(envelope.get("id"), str)


def _control(envelope: Json) -> Translated:
    """A clock alone is a heartbeat; but of a time that no clock shows nothing follows."""
    beat_at = envelope.get("ts_ms")
    if not envelope.keys() <= _CLOCKS or type(beat_at) is not int or beat_at not in _WALL_MS:
        return CONTROL
    return Translated(accesses=(), is_control=True, beat_at=beat_at)


def _added_row(envelope: Json) -> Json:
    if "op" not in envelope:
        raise RejectedInputError("op", "is missing; send the whole change as the connector makes it, not the row alone")
    op = envelope["op"]
    if not isinstance(op, str) or op not in _ADDED:
        raise RejectedInputError("op", _CHANGED.get(op, _UNKNOWN_OP) if isinstance(op, str) else _UNKNOWN_OP)
    if envelope.get("before") is not None:
        raise RejectedInputError("before", "must be null: a row that was added was nothing before")
    if _object(envelope, "source", "source").get("table") != TABLE:
        raise RejectedInputError("source.table", f"must be {TABLE}; send other tables to other topics")
    return _object(envelope, "after", "after")


_UNKNOWN_OP: Final = "must be c or r; whoever runs the connector must let through nothing but rows"


def _object(parent: Json, name: str, place: str) -> Json:
    found = parent.get(name)
    if not isinstance(found, dict):
        raise RejectedInputError(place, "must be an object")
    return found


def _access(source: SourceName, row: Json) -> Access:
    number = _integer(row, "AUDIT_ID", AUDIT_ID_MAX)
    first, second = _instants(row)
    action = _coded(row, "ACTION_CD", _ACTIONS)
    return Access(
        event_id=f"facts2-{number}",
        source=source,
        sequence=number,
        actor=_word(row, "USER_ID"),
        action=action,
        record=Record(kind=_coded(row, "OBJ_TYPE_CD", _KINDS), id=_word(row, "OBJ_ID")),
        purpose=_purpose(row),
        result=_coded(row, "RESULT_CD", _RESULTS),
        occurred_at=first,
        occurred_until=None if second == first else second,
        session=_word(row, "SESSION_ID"),
        device=_word(row, "TERMINAL_ID"),
        object_count=_count(row, action),
    )


def _instants(row: Json) -> tuple[int, int]:
    """UTC milliseconds of the local time: twice the same, except in the hour that happens twice."""
    name = "ACCESS_TS"
    wall = _integer(row, name, AUDIT_ID_MAX)
    if wall not in _WALL_MS:
        raise _reject(name, "must be milliseconds, not seconds or microseconds, of a day in or after the year 2000")
    minute, rest = divmod(wall, _MINUTE_MS)
    found = _minute(minute)
    if found is None:
        raise _reject(name, "does not exist in New York: the clocks went forward. Is it written in another zone?")
    return found[0] + rest, found[1] + rest


@lru_cache(maxsize=4096)  # rows of one time come together, and the zone takes a quarter of all that a row takes
def _minute(since_epoch: int) -> tuple[int, int] | None:
    """`readings` of the beginning of a minute: clocks in New York change at no other time."""
    return readings(_EPOCH + timedelta(minutes=since_epoch), _ZONE)


def _purpose(row: Json) -> Purpose | None:
    """Text of any kind, as it was typed; a blank one claims nothing."""
    name = "REASON_TXT"
    text = _column(row, name)
    if text is None:
        return None
    if not isinstance(text, str) or len(text) > REASON_MAX:
        raise _reject(name, f"must be text of at most {REASON_MAX} characters, or null")
    return None if not text or text.isspace() else Purpose(text=text)


def _count(row: Json, action: Action) -> int | None:
    name = "RESULT_CNT"
    if _column(row, name) is None:
        return None
    if action != "search":
        raise _reject(name, "must be null unless ACTION_CD is SRCH")
    return _integer(row, name, COUNT_MAX)


def _integer(row: Json, name: str, largest: int) -> int:
    value = _column(row, name)
    if type(value) is not int or not 0 <= value <= largest:  # to isinstance, true is an integer
        raise _reject(name, f"must be an integer from 0 to {largest}, written in digits, not as text or a decimal")
    return value


def _word(row: Json, name: str) -> str:
    value = _column(row, name)
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise _reject(name, f"must be text of 1 to {ID_MAX} printable ASCII characters without spaces")
    return value


def _coded(row: Json, name: str, codes: Mapping[str, T]) -> T:
    value = _column(row, name)
    return meaning(codes, value if isinstance(value, str) else "", _reject, name)


def _column(row: Json, name: str) -> object:
    if name not in row:
        raise _reject(name, "is missing from the row: has the column been renamed, dropped or left out?")
    return row[name]


def _reject(name: str, reason: str) -> RejectedInputError:
    return RejectedInputError(f"after.{name}", reason)
