"""FACTS2: changes of the audit table as accesses."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import Access, document
from schemas.codec import MESSAGE_MAX, decode_access, encode
from schemas.errors import QuarantinedError, RejectedInputError
from schemas.ids import parse_instant
from schemas.ledger import MessageCounts
from schemas.topics import CANONICAL, FACTS2_CDC
from streams.agents.cuts import cut_of
from streams.join.open import Partition
from streams.policy.aside import set_aside
from streams.sources import Translated, translate
from streams.sources.local_time import readings
from tests.harness.hostile.facts2 import CHANGE, GOOD, HARMLESS, HOSTILE, ROW, changed, having, without, written
from tests.harness.judging import Message, judging

GOLDEN = Path(__file__).parent / "golden" / "facts2"
HEADERS = (("content-type", FACTS2_CDC.encode()),)
NEXT_DAY = parse_instant("2027-01-01T00:00:00Z")  # after every row of these tests


def of(value: bytes | None) -> Translated:
    """What one message translates to."""
    return translate("facts2", value, HEADERS, NEXT_DAY)


def one(value: bytes) -> Access:
    """The only access of a message."""
    [access] = of(value).accesses
    return access


def rejected(value: bytes) -> RejectedInputError:
    """The error that one message gets."""
    with pytest.raises(RejectedInputError) as caught:
        of(value)
    return caught.value


def lines(name: str) -> list[bytes]:
    """The messages of a golden file; an empty line is one without a value."""
    return (GOLDEN / name).read_bytes().splitlines()


def answer(value: bytes) -> Any:
    """As the file beside it says it: an access, null for a control message, or the place that is wrong."""
    try:
        found = of(value)
    except RejectedInputError as error:
        return error.place
    assert found.is_control == (not found.accesses)
    return document(found.accesses[0]) if found.accesses else None


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_messages_become_the_accesses_written_beside_them(path: Path) -> None:
    """Each line of one file is answered by the same line of the other."""
    expected = path.with_suffix(".expected.jsonl").read_bytes().splitlines()
    assert [answer(line) for line in path.read_bytes().splitlines()] == [orjson.loads(line) for line in expected]
    assert all(decode_access(line) for line in expected if line.startswith(b"{"))


def test_a_snapshot_says_what_the_stream_has_said() -> None:
    """The same access under the same id, whatever the connector says of itself: so a repeat is seen to be one."""
    stream = {access.event_id: access for line in lines("stream.txt") for access in of(line).accesses}
    again = [one(line) for line in lines("snapshot.txt")]
    assert len(again) == 4
    assert [stream[access.event_id] for access in again] == again
    assert one(changed(op="r", ts_ms=9)) == one(GOOD)


def test_rows_that_are_committed_out_of_order_keep_their_numbers() -> None:
    """The number is given when a row is made; a gap in what has been seen is a row still to come."""
    accesses = [access for line in lines("stream.txt") for access in of(line).accesses]
    assert [access.sequence for access in accesses] == [9001, 9003, 9002, 9004, 9005, 9006, 9007]
    assert [access.event_id for access in accesses] == [f"facts2-{access.sequence}" for access in accesses]


@pytest.mark.parametrize(
    ("as_if", "instant"),
    [("2026-01-05T08:14:03.120Z", "2026-01-05T13:14:03.120Z"), ("2026-07-06T16:45:10Z", "2026-07-06T20:45:10Z")],
)
def test_the_time_is_what_a_clock_in_new_york_showed(as_if: str, instant: str) -> None:
    """Not the instant that the number seems to be: nobody had looked yet, and nobody may have had the duty."""
    assert one(having(ACCESS_TS=parse_instant(as_if))).occurred_at == parse_instant(instant)


@settings(max_examples=200)
@given(
    st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2026-12-30"))
    | st.sampled_from(["2026-03-08T01:59", "2026-03-08T02:59", "2026-11-01T00:59", "2026-11-01T01:59"]).flatmap(
        lambda text: st.timedeltas(timedelta(0), timedelta(minutes=2)).map(datetime.fromisoformat(text).__add__)
    )
)
def test_every_time_is_read_as_the_zone_has_it(wall: datetime) -> None:
    """To the millisecond, on either side of each change."""
    wall = wall.replace(microsecond=wall.microsecond // 1000 * 1000)
    value = having(ACCESS_TS=(wall - datetime.fromisoformat("1970-01-01")) // timedelta(milliseconds=1))
    found = readings(wall, ZoneInfo("America/New_York"))
    if found is None:
        assert rejected(value).place == "after.ACCESS_TS"
    else:
        access = one(value)
        assert (access.occurred_at, access.occurred_until or access.occurred_at) == found


def test_the_connectors_clocks_are_no_time_of_an_access() -> None:
    """A snapshot sees a row years later."""
    late = changed(ts_ms=1790000000000, source=CHANGE["source"] | {"ts_ms": 1790000000000})
    assert one(late) == one(GOOD)


def test_a_time_of_another_unit_is_rejected_rather_than_taken_for_another_year() -> None:
    """Seconds would be January 1970; whoever set the connector must act."""
    for value in (0, 1767600843, 946684799999, 253370764800000, 1767600843000000):
        error = rejected(having(ACCESS_TS=value))
        assert error.place == "after.ACCESS_TS"
        assert "milliseconds" in error.reason
    assert "clocks went forward" in rejected(having(ACCESS_TS=1772937000000)).reason


@pytest.mark.parametrize("column", ROW)
def test_a_column_that_is_missing_is_named(column: str) -> None:
    """Also one that may be null, and one that is spelled in another way: the table or the connector has changed."""
    for value in (without(column), without(column, **{column.lower(): ROW[column]})):
        error = rejected(value)
        assert error.place == f"after.{column}"
        assert "renamed" in error.reason


@pytest.mark.parametrize("column", ROW)
@pytest.mark.parametrize("value", [1.5, True, ["x"], {"x": 1}])
def test_a_column_of_another_type_is_named(column: str, value: object) -> None:
    """No type is turned into another: what a converter makes of a number may have lost digits."""
    assert rejected(having(**{column: value})).place == f"after.{column}"


@pytest.mark.parametrize("column", sorted(ROW.keys() - {"REASON_TXT", "RESULT_CNT"}))
def test_only_two_columns_may_be_null(column: str) -> None:
    """Whatever else is null has not been read."""
    assert rejected(having(**{column: None})).place == f"after.{column}"


def test_columns_that_are_not_known_are_ignored() -> None:
    """Tables grow, and a new column must not stop the judging."""
    assert one(having(ZQ_NEW={"op": "d"}, before=[1], user_id="x")) == one(GOOD)


def test_a_search_says_how_many_it_showed() -> None:
    """Also none; and one that was refused does not say."""
    assert one(GOOD).object_count == ROW["RESULT_CNT"]
    assert one(GOOD).record.kind == "criteria"
    assert one(having(RESULT_CNT=0)).object_count == 0
    assert one(having(RESULT_CNT=None, RESULT_CD="DENY")).object_count is None
    assert rejected(having(ACTION_CD="VIEW")).place == "after.RESULT_CNT"


@pytest.mark.parametrize("text", [None, "", " ", "\t\n\u00a0"])
def test_a_blank_reason_is_none(text: str | None) -> None:
    """An empty claim would look like one."""
    assert one(having(REASON_TXT=text)).purpose is None


def test_a_reason_is_kept_as_it_was_typed() -> None:
    """It is evidence, and shown by those who must take care of that; 2,000 letters are taken, one more is not."""
    for text in (" =1+1\x1b[2J\u202e", "\U0001f600" * 2_000):
        purpose = one(having(REASON_TXT=text)).purpose
        assert purpose is not None
        assert purpose.text == text
    assert rejected(having(REASON_TXT="x" * 2_001)).place == "after.REASON_TXT"


@pytest.mark.parametrize("op", ["u", "d", "t"])
def test_a_trail_that_was_changed_is_told(op: str) -> None:
    """Whoever may change audit rows may hide an access: never silent, and it says who must act."""
    for before in (None, ROW):
        for after in (None, ROW):
            error = rejected(changed(op=op, before=before, after=after))
            assert error.place == "op"
            assert "FACTS2 team must find out" in error.reason


def test_a_row_alone_is_not_taken() -> None:
    """Without its envelope nobody could tell whether it was added or changed."""
    error = rejected(written(ROW))
    assert (error.place, "whole change" in error.reason) == ("op", True)


def test_a_control_message_has_no_room_for_a_row() -> None:
    """What looks like a heartbeat or a bound of a transaction, and has more, could hide an access."""
    controls = [{"ts_ms": 1}, {"status": "BEGIN", "id": "1"}, {"status": "END", "id": "1", "ts_ms": 1}]
    for control in controls:
        assert of(written(control)).is_control
        for extra in ({"after": ROW}, {"ZQ": 1}, {"op": "d"}, {"ts_ms": "1"}):
            assert rejected(written(control | extra)).place == "op"


def test_a_clock_alone_is_a_heartbeat() -> None:
    """Its silence is noticed from then on. A bound of a transaction comes only with rows, and promises nothing."""
    at = parse_instant("2026-01-05T14:14:03.120Z")
    for beat in ({"ts_ms": at}, {"ts_ms": at, "ts_us": at * 1_000}, {"schema": None, "payload": {"ts_ms": at}}):
        assert of(written(beat)) == Translated(accesses=(), is_control=True, beat_at=at)
    for other in (
        {"ts_ms": at // 1_000},
        {"ts_ms": at * 1_000},
        {"ts_ms": -at},
        {"status": "END", "id": "1", "ts_ms": at},
    ):
        assert of(written(other)) == Translated(accesses=(), is_control=True)


@pytest.mark.parametrize("value", [None, b""])
@pytest.mark.parametrize("headers", [HEADERS, (), (("content-type", CANONICAL.encode()),)])
def test_a_tombstone_is_a_control_message(value: bytes | None, headers: tuple[tuple[str, bytes], ...]) -> None:
    """It follows each deletion, which has been told by then; a connector puts no content type on it by itself."""
    assert translate("facts2", value, headers, NEXT_DAY) == Translated(accesses=(), is_control=True)


def test_a_tombstone_of_an_unknown_content_type_is_rejected() -> None:
    """It is no word of this connector."""
    with pytest.raises(RejectedInputError) as caught:
        translate("facts2", None, (("content-type", b"text/plain"),), NEXT_DAY)
    assert caught.value.place == "content-type"


def test_the_judge_counts_tombstones_but_not_what_was_set_aside() -> None:
    """A message that nobody must look at has no value either, and is no tombstone."""
    partition = Partition("access.facts2.v1", 2)
    aside = set_aside(Message(962, GOOD), QuarantinedError("kills", "ends whoever looks at it"))
    found = [Message(960, None), Message(961, b""), aside, Message(963, GOOD, NEXT_DAY, headers=HEADERS)]
    judged = judging().batch(partition, "facts2", found)
    cut = cut_of(judged, reconciled=300, source="facts2", policy_hash="hash7", run="run-1")
    assert cut.messages == MessageCounts(translated=1, control=2, dead_letters=1)
    assert cut.sequences == {"facts2": [(ROW["AUDIT_ID"], ROW["AUDIT_ID"])]}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_broken_is_rejected_and_not_repeated(name: str) -> None:
    """Neither a value nor a name that is not ours: dead letters are read by more people than messages are."""
    error = rejected(HOSTILE[name])
    assert "ZQ" not in str(error)
    assert "7777" not in str(error)
    assert len(str(error)) < 200


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_strange_but_right_is_let_through(name: str) -> None:
    """And what becomes of it can be written and read again."""
    found = of(HARMLESS[name])
    assert found.is_control == (not found.accesses)
    assert all(decode_access(encode(access)) == access for access in found.accesses)
    assert bool(found.accesses) == (b"AUDIT_TRAIL" in HARMLESS[name])


def test_hostile_messages_are_many_and_of_all_kinds() -> None:
    """Two names for one message would be one test."""
    assert len(set(HOSTILE.values())) == len(HOSTILE) >= 40
    assert not set(HOSTILE.values()) & set(HARMLESS.values())


@given(st.binary(max_size=300))
def test_any_bytes_are_an_access_a_control_message_or_an_error(value: bytes) -> None:
    """Nothing else comes out, whatever comes in."""
    try:
        found = of(value)
    except RejectedInputError:
        return
    assert found.is_control == (not found.accesses)


@settings(max_examples=300)
@given(
    st.sampled_from([GOOD, *HARMLESS.values()]),
    st.integers(0, MESSAGE_MAX),
    st.binary(max_size=4) | st.sampled_from([b'"', b"\\", b"{", b"}", b"null", b'"op":"d",', b"\\ud800", b"1e9"]),
    st.integers(0, 4),
)
def test_a_damaged_message_is_an_access_a_control_message_or_an_error(
    value: bytes, place: int, insert: bytes, cut: int
) -> None:
    """The same for messages that are nearly right."""
    place %= len(value) + 1
    try:
        found = of(value[:place] + insert + value[place + cut :])
    except RejectedInputError:
        return
    assert all(access.event_id == f"facts2-{access.sequence}" for access in found.accesses)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.sampled_from([*ROW, "op", "before", "after", "source", "payload", "schema", "status", "id"]), ANYTHING)
def test_anything_in_any_field_is_an_access_or_an_error_that_names_it(name: str, value: object) -> None:
    """Where a reader expects a text there may be a list, which has no hash, or a number without end."""
    found = answer(written(CHANGE | ({"after": ROW | {name: value}} if name in ROW else {name: value})))
    if isinstance(found, str):
        assert name in found or found in ("message", "occurred_at") or found.startswith("byte ")
    else:
        assert found["event_id"] == f"facts2-{found['sequence']}"
