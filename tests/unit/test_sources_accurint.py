"""Accurint: rows of the usage export and parts of batch jobs as accesses, one message at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.access import Access, Purpose
from schemas.codec import decode_access
from schemas.errors import RejectedInputError
from schemas.ids import parse_instant
from schemas.topics import ACCURINT_BATCH, ACCURINT_ROW
from streams.sources import Translated, translate
from streams.sources.accurint import HEADER
from streams.sources.accurint_file import check_manifest, content_type_of, cut_manifest, read_usage
from streams.sources.local_time import readings
from streams.sources.translated import NativeMessage, bounded_lines
from tests.harness.hostile.accurint import HARMLESS, HEAD, HOSTILE, LATER, LINES, ROW, STATING, part, usage

GOLDEN = Path(__file__).parent / "golden" / "accurint"
NEXT_YEAR = parse_instant("2027-01-01T00:00:00Z")  # after every row of these tests
HERE = ZoneInfo("America/New_York")
GOOD = [usage(ROW), usage(STATING, LATER), part(*LINES), *HARMLESS.values()]
# Texts of those messages that are somebody's data, and that no error may repeat.
DATA = ("Doe", "Jane", "Roe", "Poe", "rivera", "123-45", "6789", "C0042", "placements", "S-81", "T1001", "J-7", "08:14")


def of(value: bytes, content_type: str | None = None) -> Translated:
    """What one message translates to; as what its first line says it is, unless told."""
    kind = content_type or content_type_of(value.partition(b"\n")[0])
    return translate("accurint", value, (("content-type", kind.encode()),), NEXT_YEAR)


def only(value: bytes) -> Access:
    """The one access of a message."""
    (access,) = of(value).accesses
    return access


def rejected(value: bytes, content_type: str | None = None) -> RejectedInputError:
    """The error that one message gets."""
    with pytest.raises(RejectedInputError) as caught:
        of(value, content_type)
    return caught.value


def outcome(value: bytes, content_type: str) -> Translated | RejectedInputError:
    """What one message becomes, or why it does not."""
    try:
        return of(value, content_type)
    except RejectedInputError as error:
        return error


def cut(raw: bytes) -> list[NativeMessage]:
    """A file of either kind as messages."""
    lines = raw.splitlines(keepends=True)
    if content_type_of(lines[0]) == ACCURINT_ROW:
        return list(read_usage(raw))
    check_manifest(lines)
    return list(cut_manifest(lines))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.csv")), ids=lambda path: path.stem)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CR LF"])
def test_a_file_becomes_the_accesses_written_beside_it(path: Path, end: bytes) -> None:
    """The whole way of a file: told apart, checked, cut, each message translated."""
    raw = path.read_bytes()
    translated = [of(message.value) for message in cut(raw.replace(b"\n", end))]
    expected = path.with_suffix(".expected.jsonl").read_bytes().splitlines()
    assert [access for one in translated for access in one.accesses] == [decode_access(line) for line in expected]
    assert not any(one.is_control for one in translated)


# --- purposes


def test_a_row_takes_its_purposes_from_its_session() -> None:
    """The user chose before the first search; the choice holds until the session ends."""
    assert only(usage(STATING, LATER)).purpose == Purpose(code="DPPA3/GLBA5")


def test_no_purpose_anywhere_stays_none() -> None:
    """It is a claim, and nothing needs it to judge."""
    assert only(usage(LATER)).purpose is None


def test_one_purpose_is_enough_and_is_not_mixed_with_another_rows() -> None:
    """A search may need one permissible use only."""
    assert only(usage(ROW.replace(",3,5,", ",,5,"))).purpose == Purpose(code="GLBA5", text="DHS C0042")
    assert only(usage(STATING.replace(",3,5,", ",3,,"), LATER)).purpose == Purpose(code="DPPA3")


def test_the_reference_code_is_the_rows_own() -> None:
    """It names the case of one search; only the purposes hold for a session."""
    referring = LATER.replace("PERSON,,,,", "PERSON,,,DHS C0099,")
    assert only(usage(STATING, referring)).purpose == Purpose(code="DPPA3/GLBA5", text="DHS C0099")


def test_what_a_user_typed_into_a_stating_row_takes_no_other_row_with_it() -> None:
    """Else one control character would hide a whole session from the judge."""
    typed = STATING.replace("Roe", "\x1b[2J").replace("PERSON", "SOMETHING")
    assert only(usage(typed, LATER)).purpose == Purpose(code="DPPA3/GLBA5")
    assert rejected(usage(typed)).place == "columns"


def test_in_the_hour_that_happens_twice_a_stating_row_may_show_a_later_time() -> None:
    """01:50 may be before 01:10 there, and so it is not surely later."""
    first = STATING.replace("2026-01-05 08:10:00", "2026-11-01 01:50:00")
    second = LATER.replace("2026-01-05 08:14:03", "2026-11-01 01:10:00")
    assert only(usage(first, second)).purpose == Purpose(code="DPPA3/GLBA5")
    third = LATER.replace("2026-01-05 08:14:03", "2026-11-01 00:59:59")
    assert rejected(usage(first, third)).place == "date_time (column 2) of the stating row"


# --- criteria


def criteria(**used: str) -> str:
    """The id of the record of a search by these."""
    texts = ",".join(f'"{used.get(name, "")}"' for name in ("name", "ssn", "address", "phone"))
    return only(usage(f"T1,2026-01-05 08:14:03,rivera,S-81,PERSON,,,,{texts},,1")).record.id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "Doe, Jane"}, {"name": " DOE  jane. "}),
        ({"name": "José Núñez"}, {"name": "JOSE NUNEZ"}),
        ({"name": "Jose\u0301"}, {"name": "Jos\u00e9"}),
        ({"name": "Ja\u200bne\u00a0Doe"}, {"name": "Jane Doe"}),
        ({"ssn": "123-45-6789"}, {"ssn": "123 456789"}),
        ({"phone": "+1 (215) 555-0199"}, {"phone": "2155550199"}),
        ({"address": "1515 Arch St., #7"}, {"address": "1515 ARCH ST 7"}),
    ],
)
def test_the_same_criteria_have_the_same_id(one: dict[str, str], other: dict[str, str]) -> None:
    """However they were typed: who searches twice is seen to search twice."""
    assert criteria(**one) == criteria(**other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "Doe, Jane"}, {"name": "Doe, Janet"}),
        ({"name": "Doe, J*"}, {"name": "Doe, J"}),
        ({"name": "***"}, {"name": "###"}),
        ({"name": "2155550199"}, {"phone": "2155550199"}),
        ({"name": "a", "address": "b"}, {"name": "a b"}),
        ({"name": "a", "address": "b"}, {"name": "b", "address": "a"}),
        ({"ssn": "12155550199"}, {"ssn": "2155550199"}),
    ],
)
def test_other_criteria_have_another_id(one: dict[str, str], other: dict[str, str]) -> None:
    """Also when the same text stands in another field."""
    assert criteria(**one) != criteria(**other)


def test_the_id_says_which_criteria_were_used_but_not_what_they_were() -> None:
    """A finding is read by people who may not know whom somebody looked for."""
    found = criteria(name="Doe", ssn="123-45-6789", address="Arch", phone="215-555-0199")
    names, _, digest = found.partition("-")
    assert names == "name+ssn+address+phone"
    assert len(digest) == 32
    assert set(digest) <= set("0123456789abcdef")


# --- times


@settings(max_examples=300)
@given(st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2026-12-30")))
def test_a_local_time_is_read_as_by_the_zone(wall: datetime) -> None:
    """Hours are read once and remembered, which is right only while clocks change on the hour."""
    wall = wall.replace(microsecond=0)
    found = readings(wall, HERE, 1_000)
    value = usage(ROW.replace("2026-01-05 08:14:03", f"{wall:%Y-%m-%d %H:%M:%S}".rjust(19, "0")))
    if found is None:
        assert rejected(value).reason.startswith("does not exist on this date")
        return
    access = only(value)
    assert (access.occurred_at, access.occurred_until or access.occurred_at) == found


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01", "1945-08-14", "1967-04-30"])
def test_the_days_on_which_clocks_change_are_read_minute_by_minute(day: str) -> None:
    """The day the clocks go forward, the one they go back, the end of the war, and the first under today's law."""
    for minute in range(24 * 60):
        wall = datetime.fromisoformat(day) + timedelta(minutes=minute, seconds=minute % 60)
        value = usage(ROW.replace("2026-01-05 08:14:03", f"{wall:%Y-%m-%d %H:%M:%S}"))
        if (found := readings(wall, HERE, 1_000)) is None:
            assert rejected(value).place == "date_time (column 2)"
        else:
            access = only(value)
            assert (access.occurred_at, access.occurred_until or access.occurred_at) == found


