"""Files of accesses and facts: checked as a whole, and what they become on a topic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode, encode
from schemas.errors import RejectedInputError
from schemas.fact import Fact, Mark
from schemas.ids import LATEST_MS
from schemas.topics import FACTS_LINE, GIVEN_HEADER
from sinks.cli.csv_facts import COLUMNS, fact_rows
from sinks.cli.layouts import ENDED, LAYOUTS, native_messages
from sinks.cli.load import is_csv, with_mark
from sinks.cli.on_disk import in_turn
from sinks.cli.outgoing import Outgoing, access_lines, fact_lines, numbered_lines
from sinks.cli.send import Layout, Warned, is_native, looked_at, second_pass
from streams.sources import translate
from tests.contract.examples import ACCESS, FACT, MARK
from tests.harness.builders import make_access
from tests.harness.facts_file import audit_access, facts_file
from tests.harness.native import as_sent

GOLDEN = Path(__file__).parent / "golden"
NIGHT = (GOLDEN / "facts" / "night.txt").read_bytes()


def rejected(messages: Callable[[], Iterator[Outgoing]]) -> RejectedInputError:
    """The error that a file gets."""
    with pytest.raises(RejectedInputError) as caught:
        list(messages())
    assert re.search("(nothing|no access) was sent", caught.value.reason)
    return caught.value


def test_accesses_are_sent_as_they_are_under_the_id_of_their_record() -> None:
    """One record's accesses stay in order, and the bytes are the emitter's own."""
    (message,) = access_lines([ACCESS + b"\n"], "ecms")
    assert (message.key, message.value) == (b"c0042", ACCESS)
    assert dict(message.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"ecms-000123",
        "ce_source": b"/sources/ecms",
        "ce_type": b"needtoknow.access.v1",
        "ce_time": b"2026-01-05T14:14:03.120Z",
        "content-type": b"application/json",
    }


def test_lines_of_a_facts_night_name_their_layout() -> None:
    """Without the header the judge would read them as JSON."""
    messages = list(native_messages(BytesIO(NIGHT), "facts"))
    assert len(messages) == 8
    assert {dict(m.headers)["content-type"] for m in messages} == {FACTS_LINE.encode()}
    assert dict(messages[1].headers)["ce_id"] == b"facts-0000009001"


def sent(path: Path, raw: bytes, source: str) -> list[Outgoing]:
    """The messages of a file as `send` sends them, which has looked at all of it before."""
    path.write_bytes(raw)
    warned = Warned(source)
    with in_turn([str(path)]) as held:
        assert list(looked_at(held, Layout(source), warned))
        return list(second_pass(held, Layout(source), warned.given))


def test_header_and_trailer_of_a_facts_night_say_how_far_it_goes(tmp_path: Path) -> None:
    """Where sending it ends halfway, the rest is missed."""
    said = [dict(m.headers).get(GIVEN_HEADER) for m in sent(tmp_path / "night", NIGHT, "facts")]
    assert said == [b"9006", None, None, None, None, None, None, b"9006"]


def test_a_wrong_line_of_a_facts_night_says_nothing_of_how_far_it_goes(tmp_path: Path) -> None:
    """It becomes a dead letter; a billion numbers missing on its word would be an alarm about nothing."""
    night = facts_file("20260105", 7, [audit_access(n, make_access("JDOE")) for n in (501, 502, 503, 4_999_999_999)])
    assert dict(sent(tmp_path / "night", night.content, "facts")[0].headers)[GIVEN_HEADER] == b"504"


def test_a_short_night_is_refused_with_what_to_do() -> None:
    """As a whole: nothing of it is sent."""
    error = rejected(partial(native_messages, BytesIO(NIGHT[:500]), "facts"))
    assert error.place == "line 6"
    assert "fetch the file again" in error.reason


def test_lines_that_will_become_dead_letters_are_told_before(tmp_path: Path) -> None:
    """The file as a whole is right; one line is not, and whoever sends it should know. Its content is not repeated."""

    def warned(raw: bytes, source: str) -> list[str]:
        (tmp_path / "file").write_bytes(raw)
        found = Warned(source)
        with in_turn([str(tmp_path / "file")]) as held:
            assert list(looked_at(held, Layout(source, is_ended=source == "clean"), found))
        return [*found.told, *found.first]

    assert warned(NIGHT, "facts") == []
    wrong = b"OPR=JDOE12|KEY=RECORD"
    log = b"TYP=REQ|NUM=0000000001|TIM=2026-01-05 08:14:03.12|%b\nTYP=RSP|NUM=0000000007|REF=0000000000\n" % wrong
    left_out, alone, dead = warned(log, "clean")
    assert left_out.startswith("line 2: is a response for which no request waits: it is left out")
    assert alone.startswith("line 1: is a request whose response never came: it is sent as one that succeeded")
    assert dead.startswith("will become a dead letter: message 1: SID (request)")


def test_a_request_of_clean_whose_response_is_not_there_is_named_and_not_sent(tmp_path: Path) -> None:
    """Alone it would count as one that succeeded, and with its response later as another: each is named, not five."""
    requests = b"".join(b"TYP=REQ|NUM=%010d\n" % number for number in range(1, 9))
    (tmp_path / "monday").write_bytes(requests + b"TYP=RSP|NUM=0000000001|REF=0000000002\n")
    warned = Warned("clean")
    with in_turn([str(tmp_path / "monday")]) as held:
        assert len(list(looked_at(held, Layout("clean"), warned))) == 1
        assert len(list(second_pass(held, Layout("clean"), ()))) == 1
    lines = [1, *range(3, 9)]
    assert [words.split(": ")[0] for words in warned.told] == [f"line {number}" for number in lines]
    assert all("not sent; send this file again together with the next" in words for words in warned.told)


FILES = [path for source in LAYOUTS for path in sorted((GOLDEN / source).iterdir()) if ".expected" not in path.name]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_native_file_is_sent_as_its_system_writes_it(path: Path) -> None:
    """Each message says what it is, has an id of its own, and is read as the accesses written beside the file."""
    source = path.parent.name
    sent = list(native_messages(BytesIO(path.read_bytes()), source, is_ended=source in ENDED))
    said = [(dict(message.headers), message) for message in sent]
    assert len({headers["ce_id"] for headers, _ in said}) == len(sent)
    assert {headers["ce_source"] for headers, _ in said} <= {f"/sources/{source}".encode()}
    found: list[bytes] = []
    for message in sent:
        with suppress(RejectedInputError):
            translated = translate(source, message.value, message.headers, LATEST_MS)
            found += [encode(one) for one in as_sent(translated.accesses)]
    lines = path.with_suffix(".expected.jsonl").read_bytes().splitlines()
    written = [orjson.loads(line) for line in lines if line.startswith(b'{"event_id"')]
    assert [orjson.loads(one) for one in found] == written


def test_every_system_that_hands_over_files_has_files_here() -> None:
    """Or the test above would say nothing of it."""
    assert {path.parent.name for path in FILES} == set(LAYOUTS)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (b"a", [(1, b"a")]),
        (b"a\n\n  \n b \r\nc", [(1, b"a"), (4, b"b"), (5, b"c")]),
        (b"\n\n", []),
    ],
)
def test_empty_lines_do_not_count_but_are_numbered(raw: bytes, expected: list[tuple[int, bytes]]) -> None:
    """The number in an error is the one an editor shows."""
    assert list(numbered_lines(BytesIO(raw))) == expected


def test_one_wrong_line_refuses_the_whole_file() -> None:
    """With its number and its field, after any number of right ones."""
    wrong = ACCESS.replace(b'"view"', b'"peek"')
    error = rejected(partial(access_lines, [ACCESS, b"\n", ACCESS, wrong, ACCESS], "ecms"))
    assert error.place == "line 4: action"
    assert "peek" not in str(error)


def test_a_file_for_another_source_is_refused() -> None:
    """The topic would say one system and the message another."""
    assert rejected(partial(access_lines, [ACCESS], "jnet")).place == "line 1: source"


def test_a_byte_order_mark_is_refused_by_name() -> None:
    """Editors write it unasked."""
    assert "byte order mark" in rejected(partial(access_lines, [b"\xef\xbb\xbf" + ACCESS], "ecms")).reason


def test_facts_and_marks_may_stand_in_one_file() -> None:
    """In their order: a mark is about the facts before it."""
    fact, mark = fact_lines([FACT, MARK], "assignments")
    assert (fact.key, fact.is_mark) == (b"as-7", False)
    assert (mark.key, mark.is_mark) == (b"assignments", True)
    assert (decode(Fact, fact.value), decode(Mark, mark.value)) == (decode(Fact, FACT), decode(Mark, MARK))
    assert dict(fact.headers)["ce_id"] == b"as-7/2"


def test_a_feed_may_not_state_another_feeds_facts() -> None:
    """The staff directory does not assign cases."""
    assert rejected(partial(fact_lines, [FACT], "staff")).place == "line 1: body.kind"
    assert rejected(partial(fact_lines, [MARK], "staff")).place == "line 1: feed"


def test_marks_are_never_guessed() -> None:
    """Facts alone promise nothing."""
    assert not any(message.is_mark for message in fact_lines([FACT], "assignments"))


def test_a_promised_mark_follows_the_facts() -> None:
    """It may be believed only once they are there."""
    messages = with_mark(partial(fact_lines, [FACT], "assignments"), "assignments", 1_767_600_090_000)
    assert [message.is_mark for message in messages()] == [False, True]
    *_, mark = messages()
    assert decode(Mark, mark.value) == Mark(
        feed="assignments", complete_through=1_767_600_090_000, sequence=1_767_600_090_000
    )


@pytest.mark.parametrize(
    ("path", "source", "is_own"),
    [
        ("FACTSAUD.20260105", "facts", True),
        ("night.txt", "facts", True),
        ("-", "facts", True),
        ("night.JSONL", "facts", False),
        ("usage.csv", "accurint", True),
        ("shift.log", "ecms", True),
        ("night.txt", "ecms", False),
        ("-", "ecms", False),
        ("changes.txt", "facts2", False),
    ],
)
def test_whether_a_file_is_native_follows_from_source_and_name(path: str, source: str, is_own: bool) -> None:
    """Who hands over files sends its own unless the name says JSON; ECMS speaks JSON unless the name says syslog."""
    assert is_native(path, source) == is_own


@pytest.mark.parametrize(
    ("path", "layout", "expected"),
    [("a.csv", "auto", True), ("a.CSV", "auto", True), ("a.jsonl", "auto", False), ("a.csv", "jsonl", False),
     ("-", "csv", True), ("-", "auto", False)],
)  # fmt: skip
def test_a_table_is_known_by_its_name(path: str, layout: str, expected: bool) -> None:
    """Unless one says what it is."""
    assert is_csv(path, layout) is expected


# --- CSV ----------------------------------------------------------------------------------------------------------

HEADER = (
    "kind,fact_id,revision,valid_from,valid_to,recorded_at,recorded_by,void,staff,unit,record_kind,record_id,role,"
    "supervisor,covering,covered,source,login,within_kind,within_id,alert"
)
WHEN = "2026-01-05T00:00:00Z,,2026-01-05T08:01:00Z,s03,false"
ROWS = {
    "assignments": f"assignment,as-7,2,{WHEN},w028,,case,c0042,management,,,,,,,,",
    "cases": f"membership,m-1,1,{WHEN},,,person,p7,,,,,,,case,c0042,",
    "console": f"review,re-1,1,{WHEN},w028,,case,c0042,,,,,,,,,al-7",
}
STAFF_ROWS = {
    "account": f"account,ac-1,1,{WHEN},w028,,,,,,,,ecms,jdoe,,,",
    "supervision": f"supervision,su-1,1,{WHEN},w028,,,,,s03,,,,,,,",
    "coverage": f"coverage,co-1,1,{WHEN},,,,,,,w028,w017,,,,,",
    "unit_member": f"unit_member,um-1,1,{WHEN},w028,u5,,,,,,,,,,,",
}


def table(*rows: str, header: str = HEADER) -> bytes:
    """Rows as a CSV file."""
    return "\n".join([header, *rows, ""]).encode()


def read(raw: bytes, feed: str) -> list[Fact]:
    """The facts of a CSV file."""
    return [decode(Fact, message.value) for message in fact_rows(raw, feed)]


def test_the_documented_header_is_the_header() -> None:
    """The order is free, the names are not."""
    assert set(HEADER.split(",")) == set(COLUMNS)


def test_a_row_is_the_same_fact_as_its_json() -> None:
    """An empty cell is an absent field."""
    assert read(table(ROWS["assignments"]), "assignments") == [decode(Fact, FACT)]


@pytest.mark.parametrize(("kind", "row"), STAFF_ROWS.items(), ids=STAFF_ROWS.keys())
def test_every_kind_has_its_columns(kind: str, row: str) -> None:
    """What the staff directory may state."""
    (fact,) = read(table(row), "staff")
    assert fact.body.kind == kind


def test_a_membership_names_two_records() -> None:
    """Whose columns must not be confused."""
    (fact,) = read(table(ROWS["cases"]), "cases")
    assert orjson.loads(fact.model_dump_json())["body"] == {
        "kind": "membership",
        "record": {"kind": "person", "id": "p7"},
        "within": {"kind": "case", "id": "c0042"},
    }


def test_a_review_names_its_alert() -> None:
    """Beside who holds it, and which record it is about."""
    (fact,) = read(table(ROWS["console"]), "console")
    body = {"kind": "review", "staff": "w028", "record": {"kind": "case", "id": "c0042"}, "alert": "al-7"}
    assert orjson.loads(fact.model_dump_json())["body"] == body


def test_a_table_may_leave_columns_out_and_order_them_freely() -> None:
    """An export of one kind has only its own columns. Spreadsheets add a byte order mark, quotes and CR LF."""
    raw = (
        b"\xef\xbb\xbflogin,kind,source,staff,fact_id,revision,recorded_at,valid_from\r\n"
        b'"jdoe",account,ecms,w028,ac-1,1,2026-01-05T08:01:00Z,2026-01-05T00:00:00Z\r\n'
    )
    (fact,) = read(raw, "staff")
    assert (fact.body.kind, fact.void, fact.valid_to) == ("account", False, None)


ROW = ROWS["assignments"]
BAD_TABLES = {
    "no header": (b"", "line 1: header"),
    "unknown column": (table(header=HEADER + ",salary"), "line 1: header"),
    "column twice": (table(header=HEADER + ",staff"), "line 1: header"),
    "column missing": (table(header=HEADER.replace("fact_id,", "")), "line 1: header"),
    "cell too few": (table(ROW, ROW[:-1]), "line 3: row"),
    "cell too many": (table(ROW + ","), "line 2: row"),
    "open quote": (table(ROW, '"' + ROW), "line 3: row"),
    "unknown kind": (table(ROW.replace("assignment,", "asg,")), "line 2: column kind"),
    "no kind": (table(ROW.replace("assignment,", ",")), "line 2: column kind"),
    "no id": (table(ROW.replace("as-7", "")), "line 2: column fact_id"),
    "id with a space": (table(ROW.replace("as-7", "as 7")), "line 2: column fact_id"),
    "revision": (table(ROW.replace(",2,", ",2.0,")), "line 2: column revision"),
    "revision zero": (table(ROW.replace(",2,", ",0,")), "line 2: column revision"),
    "revision in other digits": (table(ROW.replace(",2,", ",٢,")), "line 2: column revision"),
    "date without zone": (table(ROW.replace("00:00:00Z", "00:00:00")), "line 2: column valid_from"),
    "void": (table(ROW.replace("false", "no")), "line 2: column void"),
    "record kind": (table(ROW.replace(",case,", ",box,")), "line 2: column record_kind"),
    "record id missing": (table(ROW.replace("c0042", "")), "line 2: column record_id"),
    "record missing": (table(ROW.replace("case,c0042", ",")), "line 2: columns record_kind and record_id"),
    "role": (table(ROW.replace("management", "boss")), "line 2: column role"),
    "staff and unit": (table(ROW.replace("w028,", "w028,u5")), "line 2: body.assignment"),
    "kind of another feed": (table(STAFF_ROWS["account"]), "line 2: body.kind"),
    "not UTF-8": (table(ROW) + b"\xff", "file"),
    "UTF-16": (table(ROW).decode().encode("utf-16"), "file"),
    "NUL": (table(ROW.replace("as-7", "as\0")), "line 2: column fact_id"),
}


@pytest.mark.parametrize(("raw", "place"), BAD_TABLES.values(), ids=BAD_TABLES.keys())
def test_a_wrong_table_is_refused_with_line_and_column(raw: bytes, place: str) -> None:
    """Whoever made it works in a spreadsheet, so the column is named, not the field of the record."""
    assert rejected(partial(fact_rows, raw, "assignments")).place == place


def test_a_column_of_another_kind_must_be_empty() -> None:
    """A value that is silently passed over was meant to say something."""
    assert rejected(partial(fact_rows, table(ROW + "c1"), "assignments")).place == "line 2: column alert"


@given(st.one_of(st.binary(max_size=120), st.text(max_size=120).map(table)))
def test_any_bytes_are_facts_or_an_error(raw: bytes) -> None:
    """In every layout."""
    for messages in (
        partial(fact_rows, raw, "assignments"),
        partial(fact_lines, BytesIO(raw), "assignments"),
        partial(access_lines, BytesIO(raw), "ecms"),
        *(partial(native_messages, BytesIO(raw), source) for source in LAYOUTS),
    ):
        with suppress(RejectedInputError):
            list(messages())
