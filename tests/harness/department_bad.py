"""Messages that nobody can use: each becomes one dead letter and stops nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from schemas.codec import MESSAGE_MAX, encode
from tests.harness.builders import account, assignment, make_access, mark, membership
from tests.harness.department_mail import JSON_HEADER, LINE_HEADER
from tests.harness.department_people import Chance
from tests.harness.department_plan import HOUR, clock
from tests.harness.steps import Step, Topic

GOOD: dict[str, Any] = make_access("jdoe12", "view", "case:c0042", clock("10:00"), event_id="bad-1").model_dump(
    mode="json"
)
FACT: dict[str, Any] = assignment("w028").model_dump(mode="json")

# Replaced or added in an access that is otherwise fine.
WRONG_FIELDS: tuple[dict[str, Any], ...] = (
    {"colour": "green"},
    {"source": "irss"},
    {"source": "Ecms"},
    {"occurred_at": "2099-01-05T15:00:00Z"},
    {"occurred_at": "2026-01-05T15:00:00"},
    {"occurred_at": "2026-02-30T15:00:00Z"},
    {"occurred_at": "1899-12-31T23:59:59Z"},
    {"occurred_at": 1767625200000},
    {"occurred_until": "2026-01-05T14:00:00Z"},
    {"action": "stare"},
    {"result": "maybe"},
    {"actor": ""},
    {"actor": "j doe"},
    {"actor": "j\ud800"},
    {"actor": "jdoé"},
    {"actor": None},
    {"actor": 12},
    {"event_id": "x" * 201},
    {"sequence": "12"},
    {"sequence": -1},
    {"sequence": 2**64},
    {"sequence": True},
    {"sequence": 1.5},
    {"record": {"kind": "secret", "id": "c0042"}},
    {"record": {"kind": "case"}},
    {"record": {"kind": "case", "id": "c0042", "title": "Doe"}},
    {"record": "case:c0042"},
    {"candidates": [{"kind": "person", "id": f"p{i}"} for i in range(201)]},
    {"purpose": {"text": "x" * 2001}},
    {"purpose": {"text": [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}},
)
BODY = json.dumps(GOOD).encode()
WRONG_BYTES: tuple[bytes | None, ...] = (
    None,
    b"",
    b"{not json",
    b"[]",
    b'"text"',
    b"[" * 1000 + b"]" * 1000,
    b"\xef\xbb\xbf" + BODY,
    BODY.replace(b"jdoe12", b"jdoe\xff"),
    BODY[:-1],
    BODY[:-1] + b', "actor": "asmith3"}',
    BODY[:-1] + b', "\\u0061ctor": "asmith3"}',
    BODY[:-1] + b', "sequence": NaN}',
    BODY + BODY,
    BODY + b" " * MESSAGE_MAX,
    b"\x00\x01\x02",
)
LINE = b"D000479999920260105101500MOOR0001VEWCc0042               T0001   S" + b" " * 30
WRONG_LINES: tuple[bytes, ...] = (
    LINE.replace(b"VEW", b"ZZZ"),
    LINE[:-1],
    b"D",
    LINE.replace(b"D", b"X", 1),
    LINE.replace(b"101500", b"256199"),
    LINE.replace(b"20260105101500", b"20250309023000"),  # half past two in the night when that hour did not exist
    LINE.replace(b"MOOR0001", b"        "),
    LINE.replace(b"MOOR0001", b"MOOR\xc3\xa901"),
    LINE.replace(b"VEWC", b"VEWQ"),
)
WRONG_FACTS: tuple[tuple[str, bytes | None], ...] = (
    ("assignments", encode(account("jdoe12", "w028"))),
    ("assignments", encode(membership("person:p5"))),
    ("staff", encode(assignment("w028"))),
    ("cases", encode(mark("staff", clock("23:00")))),
    ("assignments", json.dumps({**FACT, "revision": 0}).encode()),
    ("assignments", json.dumps({**FACT, "known_from": FACT["recorded_at"]}).encode()),
    ("assignments", json.dumps({**FACT, "feed": "assignments"}).encode()),
    ("assignments", json.dumps({**FACT, "body": {**FACT["body"], "unit": "u02"}}).encode()),
    ("assignments", json.dumps({**FACT, "body": {**FACT["body"], "kind": "blessing"}}).encode()),
    ("assignments", json.dumps({**FACT, "valid_to": "2025-12-31T00:00:00Z"}).encode()),
    ("assignments", json.dumps({"kind": "waiver", "feed": "staff", "through": "2026-01-06T00:00:00Z"}).encode()),
    ("staff", json.dumps({"feed": "staff", "complete_through": "tomorrow", "sequence": 9}).encode()),
    ("staff", b"{"),
    ("cases", None),
)


def bad_steps(chance: Chance) -> Iterator[Step]:
    """One of each during the day, on the topic where it hurts."""
    for wrong in WRONG_FIELDS:
        yield _bad(chance, ("access", "ecms"), json.dumps({**GOOD, **wrong}).encode())
    for value in WRONG_BYTES:
        yield _bad(chance, ("access", "ecms"), value)
    for line in WRONG_LINES:
        yield _bad(chance, ("access", "facts"), line, is_line=True)
    yield _bad(chance, ("access", "ecms"), LINE, is_line=True)  # a native message of another source
    for feed, value in WRONG_FACTS:
        yield _bad(chance, ("feed", feed), value)


def _bad(chance: Chance, topic: Topic, value: bytes | None, *, is_line: bool = False) -> Step:
    return Step(
        at_ms=clock("00:10") + chance.below(23 * HOUR),
        topic=topic,
        key=b"bad-%d" % chance.below(1000) if chance.happens(0.8) else None,
        value=value,
        headers=LINE_HEADER if is_line else JSON_HEADER if chance.happens(0.7) else (),
        means="dead-letter",
    )
