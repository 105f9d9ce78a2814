"""Accurint: which kind a file is, and usage exports as whole files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RejectedInputError
from schemas.ids import parse_instant
from schemas.topics import ACCURINT_BATCH, ACCURINT_ROW, SOURCES
from streams.sources import accurint, translate
from streams.sources.accurint import HEADER
from streams.sources.accurint_file import check_manifest, content_type_of, cut_manifest, read_usage
from streams.sources.accurint_row import LINE_MAX

GOLDEN = Path(__file__).parent / "golden" / "accurint"
SESSION = (GOLDEN / "session.csv").read_bytes()
ROWS = SESSION.splitlines(keepends=True)
JOB = (GOLDEN / "job.csv").read_bytes()
JOB_LINES = JOB.splitlines(keepends=True)
HEADERS = (("content-type", ACCURINT_ROW.encode()),)
LATER = parse_instant("2027-01-01T00:00:00Z")  # after every row
DATA = ("Doe", "Jane", "jose", "rivera", "6789", "C0042", "placements", "S-81", "T100", "J-2026", "Arch")


def refused(work: Callable[[], object]) -> RejectedInputError:
    """Why a file is refused; never with what is in it."""
    with pytest.raises(RejectedInputError) as caught:
        work()
    assert [word for word in DATA if word in str(caught.value)] == []
    return caught.value


# --- which kind a file is


def test_the_first_line_tells_the_two_kinds_apart() -> None:
    """Whoever sends need not say which it is; and both belong to the topic."""
    assert [content_type_of(line) for line in (ROWS[0], ROWS[0].strip(), HEADER.encode() + b"\r\n")] == [
        ACCURINT_ROW
    ] * 3
    assert content_type_of(JOB_LINES[0]) == ACCURINT_BATCH
    assert SOURCES["accurint"].content_types == (ACCURINT_ROW, ACCURINT_BATCH)


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"\xef\xbb\xbf" + ROWS[0], ROWS[0].upper(), ROWS[0] + b",more", ROWS[1], b"JOB", b"\xff\xfeJ\x00"],
)
def test_what_is_neither_kind_is_refused(line: bytes) -> None:
    """With what each must begin with."""
    assert HEADER in refused(lambda: content_type_of(line)).reason


def test_one_kind_is_not_read_as_the_other() -> None:
    """Each reader looks at the first line itself."""
    assert refused(lambda: read_usage(JOB)).place == "line 1"
    assert refused(lambda: check_manifest(ROWS)).place == "line 1"
    assert refused(lambda: list(cut_manifest(ROWS))).place == "line 1"


# --- usage exports


def test_a_row_is_sent_with_the_header_and_the_row_it_inherits_from() -> None:
    """Byte-exact, each under its user so that one user's rows stay in order."""
    messages = read_usage(SESSION)
    lines = SESSION.splitlines()
    inherited = {2: 1, 4: 1, 7: 6, 9: 8}
    for number, message in enumerate(messages, start=1):
        stating = [lines[inherited[number]]] if number in inherited else []
        assert message.value == b"\n".join([lines[0], *stating, lines[number]])
    assert [m.message_id for m in messages] == [f"accurint-T100{n}" for n in range(1, 10)]
    assert {m.key for m in messages} == {b"rivera@phila", b"tran"}
    assert messages[2].key == b"tran"


@pytest.mark.parametrize(("old", "new"), [(b",3,5,", b",3x,5,"), (b",3,5,", b",,100,"), (b"08:14:03", b"08:77:03")])
def test_a_row_whose_purposes_cannot_be_read_takes_no_row_of_its_session_with_it(old: bytes, new: bytes) -> None:
    """It is a dead letter; who comes behind it claims nothing until purposes are stated again, and is judged."""
    first = ROWS[0]
    good = read_usage(b"".join((first, *ROWS[1:3])))
    assert len(good[1].value.splitlines()) == 3  # it inherits
    assert old in ROWS[1]
    bad, after = read_usage(b"".join((first, ROWS[1].replace(old, new, 1), ROWS[2])))
    with pytest.raises(RejectedInputError):
        translate("accurint", bad.value, HEADERS, LATER)
    assert after.value == b"\n".join((first.rstrip(b"\n"), ROWS[2].rstrip(b"\n")))
    [access] = translate("accurint", after.value, HEADERS, LATER).accesses
    assert access.purpose is None or access.purpose.code is None


def test_an_older_choice_does_not_come_back_when_a_newer_one_cannot_be_read() -> None:
    """It was replaced: to claim it would be evidence of what nobody said."""
    row = b"T%d,2026-01-05 08:1%d:00,rivera,S-81,PERSON,%s,,,Roe,,,,,2\n"
    rows = [row % (n, n, code) for n, code in enumerate((b"3", b"", b"3x", b"", b"4", b""))]
    values = [len(message.value.splitlines()) for message in read_usage(b"".join((ROWS[0], *rows)))]
    assert values == [2, 3, 2, 2, 2, 3]


