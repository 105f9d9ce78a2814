"""FACTS: lines of the nightly file as accesses, and the file as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import Access
from schemas.codec import decode_access
from schemas.errors import RejectedInputError
from schemas.ids import parse_instant
from schemas.topics import FACTS_LINE
from streams.sources import Translated, translate
from streams.sources.facts_file import control_hash_of, header_of, read_file
from streams.sources.translated import NativeMessage
from tests.harness.facts_file import facts_file_for_dst_night

GOLDEN = Path(__file__).parent / "golden" / "facts"
HEADERS = (("content-type", FACTS_LINE.encode()),)
NEXT_DAY = parse_instant("2027-01-01T00:00:00Z")  # after every line of these tests
NIGHT = (GOLDEN / "night.txt").read_bytes()
LINES = NIGHT.decode().splitlines()
DETAIL = LINES[1]


def of(line: str | bytes) -> Translated:
    """What one line translates to."""
    return translate("facts", line.encode() if isinstance(line, str) else line, HEADERS, NEXT_DAY)


def rejected(line: str | bytes) -> RejectedInputError:
    """The error that one line gets."""
    with pytest.raises(RejectedInputError) as caught:
        of(line)
    return caught.value


def put(line: str, column: int, text: str) -> str:
    """The line with `text` written over it from a column, the first being 1."""
    return line[: column - 1] + text + line[column - 1 + len(text) :]


def expected(path: Path) -> list[Access | None]:
    """The accesses beside a golden file, one a line, null for a control message."""
    lines = path.with_suffix(".expected.jsonl").read_bytes().splitlines()
    return [None if line == b"null" else decode_access(line) for line in lines]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_a_file_becomes_the_accesses_written_beside_it(path: Path) -> None:
    """The whole way of a file: checked, cut into messages, each translated."""
    messages = read_file(path.read_bytes())
    translated = [of(message.value) for message in messages]
    assert [one.accesses[0] if one.accesses else None for one in translated] == expected(path)
    assert [one.is_control for one in translated] == [access is None for access in expected(path)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_night_the_clocks_go_back_is_read_as_it_was_written(seed: int) -> None:
    """The harness writes the layout without sharing code with us, from accesses with fixed offsets."""
    night = facts_file_for_dst_night(seed)
    accesses = [access for message in read_file(night.content) for access in of(message.value).accesses]
    assert tuple(accesses) == night.accesses


def test_lines_are_sent_as_they_are_under_the_key_of_their_user() -> None:
    """One user's lines stay in order; header and trailer go under the file number."""
    messages = read_file(NIGHT)
    assert b"".join(m.value + b"\n" for m in messages) == NIGHT
    assert [m.key for m in messages] == [
        b"000412", b"HENDERSO", b"HENDERSO", b"RIVERA", b"RIVERA", b"O'NEIL#2", b"TRAN", b"000412",
    ]  # fmt: skip
    assert [m.message_id for m in messages[:2]] == ["facts-file-000412-H", "facts-0000009001"]
    assert len({m.message_id for m in messages}) == len(messages)


def test_a_time_that_does_not_exist_is_rejected() -> None:
    """02:30 on the night the clocks go forward: nobody can say what was meant."""
    march = put(DETAIL, 12, "20260308")
    assert rejected(put(march, 20, "020000")).place == "time (columns 20-25)"
    assert rejected(put(march, 20, "023000")).place == "time (columns 20-25)"
    assert rejected(put(march, 20, "025959")).reason.endswith("the clocks went forward")
    assert of(put(march, 20, "015959")).accesses[0].occurred_at == parse_instant("2026-03-08T06:59:59Z")
    assert of(put(march, 20, "030000")).accesses[0].occurred_at == parse_instant("2026-03-08T07:00:00Z")


BAD_FIELDS = {
    "audit number": (2, "00000O9001", "audit number (columns 2-11)"),
    "audit number blank": (2, " " * 10, "audit number (columns 2-11)"),
    "date": (12, "20260230", "date (columns 12-19)"),
    "date in another century": (12, "18990105", "date (columns 12-19)"),
    "last year": (12, "99991231", "date (columns 12-19)"),
    "date of zeros": (12, "00000000", "date (columns 12-19)"),
    "time": (20, "246000", "time (columns 20-25)"),
    "leap second": (20, "235960", "time (columns 20-25)"),
    "time with a space": (20, "08 403", "time (columns 20-25)"),
    "user blank": (26, " " * 8, "user (columns 26-33)"),
    "user in lower case": (26, "henderso", "user (columns 26-33)"),
    "user with a space": (26, "HEN ERSO", "user (columns 26-33)"),
    "user not at the left": (26, " ENDERSO", "user (columns 26-33)"),
    "user with a tab": (26, "HENDERS\t", "user (columns 26-33)"),
    "function": (34, "XXX", "function (columns 34-36)"),
    "function in lower case": (34, "inq", "function (columns 34-36)"),
    "record kind": (37, "X", "record kind (column 37)"),
    "record blank": (38, " " * 20, "record (columns 38-57)"),
    "terminal with a space": (58, "DHS 4T17", "terminal (columns 58-65)"),
    "result": (66, "X", "result (column 66)"),
    "filler": (67, "X", "filler (columns 67-96)"),
    "filler at the end": (96, "\t", "filler (columns 67-96)"),
    "line type": (1, "X", "line type (column 1)"),
}


