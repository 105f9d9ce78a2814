"""FACTS2: changes that are broken or meant to do harm, each by its name, and strange ones that are right.

Every value of the row has a ZQ in it, and its numbers have 7777, so that a test can look for them where they must not
be.
"""

from __future__ import annotations

import gzip
import json
from typing import Any, Final

ROW: Final[dict[str, Any]] = {
    "AUDIT_ID": 77770001,
    "USER_ID": "ZQ.USER",
    "ACTION_CD": "SRCH",
    "OBJ_TYPE_CD": "CRIT",
    "OBJ_ID": "ZQ-88121",
    "TERMINAL_ID": "ZQ04T17",
    "SESSION_ID": "S-ZQ-1",
    "RESULT_CD": "OK",
    "REASON_TXT": "ZQ asked for it",
    "RESULT_CNT": 77772,
    "ACCESS_TS": 1767600847777,
}
SOURCE: Final[dict[str, Any]] = {"table": "AUDIT_TRAIL", "txId": 77773, "lsn": 77774, "ts_ms": 1, "snapshot": "false"}
CHANGE: Final[dict[str, Any]] = {"op": "c", "before": None, "after": ROW, "source": SOURCE, "ts_ms": 1767600847778}


def written(document: object) -> bytes:
    """JSON as a connector writes it: UTF-8, nothing escaped that need not be."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def changed(**fields: object) -> bytes:
    """The good change with these fields around its row instead."""
    return written(CHANGE | fields)


def having(**columns: object) -> bytes:
    """The good change with these columns in its row instead."""
    return changed(after=ROW | columns)


def without(column: str, **others: object) -> bytes:
    """The good change without a column, and with others."""
    return changed(after={name: value for name, value in ROW.items() if name != column} | others)


def in_place(text: str, other: str) -> bytes:
    """The good change with other characters in place of some that stand there once."""
    assert GOOD.count(text.encode()) == 1
    return GOOD.replace(text.encode(), other.encode())


GOOD: Final = written(CHANGE)
TEXT: Final = GOOD.decode()
HALF: Final = len(GOOD) // 2

_BYTES: Final = {
    "cut in half": GOOD[:HALF],
    "cut before the last brace": GOOD[:-1],
    "without its first brace": GOOD[1:],
    "only spaces": b" \r\n\t ",
    "only NULs": b"\0" * 64,
    "two changes": GOOD + GOOD,
    "two changes on two lines": GOOD + b"\n" + GOOD,
    "a byte after it": GOOD + b"\0",
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without mark": TEXT.encode("utf-16-le"),
    "UTF-32": TEXT.encode("utf-32"),
    "EBCDIC": TEXT.encode("cp037"),
    "Latin-1": having(REASON_TXT="ZQ Señora").decode().encode("latin-1"),
    "overlong UTF-8": GOOD.replace(b"ZQ asked", b"ZQ\xc0\xafasked"),
    "a surrogate as bytes": GOOD.replace(b"ZQ asked", b"ZQ\xed\xa0\x80asked"),
    "half a surrogate pair": in_place("ZQ asked", "ZQ\\ud800asked"),
    "compressed": gzip.compress(GOOD, mtime=0),
    "a registry's magic byte before it": b"\0\0\0\0\x07" + GOOD,
    "XML with an entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "a line of CSV": b'77770001,"ZQ.USER",SRCH,CRIT,ZQ-88121',
    "pickled": b"cos\nsystem\n(S'true'\ntR.",
}
_JSON: Final = {
    "null": b"null",
    "true": b"true",
    "a number": b"7777",
    "a text": written(TEXT),
    "a list of changes": written([CHANGE]),
    "nothing in it": b"{}",
    "a comma too many": GOOD[:-1] + b",}",
    "single quotes": GOOD.replace(b'"', b"'"),
    "a comment": in_place('"before"', '/* ZQ */"before"'),
    "not a number": in_place("77772", "NaN"),
    "infinity": in_place("77772", "Infinity"),
    "a hexadecimal number": in_place("77772", "0x7777"),
    "a leading zero": in_place("77772", "077772"),
    "a number with a plus": in_place("77772", "+77772"),
    "a control character": GOOD.replace(b"ZQ asked", b"ZQ\x07asked"),
    "a bare NUL": GOOD.replace(b"ZQ asked", b"ZQ\0asked"),
    "a bare line end": GOOD.replace(b"ZQ asked", b"ZQ\nasked"),
    "an escape that is none": in_place("ZQ asked", "ZQ\\x41asked"),
    "op twice": in_place('"op":"c"', '"op":"c","op":"d"'),
    "op twice, once escaped": in_place('"op":"c"', '"op":"c","\\u006fp":"d"'),
    "a column twice": in_place('"USER_ID"', '"USER_ID":"ZQ.OTHER","USER_ID"'),
    "a column twice, once escaped": in_place('"USER_ID"', '"USER\\u005fID":"ZQ.OTHER","USER_ID"'),
    "an ignored column twice": in_place('"USER_ID"', '"ZQ_NEW":1,"ZQ_NEW":2,"USER_ID"'),
    "lists in lists": b"[" * 5_000 + b"]" * 5_000,
    "objects in objects": b'{"after":' * 2_000 + b"1" + b"}" * 2_000,
    "lists in lists in a column to ignore": in_place('"USER_ID"', f'"ZQ_NEW":{"[" * 30}{"]" * 30},"USER_ID"'),
    "nothing but opening brackets": b"{" + b"[" * 60_000,
    "nothing but backslashes": b'{"op":"' + b"\\" * 60_000,
    "longer than a message may be": having(ZQ_NEW="x" * 65_536),
    "spaces beyond what a message may have": GOOD + b" " * 65_536,
}
_FIELDS: Final = {
    "op missing": written({name: value for name, value in CHANGE.items() if name != "op"}),
    "op null": changed(op=None),
    "op a number": changed(op=1),
    "op a list": changed(op=["c"]),
    "op an object": changed(op={"c": "c"}),
    "op in upper case": changed(op="C"),
    "op with a space": changed(op="c "),
    "op of another script": changed(op="\u0441"),  # Cyrillic
    "op empty": changed(op=""),
    "updated": changed(op="u", before=ROW),
    "updated, the row before not told": changed(op="u"),
    "deleted": changed(op="d", before=ROW, after=None),
    "deleted, the row before not told": changed(op="d", after=None),
    "deleted, and yet a row after": changed(op="d", before=ROW),
    "deleted, with nothing else": written({"op": "d"}),
    "emptied": written({"op": "t", "source": SOURCE, "ts_ms": 1}),
    "a message in the log": written({"op": "m", "source": SOURCE, "message": {"prefix": "ZQ", "content": "WlE="}}),
    "added over a row": changed(before=ROW),
    "added over an empty row": changed(before={}),
    "added over false": changed(before=False),
    "after missing": written({name: value for name, value in CHANGE.items() if name != "after"}),
    "after null": changed(after=None),
    "after a text": changed(after=json.dumps(ROW)),
    "after a list": changed(after=[ROW]),
    "after empty": changed(after={}),
    "source missing": written({name: value for name, value in CHANGE.items() if name != "source"}),
    "source a text": changed(source="AUDIT_TRAIL"),
    "source without a table": changed(source={}),
    "another table": changed(source=SOURCE | {"table": "ZQ_PERSON"}),
    "the table in lower case": changed(source=SOURCE | {"table": "audit_trail"}),
    "a list of tables": changed(source=SOURCE | {"table": ["AUDIT_TRAIL"]}),
    "the row alone": written(ROW),
    "an access of the contract": written({"event_id": "ZQ", "source": "facts2", "actor": "ZQ", "action": "view"}),
    "a payload without its schema": written({"payload": CHANGE}),
    "a payload and a change": changed(schema=None, payload=CHANGE),
    "a payload in a payload": written({"schema": None, "payload": {"schema": None, "payload": CHANGE}}),
    "a payload as text": written({"schema": None, "payload": TEXT}),
    "a payload in a list": written({"schema": None, "payload": [CHANGE]}),
    "a schema that promises a payload": written({"schema": {"type": "struct"}, "payload": None}),
    "a deletion in a payload": written({"schema": None, "payload": CHANGE | {"op": "d"}}),
    "a heartbeat without a clock": written({"ts_us": 1}),
    "a heartbeat in text": written({"ts_ms": "7777"}),
    "a heartbeat that is true": written({"ts_ms": True}),
    "a heartbeat with a row": written({"ts_ms": 1, "after": ROW}),
    "a transaction without an id": written({"status": "BEGIN"}),
    "a transaction of another status": written({"status": "ZQ", "id": "7777"}),
    "a transaction with a list for a status": written({"status": ["BEGIN"], "id": "7777"}),
    "a transaction with a row": written({"status": "END", "id": "7777", "after": ROW}),
}
_NOT_IDS: Final = {
    "empty": "",
    "blank": " ",
    "with a space": "ZQ USER",
    "filled with spaces": "ZQ.USER   ",
    "with a tab": "ZQ\tUSER",
    "with a line end": "ZQ.USER\n",
    "with a NUL": "ZQ\0USER",
    "with an escape of a terminal": "ZQ\x1b[2J",
    "with a delete": "ZQ\x7f",
    "with a next line of C1": "ZQ\x85",
    "of another script": "ZQ.\u0405\u0405",  # Cyrillic
    "of wide letters": "\uff3a\uff31",
    "with a letter put together": "ZQ.Jose\u0301",
    "read from the right": "\u202eRESU.QZ",
    "with a space of no width": "ZQ\u200bUSER",
    "with a byte order mark": "\ufeffZQ.USER",
    "with digits of another script": "ZQ\u0661",
    "with an injection": "ZQ'; DROP TABLE alerts; --",
    "too long": "ZQ" * 101,
    "far too long": "ZQ" * 30_000,
    "a number": 77775,
    "true": True,
    "null": None,
    "a list": ["ZQ.USER"],
    "an object": {"$ne": "ZQ"},
}
_NOT_WHOLE: Final = {
    "negative": -7777,
    "a decimal": 7777.0,
    "huge": 10**300,
    "past 63 bits": 2**63,
    "past 64 bits": 2**64,
    "text": "7777",
    "a decimal in base 64": "HmE=",
    "a decimal with its scale": {"scale": 0, "value": "HmE="},
    "true": True,
    "a list": [7777],
}
_NOT_TIMES: Final = {
    "seconds": 1767600847,
    "tenths": 17676008477,
    "microseconds": 1767600847777000,
    "nanoseconds": 1767600847777000000,
    "the end of time": 253402300800000,
    "the epoch": 0,
    "the last moment of 1999": 946684799999,
    "an hour that did not exist": 1772937000000,
    "RFC 3339": "2026-01-05T08:14:07.777Z",
    "null": None,
}
_COLUMNS: Final = {
    **{f"{column} missing": without(column) for column in ROW},
    **{f"{column} in lower case": without(column, **{column.lower(): ROW[column]}) for column in ROW},
    **{f"USER_ID {name}": having(USER_ID=value) for name, value in _NOT_IDS.items()},
    **{f"OBJ_ID {name}": having(OBJ_ID=value) for name, value in _NOT_IDS.items()},
    **{f"SESSION_ID {name}": having(SESSION_ID=value) for name, value in _NOT_IDS.items()},
    **{f"TERMINAL_ID {name}": having(TERMINAL_ID=value) for name, value in _NOT_IDS.items()},
    **{f"ACTION_CD {name}": having(ACTION_CD=value) for name, value in _NOT_IDS.items()},
    **{f"OBJ_TYPE_CD {name}": having(OBJ_TYPE_CD=value) for name, value in _NOT_IDS.items()},
    **{f"RESULT_CD {name}": having(RESULT_CD=value) for name, value in _NOT_IDS.items()},
    **{f"AUDIT_ID {name}": having(AUDIT_ID=value) for name, value in _NOT_WHOLE.items()},
    **{f"RESULT_CNT {name}": having(RESULT_CNT=value) for name, value in _NOT_WHOLE.items()},
    **{f"ACCESS_TS {name}": having(ACCESS_TS=value) for name, value in (_NOT_WHOLE | _NOT_TIMES).items()},
    "AUDIT_ID null": having(AUDIT_ID=None),
    "AUDIT_ID beyond all numbers": in_place("77770001", "9" * 400),
    "AUDIT_ID with an exponent": in_place("77770001", "1e7777"),
    "AUDIT_ID of 60,000 digits": in_place("77770001", "7" * 60_000),
    "AUDIT_ID of 60,000 digits beside an escape": in_place("77770001", "7" * 60_000).replace(b"asked", b"\\u0061sked"),
    "ACTION_CD in lower case": having(ACTION_CD="srch"),
    "ACTION_CD with a look-alike": having(ACTION_CD="V\u0406EW"),
    "OBJ_TYPE_CD in lower case": having(OBJ_TYPE_CD="crit"),
    "RESULT_CD in lower case": having(RESULT_CD="ok"),
    "RESULT_CNT of a view": having(ACTION_CD="VIEW"),
    "RESULT_CNT past a billion": having(RESULT_CNT=1_000_000_001),
    "REASON_TXT a number": having(REASON_TXT=7777),
    "REASON_TXT a list": having(REASON_TXT=["ZQ"]),
    "REASON_TXT false": having(REASON_TXT=False),
    "REASON_TXT too long": having(REASON_TXT="ZQ" * 1_001),
}

HOSTILE: Final[dict[str, bytes]] = {**_BYTES, **_JSON, **_FIELDS, **_COLUMNS}
"""Each is to be rejected, and nothing of it repeated."""

_REASONS: Final = {
    "a formula": '=HYPERLINK("http://zq.example","ZQ")',
    "markup": "<script>alert('ZQ')</script>",
    "an injection": "ZQ'); DROP TABLE alerts; --",
    "an escape of a terminal": "ZQ\x1b]0;owned\x07\x1b[2J",
    "read from the right": "\u202eZQ\u202c",
    "a NUL": "ZQ\0ZQ",
    "line ends of all kinds": "ZQ\r\n\u2028\u2029\x85",
    "2,000 letters beyond the first plane": "\U0001f600" * 2_000,
    "a name of the connector's": "__debezium_unavailable_value",
    "JSON": TEXT,
}
HARMLESS: Final[dict[str, bytes]] = {
    **{f"REASON_TXT {name}": having(REASON_TXT=text) for name, text in _REASONS.items()},
    "USER_ID a formula": having(USER_ID="=cmd|'/C'!A0"),
    "USER_ID with quotes": having(USER_ID="O\"NEIL\\'ZQ"),
    "USER_ID of 200 letters": having(USER_ID="Z" * 200),
    "OBJ_ID markup": having(OBJ_ID="<ZQ/>"),
    "the lowest number": having(AUDIT_ID=0),
    "the highest number": having(AUDIT_ID=2**63 - 1),
    "minus nought": in_place("77770001", "-0"),
    "none found": having(RESULT_CNT=0),
    "a billion found": having(RESULT_CNT=1_000_000_000),
    "a search that does not say how many it found": having(RESULT_CNT=None),
    "the first moment": having(ACCESS_TS=946_684_800_000),
    "columns of other languages' objects": having(__proto__={"op": "d"}, constructor=None),
    "a column as deep as may be": having(ZQ_NEW=json.loads("[" * 14 + "]" * 14)),
    "a column named like its neighbour": having(op="d", user_id="ZQ.OTHER"),
    "as long as a message may be": GOOD + b" " * (65_536 - len(GOOD)),
    "laid out": json.dumps(CHANGE, indent=4).encode(),
    "all escaped": in_place('"ZQ.USER"', '"' + "".join(f"\\u{ord(c):04x}" for c in "ZQ.USER") + '"'),
    "the other way round": written(dict(reversed(CHANGE.items()))),
    "nothing that is not needed": written({"op": "r", "after": ROW, "source": {"table": "AUDIT_TRAIL"}}),
    "a word about snapshots that nobody knows": changed(source=SOURCE | {"snapshot": {"ZQ": 1}}),
    "a clock of the connector that is none": changed(ts_ms="ZQ"),
    "in a schema that says nothing": written({"schema": None, "payload": CHANGE}),
    "in a schema that lies": written({"schema": {"payload": 1, "op": "d"}, "payload": CHANGE}),
    "a heartbeat": written({"ts_ms": 1}),
    "a heartbeat of long ago": written({"ts_ms": -(2**63), "ts_us": 1, "ts_ns": 1}),
    "a transaction begins": written({"status": "BEGIN", "id": "7777", "event_count": None, "data_collections": None}),
    "a tombstone in a schema": written({"schema": None, "payload": None}),
}
"""Each is to be let through, as an access or a control message."""