def test_an_export_without_rows_is_no_message() -> None:
    """Nobody used Accurint that day."""
    assert read_usage(ROWS[0]) == ()


def put(row: int, old: bytes, new: bytes) -> bytes:
    """The export with something else in one of its rows."""
    assert old in ROWS[row]
    return b"".join([*ROWS[:row], ROWS[row].replace(old, new, 1), *ROWS[row + 1 :]])


BROKEN_EXPORTS = {
    "empty": (b"", "file", "is empty"),
    "no header": (b"".join(ROWS[1:]), "line 1", "header line of a usage export"),
    "cut off in a row": (SESSION[:-20], "line 10", "is cut off"),
    "cut off before the last newline": (SESSION[:-1], "line 10", "is cut off"),
    "byte order mark": (b"\xef\xbb\xbf" + SESSION, "line 1", "byte order mark"),
    "UTF-16": (SESSION.decode().encode("utf-16"), "line 1", "header line of a usage export"),
    "Windows-1252": (SESSION.decode().encode("cp1252"), "line 6", "is not UTF-8"),
    "a column less": (put(2, b",0\n", b"\n"), "line 3: columns", "must have 14 columns, not 13"),
    "an empty line": (SESSION + b"\n", "line 11: columns", "must have 14 columns, not 1"),
    "a quote without end": (put(1, b'Jane"', b"Jane"), "line 2: columns", "double quote"),
    "a line break in a field": (put(1, b"Doe, ", b"Doe,\n"), "line 2: columns", "must end on its line"),
    "a line too long": (put(1, b"Doe", b"D" * LINE_MAX), "line 2", "is longer than"),
    "a row twice": (SESSION + ROWS[1].replace(b"08:14:03", b"08:59:59"), "line 11", "has the transaction of line 2"),
    "two files joined": (SESSION + SESSION, "line 11", "is a header line again"),
    "newest first": (b"".join([ROWS[0], *reversed(ROWS[1:])]), "line 3", "export oldest first"),
}


@pytest.mark.parametrize(("raw", "place", "reason"), BROKEN_EXPORTS.values(), ids=BROKEN_EXPORTS.keys())
def test_an_export_that_does_not_hold_together_is_refused(raw: bytes, place: str, reason: str) -> None:
    """As a whole, with the line, and with what to do about it."""
    error = refused(lambda: read_usage(raw))
    assert error.place == place
    assert reason in error.reason
    assert "again" in error.reason or "each file by itself" in error.reason or "oldest first" in error.reason


def test_a_wrong_field_does_not_hold_up_the_export() -> None:
    """The row becomes a dead letter of its own; an id is made for it that is the same when it is sent again."""
    raw = put(3, b"T1003,2026-01-05 08:14:59", b'"T 3",yesterday')
    message = read_usage(raw)[2]
    assert message.message_id.startswith("accurint-row-")
    assert message == read_usage(raw)[2]
    with pytest.raises(RejectedInputError):
        accurint.translate("accurint", message.value)
    assert len(read_usage(raw)) == len(ROWS) - 1


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["s", "t"]), st.sampled_from(["", "1", "2", "3"])),
        max_size=12,
    )
)
def test_every_row_claims_what_its_session_last_chose(rows: list[tuple[str, str, str]]) -> None:
    """Against the plainest way to say it, over all interleavings of users and sessions."""
    raw = "".join(
        f"T{n},2026-01-05 08:00:{n:02},{user},{session},PERSON,{dppa},,,Doe,,,,,\n"
        for n, (user, session, dppa) in enumerate(rows)
    )
    messages = read_usage(f"{HEADER}\n{raw}".encode())
    accesses = [accurint.translate("accurint", message.value).accesses[0] for message in messages]
    chosen: dict[tuple[str, str], str] = {}
    for (user, session, dppa), access in zip(rows, accesses, strict=True):
        chosen[user, session] = dppa or chosen.get((user, session), "")
        claimed = access.purpose.code if access.purpose else None
        assert claimed == (f"DPPA{chosen[user, session]}" if chosen[user, session] else None)


@settings(max_examples=200)
@given(st.integers(0, len(SESSION)), st.binary(max_size=4), st.integers(0, 40))
def test_a_damaged_export_is_refused_or_cut(place: int, insert: bytes, gone: int) -> None:
    """Nothing else comes out, whatever is put in or taken away."""
    damaged = SESSION[:place] + insert + SESSION[place + gone :]
    try:
        messages = read_usage(damaged)
    except RejectedInputError:
        return
    assert all(len(message.value) <= 65_536 for message in messages)
    assert len({message.message_id for message in messages}) == len(messages)