@pytest.mark.parametrize(("column", "text", "place"), BAD_FIELDS.values(), ids=BAD_FIELDS.keys())
def test_each_field_is_checked_and_named_but_not_repeated(column: int, text: str, place: str) -> None:
    """Whoever repairs the export needs the columns; the content is somebody's data."""
    error = rejected(put(DETAIL, column, text))
    assert error.place == place
    assert text.strip() == "X" or not text.strip() or text not in str(error)


@pytest.mark.parametrize("line", [DETAIL[:-1], DETAIL + " ", DETAIL + "\n", DETAIL + "\r", "D", " "])
def test_a_line_has_96_characters(line: str) -> None:
    """A shifted line would put one field into another."""
    assert rejected(line).place == "line"


def test_a_line_is_ascii() -> None:
    """Digits of other scripts would otherwise count as digits."""
    assert rejected(put(DETAIL, 12, "٢").encode()).place == "line"


BAD_CONTROL = {
    "system": (LINES[0], 2, "FACTSXXX", "system (columns 2-9)"),
    "layout": (LINES[0], 10, "03", "layout (columns 10-11)"),
    "business date": (LINES[0], 12, "20261301", "date (columns 12-19)"),
    "file number": (LINES[0], 20, "      ", "file number (columns 20-25)"),
    "header filler": (LINES[0], 30, "x", "filler (columns 26-96)"),
    "count": (LINES[-1], 2, "         6", "count (columns 2-11)"),
    "hash": (LINES[-1], 12, "ABCDEF0123456789", "control hash (columns 12-27)"),
    "trailer filler": (LINES[-1], 44, "x", "filler (columns 44-96)"),
    "trailer of no file": (LINES[-1], 28, " " * 6, "file number (columns 28-33)"),
    "no last audit number": (LINES[-1], 34, " " * 10, "last audit number (columns 34-43)"),
    "more lines than numbers": (LINES[-1], 2, "0000009008", "count (columns 2-11)"),
}


@pytest.mark.parametrize(("line", "column", "text", "place"), BAD_CONTROL.values(), ids=BAD_CONTROL.keys())
def test_control_lines_are_checked_too(line: str, column: int, text: str, place: str) -> None:
    """A control message that is none would hide an access."""
    assert rejected(put(line, column, text)).place == place


# --- the file as a whole ------------------------------------------------------------------------------------------


def joined(lines: list[str]) -> bytes:
    """Lines as a file."""
    return "".join(f"{line}\n" for line in lines).encode()


def numbered(*numbers: int | str, last: int | None = None) -> bytes:
    """A night of lines with these audit numbers, and of which the trailer says this last one, or the last of them."""
    details = [put(DETAIL, 2, f"{number:0>10}") for number in numbers]
    said = numbers[-1] if last is None else last
    trailer = f"T{len(details):010}{control_hash_of(details)}000412{said:0>10}"
    return joined([LINES[0], *details, f"{trailer:96}"])


