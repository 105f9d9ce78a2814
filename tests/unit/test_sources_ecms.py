"""ECMS: syslog messages as accesses, and files of them."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import SEEKING, Access, Action, Purpose, Record, RecordKind, Result, canonical
from schemas.codec import MESSAGE_MAX, decode_access
from schemas.errors import RejectedInputError
from schemas.ids import EARLIEST_MS, LATEST_MS, parse_instant
from schemas.topics import CANONICAL, ECMS_SYSLOG
from streams.sources import Translated, translate
from streams.sources.ecms import read_message
from streams.sources.ecms_file import read_file
from tests.contract.examples import ACCESS, FULL_ACCESS
from tests.harness.builders import at, make_access
from tests.harness.ecms_syslog import syslog
from tests.harness.hostile.ecms import BOM, GOOD, HARMLESS, HOSTILE, SECOND, element, header, message
from tests.harness.native import as_sent

GOLDEN = Path(__file__).parent / "golden" / "ecms"
HEADERS = (("content-type", ECMS_SYSLOG.encode()),)
FOR_EVER = LATEST_MS  # appended after all that can be written
DAY = 86_400_000
SHIFT = (GOLDEN / "shift.txt").read_bytes()


def of(value: bytes) -> Translated:
    """What one message translates to."""
    return translate("ecms", value, HEADERS, FOR_EVER)


def access(value: bytes) -> Access:
    """The one access of a message."""
    [found] = as_sent(of(value).accesses)
    return found


def rejected(value: bytes) -> RejectedInputError:
    """The error that one message gets."""
    with pytest.raises(RejectedInputError) as caught:
        of(value)
    return caught.value


def told_of(value: bytes) -> str:
    """What the error says, nothing when there is none."""
    try:
        of(value)
    except RejectedInputError as error:
        return str(error)
    return ""


def answer(value: bytes) -> Access | str | None:
    """An access, None for a control message, or the place of the error."""
    try:
        translated = of(value)
    except RejectedInputError as error:
        return error.place
    assert translated.is_control == (not translated.accesses)
    return translated.accesses[0] if translated.accesses else None


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_a_file_becomes_the_accesses_written_beside_it(path: Path) -> None:
    """The whole way of a file: null is a control message, a text the place that a dead letter names."""
    written = [orjson.loads(line) for line in path.with_suffix(".expected.jsonl").read_bytes().splitlines()]
    expected = [decode_access(orjson.dumps(one)) if isinstance(one, dict) else one for one in written]
    assert [answer(one.value) for one in read_file(path.read_bytes())] == expected


# --- the same access both ways

IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=30)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
RECORDS = st.builds(Record, kind=st.sampled_from(get_args(RecordKind)), id=IDS)
PURPOSES = st.builds(Purpose, code=st.none() | IDS, text=st.none() | TEXTS).filter(lambda purpose: purpose != Purpose())
"""An empty purpose has no spelling as syslog: it says nothing."""
SPANS = st.tuples(st.integers(EARLIEST_MS + DAY, LATEST_MS - DAY), st.none() | st.integers(0, DAY))


@st.composite
def accesses(draw: st.DrawFn) -> Access:
    """Any access that ECMS can send as canonical JSON, but for an empty purpose."""
    first, length = draw(SPANS)
    action: Action = draw(st.sampled_from(get_args(Action)))
    return Access(
        event_id=draw(IDS),
        source="ecms",
        sequence=draw(st.none() | st.integers(0, 2**63 - 1)),
        actor=draw(IDS),
        requested_for=draw(st.none() | IDS),
        action=action,
        record=draw(RECORDS),
        candidates=draw(st.none() | st.lists(RECORDS, max_size=4 if action in SEEKING else 0).map(tuple)),
        recipient=draw(st.none() | TEXTS.filter(bool)),
        agency=draw(st.none() | IDS),
        purpose=draw(st.none() | PURPOSES),
        result=draw(st.sampled_from(get_args(Result))),
        occurred_at=first,
        occurred_until=None if length is None else first + length,
        session=draw(st.none() | IDS),
        device=draw(st.none() | IDS),
        batch_id=draw(st.none() | IDS),
        object_count=draw(st.none() | st.integers(0, 1_000_000_000)),
    )


OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timedelta(minutes=minutes))
OTHERS = st.sampled_from(["", "[a@1]", r'[timeQuality tzKnown="1"][b@1 c="\]" c="\" id=\"x\"\][access@32473\\"]'])
AFTER = st.sampled_from(["", "\n", " ", " seen", " \ufeffgesehen \u00fc", ' [a@1 b="c"]', "[meta]"])


@settings(max_examples=300)
@given(accesses(), OFFSETS, st.text("0123456789", max_size=3), OTHERS, AFTER)
def test_an_access_is_the_same_both_ways(one: Access, offset: timedelta, finer: str, before: str, after: str) -> None:
    """Whatever it holds, as syslog and as canonical JSON: whoever sends both is told of once."""
    spelt = syslog(one, offset=offset, finer=finer, before=before, text=after)
    assert access(spelt) == one
    [both] = as_sent(translate("ecms", canonical(one), (("content-type", CANONICAL.encode()),), FOR_EVER).accesses)
    assert canonical(access(spelt)) == canonical(both)


@pytest.mark.parametrize("raw", [ACCESS, FULL_ACCESS.replace(b'"export"', b'"search"')])
def test_the_examples_of_the_contract_are_the_same_both_ways(raw: bytes) -> None:
    """The one with everything in it, and the one with what it must have."""
    assert access(syslog(decode_access(raw))) == decode_access(raw)


def test_the_largest_search_has_room() -> None:
    """200 candidates with ids of 200 characters: why the relay must let 64 KB pass."""
    found = tuple(Record(kind="criteria", id=f"{n:03}".rjust(200, "~")) for n in range(200))
    one = make_access(action="search").model_copy(update={"candidates": found})
    assert 40_000 < len(syslog(one)) <= MESSAGE_MAX
    assert access(syslog(one)) == one


# --- the grammar


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_messages_are_rejected(value: bytes) -> None:
    """Each with a place that is ours to name and a reason that says what would be right."""
    error = rejected(value)
    assert error.place.isascii()
    assert error.place.isprintable()
    assert error.reason


@pytest.mark.parametrize("value", HARMLESS.values(), ids=HARMLESS.keys())
def test_strange_but_legal_messages_are_read(value: bytes) -> None:
    """The RFC allows them; none is lost because a reader was not used to it."""
    assert not isinstance(answer(value), str)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-05T14:14:03Z", "2026-01-05T14:14:03.000Z"),
        ("2026-01-05T14:14:03.1Z", "2026-01-05T14:14:03.100Z"),
        ("2026-01-05T14:14:03.123999Z", "2026-01-05T14:14:03.123Z"),
        ("2026-01-05T09:14:03.120-05:00", "2026-01-05T14:14:03.120Z"),
        ("2026-01-06T14:13:03+23:59", "2026-01-05T14:14:03.000Z"),
        ("2026-03-08T02:30:00-05:00", "2026-03-08T07:30:00.000Z"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_read_as_written_and_cut_to_the_millisecond(written: str, meant: str) -> None:
    """Its offset says all, so an hour that no clock in Philadelphia showed is no reason to refuse it."""
    found = access(header(when=written.encode()) + element(until=written.encode()))
    assert found.occurred_at == found.occurred_until == parse_instant(meant)


def test_where_and_through_what_a_message_came_becomes_nothing() -> None:
    """Whatever passes a message on may change host, application, process and priority, or add elements."""
    other = header(b"<0>", host=b"other", app=b"-", process=b"9") + b'[meta sequenceId="1"]' + element() + b" text"
    assert access(other) == access(GOOD)


@pytest.mark.parametrize("name", ["id", "seq", "user", "kind", "purposeText"])
def test_a_parameter_given_twice_is_rejected(name: str) -> None:
    """Two readers could choose differently."""
    given = {name: b"1"}
    twice = header() + element(extra=b' %s="1"' % name.encode(), **given)
    assert rejected(twice).place == name
    assert rejected(twice).reason == "is given twice"


BAD_VALUES = {
    "id": b"e 1", "seq": b"1.5", "user": b"", "for": b"j\t", "action": b"looked", "kind": b"file", "record": b"\x7f",
    "result": b"fine", "until": b"noon", "session": b" ", "device": b"", "batch": b"b 2", "count": b"-7",
    "recipient": b"", "agency": b"", "purposeCode": b"C C", "purposeText": b"x" * 2001, "candidates": b"p7",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_VALUES)
def test_each_parameter_is_checked_and_named_as_we_call_it(name: str) -> None:
    """Whoever mends ECMS knows our names, not the contract's."""
    assert rejected(message(**{name: BAD_VALUES[name]})).place == name


