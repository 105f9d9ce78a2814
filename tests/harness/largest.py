"""The largest accesses that are taken, and the most that the judge can say of them."""

from __future__ import annotations

import orjson

from schemas.access import Access
from schemas.codec import MESSAGE_MAX, decode_access
from schemas.finding import Explanation, FactRef, Finding, MessagePlace, NearMiss, PolicyRef
from schemas.ids import ID_MAX
from schemas.topics import FEEDS
from tests.harness.builders import at

LINE = 14  # facts of one path: coverage, ten steps of supervision, a unit, an assignment, a membership
TOPIC_MAX = 249  # characters, of Kafka's own


def largest_access(letter: str, purpose: str, shape: int = 0) -> bytes:
    """As many bytes as are taken, with ids of this letter; of `shape` letters less each."""
    name = letter * (ID_MAX - shape)
    document = {
        "event_id": name,
        "source": "ecms",
        "sequence": 2**63 - 1,
        "actor": name,
        "requested_for": name,
        "action": "search",
        "record": {"kind": "document", "id": name},
        "recipient": "\x01" * 500,
        "agency": name,
        "purpose": {"code": name, "text": purpose},
        "result": "success",
        "occurred_at": "2026-01-05T14:05:00Z",
        "occurred_until": "2026-01-05T14:06:00Z",
        "session": name,
        "device": name,
        "batch_id": name,
        "object_count": 10**9,
    }
    one = {"kind": "document", "id": name}
    room = MESSAGE_MAX - len(orjson.dumps(document)) - len(b',"candidates":[]')
    document["candidates"] = [one] * min(200, room // (len(orjson.dumps(one)) + 1))
    return orjson.dumps(document)


def largest_finding(raw: bytes, letter: str = "\\") -> Finding:
    """The most that is said of an access: every path is named with all of its facts, and each id has only escapes."""
    access: Access = decode_access(raw)
    name = letter * ID_MAX
    facts = tuple(FactRef(feed=feed, fact_id=name, revision=2**31 - 1) for feed in ["assignments"] * LINE)
    why = "no longer names this person, or does not lead to the record all of that time"
    return Finding(
        finding_id="f_" + "0" * 32,
        position=2**63 - 1,
        transition="reinstated",
        outcome="unexplained",
        certainty="provisional",
        severity="critical",
        clause=name,
        reason=f"{name} viewed document {name} (200 candidates): {why}; nearest: {why}" + "." * 300,
        staff=name,
        flags=("borderline", "clock-ahead", "shared-login"),
        access=access,
        message=MessagePlace(topic="x" * TOPIC_MAX, partition=2**31 - 1, offset=2**63 - 1),
        explanations=(Explanation(path="covers", facts=facts),),
        near_misses=(
            NearMiss(path="own-assignment", why=why, facts=facts[:1]),
            NearMiss(path="supervises", why=why, facts=facts),
            NearMiss(path="covers", why=why, facts=facts[:1]),
            NearMiss(path="reviews", why=why, facts=facts[:1]),
        ),
        policy=PolicyRef(name=name, version=2**31, hash="0" * 64),
        marks=dict.fromkeys(FEEDS, at("14:05")),
        waiting_for=tuple(FEEDS),
    )
