"""IRSS: the export as a whole, cut into messages or refused."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.access import Access
from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from streams.sources.irss import translate
from streams.sources.irss_columns import read_header, read_row
from streams.sources.irss_file import read_file
from tests.harness.hostile.irss import CELLS, GOOD, HEADER, NAMES, ROW

NIGHT = (Path(__file__).parent / "golden" / "irss" / "night.csv").read_bytes()
UNIX_NIGHT = NIGHT.replace(b"\r\n", b"\n")


def access_of(value: bytes) -> Access:
    """The one access of a message."""
    (access,) = translate("irss", value).accesses
    return access


def test_messages_are_the_bytes_of_the_file() -> None:
    """The header before each row, nothing changed in either; the user is the key."""
    messages = read_file(UNIX_NIGHT)
    header = UNIX_NIGHT.partition(b"\n")[0] + b"\n"
    assert all(message.value.startswith(header) for message in messages)
    rows = b"".join(message.value.removeprefix(header) + b"\n" for message in messages)
    assert header + rows + b"(8 rows)\n" == UNIX_NIGHT
    assert messages[1].key == b"mhenders"


def test_line_ends_are_no_part_of_a_message_but_in_quotes() -> None:
    """CR LF or LF between rows makes no other access; a quoted line end stays as it is."""
    windows, unix = read_file(NIGHT), read_file(UNIX_NIGHT)
    assert [access_of(m.value) for m in windows] == [access_of(m.value) for m in unix]
    assert b'"",\r\nwith' in windows[1].value
    assert b"\r" not in windows[0].value


def test_message_ids_are_unique_and_the_same_when_sent_again() -> None:
    """Rows that are equal byte for byte are told apart by their order."""
    messages = read_file(NIGHT)
    assert messages[1].value == messages[6].value
    assert messages[6].message_id == f"{messages[1].message_id}-2"
    assert len({message.message_id for message in messages}) == len(messages)
    assert read_file(NIGHT) == messages


@pytest.mark.parametrize(
    "footer",
    [
        b"(1 row)", b"(1 rows)\n", b"(0,001 rows)\r\n", b"Rows: 1\n\n\n", b"rows:1", b"Row count: 1",
        b'"(1 rows)",,,,,,,,,,,',
        b'"Total rows: 1"', b"(1 rows affected)", b"", b"\r\n",
    ],
)  # fmt: skip
def test_a_footer_is_no_row(footer: bytes) -> None:
    """However it is written, and it may be missing."""
    assert [message.value for message in read_file(GOOD + b"\n" + footer)] == [GOOD]


AGAIN, BY_ITSELF, ENCODING = "export it again, whole", "send each file by itself", "in Windows-1252"
BROKEN: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "file", AGAIN),
    "cut off in the header": (HEADER, "line 1", AGAIN),
    "no header": (ROW + b"\n" + ROW + b"\n", "line 1: header", AGAIN),
    "a column missing": (GOOD.replace(b"Status", b"State"), "line 1: header: status", AGAIN),
    "partial": (GOOD + b"\n(1,234 rows)\n", "line 3", "says 1234 rows but the file has 1: the export is partial, or"),
    "a row too many": (GOOD + b"\n" + ROW + b"\nRows: 1", "line 4", "says 1 rows but the file has 2"),
    "no row of some": (HEADER + b"\n(2 rows)\n", "line 2", "says 2 rows but the file has 0"),
    "a quote not closed, and closed by the next": (
        GOOD.replace(b"For court", b'"For court') + b"\n" + ROW.replace(b"North", b'North"') + b"\n(2 rows)\n",
        "line 4",
        AGAIN,
    ),
    "cut off in quotes": (GOOD.replace(b"For court", b'"For court'), "line 2", AGAIN),
    "cut off after a line in quotes": (GOOD + b"\n" + ROW.replace(b"For", b'"For\nthe\n') + b"\n", "line 3", AGAIN),
    "cut off in a row": (GOOD + b"\n" + ROW[:-10], "line 3", AGAIN),
    "cut off in the last cell that is read": (
        b",".join(NAMES[:7]) + b"\n" + b",".join(CELLS[:7])[:-1],
        "line 2",
        AGAIN,
    ),
    "cut off in the footer": (GOOD + b"\n(1,23", "line 3", AGAIN),
    "two files joined": (NIGHT + NIGHT, "line 14", BY_ITSELF),
    "two without footer joined": (GOOD + b"\n" + GOOD + b"\n", "line 3", BY_ITSELF),
    "two footers": (GOOD + b"\n(1 row)\n(1 row)\n", "line 4", BY_ITSELF),
    "UTF-8": (GOOD.replace(b"court", "c\u00f4urt".encode()) + b"\n", "file", ENCODING),
    "UTF-8 with its mark": (b"\xef\xbb\xbf" + GOOD + b"\n", "file", ENCODING),
    "UTF-16": (GOOD.decode().encode("utf-16"), "line 1: header (byte 4)", AGAIN),
    "EBCDIC": (GOOD.decode().encode("cp037"), "line 1", AGAIN),
    "CR alone": (GOOD.replace(b"\n", b"\r"), "line 1", AGAIN),
    "too large a row": (GOOD + b"x" * MESSAGE_MAX + b"\n", "line 2", f"more than {MESSAGE_MAX} bytes"),
}


@pytest.mark.parametrize(("raw", "place", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_is_not_whole_is_refused(raw: bytes, place: str, reason: str) -> None:
    """As a whole, with the line, and with what to do about it."""
    with pytest.raises(RejectedInputError) as caught:
        read_file(raw)
    assert caught.value.place == place
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    "row", [ROW.replace(b"View", b"Look"), ROW[:-10], ROW.replace(b"For court", b'F"o"r'), b"\x81" + ROW, b"," * 11]
)
def test_a_wrong_row_does_not_hold_up_the_export(row: bytes) -> None:
    """The file holds together, so it is sent; the one row becomes a dead letter."""
    first, wrong, last = read_file(b"\n".join((GOOD, row, ROW, b"(3 rows)")))
    assert first.value == last.value == GOOD
    assert wrong.value == HEADER + b"\n" + row
    assert wrong.key
    with pytest.raises(RejectedInputError):
        access_of(wrong.value)


# --- laws


CELL = st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]) | st.sampled_from('",;\t\r\n'), max_size=8)


@given(st.lists(CELL, min_size=12, max_size=12), st.sampled_from([",", "\t", ";"]), st.sampled_from(["\n", "\r\n"]))
def test_a_file_that_a_csv_writer_wrote_is_cut_where_it_ended_rows(cells: list[str], delimiter: str, end: str) -> None:
    """Python's own writer, twice the same row and a good one: as many messages, and the last is right."""
    rows = [cells, cells, [cell.decode() for cell in CELLS]]
    header, *lines = (written(row, delimiter) for row in ([name.decode() for name in NAMES], *rows))
    raw = b"".join(line + end.encode() for line in (header, *lines)) + b"\xe9\r\n"  # a wrong row: no UTF-8
    messages = read_file(raw)
    assert [message.value for message in messages] == [header + b"\n" + line for line in (*lines, b"\xe9")]
    assert access_of(messages[2].value) == access_of(GOOD)
    assert list(read_row(read_header(header), lines[0]).cells) == cells