@pytest.mark.parametrize("action", [action for action in get_args(Action) if action not in SEEKING])
def test_candidates_are_of_whoever_looks_for_somebody(action: Action) -> None:
    """Refused as in canonical JSON: a record of one's own beside it would clear what was done to another."""
    one = make_access(action=action, candidates=["case:c1"])
    assert rejected(syslog(one)).place == "candidates"
    with pytest.raises(RejectedInputError, match="candidates: must be left out unless the action is search or subscr"):
        translate("ecms", canonical(one), (), FOR_EVER)
    for other in (one.model_copy(update={"action": "subscribe"}), one.model_copy(update={"candidates": ()})):
        assert access(syslog(other)) == other


def test_candidates_are_of_a_short_time() -> None:
    """A day that is not known better and then some; whoever checks by hand asks for each of them at each instant."""
    start = at("2026-01-05")
    for until, is_taken in ((start + 2 * DAY, True), (start + 2 * DAY + 1, False)):
        one = make_access(action="search", when=start, until=until, candidates=["case:c1"])
        alone = one.model_copy(update={"candidates": None})
        assert access(syslog(alone)) == alone
        if is_taken:
            assert access(syslog(one)) == one
        else:
            assert rejected(syslog(one)).place == "until"


def test_a_wrong_candidate_is_named_by_its_place() -> None:
    """The first is 0, as in canonical JSON."""
    assert rejected(message(candidates=b"person:p1 case:c2 dog:d3")).place == "candidates.2.kind"


