"""Canonical accesses that are broken or meant to do harm, and some that are only strange: of ECMS."""

from __future__ import annotations

import json
from typing import Any, Final

from schemas.codec import encode
from tests.harness.builders import make_access
from tests.harness.department_bad import WRONG_BYTES, WRONG_FIELDS

GOOD: Final[dict[str, Any]] = json.loads(encode(make_access("jdoe12", when="16:00", event_id="odd-1")))


def having(**changes: Any) -> bytes:
    """The good one with other fields."""
    return json.dumps(GOOD | changes).encode()


HOSTILE: Final[dict[str, bytes]] = {
    **{f"field {number}": having(**wrong) for number, wrong in enumerate(WRONG_FIELDS)},
    **{f"bytes {number}": value for number, value in enumerate(WRONG_BYTES) if value},
    "as if somebody else had done it": having(operator="jdoe12"),
    "a proto": having(__proto__={"action": "view"}),
    "a number as long as the message": having(object_count=10**400),
    "a purpose that is a list": having(purpose=[]),
    "candidates that are no records": having(candidates=[1] * 25_000),
}
"""Each must be rejected."""

HARMLESS: Final[dict[str, bytes]] = {
    "markup": having(recipient="<script>alert(1)</script>"),
    "a formula": having(recipient='=HYPERLINK("http://x")'),
    "from right to left": having(recipient="\u202etxt.exe"),
    "an escape": having(recipient="\x1b]0;owned\x07"),
    "an id that looks like SQL": having(record={"kind": "case", "id": "';DROP--"}),
    "all of Unicode's planes": having(recipient="\U0001f600\u0000\uffff"),
    "keys in another order": json.dumps(dict(reversed(GOOD.items()))).encode(),
}