BROKEN: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "file", "is empty"),
    "no header": (lambda: joined(LINES[1:]), "line 1", "must be the header"),
    "wrong layout": (lambda: joined([put(LINES[0], 10, "03"), *LINES[1:]]), "line 1: layout (columns 10-11)", "01"),
    "the trailer of another file": (
        lambda: joined([put(LINES[0], 20, "000413"), *LINES[1:]]),
        "line 8: file number (columns 28-33)",
        "must be the header's",
    ),
    "the trailer of another layout": (
        lambda: joined([put(LINES[0], 10, "01"), *LINES[1:]]),
        "line 8: file number (columns 28-33)",
        "blank in 01",
    ),
    "another last number": (
        lambda: joined([*LINES[:-1], put(LINES[-1], 34, "0000009007")]),
        "line 8: last audit number (columns 34-43)",
        "name other numbers than the lines have",
    ),
    "no line with a number": (lambda: numbered("x", last=1), "line 3: last audit number (columns 34-43)", "name other"),
    "a wild last number beside a wrong line": (
        lambda: numbered(9001, "x", 9003, last=9_999_999_999),
        "line 5: last audit number (columns 34-43)",
        "name other numbers",
    ),
    "a low last number beside a wrong line": (
        lambda: numbered(9001, "x", 9003, last=4),
        "line 5: last audit number (columns 34-43)",
        "name other numbers",
    ),
    "no trailer": (lambda: joined(LINES[:-1]), "line 7", "the file is short"),
    "only a header": (lambda: joined(LINES[:1]), "line 1", "the file is short"),
    "cut off in a line": (lambda: NIGHT[:500], "line 6", "is cut off"),
    "cut off before the last newline": (lambda: NIGHT[:-1], "line 8", "is cut off"),
    "a line missing": (lambda: joined(LINES[:2] + LINES[3:]), "line 7: count (columns 2-11)", "6 detail lines"),
    "a line twice": (lambda: joined(LINES[:2] + LINES[1:]), "line 9: count (columns 2-11)", "the file has 7"),
    "a line changed": (
        lambda: NIGHT.replace(b"C0042", b"C0043", 1),
        "line 8: control hash (columns 12-27)",
        "does not match",
    ),
    "two lines swapped": (
        lambda: joined([LINES[0], LINES[2], LINES[1], *LINES[3:]]),
        "line 8: control hash (columns 12-27)",
        "does not match",
    ),
    "a short line": (lambda: joined([*LINES[:3], LINES[3][:-1], *LINES[4:]]), "line 4", "96 characters, not 95"),
    "spaces stripped": (lambda: joined([line.rstrip() for line in LINES]), "line 1", "96 characters, not 25"),
    "an empty line": (lambda: joined([*LINES[:3], "", *LINES[3:]]), "line 4", "96 characters, not 0"),
    "lines after the trailer": (lambda: NIGHT + joined([DETAIL]), "line 9", "follows the trailer"),
    "two files joined": (lambda: NIGHT + NIGHT, "line 9", "follows the trailer"),
    "a header inside": (lambda: joined([*LINES[:2], LINES[0], *LINES[2:]]), "line 3", "must be a detail line"),
    "CR LF": (lambda: NIGHT.replace(b"\n", b"\r\n"), "line 1", "ends in CR LF"),
    "byte order mark": (lambda: b"\xef\xbb\xbf" + NIGHT, "line 1", "is not ASCII"),
    "UTF-16": (lambda: NIGHT.decode().encode("utf-16"), "line 1", "is not ASCII"),
    "UTF-16 without mark": (lambda: NIGHT.decode().encode("utf-16-le"), "line 1", "is not ASCII"),
    "EBCDIC": (lambda: NIGHT.decode().encode("cp037"), "line 1", "is cut off"),
    "Latin-1": (lambda: NIGHT.replace(b"O'NEIL#2", b"O\xb4NEIL#2"), "line 6", "is not ASCII"),
}


