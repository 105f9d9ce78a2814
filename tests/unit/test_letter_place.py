"""Where in a message the fault of a dead letter lies, and what is shown of it: its place, and no values."""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RejectedInputError
from schemas.topics import (
    ACCURINT_BATCH,
    ACCURINT_ROW,
    CANONICAL,
    CLEAN_LINES,
    ECMS_SYSLOG,
    FACTS2_CDC,
    FACTS_LINE,
    IRSS_ROW,
    JNET_XML,
    PAPER_SLIP,
    SOURCES,
)
from sinks.letter_json import Value, parts
from sinks.letter_mask import masked
from sinks.letter_place import span_of, words
from streams.sources import translate
from tests.harness.hostile.accurint import LINES, ROW, part, usage

GOLDEN = Path(__file__).parent / "golden"
ACCESS = (
    b'{"event_id":"e-1","source":"ecms","actor":"jdoe12","action":"view","record":{"kind":"case","id":"c0042"},'
    b'"candidates":[{"kind":"case","id":"a,]}"},{"kind":"person","id":"p\xc3\xa9 7"}],"result":"success",'
    b'"occurred_at":"2026-01-05T14:14:03.120Z"}'
)
CLEAN = (
    b"TYP=REQ|NUM=0000009001|TIM=2026-01-05 08:14:03.12|KEY=PERSON|ORI=PA0510099|OPR=jdoe|PUR=C|TRM=T17|NAM=Doe, Jane"
)
IRSS = (
    b"User ID,Function,Record Type,Record Number,Date,Time,Status\n"
    b'mhenders,"Spy, ""quietly""",Case,C42,01/05/2026,2:05 PM,Success'
)
SLIP = (GOLDEN / "paper" / "days.csv").read_bytes().splitlines()
ECMS = (
    b'<110>1 2026-01-05T14:14:03.120Z app1 ecms 812 ACCESS [access@32473 id="e-7" user="jdoe" action="spy" kind="case" '
    b'record="c0042" result="success"]'
)
JNET = (GOLDEN / "jnet" / "photo-view.xml").read_bytes()
FACTS = (GOLDEN / "facts" / "night.txt").read_bytes().splitlines()[1]
CHANGE = {
    "schema": None,
    "payload": {"op": "c", "before": None, "after": {"AUDIT_ID": "seven"}, "source": {"table": "AUDIT_TRAIL"}},
}


def source_of(content_type: str) -> str:
    """Whose native message it is."""
    return next((s.name for s in SOURCES.values() if content_type in s.content_types), "ecms")


def marked(content_type: str, value: bytes) -> bytes:
    """What is marked of a message that its own translator refuses: what people are shown."""
    with pytest.raises(RejectedInputError) as refused:
        translate(source_of(content_type), value, [("content-type", content_type.encode())], 2_000_000_000_000)
    span = span_of(content_type, refused.value.place, value)
    assert span is not None, refused.value
    return value[span.first : span.last]


@pytest.mark.parametrize(
    ("content_type", "value", "shown"),
    [
        (CANONICAL, ACCESS.replace(b'"view"', b'"spy"'), b'"spy"'),
        (CANONICAL, ACCESS, b'"p\xc3\xa9 7"'),
        (CANONICAL, ACCESS.replace(b',"id":"c0042"', b""), b'{"kind":"case"}'),
        (CANONICAL, ACCESS.replace(b"p\xc3\xa9 7", b"\xc3\xa9\xc3\xa9").replace(b'"result":', b'"result"='), b"="),
        (FACTS2_CDC, orjson.dumps(CHANGE), b'"seven"'),
        (FACTS_LINE, FACTS[:33] + b"SPY" + FACTS[36:], b"SPY"),
        (IRSS_ROW, IRSS, b'"Spy, ""quietly"""'),
        (IRSS_ROW, IRSS.replace(b"C42", b"C\x8142"), b"\x81"),
        (ACCURINT_ROW, usage(ROW.replace("PERSON", "PEOPLE")), b"PEOPLE"),
        (ACCURINT_ROW, usage(ROW.replace(",17", ",many")), b"many"),
        (ACCURINT_BATCH, part(LINES[0], "18,Doe,,,,7"), b"7"),
        (CLEAN_LINES, CLEAN, b"OPR=jdoe"),
        (CLEAN_LINES, CLEAN.replace(b"|PUR=C", b"|XYZ=C"), b"XYZ=C"),
        (ECMS_SYSLOG, ECMS, b"spy"),
        (ECMS_SYSLOG, ECMS.replace(b"2026-01-05T", b"2026-01-05 "), b"2026-01-05"),
        (JNET_XML, JNET.replace(b"</c:MessageID>", b"</c:MessageIX>"), b"c"),
    ],
)  # fmt: skip
def test_the_place_that_a_translator_names_is_found_in_its_bytes(content_type: str, value: bytes, shown: bytes) -> None:
    """Of every layout, as its own translator says it."""
    found = marked(content_type, value)
    assert found == shown


