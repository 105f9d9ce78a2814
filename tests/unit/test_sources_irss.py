"""IRSS: rows of an export as accesses, and the export as a whole."""

from __future__ import annotations

import hashlib
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import Access
from schemas.codec import decode_access, encode
from schemas.errors import RejectedInputError
from schemas.ids import parse_instant
from schemas.topics import IRSS_ROW
from streams.sources import Translated, translate
from streams.sources.irss_columns import SPELLINGS, read_header
from streams.sources.irss_file import read_file
from tests.harness.hostile.irss import CELLS, GOOD, HARMLESS, HEADER, HOSTILE, NAMES, with_cell

GOLDEN = Path(__file__).parent / "golden" / "irss"
EXPORTS = sorted((*GOLDEN.glob("*.csv"), *GOLDEN.glob("*.tsv")))
HEADERS = (("content-type", IRSS_ROW.encode()),)
CENTURIES_LATER = parse_instant("9999-01-01T00:00:00Z")  # after every row of these tests
NIGHT = (GOLDEN / "night.csv").read_bytes()
UNIX_NIGHT = NIGHT.replace(b"\r\n", b"\n")


def of(value: bytes) -> Translated:
    """What one message translates to."""
    return translate("irss", value, HEADERS, CENTURIES_LATER)


def access_of(value: bytes) -> Access:
    """The one access of a message."""
    (access,) = of(value).accesses
    return access


def rejected(value: bytes) -> RejectedInputError:
    """The error that one message gets."""
    with pytest.raises(RejectedInputError) as caught:
        of(value)
    return caught.value


def expected(path: Path) -> list[Access]:
    """The accesses beside a golden file, one a line."""
    return [decode_access(line) for line in path.with_suffix(".expected.jsonl").read_bytes().splitlines()]


def export(order: tuple[int, ...], delimiter: bytes = b",") -> bytes:
    """The good message with only these columns, in this order, by this delimiter."""
    lines = ([part[place] for place in order] for part in (NAMES, CELLS))
    return b"\n".join(delimiter.join(line) for line in lines)


@pytest.mark.parametrize("spelling", ["; charset=windows-1252", '; charset="Windows-1252"', ""])
def test_a_message_may_say_in_which_charset_it_is(spelling: str) -> None:
    """The one that exports of IRSS are in, as the standard spells it, or none."""
    headers = (("content-type", f"{IRSS_ROW}{spelling}".encode()),)
    assert translate("irss", GOOD, headers, CENTURIES_LATER).accesses


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1251", "cp1252"])
def test_no_message_may_say_that_it_is_in_another(charset: str) -> None:
    """It would be read as what it says it is not."""
    with pytest.raises(RejectedInputError, match="no parameter but charset=windows-1252"):
        translate("irss", GOOD, (("content-type", f"{IRSS_ROW};charset={charset}".encode()),), CENTURIES_LATER)


def test_no_other_message_may_say_windows_1252() -> None:
    """JSON is UTF-8 on this topic, too."""
    with pytest.raises(RejectedInputError, match="no parameter but charset=utf-8"):
        translate("irss", b"{}", (("content-type", b"application/json; charset=windows-1252"),), CENTURIES_LATER)


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.stem)
def test_an_export_becomes_the_accesses_written_beside_it(path: Path) -> None:
    """The whole way of a file: checked, cut into messages, each translated."""
    translated = [of(message.value) for message in read_file(path.read_bytes())]
    assert [access for one in translated for access in one.accesses] == expected(path)
    assert not any(one.is_control for one in translated)


# --- which access it is


def test_an_access_has_one_id_in_all_exports() -> None:
    """Repeated and overlapping exports of other columns, order, delimiter and spelling name the same accesses."""
    here = [access.event_id for access in expected(GOLDEN / "night.csv")]
    there = [access.event_id for access in expected(GOLDEN / "drift.tsv")]
    assert there == [here[0], here[1], here[2], here[3], here[5]]


