"""What a host may say of an access, and what it is told when that is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from schemas.access import Purpose, Record
from schemas.codec import MESSAGE_MAX, decode_access, encode
from schemas.emit.fields import read_access, spell
from schemas.errors import RejectedInputError, SpeaksForAnotherError
from schemas.plain import read_plain
from tests.harness.builders import make_access

FIELDS: dict[str, Any] = {
    "event_id": "ecms-000124",
    "actor": "jdoe12",
    "action": "view",
    "record": {"kind": "case", "id": "c0042"},
    "result": "success",
    "occurred_at": "2026-01-05T14:14:03.120Z",
}


def fields(**changed: Any) -> dict[str, Any]:
    """Those of one access, some of them changed."""
    return {**FIELDS, **changed}


def test_fields_and_a_whole_access_become_the_same_bytes() -> None:
    """However it is said, one access has one spelling, and so one finding."""
    noon = datetime(2026, 1, 5, 9, 14, 3, 120_999, tzinfo=timezone(-timedelta(hours=5)))
    said = read_access("ecms", None, fields(record=Record(kind="case", id="c0042"), occurred_at=noon, session=None))
    whole = decode_access(spell(read_access("ecms", None, FIELDS), None))
    assert spell(said, 17) == spell(read_access("ecms", whole, {}), 17) != spell(whole, None)
    assert decode_access(spell(said, 17)).sequence == 17


def test_what_is_written_is_what_the_codec_writes() -> None:
    """All fields, in the order that a worker reads fastest."""
    purpose = Purpose(code="intake", text="asked by the unit")
    access = make_access(
        action="search", candidates=["person:p1", "person:p2"], purpose=purpose, until="14:05", agency="PA0510000"
    )
    assert spell(access, access.sequence) == encode(access)
    numbered = spell(read_access("ecms", None, FIELDS), 17)
    assert numbered == encode(decode_access(numbered))
    assert read_plain("ecms", [numbered]) == [("17", "jdoe12", 'case","id":"c0042"', FIELDS["occurred_at"])]


def test_an_access_without_an_id_gets_one_of_its_own() -> None:
    """Two are two, although nothing else tells them apart."""
    without = {name: value for name, value in FIELDS.items() if name != "event_id"}
    first, second = (read_access("ecms", None, without) for _ in range(2))
    assert first.event_id != second.event_id
    assert first.model_copy(update={"event_id": second.event_id}) == second


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"event_id": "has a space"}, "event_id"),
        ({"actor": "J. Doe"}, "actor"),
        ({"action": "peek"}, "action"),
        ({"record": {"kind": "house", "id": "secret-7"}}, "record.kind"),
        ({"record": "secret-7"}, "record"),
        ({"occurred_at": datetime(2026, 1, 5, 14, 0)}, "occurred_at"),  # noqa: DTZ001 - without a zone on purpose
        ({"occurred_at": 1_767_622_443}, "occurred_at"),
        ({"occurred_at": "2026-01-05T14:14:03"}, "occurred_at"),
        ({"occurred_until": datetime(2026, 1, 4, tzinfo=UTC)}, "message"),
        ({"sequence": -1}, "sequence"),
        ({"purpose": {"text": "\ud800secret-7"}}, "purpose.text"),
        ({"recipient": "half \ud800 secret-7"}, "recipient"),
        ({"nickname": "secret-7"}, "message"),
    ],
)
def test_what_is_no_access_is_refused_by_its_field(changed: dict[str, Any], place: str) -> None:
    """The field, and never what stood in it: the error goes to logs."""
    with pytest.raises(RejectedInputError) as refused:
        spell(read_access("ecms", None, fields(**changed)), None)
    assert refused.value.place == place
    assert "secret-7" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_missing_field_is_named() -> None:
    """The commonest mistake of a first afternoon."""
    with pytest.raises(RejectedInputError, match=r"^actor: is missing"):
        read_access("ecms", None, {name: value for name, value in FIELDS.items() if name != "actor"})


def test_an_emitter_speaks_for_its_own_source_only() -> None:
    """Its topic would refuse it anyhow, and page somebody."""
    with pytest.raises(SpeaksForAnotherError, match="source"):
        read_access("jnet", make_access(), {})
    with pytest.raises(SpeaksForAnotherError, match="source"):
        read_access("jnet", None, fields(source="ecms"))


def test_an_access_is_said_in_one_way() -> None:
    """Whole or in fields: of both, one would be forgotten."""
    with pytest.raises(RejectedInputError, match="give one of them"):
        read_access("ecms", make_access(), {"device": "pc-17"})
    with pytest.raises(RejectedInputError, match="must be an Access"):
        read_access("ecms", FIELDS, {})  # type: ignore[arg-type] # as a host without a type checker might


def test_what_is_larger_than_a_message_is_refused() -> None:
    """It would be a dead letter. Nothing that the models let through is; a copy of theirs may hold anything."""
    candidates = [{"kind": "document", "id": f"{n:0200d}"} for n in range(200)]
    large = read_access("ecms", None, fields(action="search", candidates=candidates, purpose={"text": "\x01" * 2000}))
    with pytest.raises(RejectedInputError, match=f"larger than {MESSAGE_MAX} bytes"):
        spell(large.model_copy(update={"recipient": "\x01" * 2_000}), None)
