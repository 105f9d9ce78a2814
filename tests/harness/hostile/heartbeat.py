"""Heartbeats that are broken or meant to do harm, and some that are only strange: of ECMS."""

from __future__ import annotations

import json
from typing import Any, Final

GOOD: Final[dict[str, Any]] = {"source": "ecms", "at": "2026-01-05T14:14:03.120Z", "sequence": 123}
_TEXT: Final = json.dumps(GOOD).encode()


def having(**changes: Any) -> bytes:
    """The good one with other fields."""
    return json.dumps(GOOD | changes).encode()


def without(name: str) -> bytes:
    """The good one with a field less."""
    return json.dumps({key: value for key, value in GOOD.items() if key != name}).encode()


_SOURCES: Final[tuple[Any, ...]] = (
    "jnet",
    "ECMS",
    "ecms ",
    "",
    None,
    7,
    ["ecms"],
    {},
    "e" * 60_000,
    "\u0435cms",
    "ecms\0",
)
_TIMES: Final[tuple[Any, ...]] = (
    *("", "now", None, 1_767_622_443_120, ["2026-01-05T14:14:03Z"], "2026-01-05", "2026-01-05T14:14:03"),
    *("2026-02-30T14:14:03Z", "2026-01-05T25:14:03Z", "2026-01-05T14:14:60Z", "0000-01-01T00:00:00Z"),
    *("\u0662026-01-05T14:14:03Z", "2026-01-05T14:14:03Z" * 3_000, True),
)
_NUMBERS: Final[tuple[Any, ...]] = (
    *("123", -1, 1.5, 1e300, 2**63, 10**400, True, [], {}, "", "9" * 5_000, [[[[1]]]]),
)  # fmt: skip

HOSTILE: Final[dict[str, bytes]] = {
    **{f"source {number}": having(source=value) for number, value in enumerate(_SOURCES)},
    **{f"at {number}": having(at=value) for number, value in enumerate(_TIMES)},
    **{f"sequence {number}": having(sequence=value) for number, value in enumerate(_NUMBERS)},
    "no source": without("source"),
    "no time": without("at"),
    "an access in it": having(actor="jdoe12", action="view", record={"kind": "case", "id": "c0042"}),
    "a proto": having(__proto__={"at": "x"}),
    "a field twice": _TEXT[:-1] + b',"sequence":9}',
    "two documents": _TEXT + _TEXT,
    "a list": b"[" + _TEXT + b"]",
    "a string": json.dumps(_TEXT.decode()).encode(),
    "cut off": _TEXT[:-1],
    "one byte": b"\x00",
    "NULs": b"\x00" * 4_096,
    "byte order mark": b"\xef\xbb\xbf" + _TEXT,
    "UTF-16": _TEXT.decode().encode("utf-16"),
    "half a surrogate": _TEXT.replace(b"ecms", b"\xed\xa0\x80"),
    "deep brackets": b"[" * 60_000,
    "a bomb of brackets in a field": _TEXT[:-1] + b',"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "NaN": _TEXT.replace(b"123", b"NaN"),
    "a comment": b"/* */" + _TEXT,
    "a zip file": b"PK\x03\x04" + b"\x00" * 26,
    "too large": _TEXT[:-1] + b" " * 70_000 + b"}",
}
"""Each must be rejected."""

HARMLESS: Final[dict[str, bytes]] = {
    "as it is": _TEXT,
    "without a number": without("sequence"),
    "number zero": having(sequence=0),
    "the highest number": having(sequence=2**63 - 1),
    "with an offset": having(at="2026-01-05T09:14:03-05:00"),
    "keys in another order": json.dumps(dict(reversed(GOOD.items()))).encode(),
    "spaces": _TEXT.replace(b",", b" ,\n\t"),
}