# --- what is refused, and how


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("content_type", [ACCURINT_ROW, ACCURINT_BATCH])
def test_what_is_broken_or_hostile_is_rejected_without_repeating_it(value: bytes, content_type: str) -> None:
    """As both kinds: the sender chooses the header."""
    error = rejected(value, content_type)
    assert [word for word in (*DATA, "\x1b", "\u202e") if word in str(error)] == []
    assert len(str(error)) < 400


@pytest.mark.parametrize("value", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_only_strange_is_read(value: bytes) -> None:
    """What users type must not keep their accesses from the judge."""
    assert of(value).accesses


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (usage(ROW.replace("PERSON", "PET")), "search_type (column 5)"),
        (usage(STATING.replace("rivera", "tran"), LATER), "user_id (column 3) of the stating row"),
        (part(*LINES, head=HEAD.replace(",200", ",17")), "first (column 2) of the part line"),
        (part(LINES[0], "19,Doe,,,,"), "number (column 1) of line 18"),
        (part(says="PART,17,1"), "part"),
        (part(LINES[0], "18,Doe,,,,7"), "lexid (column 6) of line 18"),
        (usage(ROW.replace("Jane", 'Ja"ne')), "columns"),
    ],
)
def test_an_error_names_the_place(value: bytes, place: str) -> None:
    """Whoever repairs the export needs field and line."""
    assert rejected(value).place == place