def test_a_slip_is_marked_in_its_column() -> None:
    """Whatever the order of its columns."""
    header, row, *_ = SLIP
    columns = header.decode().split(",")
    cells = row.decode().split(",")
    at = [c.replace(" ", "").lower() for c in columns].index("dateout")
    assert cells[at][:1].isdigit()
    cells[at] = "someday"
    assert marked(PAPER_SLIP, header + b"\n" + ",".join(cells).encode()) == b"someday"


def test_an_element_is_marked_as_a_whole() -> None:
    """With its tags, whichever prefix they have."""
    found = marked(JNET_XML, JNET.replace(b":IDP:", b":IDQ:"))
    assert found.startswith(b"<i:FederationId>")
    assert found.endswith(b"</i:FederationId>")


def test_what_cannot_be_told_is_not_marked() -> None:
    """A mark in the wrong place sends people looking in the wrong place."""
    for place in ("message", "content-type", "*", "recipient", "byte 9999"):
        assert span_of(CANONICAL, place, ACCESS) is None
    assert span_of("text/plain", "actor", ACCESS) is None


def test_a_place_is_told_in_bytes_lines_and_columns() -> None:
    """As programs count, and as editors do."""
    span = span_of(IRSS_ROW, "function (column 2)", IRSS)
    assert span is not None
    assert words(span, IRSS) == f"byte {span.first} to {span.last - 1} (line 2, column 10)"


@pytest.mark.parametrize(
    ("content_type", "value", "shown"),
    [
        (CANONICAL, b'{"actor":"jdoe12","jane roe":-1.5,"x":null}', b'{"actor":"xxxx99","xxxx xxx":-9.9,"x":xxxx}'),
        (FACTS2_CDC, b'{"after":{"USER_ID":"a\\"b","DOE":1}}', b'{"after":{"USER_ID":"x\\"x","XXX":9}}'.lower()),
        (IRSS_ROW, b'User ID;Jane Roe\nUser ID;"x 1"', b'User ID;xxxx xxx\nxxxx xx;"x 9"'),
        (CLEAN_LINES, b"TYP=REQ|OPR=TYP|ABC=OPR=1", b"TYP=xxx|OPR=xxx|xxx=xxx=9"),
        (ECMS_SYSLOG, b'<1>1 [access@32473 user="a user=\\"b" doe="c"]',
         b'<9>9 [xxxxxx@99999 user="x xxxx=\\"x" xxx="x"]'),
        (JNET_XML, b"<c:User a='1'>User<Roe/></c:User>", b"<x:User x='9'>xxxx<xxx/></x:User>"),
        ("text/plain", b"Ren\xc3\xa9 \x1b[2J", b"xxxxx \x1b[9x"),
    ],
)  # fmt: skip
def test_values_are_masked_and_their_shape_is_not(content_type: str, value: bytes, shown: bytes) -> None:
    """Names are shown only where names stand, and only those we know."""
    assert masked(content_type, value) == shown.replace(b"user_id", b"USER_ID")


@given(
    st.sampled_from([CANONICAL, FACTS_LINE, IRSS_ROW, ACCURINT_ROW, CLEAN_LINES, ECMS_SYSLOG, JNET_XML]),
    st.binary(),
    st.text(max_size=30),
)
def test_no_bytes_and_no_place_can_break_it(content_type: str, value: bytes, place: str) -> None:
    """Both came from outside."""
    assert len(masked(content_type, value)) == len(value)
    span = span_of(content_type, place, value)
    assert span is None or 0 <= span.first < span.last <= len(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def values(document: object, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], object]:
    """Every value of a document by its path."""
    found = {path: document}
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, inner in pairs:
        found |= values(inner, (*path, str(name)))
    return found


@given(JSON)
def test_every_value_of_a_document_is_found_where_it_stands(document: object) -> None:
    """Lists in lists, names that look like numbers, escapes: as the reader itself would say."""
    raw = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    found = {part.path: orjson.loads(raw[part.first : part.last]) for part in parts(raw) if isinstance(part, Value)}
    assert found == values(document)


UNCLOSED = {
    "escaped quotes": b'{"event_id":"' + b'\\"' * (1 << 19),
    "escaped quotes alone": b'"' + b'\\"' * (1 << 19),
    "backslashes": b'{"' + b"\\" * (1 << 20),
    "a name that is not closed": b'{"' + b"x" * (1 << 20),
}


@pytest.mark.parametrize("content_type", [CANONICAL, FACTS2_CDC, ECMS_SYSLOG, IRSS_ROW, PAPER_SLIP, JNET_XML])
@pytest.mark.parametrize("value", UNCLOSED.values(), ids=UNCLOSED.keys())
def test_a_string_that_is_never_closed_is_read_once(content_type: str, value: bytes) -> None:
    """A megabyte in well under a second of work: whoever looks at a letter must not wait for who wrote it."""
    began = time.process_time()
    span_of(content_type, "record.id", value)
    assert len(masked(content_type, value)) == len(value)
    assert time.process_time() - began < 0.8


def test_of_a_string_that_is_never_closed_the_place_is_known() -> None:
    """It is the value of its field, up to the end of the message."""
    value = b'{"source":"ecms","event_id":"e-1\\" and no end'
    span = span_of(CANONICAL, "event_id", value)
    assert span is not None
    assert value[span.first : span.last] == b'"e-1\\" and no end'
