"""Whether a message is what its source has signed: asked of each message, whatever its format, by its append time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.access import Access
from schemas.codec import encode
from schemas.errors import RejectedInputError, TamperingError
from schemas.heartbeat import Heartbeat
from schemas.signing import Signer
from schemas.topics import CANONICAL, FACTS2_CDC, FACTS_LINE, GIVEN_HEADER, HEARTBEAT, SOURCES, Topics
from streams.agents.outgoing import reason_class
from streams.sources import Translators
from tests.harness.builders import at, make_access
from tests.harness.facts_file import audit_access, facts_file
from tests.harness.signatures import header_of, make_signer, source_key

SIGNER = make_signer()
JUNE, JULY = at("2026-06-01"), at("2026-07-01")
PREFIX = "t."
ACCESS = make_access()
VALUE = encode(ACCESS)


def translators(source: str = "ecms", *keys: Any) -> Translators:
    """Of an installation in which this source signs."""
    held = keys or (source_key(SIGNER),)
    return Translators(Topics(PREFIX, {**SOURCES, source: replace(SOURCES[source], keys=held)}))


BY = translators()


def signed(
    value: bytes | None = VALUE,
    sequence: int | None = ACCESS.sequence,
    topic: str = f"{PREFIX}access.ecms.v1",
    signer: Signer = SIGNER,
) -> tuple[tuple[str, bytes], ...]:
    """Its header."""
    return header_of(signer.sign(topic, sequence, value or b""))


def read(value: bytes | None = VALUE, *headers: tuple[str, bytes], when: int = JULY, by: Translators = BY) -> Any:
    """What the message names."""
    return by.translate("ecms", value, headers, when)


def refused(value: bytes | None, *headers: tuple[str, bytes], when: int = JULY, by: Translators = BY) -> str:
    """Why it is not taken."""
    with pytest.raises(TamperingError) as error:
        read(value, *headers, when=when, by=by)
    assert reason_class(error.value) == "tampering"
    assert error.value.place == "needtoknow.signature"
    return error.value.reason


def test_what_is_signed_is_read_as_ever() -> None:
    """Also with the header spelled in capitals, as some clients do."""
    assert read(VALUE, *signed()).accesses == (ACCESS,)
    [(_, said)] = signed()
    assert read(VALUE, ("NeedToKnow.Signature", said)).accesses == (ACCESS,)


def test_what_is_not_signed_is_refused_and_other_sources_are_not_asked() -> None:
    """A source signs when the registry has keys of it."""
    assert refused(VALUE) == "is missing: this source signs its messages"
    other = make_access(source="irss")
    assert BY.translate("irss", encode(other), (), JULY).accesses == (other,)
    assert Translators(Topics()).translate("ecms", VALUE, signed(), JULY).accesses == (ACCESS,)


def test_bulk_reading_would_pass_signatures_over() -> None:
    """So a source that signs is read one by one."""
    assert not BY.reads_in_bulk("ecms")
    assert BY.reads_in_bulk("irss")


def test_other_bytes_another_topic_and_another_key_are_refused() -> None:
    """Each is said as what it is."""
    assert refused(VALUE.replace(b"jdoe12", b"asmith"), *signed()) == "is not of this message"
    assert refused(VALUE, *signed(topic="access.ecms.v1")) == "is for another topic"  # of another installation
    assert refused(VALUE, *signed(signer=make_signer("stolen"))) == "is by a key that this source does not have"
    assert refused(VALUE, *signed(signer=make_signer(number=2))) == "is not of this message"
    assert refused(VALUE, *signed(), *signed()) == "is given twice"
    assert refused(VALUE, ("needtoknow.signature", b"")).startswith("must be a detached JWS")


@pytest.mark.parametrize("sequence", [None, 10, 12])
def test_another_number_is_refused(sequence: int | None) -> None:
    """A signature of one message is none of another with the same bytes but its number left out or changed."""
    assert refused(VALUE, *signed(sequence=sequence)) == "is of another sequence number than the message"


def test_what_is_tampered_with_is_not_even_looked_into() -> None:
    """That it is unreadable as well says nothing of who wrote it; signed, it is its source's mistake."""
    assert refused(b"{", *signed())
    with pytest.raises(RejectedInputError) as error:
        read(b"{", *signed(b"{", None))
    assert not isinstance(error.value, TamperingError)


