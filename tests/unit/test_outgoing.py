"""Findings, cuts and dead letters as Kafka messages: keys that make repeats harmless, reasons without people."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

import pytest
from aiokafka.partitioner import DefaultPartitioner

from schemas.codec import decode, encode
from schemas.errors import RejectedInputError, SpeaksForAnotherError
from schemas.finding import Finding
from schemas.ledger import Cut
from schemas.metrics import LABEL_VALUES
from schemas.topics import Topics
from streams.agents.outgoing import (
    cut_digest,
    cut_key,
    cut_message,
    dead_letter_message,
    finding_message,
    headers_for,
    reason_class,
    value_message,
)
from streams.sources import Headers, translate
from streams.store import Outgoing, partition_of
from tests.contract import examples
from tests.harness.builders import at, mark

TOPICS = Topics("t7.")


@dataclass
class Message:
    """What a dead letter keeps of a Kafka record."""

    offset: int = 991
    value: bytes | None = b'{"actor":"jdoe12"}'
    timestamp: int = at("16:00")
    key: bytes | None = b"jdoe12"
    headers: Headers = (("content-type", b"application/json"), ("trace", b"x"))


def letter(message: Message | None = None, error: RejectedInputError | None = None) -> Outgoing:
    """The dead letter of this message of access.ecms.v1, partition 2."""
    return dead_letter_message(
        TOPICS,
        topic="t7.access.ecms.v1",
        partition=2,
        message=message or Message(),
        stage="translate",
        error=error or RejectedInputError("record.kind", "is missing"),
    )


def why(written: Outgoing) -> dict[str, bytes]:
    """The headers we added, by the last part of their name."""
    prefix = "needtoknow.errors."
    return {name.removeprefix(prefix): value for name, value in written.headers if name.startswith(prefix)}


# --- dead letters


def test_a_dead_letter_keeps_the_bytes_and_headers_and_says_why() -> None:
    """Original value untouched, original headers first, then ours."""
    written = letter()
    assert (written.topic, written.value) == ("t7.dead-letter.v1", b'{"actor":"jdoe12"}')
    assert written.headers[:2] == (*Message().headers,)
    assert why(written) == {
        "topic": b"t7.access.ecms.v1",
        "partition": b"2",
        "offset": b"991",
        "stage": b"translate",
        "class": b"RejectedInputError",
        "message": b"record.kind: is missing",
        "reason": b"field",
        "key": b"jdoe12",
    }


def test_a_dead_letter_is_keyed_by_its_place() -> None:
    """Writing it twice is harmless: readers join them by key."""
    assert letter().key == b"t7.access.ecms.v1/2/991"
    assert letter() == letter()


def test_a_message_without_key_leaves_no_key() -> None:
    """Empty and absent are not the same."""
    assert "key" not in why(letter(Message(key=None)))
    assert why(letter(Message(key=b"")))["key"] == b""


def test_a_message_without_value_stays_without() -> None:
    """A tombstone is a dead letter too, and is kept as one."""
    assert not letter(Message(value=None)).value


@pytest.mark.parametrize(("size", "kept"), [(1_114_112, 1_114_112), (1_114_113, 65_536)])
def test_only_what_no_topic_takes_is_cut_off_and_says_how_long_it_was(size: int, kept: int) -> None:
    """Compression lets more through; the original stays in its topic."""
    written = letter(Message(value=b"x" * size))
    assert written.value is not None
    assert len(written.value) == kept
    assert why(written).get("truncated") == (None if kept == size else b"1114113")


def test_a_long_reason_is_cut_off() -> None:
    """Headers are for reading, not for storing."""
    assert len(why(letter(error=RejectedInputError("record", "x" * 5_000)))["message"]) == 1_000


@pytest.mark.parametrize(
    "spoilt",
    [
        examples.ACCESS.replace(b'"view"', b'"jdoe-secret"'),
        examples.ACCESS.replace(b'"case"', b'"jdoe-secret"'),
        examples.ACCESS.replace(b'"c0042"', b'"jdoe secret"'),
        examples.ACCESS.replace(b'"ecms",', b'"jdoe_secret",'),
        examples.ACCESS.replace(b'"2026-01-05T14:14:03.120Z"', b'"jdoe-secret"'),
        examples.ACCESS.replace(b"123,", b'"jdoe-secret",'),
        examples.ACCESS.replace(b'"result"', b'"jdoe-secret"'),
        examples.ACCESS.replace(b'"kind":', b'"jdoe-secret":"x","kind":'),
        examples.ACCESS.replace(b'"jdoe"', b'"jdoe-secret'),
        b"jdoe-secret",
        b'["jdoe-secret"]',
    ],
)
def test_nothing_that_came_with_a_message_is_in_the_reason(spoilt: bytes) -> None:
    """Neither a value nor a made-up field name: the reason is shown and counted, the message is not (promise 15)."""
    with pytest.raises(RejectedInputError) as refused:
        translate("ecms", spoilt, (), at("16:00"))
    written = letter(Message(value=spoilt), refused.value)
    assert b"secret" not in why(written)["message"]
    assert b"jdoe" not in why(written)["message"]
    assert written.value == spoilt
    assert reason_class(refused.value) in LABEL_VALUES["reason"]


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("byte 12", "unreadable"),
        ("message", "unreadable"),
        ("content-type", "content_type"),
        ("source", "field"),
        ("body.kind", "field"),
        ("record.kind", "field"),
        ("candidates.3.id", "field"),
        ("occurred_at", "field"),
        ("*", "field"),
        ("time (columns 20-25)", "native"),
        ("record kind (column 37)", "native"),
    ],
)
def test_reasons_are_counted_in_a_closed_set(place: str, reason: str) -> None:
    """A label never repeats a field name: it would be an open set, and the counters of the catalogue would stay 0."""
    assert reason_class(RejectedInputError(place, "is wrong")) == reason
    assert reason in LABEL_VALUES["reason"]


def test_speaking_for_another_is_counted_apart_from_a_wrong_spelling() -> None:
    """Somebody may be forging: it is paged, a typing mistake is not."""
    with pytest.raises(SpeaksForAnotherError) as refused:
        translate("jnet", examples.ACCESS, (), at("16:00"))
    assert reason_class(refused.value) == "forbidden"
    assert reason_class(RejectedInputError("source", "Field required")) == "field"


# --- findings and cuts


def test_findings_are_spread_by_their_ids_and_all_else_as_kafka_would() -> None:
    """A finding's transitions stay in one partition; keys of others must lie where every client expects them."""
    keys = [b"f_" + hashlib.sha256(b"%d" % n).hexdigest()[:32].encode() for n in range(400)]
    chosen = [partition_of(key, [0, 1, 2, 3]) for key in keys]
    assert {0, 1, 2, 3} == set(chosen)
    assert max(Counter(chosen).values()) < 150
    others = [b"access.ecms.v1/2", b"assignments/as-7", b"f", b"feed"]
    kafkas = DefaultPartitioner()
    assert [partition_of(k, [0, 1, 2, 3]) for k in others] == [kafkas(k, [0, 1, 2, 3], []) for k in others]