def test_the_id_is_made_of_what_every_export_has() -> None:
    """So that somebody else can compute it from any of them."""
    parts = ("mhenders", "view", "case", "C0042", "2026-01-05T08:14", "success")
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    assert access_of(GOOD).event_id == f"irss-{digest[:32]}"


@pytest.mark.parametrize("delimiter", [b",", b"\t", b";"])
def test_order_delimiter_and_spare_columns_do_not_matter(delimiter: bytes) -> None:
    """Every order of the first five columns, the others behind them or half of them left out."""
    found = {access_of(export((*order, 5, 6), delimiter)) for order in permutations(range(5))}
    assert found == {access_of(export(tuple(range(7)), delimiter))}
    assert {access.event_id for access in found} == {access_of(GOOD).event_id}


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        (b"User ID", b"rivera"),
        (b"User ID", b"MHENDERS"),
        (b"Function", b"Search"),
        (b"Record Type", b"Intake"),
        (b"Record Number", b"C0043"),
        (b"Record Number", b"c0042"),
        (b"Date", b"01/06/2026"),
        (b"Time", b"8:15 AM"),
        (b"Time", b"8:14 PM"),
        (b"Status", b"Denied"),
    ],
)
def test_what_every_export_has_makes_another_access(name: bytes, cell: bytes) -> None:
    """Each of the fields counts, logins and numbers as they are written."""
    assert access_of(with_cell(name, cell)).event_id != access_of(GOOD).event_id


def test_print_and_print_screen_of_one_minute_are_two_accesses() -> None:
    """Though both are prints of the same record."""
    one, other = (access_of(with_cell(b"Function", name)) for name in (b"Print", b"Print Screen"))
    assert one.event_id != other.event_id
    assert one.model_copy(update={"event_id": other.event_id}) == other


def test_seconds_are_not_part_of_the_id() -> None:
    """Most exports have none, and the row must be the same access in those that have."""
    coarse, fine = access_of(GOOD), access_of(with_cell(b"Time", b"08:14:33"))
    assert coarse.event_id == fine.event_id
    assert (fine.occurred_at, fine.occurred_until) == (
        parse_instant("2026-01-05T13:14:33Z"),
        parse_instant("2026-01-05T13:14:33.999Z"),
    )
    assert (coarse.occurred_at, coarse.occurred_until) == (
        parse_instant("2026-01-05T13:14:00Z"),
        parse_instant("2026-01-05T13:14:59.999Z"),
    )


def test_no_access_is_numbered() -> None:
    """The log number is in few exports and nobody has shown it to be dense: a gap would be no missing message."""
    assert access_of(GOOD).sequence is None
    assert access_of(with_cell(b"Log No", b"5")) == access_of(with_cell(b"Log No", b"7"))


# --- columns


@pytest.mark.parametrize(("column", "spelling"), [(c, s) for c, known in SPELLINGS.items() for s in known])
def test_every_spelling_is_known_in_any_case_with_spaces_or_underscores(column: str, spelling: str) -> None:
    """No spelling stands for two columns."""
    times = ("Day", "Hour") if column == "date and time" else ("Date", "Time")
    taken = {"user": 0, "function": 1, "record type": 2, "record number": 3, "status": 4, "date": 5, "time": 6}
    names = ["User", "Function", "Record Type", "Record ID", "Status", *times, "x"]
    place = taken.get(column, 7)
    for name in (spelling, spelling.upper(), spelling.lower().replace(" ", "_"), f" {spelling.replace(' ', '')} "):
        names[place] = name
        assert read_header(",".join(names).encode()).places[column] == place  # type: ignore[index]


def test_the_delimiter_is_the_one_that_tells_most_columns_apart() -> None:
    """Names of unknown columns may hold the other delimiters, even with a known name behind."""
    header = "Role; or so,Unit; Reason," + HEADER.decode()
    assert read_header(header.encode()).delimiter == ","


