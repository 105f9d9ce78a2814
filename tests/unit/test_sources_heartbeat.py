"""Heartbeats: control messages that every source may send."""

from __future__ import annotations

import pytest

from schemas.codec import encode
from schemas.errors import RejectedInputError, SpeaksForAnotherError
from schemas.heartbeat import Heartbeat
from schemas.topics import HEARTBEAT, SOURCES
from streams.sources import translate

AT = 1_767_600_000_000
HEADERS = (("content-type", HEARTBEAT.encode()),)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_may_say_that_it_is_there(source: str) -> None:
    """It names no access, and is counted as a control message."""
    translated = translate(source, encode(Heartbeat(source=source, at=AT, sequence=41)), HEADERS, AT + 5)
    assert translated.is_control
    assert translated.accesses == ()


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


def test_a_heartbeat_without_content_type_is_no_access() -> None:
    """Only the header tells them apart: without it, it is an access that lacks nearly everything."""
    with pytest.raises(RejectedInputError):
        translate("ecms", encode(Heartbeat(source="ecms", at=AT)), (), AT)
