"""Paper: slips of the sign-out book as accesses."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import Access, canonical, finding_id
from schemas.codec import decode_access
from schemas.errors import RejectedInputError
from schemas.ids import parse_instant
from schemas.topics import PAPER_SLIP
from streams.sources import translate
from streams.sources.local_time import whole_day
from streams.sources.paper_csv import COLUMNS
from streams.sources.paper_file import read_file
from tests.harness.builders import account, assignment
from tests.harness.hostile.paper import GOOD, HARMLESS, HOSTILE, PLAIN, message, slip
from tests.harness.native import as_sent
from tests.harness.verdicts import verdict

GOLDEN = Path(__file__).parent / "golden" / "paper"
HEADERS = (("content-type", PAPER_SLIP.encode()),)
LATER = parse_instant("2027-01-01T00:00:00Z")  # after every slip of these tests
HERE = ZoneInfo("America/New_York")


def of(value: bytes) -> tuple[Access, ...]:
    """The accesses of one slip; it is never a control message."""
    translated = translate("paper", value, HEADERS, LATER)
    assert not translated.is_control
    return as_sent(translated.accesses)


def rejected(value: bytes) -> RejectedInputError:
    """The error that one slip gets."""
    with pytest.raises(RejectedInputError) as caught:
        of(value)
    return caught.value


def spans(value: bytes) -> dict[str, tuple[int, int | None]]:
    """What was done, and from when to when."""
    return {access.action: (access.occurred_at, access.occurred_until) for access in of(value)}


def day(text: str) -> tuple[int, int]:
    """First and last millisecond of a day here, written YYYY-MM-DD."""
    return whole_day(date.fromisoformat(text), HERE)


def us(when: date) -> str:
    """A date as an American writes it."""
    return when.strftime("%m/%d/%Y")


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.csv")), ids=lambda path: path.stem)
def test_a_file_becomes_the_accesses_written_beside_it(path: Path) -> None:
    """The whole way of a file: checked, cut into messages, each translated."""
    accesses = [access for sent in read_file(path.read_bytes()) for access in of(sent.value)]
    lines = path.with_suffix(".expected.jsonl").read_bytes().splitlines()
    assert accesses == [decode_access(line) for line in lines]


# --- one slip


def test_a_slip_is_told_in_the_order_of_its_life() -> None:
    """Out, copied, given away, returned: whoever reads the log reads it as it went."""
    assert [access.event_id for access in of(GOOD)] == [
        "paper-ZEB-0457-out",
        "paper-ZEB-0457-copy",
        "paper-ZEB-0457-given",
        "paper-ZEB-0457-return",
    ]
    assert [access.action for access in of(GOOD)] == ["check_out", "print", "disclose", "return"]


def test_all_accesses_of_a_slip_are_of_who_signed_for_whom_and_why() -> None:
    """The record went out once, under one signature."""
    for access in of(GOOD):
        assert (access.actor, access.requested_for, access.record.id) == ("ZEB04412", "ZEB05120", "ZEB0042")
        assert access.purpose is not None
        assert (access.purpose.code, access.purpose.text, access.result) == (None, "Zebra hearing", "success")


def test_copies_and_the_recipient_stand_where_they_belong() -> None:
    """Three sheets were copied, not three records given away."""
    assert [access.object_count for access in of(GOOD)] == [None, 3, None, None]
    assert [access.recipient for access in of(GOOD)] == [None, None, "Zebediah Okafor, Esq.", None]


def test_a_day_is_an_interval_and_nothing_begins_before_the_written_minute() -> None:
    """When it was copied or came back nobody wrote down; but not before it went out."""
    out = parse_instant("2026-01-05T19:05:00Z")
    assert spans(GOOD) == {
        "check_out": (out, parse_instant("2026-01-05T19:05:59.999Z")),
        "print": (out, day("2026-01-07")[1]),
        "disclose": (out, day("2026-01-07")[1]),
        "return": day("2026-01-07"),
    }
    same_day = slip(date_returned="01/05/2026")
    assert {begin for begin, _ in spans(same_day).values()} == {out}
    assert spans(same_day)["return"] == (out, day("2026-01-05")[1])
    assert {begin for begin, _ in spans(slip(time_out="", date_returned="")).values()} == {day("2026-01-05")[0]}
    assert spans(slip(time_out=""))["check_out"] == day("2026-01-05")


def test_who_was_on_duty_when_the_slip_was_signed_is_explained_in_all_of_it() -> None:
    """A duty from 10:00, signed at 11:00, copied, given away and brought back: midnight accuses nobody."""
    value = slip(time_out="11:00", requested_for="", date_returned="01/05/2026")
    known = account("ZEB04412", "w028", source="paper")
    duty = assignment("w028", "case:ZEB0042", valid_from="2026-01-05T15:00:00Z", recorded_at="2026-01-05T15:00:00Z")
    found = [verdict(access, known, duty) for access in of(value)]
    assert [(one.outcome, one.flags) for one in found] == [("explained", ())] * 4


def test_in_the_hour_that_happens_twice_copies_begin_at_the_first_reading() -> None:
    """Which of them was meant nobody can say."""
    found = spans(slip(date_out="11/02/2025", time_out="01:30", date_returned="11/02/2025"))
    assert {begin for begin, _ in found.values()} == {parse_instant("2025-11-02T05:30:00Z")}


def test_what_is_not_back_may_have_been_copied_until_it_was_typed() -> None:
    """The clerk knew of it that day."""
    found = spans(slip(date_returned=""))
    assert found["print"] == found["disclose"] == (parse_instant("2026-01-05T19:05:00Z"), day("2026-01-08")[1])
    assert "return" not in found


def test_a_refusal_is_one_access_that_was_denied() -> None:
    """Nothing went out, so nothing can have been done with it."""
    (access,) = of(slip(result="refused", date_returned="", copies="", given_to=""))
    assert (access.event_id, access.action, access.result) == ("paper-ZEB-0457-out", "check_out", "denied")
    assert access.occurred_at == parse_instant("2026-01-05T19:05:00Z")


@pytest.mark.parametrize("text", ["02:00", "02:30", "02:59"])
def test_a_time_that_does_not_exist_is_rejected(text: str) -> None:
    """The night the clocks went forward: nobody can say what was meant."""
    error = rejected(slip(date_out="03/08/2026", time_out=text, date_returned="", typed_on="03/09/2026"))
    assert error.place == "Time Out (column 3)"
    assert error.reason.endswith("the clocks went forward")


def test_the_shape_of_a_date_decides_how_it_is_read() -> None:
    """May the first in either; a day that comes first is a month or an error, never a guess."""
    assert spans(slip(date_out="05/01/2025")) == spans(slip(date_out="2025-05-01"))
    assert spans(slip(date_out="05/01/2025", time_out=""))["check_out"] == day("2025-05-01")


def test_who_typed_it_and_when_is_no_part_of_the_access() -> None:
    """A slip that is typed again word for word is a repeat, not another access."""
    again = of(slip(typed_by="ZEB00298", typed_on="02/12/2026"))
    assert [finding_id(access) for access in again] == [finding_id(access) for access in of(GOOD)]


def test_a_slip_that_is_corrected_keeps_its_ids() -> None:
    """So that the service sees two contents under one id, and somebody asks which of them was so."""
    before, after = of(GOOD), of(slip(record_number="ZEB0024"))
    assert [access.event_id for access in before] == [access.event_id for access in after]
    assert all(canonical(a) != canonical(b) for a, b in zip(before, after, strict=True))


def test_no_access_of_a_slip_has_a_sequence() -> None:
    """Slips are numbered by book, and a slip is up to four accesses: a gap would mean nothing."""
    assert [access.sequence for access in of(GOOD)] == [None] * 4


BAD_FIELDS = {
    "Slip Number": "zeb-0457",
    "Date Out": "01/05/26",
    "Time Out": "2:05 PM",
    "Date Returned": "01-07-2026",
    "Record Type": "zebra file",
    "Record Number": "ZEB 0042",
    "Signed By": "Zebediah Okafor",
    "Requested For": "Zebediah Okafor",
    "Purpose": "zebra\x00",
    "Copies": "three",
    "Given To": "=zebra",
    "Result": "zebra",
    "Typed By": "zeb\x1b",
    "Typed On": "1/8/2026",
}


@pytest.mark.parametrize("column", COLUMNS)
def test_each_column_is_checked_and_named_but_not_repeated(column: str) -> None:
    """Whoever types it again needs the column; what stands in it is somebody's data."""
    text = BAD_FIELDS[column]
    error = rejected(message({**PLAIN, column: text}))
    assert error.place == f"{column} (column {COLUMNS.index(column) + 1})"
    assert text not in str(error)