def test_a_row_and_a_persons_line_never_share_an_id() -> None:
    """A transaction has no hyphen, so that it cannot pass for line 17 of job J-7."""
    assert rejected(usage(ROW.replace("T1001", "J-7-17"))).place == "transaction_id (column 1)"
    assert [access.event_id for access in of(part(*LINES)).accesses] == ["accurint-J-7-17", "accurint-J-7-18"]


def test_one_source_does_not_read_the_messages_of_another() -> None:
    """The content types belong to this topic alone."""
    with pytest.raises(RejectedInputError):
        translate("ecms", usage(ROW), (("content-type", ACCURINT_ROW.encode()),), NEXT_YEAR)


@given(st.binary(max_size=300), st.sampled_from([ACCURINT_ROW, ACCURINT_BATCH]), st.booleans())
def test_any_bytes_are_accesses_or_an_error(value: bytes, content_type: str, has_start: bool) -> None:
    """Nothing else comes out, whatever comes in."""
    start = (HEADER if content_type == ACCURINT_ROW else f"{HEAD}\nPART,17,1").encode() + b"\n"
    found = outcome(start + value if has_start else value, content_type)
    assert isinstance(found, RejectedInputError) or found.accesses


@settings(max_examples=500)
@given(st.data())
def test_a_damaged_message_is_accesses_or_an_error(data: st.DataObject) -> None:
    """The same for messages that are nearly right; and no error repeats what stood there."""
    good = data.draw(st.sampled_from(GOOD))
    start = data.draw(st.integers(good.index(b"\n") if data.draw(st.booleans()) else 0, len(good)))
    insert = data.draw(st.one_of(st.binary(max_size=4), st.text(max_size=4).map(lambda text: text.encode("utf-8"))))
    value = good[:start] + insert + good[start + data.draw(st.integers(0, 12)) :]
    assume(value)
    for content_type in (ACCURINT_ROW, ACCURINT_BATCH):
        found = outcome(value, content_type)
        if isinstance(found, Translated):
            assert all(access.event_id.startswith("accurint-") for access in found.accesses)
        else:
            assert [word for word in DATA if word in str(found)] == []


def test_lines_from_a_file_are_bounded() -> None:
    """So that one line without an end cannot fill memory."""
    with (GOLDEN / "job.csv").open("rb") as file:
        assert b"".join(bounded_lines(file.readline)) == (GOLDEN / "job.csv").read_bytes()