def written(cells: list[str], delimiter: str) -> bytes:
    """One row as Python's own writer writes it, without its line end."""
    into = StringIO(newline="")
    csv.writer(into, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return into.getvalue().removesuffix("\r\n").encode("cp1252")


@given(st.integers(0, len(UNIX_NIGHT)), st.binary(max_size=3), st.integers(0, 3))
def test_no_damaged_file_is_taken_for_whole_with_rows_lost(place: int, insert: bytes, cut: int) -> None:
    """Either refused, or sent byte for byte but for line ends and the footer, which then says as many."""
    raw = UNIX_NIGHT[:place] + insert + UNIX_NIGHT[place + cut :]
    try:
        messages = read_file(raw)
    except RejectedInputError:
        return
    sent = squeezed(b"".join(message.value.partition(b"\n")[2] for message in messages))
    rest = squeezed(raw.partition(b"\n")[2])
    assert rest.startswith(sent)
    footer = rest.removeprefix(sent)
    assert not footer or (b"8row" in footer.lower() and len(messages) == 8)


def squeezed(raw: bytes) -> bytes:
    """Without line ends and spaces."""
    return raw.translate(None, b"\r\n ")


@given(st.binary(max_size=300).map(lambda rows: HEADER + b"\n" + rows))
def test_any_bytes_as_a_file_are_messages_or_an_error(raw: bytes) -> None:
    """Nothing else comes out, and no message is larger than one may be."""
    try:
        messages = read_file(raw)
    except RejectedInputError:
        return
    assert all(len(message.value) <= MESSAGE_MAX for message in messages)