@pytest.mark.parametrize(
    ("value", "place", "words"),
    [
        (HOSTILE["octet count"], "message", "the transport must take that off"),
        (HOSTILE["RFC 3164"], "VERSION", "RSYSLOG_SyslogProtocol23Format"),
        (HOSTILE["time missing by choice"], "TIMESTAMP", "must not be -"),
        (HOSTILE["time with a leap second"], "TIMESTAMP", "write second 59"),
        (HOSTILE["header alone"], "STRUCTURED-DATA", "ends before it"),
        (HOSTILE["cut off inside a value"], "STRUCTURED-DATA (byte 140)", "raise the largest message size"),
        (HOSTILE["name of 33 characters"], "STRUCTURED-DATA (byte 62)", "an SD-ID of 1 to 32 printable characters"),
        (HOSTILE["our element twice with a space"], "MSG", "no space may stand between elements"),
        (HOSTILE["a second message behind the text"], "MSG", "send each by itself"),
        (HOSTILE["heartbeat with an access"], "MSGID", "must be ACCESS"),
        (HOSTILE["a parameter nobody knows"], "access@32473", "id, seq, user"),
    ],
)
def test_what_goes_wrong_most_names_its_fix(value: bytes, place: str, words: str) -> None:
    """Whoever runs the relay reads it, not whoever wrote this."""
    error = rejected(value)
    assert error.place == place
    assert words in error.reason