@pytest.mark.parametrize(("make", "place", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_is_not_whole_is_refused(make: Callable[[], bytes], place: str, reason: str) -> None:
    """As a whole, with the line, and with what to do about it."""
    with pytest.raises(RejectedInputError) as caught:
        read_file(make())
    assert caught.value.place == place
    assert reason in caught.value.reason
    assert "again" in caught.value.reason or "each file by itself" in caught.value.reason


def test_header_and_trailer_say_which_file_it_is_and_which_numbers_it_has() -> None:
    """Whoever sees the topic alone knows then what it lacks; layout 01 did not say."""
    told = [of(message.value) for message in read_file(NIGHT)]
    assert [one.file for one in told if one.is_control] == [("000412", None, None), ("000412", 9001, 9006)]
    assert [one.given for one in told if one.is_control] == [None, 9006]
    silent = [of(message.value) for message in read_file((GOLDEN / "clocks-back.txt").read_bytes())]
    assert not any(one.file or one.given for one in silent)


@pytest.mark.parametrize("count", range(2, 7))
@pytest.mark.parametrize("wrong", ["x", 0, 1, 50, *range(98, 108), 9_999_999_999], ids=str)
def test_one_wrong_number_does_not_hold_up_the_night(count: int, wrong: int | str) -> None:
    """Wherever it is, and whatever it says."""
    night = list(range(100, 100 + count))
    for place in range(count):
        numbers = [*night[:place], wrong, *night[place + 1 :]]
        assert len(read_file(numbered(*numbers, last=night[-1]))) == count + 2


@pytest.mark.parametrize("numbers", [(10, 12), (10, 11, 14, 15), (3, 1, 2)], ids=str)
def test_a_night_is_sent_also_where_numbers_are_missing_or_in_no_order(numbers: tuple[int, ...]) -> None:
    """What is missing is missed by its number."""
    assert len(read_file(numbered(*numbers, last=max(numbers)))) == len(numbers) + 2


@pytest.mark.parametrize("wrong", [None, "x", 9_002, 0], ids=str)
def test_a_trailer_that_names_other_numbers_is_refused_also_beside_a_wrong_line(wrong: int | str | None) -> None:
    """Or all between would be missed, and nothing of it ever was."""
    night = list[int | str](range(9_001, 9_008))
    for place in range(7) if wrong is not None else (0,):
        numbers = night if wrong is None else [*night[:place], wrong, *night[place + 1 :]]
        for last in (7, 5_000, 9_001, 9_004, 9_010, 10_000, 9_999_999_999):
            with pytest.raises(RejectedInputError, match="name other numbers"):
                read_file(numbered(*numbers, last=last))


def test_a_night_of_gaps_takes_no_memory() -> None:
    """So many beginnings and no more are told apart."""
    numbers = [5 * n for n in range(20_000)]
    assert len(read_file(numbered(*numbers, last=numbers[-1]))) == 20_002


def test_a_night_without_lines_says_that_it_has_none() -> None:
    """On a holiday; the last number is that of the file before, and says nothing new."""
    trailer = "T" + "0" * 10 + control_hash_of([]) + "000413" + "0000009006"
    message = read_file(joined([put(LINES[0], 20, "000413"), f"{trailer:96}"]))[-1]
    assert (of(message.value).file, of(message.value).given) == (("000413", 9007, 9006), None)


@pytest.mark.parametrize("fill", ["\t", "\n", "\x0b", "\x1c"])
def test_a_trailer_of_layout_01_is_filled_with_spaces(fill: str) -> None:
    """As it always was: what was refused then is refused now, or a proof of before would not hold any more."""
    trailer = (GOLDEN / "clocks-back.txt").read_text().splitlines()[-1]
    assert of(trailer).file is None
    assert rejected(trailer[:27] + fill * 69).place == "file number (columns 28-33)"


@pytest.mark.parametrize(
    "line",
    [
        NIGHT[:97],
        NIGHT[:96],
        NIGHT[:96] + b"\r\n",
        NIGHT[:96].rstrip(),
        NIGHT[:96] + b"   \r\n",
        b"\xef\xbb\xbf" + NIGHT[:97],
        NIGHT.replace(b"\n", b"\r"),
        NIGHT[:96] + b"\x1a",
    ],
    ids=["whole", "no newline", "CR LF", "stripped", "longer", "byte order mark", "CR only", "Ctrl-Z"],
)
def test_a_header_is_known_also_where_the_file_was_converted_on_its_way(line: bytes) -> None:
    """So that somebody is told of the file that is refused; what is said of it is the header itself."""
    found = header_of(line)
    assert found == read_file(NIGHT)[0]


@pytest.mark.parametrize(
    "line",
    [b"", NIGHT[97:194], NIGHT[:96].replace(b"AUD02", b"AUD01"), NIGHT[:20], b"\xff" + NIGHT[1:97], NIGHT[:96] + b"x"],
    ids=["empty", "a detail line", "layout 01", "cut off", "not ASCII", "more behind"],
)
def test_what_is_no_header_begins_no_file(line: bytes) -> None:
    """Nothing would ever end it."""
    assert header_of(line) is None


def test_a_wrong_detail_line_does_not_hold_up_the_night() -> None:
    """The file holds together, so it is sent; the one line becomes a dead letter."""
    details = [put(LINES[1], 34, "XXX"), *LINES[2:-1]]
    trailer = put(LINES[-1], 12, control_hash_of(details))
    assert len(read_file(joined([LINES[0], *details, trailer]))) == len(LINES)


@given(st.binary(max_size=200))
def test_any_bytes_as_a_line_are_an_access_a_control_message_or_an_error(value: bytes) -> None:
    """Nothing else comes out, whatever comes in."""
    try:
        translated = of(value)
    except RejectedInputError:
        return
    assert translated.is_control == (not translated.accesses)


@settings(max_examples=300)
@given(st.integers(1, 96), st.text(st.characters(max_codepoint=0x7F), min_size=1, max_size=12), st.sampled_from(LINES))
def test_a_damaged_line_is_an_access_a_control_message_or_an_error(column: int, text: str, line: str) -> None:
    """The same for lines that are nearly right."""
    try:
        translated = of(put(line, column, text)[:96])
    except RejectedInputError:
        return
    assert all(access.event_id == f"facts-{access.sequence:010d}" for access in translated.accesses)


@given(st.integers(0, len(NIGHT)), st.binary(max_size=3), st.integers(0, 3))
def test_no_damaged_file_is_taken_for_whole(place: int, insert: bytes, cut: int) -> None:
    """Either refused, or the very bytes that were checked: what is sent is what the hash was made of."""
    raw = NIGHT[:place] + insert + NIGHT[place + cut :]
    try:
        messages: tuple[NativeMessage, ...] = read_file(raw)
    except RejectedInputError:
        return
    assert b"".join(message.value + b"\n" for message in messages) == raw
    assert [m.value for m in messages[1:-1]] == [line.encode() for line in LINES[1:-1]]