@pytest.mark.parametrize("value", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_strange_but_right_is_taken(value: bytes) -> None:
    """And what is made of it can be sent and read again as it is."""
    access = access_of(value)
    assert decode_access(encode(access)) == access
    assert access.action in ("view", "print")


def test_formulas_are_text() -> None:
    """Whoever opens them in a spreadsheet must guard there; the access is as it was logged."""
    assert access_of(HARMLESS["a formula for a user"]).actor == "=cmd|'/c"
    assert access_of(HARMLESS["a formula for a record"]).record.id == '="00042"'


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_broken_or_hostile_is_rejected(value: bytes) -> None:
    """With a place and a reason, each for people."""
    error = rejected(value)
    assert error.place
    assert error.reason


SECRET = b"Zq7"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (b"Unit", b"Log No")], ids=str)
def test_each_column_is_checked_and_named_but_not_repeated(name: bytes) -> None:
    """Whoever repairs the export needs the column; the content is somebody's data."""
    error = rejected(with_cell(name, SECRET + b" \xe9" * 1000))
    assert error.place == f"{read_header_name(name)} (column {NAMES.index(name) + 1})"
    assert SECRET.decode() not in str(error)


def read_header_name(name: bytes) -> str:
    """What we call the column that the export calls so."""
    place = NAMES.index(name)
    return next(column for column, found in read_header(HEADER).places.items() if found == place)


@pytest.mark.parametrize("value", [value for value in HOSTILE.values() if len(value) < 4000])
def test_no_error_tells_what_is_in_a_message(value: bytes) -> None:
    """Whatever is wrong, and wherever the data is: every cell is marked, and every column that is not known."""
    header, newline, rest = value.partition(b"\n")
    marked = header.replace(b"Unit", SECRET) + newline + rest.replace(b"h", SECRET).replace(b"0", SECRET)
    assert SECRET.decode() not in str(rejected(marked))


@pytest.mark.parametrize(
    ("clock", "hour"),
    [
        (b"12:14 AM", "05:14"),
        (b"1:14am", "06:14"),
        (b"11:14 Am", "16:14"),
        (b"12:14 PM", "17:14"),
        (b"12:14", "17:14"),
        (b"01:14 pM", "18:14"),
        (b"18:14", "23:14"),
        (b"00:14", "05:14"),
        (b"0:14", "05:14"),
    ],
)
def test_clocks_of_twelve_and_of_twenty_four_hours_are_read(clock: bytes, hour: str) -> None:
    """New York is five hours behind in January."""
    assert access_of(with_cell(b"Time", clock)).occurred_at == parse_instant(f"2026-01-05T{hour}:00Z")


@pytest.mark.parametrize("clock", [b"02:00", b"2:30 AM", b"02:59:59"])
def test_a_time_that_does_not_exist_is_rejected(clock: bytes) -> None:
    """On the night the clocks go forward: nobody can say what was meant."""
    march = with_cell(b"Date", b"03/08/2026")
    assert rejected(march.replace(b"8:14 AM", clock)).reason.endswith("the clocks went forward")
    assert access_of(march.replace(b"8:14 AM", b"01:59")).occurred_until == parse_instant("2026-03-08T06:59:59.999Z")
    assert access_of(march.replace(b"8:14 AM", b"03:00")).occurred_at == parse_instant("2026-03-08T07:00:00Z")


# --- laws


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(lambda row: HEADER + b"\n" + row)))
def test_any_bytes_as_a_message_are_an_access_or_an_error(value: bytes) -> None:
    """Nothing else comes out, whatever comes in."""
    try:
        translated = of(value)
    except RejectedInputError:
        return
    assert len(translated.accesses) == 1


@settings(max_examples=400)
@given(
    st.sampled_from(sorted(HARMLESS.values(), key=len)[:20]),
    st.integers(0, 250),
    st.one_of(st.binary(max_size=6), st.text('",;\t\r\n /:0AP', max_size=4).map(str.encode)),
    st.integers(0, 4),
)
def test_a_damaged_message_is_an_access_or_an_error(value: bytes, place: int, insert: bytes, cut: int) -> None:
    """The same for messages that are nearly right."""
    try:
        access = access_of(value[:place] + insert + value[place + cut :])
    except RejectedInputError:
        return
    assert decode_access(encode(access)) == access