def test_no_message_that_was_cut_off_is_taken_for_whole() -> None:
    """A relay cuts what is too long for it: nothing of it may be read as something else."""
    assert [end for end in range(1, len(GOOD)) if not isinstance(answer(GOOD[:end]), str)] == []
    begins = GOOD.index(b" id=") + 1
    assert all("cut off inside" in rejected(GOOD[:end]).reason for end in range(begins, len(GOOD)))


def test_a_heartbeat_is_a_control_message() -> None:
    """It says that ECMS lives and what its clock shows, and nothing about anybody; its silence is noticed from then."""
    beat = Translated(accesses=(), is_control=True, beat_at=parse_instant("2026-01-05T14:14:03.120Z"))
    when = b"2026-01-05T09:14:03.120-05:00"
    assert of(header(name=b"HEARTBEAT", when=when) + b"-") == beat


@pytest.mark.parametrize("source", ["facts", "clean"])
def test_nobody_else_may_send_syslog(source: str) -> None:
    """The content type belongs to ECMS's topic."""
    with pytest.raises(RejectedInputError, match="content-type"):
        translate(source, GOOD, HEADERS, FOR_EVER)


def by_the_letter(text: str) -> dict[str, str] | None:
    """The parameters between SD-ID and bracket, one character after the other as section 6.3 has it.

    None when they are malformed.
    """
    found: dict[str, str] = {}
    while text:
        name, is_there, rest = text[1:].partition('="')
        if text[0] != " " or not is_there or name not in ("id", "user") or name in found:
            return None
        value = ""
        while rest and rest[0] not in '"]':
            is_escape = rest[0] == "\\" and rest[1:2] in ('"', "\\", "]") and len(rest) > 1
            value, rest = value + rest[is_escape], rest[1 + is_escape :]
        if not rest.startswith('"'):
            return None
        found[name], text = value, rest[1:]
    return found


TOKENS = st.sampled_from([' id="', ' user="', '"', '"', "\\", "\\", "\\]", "\\n", "x", " ", "=", "\u00e9", "\n"])


@settings(max_examples=500)
@given(st.lists(TOKENS, max_size=14).map("".join))
def test_parameters_are_read_by_the_letter_of_the_rfc(text: str) -> None:
    """As somebody would who goes through it with a finger, backslashes above all."""
    try:
        read = read_message(header() + f"[access@32473{text}]".encode()).parameters
    except RejectedInputError:
        read = None
    assert read == by_the_letter(text)


# --- nothing but RejectedInputError, and nothing of the message in it


@given(st.binary(max_size=300))
def test_any_bytes_are_an_access_a_control_message_or_an_error(value: bytes) -> None:
    """Nothing else comes out, whatever comes in."""
    answer(value)
    answer(header() + value)
    answer(header() + b"[access@32473 " + value)


@settings(max_examples=300)
@given(st.sampled_from(sorted(HARMLESS.values())), st.data())
def test_a_damaged_message_is_an_access_a_control_message_or_an_error(value: bytes, data: st.DataObject) -> None:
    """The same for messages that are nearly right."""
    place = data.draw(st.integers(0, min(len(value), 400)))
    insert, cut = data.draw(st.binary(max_size=4)), data.draw(st.integers(0, 4))
    answer(value[:place] + insert + value[place + cut :])


PLANTED = b"Quagga"
VALUES = (b"jdoe", b"c0042", b"t4", b"app1.example", b"812", b"ecms-000123", b"a@1", b"role", b"LOGIN", b"text", b"dog")


@pytest.mark.parametrize("value", VALUES)
def test_no_error_tells_what_the_message_held(value: bytes) -> None:
    """A word that is nowhere in our texts, in each place where a hostile message has one."""
    planted = [hostile.replace(value, PLANTED) for hostile in HOSTILE.values() if value in hostile]
    told = [told_of(one) for one in planted]
    assert any(told)
    assert [text for text in told if PLANTED.decode() in text] == []