def test_a_column_is_named_where_it_is_in_this_file() -> None:
    """Not where it would be in another."""
    cells = {"Shelf": "4", **dict(reversed(PLAIN.items())), "Copies": "three"}
    assert rejected(message(cells)).place == "Copies (column 6)"


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_must_be_there_even_when_it_may_be_blank(column: str) -> None:
    """Without it nobody would be told that something was copied or given away."""
    error = rejected(message({name: text for name, text in PLAIN.items() if name != column}))
    assert error.place == "header"
    assert column in error.reason


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_broken_or_hostile_is_rejected_in_silence_about_its_content(value: bytes) -> None:
    """Error texts go to logs and dead letters, which more people read than may read a slip."""
    error = rejected(value)
    assert "zeb" not in str(error).lower()
    assert str(error).isascii()
    assert str(error).isprintable()
    assert len(str(error)) < 400


@pytest.mark.parametrize("value", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_strange_but_legal_is_read(value: bytes) -> None:
    """And what it is read as is written as the contract wants it."""
    accesses = of(value)
    assert accesses
    assert [decode_access(canonical(access)) for access in accesses] == list(accesses)


@pytest.mark.parametrize("name", ["a byte order mark", "CR LF", "every cell quoted", "spaces around everything"])
def test_how_a_program_writes_csv_does_not_matter(name: str) -> None:
    """The same slip from another spreadsheet is a repeat."""
    assert of(HARMLESS[name]) == of(GOOD)


@given(st.permutations(list(PLAIN.items())))
def test_the_order_of_columns_does_not_matter(cells: list[tuple[str, str]]) -> None:
    """Nor does the message's header have to be ours."""
    assert of(message(dict(cells))) == of(GOOD)


@given(st.dates(date(1996, 1, 1), date(2026, 11, 1)), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_no_interval_ends_after_the_day_on_which_it_was_typed(out: date, kept: int, waited: int, is_back: bool) -> None:
    """Nor begins before the day out; days of 23 and 25 hours too."""
    back, typed = out + timedelta(days=kept), out + timedelta(days=kept + waited)
    value = slip(date_out=us(out), time_out="", date_returned=us(back) if is_back else "", typed_on=typed.isoformat())
    assert len(of(value)) == 3 + is_back
    for access in of(value):
        assert access.occurred_until is not None
        assert whole_day(out, HERE)[0] <= access.occurred_at < access.occurred_until <= whole_day(typed, HERE)[1]


@given(st.binary(max_size=300))
def test_any_bytes_are_accesses_or_an_error(value: bytes) -> None:
    """Nothing else comes out, whatever comes in; here under a header that is right."""
    header = GOOD.partition(b"\n")[0]
    for whole in (value, header + b"\n" + value):
        try:
            assert of(whole)
        except RejectedInputError:
            continue


@settings(max_examples=300)
@given(st.integers(0, len(GOOD)), st.binary(max_size=4), st.integers(0, 12))
def test_a_damaged_slip_is_accesses_or_an_error(place: int, insert: bytes, cut: int) -> None:
    """The same for what is nearly right; and what is read can be written."""
    try:
        accesses = of(GOOD[:place] + insert + GOOD[place + cut :])
    except RejectedInputError:
        return
    assert [decode_access(canonical(access)) for access in accesses] == list(accesses)


@settings(max_examples=300)
@given(st.sampled_from(COLUMNS), st.text(max_size=30))
def test_any_text_in_a_cell_is_accesses_or_an_error_that_does_not_repeat_it(column: str, text: str) -> None:
    """Quoted as it must be, so that the cell and not the row is what is wrong."""
    value = message({**PLAIN, column: f"zebra{text}"})
    try:
        accesses = of(value)
    except RejectedInputError:
        assert "zebra" not in str(rejected(value))
        return
    assert column in ("Signed By", "Requested For", "Record Number", "Purpose", "Given To", "Typed By")
    assert [decode_access(canonical(access)) for access in accesses] == list(accesses)
