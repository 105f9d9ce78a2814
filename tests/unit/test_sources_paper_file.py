"""Paper: the file that slips were typed into, as a whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from streams.sources.paper import translate
from streams.sources.paper_csv import COLUMNS
from streams.sources.paper_file import read_file

GOLDEN = Path(__file__).parent / "golden" / "paper"
DAYS = (GOLDEN / "days.csv").read_bytes()
CLOCKS = (GOLDEN / "clocks.csv").read_bytes()
LINES = DAYS.split(b"\n")


def place_of_fault(value: bytes) -> str:
    """Where one slip is wrong."""
    with pytest.raises(RejectedInputError) as caught:
        translate("paper", value)
    return caught.value.place


def refused(raw: bytes) -> RejectedInputError:
    """The error that a file gets."""
    with pytest.raises(RejectedInputError) as caught:
        read_file(raw)
    return caught.value


def test_rows_are_sent_byte_for_byte_under_their_header() -> None:
    """A quoted line end included; the blank row that a spreadsheet left is no slip."""
    values = [sent.value for sent in read_file(DAYS)]
    assert all(value.startswith(LINES[0] + b"\n") for value in values)
    rows = [value.removeprefix(LINES[0] + b"\n") for value in values]
    assert rows == [*LINES[1:4], LINES[4] + b"\n" + LINES[5], *LINES[7:9]]


def test_line_ends_and_the_byte_order_mark_are_of_the_file_and_not_of_its_messages() -> None:
    """So a file that went through another program makes the same messages; but what is quoted stays as it is."""
    plain = b"\n".join(LINES[:4]) + b"\n"
    assert read_file(b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n")) == read_file(plain)
    assert all(b'"two\r\nlines"' in sent.value and sent.value.count(b"\r") == 1 for sent in read_file(CLOCKS))


def test_slips_are_sent_under_their_number() -> None:
    """A slip that was typed again must lie beside the first, or nobody sees that the two differ."""
    sent = read_file((GOLDEN / "typed-again.csv").read_bytes())
    assert [one.key for one in sent] == [b"B12-0460"] * 3
    assert len({one.message_id for one in sent}) == 3


def test_a_file_that_is_sent_again_is_the_same_messages() -> None:
    """Ids come from the bytes, so the same slip has the same in a longer file."""
    assert read_file(DAYS) == read_file(DAYS)
    assert read_file(b"\n".join(LINES[:3]) + b"\n") == read_file(DAYS)[:2]
    assert all(one.message_id.startswith("paper-slip-") for one in read_file(DAYS))


def test_a_file_without_slips_is_a_quiet_day() -> None:
    """Nothing was signed out; that is no fault."""
    assert read_file(LINES[0] + b"\n") == ()


BROKEN: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "file", "is empty"),
    "cut off in the header": (lambda: LINES[0][:50], "line 1", "inside the header"),
    "a header with a column less": (lambda: DAYS.replace(b",Copies", b"", 1), "line 1: header", "Copies"),
    "no header": (lambda: b"\n".join(LINES[1:]), "line 1: header", "must have the column Slip Number"),
    "semicolons": (lambda: DAYS.replace(b",", b";"), "line 1: header", "with commas"),
    "cut off before the last line end": (lambda: DAYS[:-1], "line 9", "is cut off"),
    "cut off in a row": (lambda: DAYS[:-9], "line 9", "is cut off"),
    "cut off between a carriage return and a newline": (lambda: CLOCKS[:-1], "line 22", "is no CSV"),
    "cut off in a quoted cell": (lambda: DAYS[: DAYS.index(b"Signed twice")], "line 5", "never closed"),
    "a quote that swallows the next rows": (lambda: DAYS.replace(b'Esq."', b"Esq."), "line 3", "is no CSV"),
    "a quote that swallows the rest": (lambda: DAYS.replace(b"Hearing", b'"Hearing', 1), "line 2", "is no CSV"),
    "a quote in a plain cell": (lambda: DAYS.replace(b"Hearing", b'"4" pages', 1), "line 2", "is no CSV"),
    "old line ends": (lambda: DAYS.replace(b"\n", b"\r"), "line 1", "inside the header"),
    "two files joined": (lambda: DAYS + DAYS, "line 10", "is the header again"),
    "two files with marks joined": (lambda: CLOCKS + CLOCKS, "line 24", "is the header again"),
    "Windows-1252": (lambda: DAYS.replace("Zoë".encode(), b"Zo\xeb"), "line 9", "is not UTF-8"),
    "UTF-16": (lambda: DAYS.decode().encode("utf-16"), "line 1", "is not UTF-8"),
    "UTF-16 without a mark": (lambda: LINES[0].decode().encode("utf-16-le") + b"\n", "line 1: header", "Slip Number"),
    "a row larger than a message": (
        lambda: DAYS.replace(b"Hearing", b"z" * MESSAGE_MAX, 1),
        "line 2",
        "is larger than 65536 bytes",
    ),
}


@pytest.mark.parametrize(("make", "place", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_is_not_whole_is_refused(make: Callable[[], bytes], place: str, reason: str) -> None:
    """As a whole, and with the line on which the broken row begins."""
    error = refused(make())
    assert error.place == place
    assert reason in error.reason
    assert "Okafor" not in str(error)


def test_a_wrong_row_does_not_hold_up_the_rest() -> None:
    """The file can be cut, so it is sent; the one row becomes a dead letter."""
    raw = DAYS.replace(b"01/05/2026,14:05", b"1/5/26,14:05").replace(b",document,", b",").replace(b"B07-0012", b"b7")
    sent = read_file(raw)
    assert len(sent) == len(read_file(DAYS))
    assert [place_of_fault(sent[n].value) for n in (0, 2, 4)] == [
        "Date Out (column 2)",
        "row",
        "Slip Number (column 1)",
    ]
    assert [one.key == one.message_id.encode() for one in sent] == [False, False, False, False, True, False]


def is_blank(part: bytes) -> bool:
    """Whether there is nothing in these bytes but empty cells and line ends."""
    return not part.decode().replace(",", "").replace('"', "").strip()


@given(st.integers(0, len(DAYS)), st.binary(max_size=3), st.integers(0, 3))
def test_no_byte_of_a_damaged_file_is_lost(place: int, insert: bytes, cut: int) -> None:
    """Either refused, or every row that is not blank is sent as it stands, once and in order."""
    raw = DAYS[:place] + insert + DAYS[place + cut :]
    try:
        sent = read_file(raw)
    except RejectedInputError:
        return
    rest = raw.partition(b"\n")[2]
    for one in sent:
        skipped, row, rest = rest.partition(one.value.partition(b"\n")[2])
        assert row
        assert is_blank(skipped)
    assert is_blank(rest)


@given(st.lists(st.lists(st.text(max_size=5), min_size=14, max_size=14), max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_what_another_program_writes_is_cut_as_it_was_written(rows: list[list[str]], end: str) -> None:
    """Held to the CSV writer of Python, with line ends and quotes inside cells."""
    out = io.StringIO()
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([COLUMNS, *rows])
    sent = read_file(out.getvalue().encode())
    texts = [one.value.decode().partition("\n")[2] for one in sent]
    assert [next(csv.reader(io.StringIO(text, newline=""))) for text in texts] == [
        row for row in rows if any(cell.strip() for cell in row)
    ]
