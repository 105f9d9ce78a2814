"""Canonical JSON, and how a translator is chosen for a message."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import MESSAGE_MAX, decode_access
from schemas.errors import RejectedInputError
from schemas.ids import format_instant, parse_instant
from schemas.topics import CANONICAL, FACTS_LINE, SOURCES, Topics
from streams.sources import Translators, translate

RAW = (
    b'{"event_id":"ecms-000123","source":"ecms","sequence":123,"actor":"jdoe","action":"view",'
    b'"record":{"kind":"case","id":"c0042"},"result":"success","occurred_at":"2026-01-05T14:14:03.120Z"}'
)
OCCURRED = parse_instant("2026-01-05T14:14:03.120Z")
LATER = OCCURRED + 250
DAY = 86_400_000


def rejected(
    raw: bytes | None, *headers: tuple[str, bytes], source: str = "ecms", appended_at: int = LATER
) -> RejectedInputError:
    """The error that one message gets."""
    with pytest.raises(RejectedInputError) as caught:
        translate(source, raw, headers, appended_at)
    return caught.value


@pytest.mark.parametrize("headers", [(), (("ce_id", b"x"),), (("content-type", CANONICAL.encode()),)])
def test_a_message_without_content_type_is_canonical_json(headers: tuple[tuple[str, bytes], ...]) -> None:
    """Emitters need no header to be understood."""
    translated = translate("ecms", RAW, headers, LATER)
    assert translated.accesses == (decode_access(RAW),)
    assert not translated.is_control


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_may_send_canonical_json(source: str) -> None:
    """Also those that have a layout of their own."""
    raw = orjson.dumps(orjson.loads(RAW) | {"source": source})
    assert translate(source, raw, (), LATER).accesses[0].source == source


@pytest.mark.parametrize("spelling", [b"Application/JSON", b'application/json; charset="UTF-8"', b" application/json "])
def test_a_content_type_is_read_as_the_standard_says(spelling: bytes) -> None:
    """Capitals, spaces and the charset we read anyway do not matter."""
    assert translate("ecms", RAW, (("Content-Type", spelling),), LATER).accesses


UNKNOWN = [
    b"",
    b"text/plain",
    b"application/json; charset=utf-16",
    b"application/cloudevents+json",
    b"\xff",
    FACTS_LINE.encode(),
]


@pytest.mark.parametrize("content_type", UNKNOWN)
def test_an_unknown_content_type_is_rejected(content_type: bytes) -> None:
    """Guessing would read one layout as another. The FACTS layout is unknown on the topic of ECMS."""
    assert rejected(RAW, ("content-type", content_type)).place == "content-type"


def test_two_content_types_are_rejected() -> None:
    """Another reader could follow the other one."""
    headers = (("content-type", FACTS_LINE.encode()), ("content-type", CANONICAL.encode()))
    assert rejected(RAW, *headers, source="facts").reason == "is given twice"


def test_a_source_can_only_be_itself() -> None:
    """Whoever may write to one topic must not speak for another system."""
    error = rejected(RAW, source="jnet")
    assert error.place == "source"
    assert "ecms" not in error.reason


def test_the_source_is_compared_for_the_facts_layout_by_its_topic() -> None:
    """JSON that names ECMS is no FACTS message either."""
    assert rejected(RAW, source="facts").place == "source"


@pytest.mark.parametrize("raw", [None, b""])
def test_an_empty_message_is_rejected(raw: bytes | None) -> None:
    """A tombstone is no access, for no translator."""
    assert rejected(raw).place == "message"
    assert rejected(raw, ("content-type", FACTS_LINE.encode()), source="facts").place == "message"


@pytest.mark.parametrize("source", [*SOURCES, "never_heard_of"])
def test_only_sources_that_say_so_have_tombstones(source: str) -> None:
    """Of all others a message without a value is a mistake, which must not be lost."""
    if source in SOURCES and SOURCES[source].has_tombstones:
        assert translate(source, None, (), LATER).is_control
    else:
        assert rejected(None, source=source).place == "message"
    assert [name for name in SOURCES if SOURCES[name].has_tombstones] == ["facts2"]


def test_an_access_a_day_ahead_is_still_taken() -> None:
    """Clocks may be wrong by a day, in either zone of the world; exactly a day is the limit."""
    assert translate("ecms", RAW, (), OCCURRED - DAY).accesses[0].occurred_at == OCCURRED


def test_an_access_more_than_a_day_ahead_is_rejected() -> None:
    """That is no clock error but a wrong date."""
    assert rejected(RAW, appended_at=OCCURRED - DAY - 1).place == "occurred_at"


def test_the_rule_holds_for_every_layout() -> None:
    """A FACTS line of the year after next is as wrong."""
    line = b"D000000900120280105081403HENDERSOINQPP-0007712           DHS04T17S".ljust(96)
    headers = (("content-type", FACTS_LINE.encode()),)
    assert translate("facts", line, headers, parse_instant("2028-01-06T00:00:00Z")).accesses
    assert rejected(line, *headers, source="facts").place == "occurred_at"


def test_a_message_over_the_limit_is_rejected() -> None:
    """64 KiB, whatever the layout."""
    huge = b" " * (MESSAGE_MAX + 1)
    assert rejected(huge).place == "message"
    assert rejected(huge, ("content-type", FACTS_LINE.encode()), source="facts").place == "line"


@given(
    st.one_of(st.none(), st.binary(max_size=300), st.sampled_from([RAW, RAW[:-1], b" " * 96])),
    st.lists(
        st.tuples(
            st.sampled_from(["content-type", "ce_id"]),
            st.one_of(st.binary(max_size=4), st.sampled_from([CANONICAL.encode(), FACTS_LINE.encode()])),
        ),
        max_size=2,
    ),
    st.sampled_from([*SOURCES, "never_heard_of"]),
    st.integers(0, 2**53),
)
def test_any_message_is_accesses_or_an_error(
    raw: bytes | None, headers: list[tuple[str, bytes]], source: str, appended_at: int
) -> None:
    """A translator that raised anything else would stop a worker."""
    try:
        translated = translate(source, raw, headers, appended_at)
    except RejectedInputError:
        return
    assert all(access.source == source for access in translated.accesses)


@pytest.mark.parametrize(
    ("at", "until", "begins", "ends"),
    [
        ("2026-01-05T14:00:00.000Z", None, "2026-01-05T13:59:58.000Z", "2026-01-05T14:00:02.000Z"),
        (
            "2026-01-05T14:00:00.000Z",
            "2026-01-05T15:00:00.000Z",
            "2026-01-05T13:59:58.000Z",
            "2026-01-05T15:00:02.000Z",
        ),
        ("1900-01-01T00:00:00.000Z", None, "1900-01-01T00:00:00.000Z", "1900-01-01T00:00:02.000Z"),
    ],
)
def test_a_clock_that_may_be_off_leaves_an_interval(at: str, until: str | None, begins: str, ends: str) -> None:
    """Either way, and never out of the contract's bounds; another source's clock is its own."""
    off = Translators(Topics(sources={**SOURCES, "ecms": replace(SOURCES["ecms"], clock_error_ms=2_000)}))
    fields = orjson.loads(RAW) | {"occurred_at": at} | ({"occurred_until": until} if until else {})
    [access] = off.translate("ecms", orjson.dumps(fields), (), LATER).accesses
    assert (format_instant(access.occurred_at), format_instant(access.occurred_until or 0)) == (begins, ends)
    [other] = off.translate("irss", orjson.dumps(fields | {"source": "irss"}), (), LATER).accesses
    assert (other.occurred_at, other.occurred_until is None) == (parse_instant(at), until is None)