@pytest.mark.parametrize("name", BAD_VALUES)
def test_no_error_tells_the_value_that_is_wrong(name: str) -> None:
    """Nor the good ones beside it."""
    error = rejected(message(**{name: b"Zebra\xc3\xa9 Quagga" * 200}))
    assert not any(word in str(error) for word in ("Zebra", "Quagga", "jdoe", "c0042"))


# --- files


def test_lines_are_sent_as_they_are_under_the_id_of_their_access() -> None:
    """Byte for byte, keyed by the record as canonical accesses are, so that what is sent both ways meets."""
    messages = read_file(SHIFT)
    assert b"".join(one.value + b"\n" for one in messages) == SHIFT
    assert [one.message_id for one in messages[1:]] == [f"ecms-00012{n}" for n in range(3, 7)]
    assert [one.key for one in messages[1:]] == [b"c0042", b"q-9", b"d-17", b"d-18"]
    digest = hashlib.sha256(messages[0].value).hexdigest()[:32]
    assert messages[0].message_id == f"ecms-line-{digest}"
    assert messages[0].key == messages[0].message_id.encode()


def test_a_wrong_line_does_not_hold_up_the_others() -> None:
    """It is sent and becomes a dead letter; its id is used where it can be read and be one."""
    lines = [GOOD, message(action=b"looked"), message(id=b"e 1"), b"\xff" * 9, b" continued", GOOD[:99]]
    messages = read_file(b"<" + b"".join(line + b"\n" for line in lines)[1:])
    assert [one.value for one in messages] == lines
    assert [one.message_id[:10] for one in messages] == ["ecms-00012"] * 2 + ["ecms-line-"] * 4
    assert len({one.message_id for one in messages[2:]}) == 4


BROKEN = {
    "empty": (b"", "file", "is empty"),
    "an empty line": (GOOD + b"\n\n" + SECOND + b"\n", "line 2", "is empty"),
    "cut off": (GOOD + b"\n" + SECOND, "line 2", "is cut off"),
    "CR LF": (GOOD + b"\r\n" + SECOND + b"\r\n", "line 1", "ends in CR LF"),
    "octet counts": (b"%d %s" % (len(GOOD), GOOD) + b"\n", "line 1", "octet counts"),
    "byte order mark": (BOM + GOOD + b"\n", "line 1", "byte order mark"),
    "UTF-16": (GOOD.decode().encode("utf-16") + b"\n", "line 1", "another encoding"),
    "packed": (b"\x1f\x8b\x08\0\n", "line 1", "packing"),
    "a line too long": (GOOD + b"\n" + GOOD + b" " + b"x" * MESSAGE_MAX + b"\n", "line 2", "larger than 65536 bytes"),
}


@pytest.mark.parametrize(("raw", "place", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_is_not_one_of_whole_lines_is_refused(raw: bytes, place: str, reason: str) -> None:
    """As a whole, with the line, and with what to do about it."""
    with pytest.raises(RejectedInputError) as caught:
        read_file(raw)
    assert caught.value.place == place
    assert reason in caught.value.reason
    assert "fetch it again" in caught.value.reason


@given(st.lists(st.sampled_from([GOOD, SECOND, b"<", b"", b"x" * MESSAGE_MAX, b"\r"]) | st.binary(max_size=9)))
def test_any_file_is_refused_or_cut_without_losing_a_byte(lines: list[bytes]) -> None:
    """Whatever is in it."""
    raw = b"\n".join(lines)
    try:
        messages = read_file(raw)
    except RejectedInputError:
        return
    assert b"".join(one.value + b"\n" for one in messages) == raw
    assert all(1 <= len(one.value) <= MESSAGE_MAX for one in messages)
    assert all(1 <= len(one.message_id) <= 200 for one in messages)
