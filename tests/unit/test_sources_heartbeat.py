"""Heartbeats: control messages that every source may send."""

from __future__ import annotations

import re

import pytest

from schemas.codec import encode
from schemas.errors import RejectedInputError, SpeaksForAnotherError
from schemas.heartbeat import Heartbeat
from schemas.topics import FACTS_LINE, GIVEN_HEADER, HEARTBEAT, SOURCES
from streams.sources import translate
from tests.harness.builders import make_access

AT = 1_767_600_000_000
HEADERS = (("content-type", HEARTBEAT.encode()),)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_may_say_that_it_is_there(source: str) -> None:
    """It names no access, and is counted as a control message."""
    translated = translate(source, encode(Heartbeat(source=source, at=AT, sequence=41)), HEADERS, AT + 5)
    assert translated.is_control
    assert translated.accesses == ()
    assert (translated.given, translated.beat_at) == (41, AT)


def test_a_heartbeat_of_somebody_else_is_refused() -> None:
    """A source can only be itself, also where it says nothing else."""
    with pytest.raises(SpeaksForAnotherError, match="source"):
        translate("ecms", encode(Heartbeat(source="jnet", at=AT)), HEADERS, AT)


@pytest.mark.parametrize(
    "value",
    [b"{}", b"[]", b'{"source":"ecms"}', b'{"source":"ecms","at":"noon"}', b'{"source":"ecms","at":1767600000000}'],
)
def test_a_heartbeat_that_is_not_whole_is_refused(value: bytes) -> None:
    """Half a word is no sign of life."""
    with pytest.raises(RejectedInputError):
        translate("ecms", value, HEADERS, AT)


FACTS_HEADER = f"HFACTSAUD0120260105{7:06d}".ljust(96).encode()


def test_whoever_cuts_a_file_says_how_far_it_goes() -> None:
    """In a header of the control message, whose own bytes are the system's; with a heartbeat the higher counts."""
    headers = (("content-type", FACTS_LINE.encode()), (GIVEN_HEADER, b"508"))
    assert translate("facts", FACTS_HEADER, headers, AT).given == 508
    beat = encode(Heartbeat(source="ecms", at=AT, sequence=41))
    assert translate("ecms", beat, (*HEADERS, (GIVEN_HEADER, b"40")), AT).given == 41
    assert translate("ecms", beat, (*HEADERS, (GIVEN_HEADER, b"42")), AT).given == 42


@pytest.mark.parametrize("said", [(b"",), (b"-1",), (b"1e3",), (b"9" * 19,), ("٣".encode(),), (b"1", b"2"), (None,)])
def test_a_number_that_is_none_is_refused(said: tuple[bytes, ...]) -> None:
    """Nobody guesses how many are missing."""
    headers = (("content-type", FACTS_LINE.encode()), *((GIVEN_HEADER, one) for one in said))
    with pytest.raises(RejectedInputError, match=re.escape(GIVEN_HEADER)):
        translate("facts", FACTS_HEADER, headers, AT)


def test_on_an_access_it_says_nothing() -> None:
    """Its own number does, and judging it must cost no more."""
    access = make_access(source="ecms", sequence=3)
    assert translate("ecms", encode(access), ((GIVEN_HEADER, b"99"),), AT).given is None


def test_a_heartbeat_without_content_type_is_no_access() -> None:
    """Only the header tells them apart: without it, it is an access that lacks nearly everything."""
    with pytest.raises(RejectedInputError):
        translate("ecms", encode(Heartbeat(source="ecms", at=AT)), (), AT)