def test_control_messages_are_signed_with_the_number_they_give() -> None:
    """A heartbeat that lowers it would hide what is missing; a tombstone has no bytes and no number."""
    beat = encode(Heartbeat(source="ecms", at=JUNE, sequence=41))
    kind = ("content-type", HEARTBEAT.encode())
    assert read(beat, kind, *signed(beat, 41)).given == 41
    assert refused(beat, kind, *signed(beat, 40)) == "is of another sequence number than the message"
    assert refused(beat, kind)
    by, topic = translators("facts2"), f"{PREFIX}access.facts2.v1"
    cdc = ("content-type", FACTS2_CDC.encode())
    assert by.translate("facts2", None, (cdc, *signed(None, None, topic)), JULY).is_control
    with pytest.raises(TamperingError):
        by.translate("facts2", None, (cdc,), JULY)


def test_native_messages_are_signed_byte_by_byte() -> None:
    """The nightly file's lines; of its trailer the number that it or a header states, which so is signed as well."""
    by, topic, access = translators("facts"), f"{PREFIX}access.facts.v1", facts_access()
    header, line, trailer = facts_file("20260106", 7, [access]).lines
    kind = ("content-type", FACTS_LINE.encode())
    assert by.translate("facts", line, (kind, *signed(line, access.sequence, topic)), JULY).accesses == (access,)
    assert by.translate("facts", trailer, (kind, *signed(trailer, 9, topic)), JULY).given == 9
    trailer, given = trailer[:27].ljust(len(trailer)), (GIVEN_HEADER, b"9")
    assert by.translate("facts", trailer, (kind, given, *signed(trailer, 9, topic)), JULY).given == 9
    with pytest.raises(TamperingError, match="another sequence number"):
        by.translate("facts", trailer, (kind, (GIVEN_HEADER, b"8"), *signed(trailer, 9, topic)), JULY)
    with pytest.raises(TamperingError, match="missing"):
        by.translate("facts", header, (kind,), JULY)


def facts_access() -> Access:
    """As FACTS can say it."""
    return audit_access(9, make_access("JDOE12", source="facts", when="14:00"))


def test_who_asked_and_who_did_it_have_one_signature() -> None:
    """A message that names both is two accesses, and was signed once."""
    asked = make_access(requested_for="boss1")
    value = encode(asked)
    assert len(read(value, *signed(value, asked.sequence)).accesses) == 2


def test_keys_hold_by_the_append_time_of_the_message() -> None:
    """So that whoever judges again later answers the same: before the first nothing was signed, and an old key goes on
    counting for what was stored while it held."""
    old, new = make_signer("old"), make_signer("new", 2)
    by = translators("ecms", source_key(old, "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"), source_key(new, None))
    assert read(VALUE, *signed(signer=old), when=JUNE, by=by)
    assert read(VALUE, *signed(signer=old), when=JULY - 1, by=by)
    for when in (JUNE - 1, JULY):
        assert refused(VALUE, *signed(signer=old), when=when, by=by) == (
            "is by a key that did not hold when the message was stored"
        )
    assert read(VALUE, *signed(signer=new), when=JULY, by=by)
    later = translators("ecms", source_key(old, "2026-06-01T00:00:00Z"))
    assert read(VALUE, when=JUNE - 1, by=later).accesses == (ACCESS,)
    assert refused(VALUE, when=JUNE, by=later)


def test_canonical_json_keeps_its_content_type() -> None:
    """The signature stands beside other headers."""
    assert read(VALUE, ("content-type", CANONICAL.encode()), *signed(), ("ce_id", b"1")).accesses == (ACCESS,)