def test_a_finding_is_keyed_by_its_id() -> None:
    """So that all transitions of one finding keep their order."""
    finding = decode(Finding, examples.FINDING)
    written = finding_message(TOPICS, finding)
    assert (written.topic, written.key) == ("t7.violations.v1", finding.finding_id.encode())
    assert decode(Finding, written.value) == finding
    assert dict(written.headers)["ce_id"] == f"{finding.finding_id}-318".encode()


def test_a_cut_is_keyed_by_the_partition_it_is_about() -> None:
    """The ledger of one partition has one order."""
    cut = decode(Cut, examples.CUT)
    written = cut_message(TOPICS, cut)
    assert (written.topic, written.key) == ("t7.ledger.v1", b"access.ecms.v1/2")
    assert written.key == cut_key(cut.topic, cut.partition)
    assert decode(Cut, written.value) == cut
    assert dict(written.headers)["ce_id"] == b"access.ecms.v1-2-960-run-1"


def test_the_next_cut_names_this_one_by_the_digest_of_its_bytes() -> None:
    """Anybody with the ledger can check the chain."""
    written = cut_message(TOPICS, decode(Cut, examples.CUT))
    assert written.value is not None
    assert cut_digest(written.value) == hashlib.sha256(written.value).hexdigest()


def test_our_own_messages_carry_cloud_events_headers() -> None:
    """Binary mode, version 1.0, on everything that we define."""
    assert headers_for("mark", "staff") == (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"staff"),
        ("ce_source", b"/needtoknow"),
        ("ce_type", b"needtoknow.mark.v1"),
        ("content-type", b"application/json"),
    )


def test_any_other_record_is_keyed_as_asked() -> None:
    """A mark by its feed, a fact by feed and fact_id."""
    promise = mark("staff", "12:00")
    written = value_message("t7.marks.v1", "staff", "mark", promise)
    assert (written.topic, written.key, written.value) == ("t7.marks.v1", b"staff", encode(promise))
    assert written.headers == headers_for("mark", "staff")
