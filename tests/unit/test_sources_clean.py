"""CLEAN: requests of the switch's log, with their responses, as accesses; and the log as a file."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.access import CANDIDATES_MAX, Access
from schemas.codec import MESSAGE_MAX, decode_access, encode
from schemas.errors import RejectedInputError
from schemas.ids import parse_instant
from schemas.topics import CLEAN_LINES
from streams.sources import translate
from streams.sources.clean_file import UNPAIRED_MAX, WAITING_MAX, Told, cut_file, read_file
from streams.sources.clean_lines import LINE_MAX
from streams.sources.local_time import readings
from streams.sources.translated import NativeMessage
from tests.harness.hostile.clean import HARMLESS, HOSTILE, PAIR, RECORD, REQUEST, SECRET, SENT, asked, record
from tests.harness.native import as_sent

GOLDEN = Path(__file__).parent / "golden" / "clean"
HEADERS = (("content-type", CLEAN_LINES.encode()),)
LATER = parse_instant("2027-01-01T00:00:00Z")  # after every line of these tests
DAY = (GOLDEN / "day.txt").read_bytes()
LINES = DAY.splitlines()


def of(value: bytes) -> Access:
    """The one access of a message."""
    translated = translate("clean", value, HEADERS, LATER)
    assert not translated.is_control
    [access] = as_sent(translated.accesses)
    return access


def rejected(value: bytes) -> RejectedInputError:
    """The error that a message gets."""
    with pytest.raises(RejectedInputError) as caught:
        of(value)
    return caught.value


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_a_file_becomes_the_accesses_written_beside_it(path: Path) -> None:
    """The whole way of a file: checked, cut into messages, each translated."""
    expected = path.with_suffix(".expected.jsonl").read_bytes().splitlines()
    found = [of(message.value) for message in read_file(path.read_bytes()).messages]
    assert found == [decode_access(line) for line in expected]
    assert [encode(access) for access in found] == expected


# --- what a message says


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_broken_or_meant_to_do_harm_is_rejected(value: bytes) -> None:
    """With words of the layout only: what stands in the message may be somebody's data."""
    error = rejected(value)
    assert error.place
    assert SECRET not in str(error)
    assert leaked(value, str(error)) == []


@pytest.mark.parametrize("value", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_only_strange_is_an_access(value: bytes) -> None:
    """Whoever typed it has asked all the same."""
    assert decode_access(encode(of(value))) == of(value)


def leaked(value: bytes, error: str) -> list[str]:
    """Words of the message that the error repeats, but for those of the layout."""
    layout = {"PERSON", "DRIVER", "VEHICLE", "WANTED", "HISTORY", "RECORD", "PRINT", "DISCLOSE", "NOHIT", "REJECT"}
    words = set(re.findall(r"[^\W_]{4,}", value.decode("latin-1")))
    return [word for word in sorted(words - layout) if word in error]


def test_four_parties_are_kept_apart() -> None:
    """Who did it, who asked for it, to whom it goes, and which agency answers for it."""
    access = of(PAIR)
    assert (access.actor, access.requested_for, access.recipient, access.agency) == (
        "HENDERSON2",
        "RIVERA.M",
        "Unit 4",
        "PA0510099",
    )
    alone = of(asked(b"|RQR=RIVERA.M|ATN=Unit 4", b""))
    assert (alone.actor, alone.requested_for, alone.recipient) == ("HENDERSON2", None, None)


def test_who_asks_for_themselves_asks_for_nobody_else() -> None:
    """An RQR that is the operator says no more than none: one access, one spelling."""
    assert of(asked(b"RIVERA.M", b"HENDERSON2")) == of(asked(b"|RQR=RIVERA.M", b""))


SAME = {
    "case": (b"NAM=DOE, JANE", b"NAM=Doe, Jane"),
    "spaces in a name": (b"NAM=DOE, JANE", b"NAM= DOE ,  JANE "),
    "marks in a number": (b"DOB=19900102", b"DOB=1990-01-02"),
    "message key": (b"KEY=PERSON", b"KEY=WANTED"),
    "order": (b"NAM=DOE, JANE|DOB=19900102", b"DOB=19900102|NAM=DOE, JANE"),
}
OTHER = {
    "another name": (b"NAM=DOE, JANE", b"NAM=DOE, JANET"),
    "a name put together": (b"NAM=DOE, JANE", b"NAM=DOEJANE"),
    "another day": (b"DOB=19900102", b"DOB=19900103"),
    "one criterion fewer": (b"|DOB=19900102", b""),
    "the same digits as another number": (b"DOB=19900102", b"OLN=19900102"),
}


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME.keys())
def test_the_same_criteria_are_the_same_record(old: bytes, new: bytes) -> None:
    """However they were typed: who looks somebody up every week is seen to."""
    assert of(asked(old, new)).record == of(PAIR).record


@pytest.mark.parametrize(("old", "new"), OTHER.values(), ids=OTHER.keys())
def test_other_criteria_are_another_record(old: bytes, new: bytes) -> None:
    """And none can be made to look like another's."""
    assert of(asked(old, new)).record != of(PAIR).record


def test_an_access_holds_no_criteria() -> None:
    """It says by what was searched, not for whom."""
    access = of(PAIR)
    assert access.record.kind == "criteria"
    assert re.fullmatch(r"NAM\+DOB-[0-9a-f]{32}", access.record.id)
    assert not re.search("doe|jane|1990", encode(access).decode(), re.IGNORECASE)


def hits(count: int) -> Access:
    """A search that so many people answer to, all of them listed."""
    listed = b",".join(b"PA%d" % number for number in range(1000, 1000 + count))
    return of(asked(b"CNT=2|SID=PA1234567,PA7654321", b"CNT=%d|SID=%b" % (count, listed)))


def test_a_hit_names_its_candidates_until_they_are_too_many() -> None:
    """More than 200 name nobody in particular; how many there were is said all the same."""
    most, more = hits(CANDIDATES_MAX), hits(CANDIDATES_MAX + 1)
    assert most.candidates is not None
    assert (len(most.candidates), most.object_count) == (CANDIDATES_MAX, CANDIDATES_MAX)
    assert (most.candidates[0].kind, most.candidates[0].id) == ("person", "PA1000")
    assert (more.candidates, more.object_count) == (None, CANDIDATES_MAX + 1)


ANSWERS = {
    "no hit": (b"NOHIT", "success", 0),
    "rejected": (b"REJECT", "denied", None),
    "error": (b"ERROR", "failed", None),
}


@pytest.mark.parametrize(("status", "result", "count"), ANSWERS.values(), ids=ANSWERS.keys())
def test_a_response_says_how_it_ended(status: bytes, result: str, count: int | None) -> None:
    """An attempt that was refused is an access too."""
    for access in (
        of(asked(b"STA=HIT|CNT=2|SID=PA1234567,PA7654321", b"STA=" + status)),
        of(record(b"STA=HIT", b"STA=" + status)),
    ):
        assert (access.result, access.object_count, access.candidates) == (result, count, None)


def test_a_request_without_a_response_is_not_taken_for_refused() -> None:
    """Nothing says that it was, and an attempt that was refused weighs less."""
    access = of(REQUEST)
    assert (access.result, access.object_count, access.candidates) == ("success", None, None)


@pytest.mark.parametrize(("key", "action"), [(b"RECORD", "view"), (b"PRINT", "print"), (b"DISCLOSE", "disclose")])
def test_a_full_record_names_the_person(key: bytes, action: str) -> None:
    """By the state identifier."""
    access = of(record(b"KEY=RECORD", b"ATN=Unit 4|KEY=" + key))
    assert (access.action, access.record.kind, access.record.id) == (action, "person", "PA1234567")


def test_a_time_that_does_not_exist_is_rejected() -> None:
    """02:30 on the night the clocks go forward: nobody can say what was meant."""
    error = rejected(asked(b"2026-01-05 08:14:03.12", b"2026-03-08 02:00:00.00"))
    assert error.place == "TIM (request, field 3)"
    assert error.reason.endswith("the clocks went forward")
    for text, instant in (("01:59:59.99", "06:59:59.990Z"), ("03:00:00.00", "07:00:00.000Z")):
        access = of(asked(b"2026-01-05 08:14:03.12", f"2026-03-08 {text}"))
        assert access.occurred_at == parse_instant(f"2026-03-08T{instant}")


@given(st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2026-12-30")))
@example(datetime.fromisoformat("2026-11-01T01:30:59.990"))
@example(datetime.fromisoformat("1945-08-14T19:00:00.010"))
def test_each_hundredth_is_read_as_the_zone_reads_it(wall: datetime) -> None:
    """Minutes are remembered, and what is within them is added: the same as asking for each time."""
    wall = wall.replace(microsecond=wall.microsecond // 10_000 * 10_000)
    found = readings(wall, ZoneInfo("America/New_York"), 10)
    text = wall.isoformat(" ", "milliseconds")[:-1]
    outcome = access_or_error(asked(b"2026-01-05 08:14:03.12", text))
    if found is None or isinstance(outcome, RejectedInputError):
        assert found is None
        assert isinstance(outcome, RejectedInputError)
        return
    assert (outcome.occurred_at, outcome.occurred_until) == found


PLACES = {
    "missing": (asked(b"|ORI=PA0510099", b""), "ORI (request)"),
    "malformed": (asked(b"PA0510099", b"PA05"), "ORI (request, field 5)"),
    "unknown": (asked(b"|PUR=C", b"|XYZ=C"), "request, field 9"),
    "twice": (asked(b"|PUR=C", b"|OPR=TRAN"), "OPR (request, field 9)"),
    "of the response": (asked(b"STA=HIT", b"STA=HITS"), "STA (response, field 5)"),
    "no recipient": (record(b"KEY=RECORD", b"KEY=DISCLOSE"), "ATN (request)"),
    "criteria": (asked(b"|NAM=DOE, JANE|DOB=19900102", b""), "request"),
    "line": (asked(b"Unit 4", b"Unit\x014"), "request"),
    "encoding": (asked(b"Unit 4", b"Unit\xff4"), "message"),
}


@pytest.mark.parametrize(("value", "place"), PLACES.values(), ids=PLACES.keys())
def test_an_error_names_the_field_and_its_line(value: bytes, place: str) -> None:
    """Whoever repairs the export must find it without the message being repeated."""
    assert rejected(value).place == place


def access_or_error(value: bytes) -> Access | RejectedInputError:
    """What a message comes to."""
    try:
        return of(value)
    except RejectedInputError as error:
        return error


GOOD = [*HARMLESS.values(), PAIR, RECORD, RECORD + b"\n" + SENT]


@given(st.binary(max_size=300))
def test_any_bytes_are_an_access_or_an_error(value: bytes) -> None:
    """Nothing else comes out, whatever comes in."""
    outcome = access_or_error(value)
    assert isinstance(outcome, Access) or leaked(value, str(outcome)) == []


PIECES = st.one_of(
    st.binary(max_size=3),
    st.sampled_from(
        [b"|", b"=", b"\n", b"\\", b"|SID=", b"|OPR=TRAN", b"STA=HIT", b"\x1f", b"9" * 30, b"KEY=DISCLOSE"]
    ),
)


@settings(max_examples=400)
@given(st.sampled_from(GOOD), st.floats(0, 1), PIECES, st.integers(0, 12))
def test_a_damaged_message_is_an_access_or_an_error(good: bytes, where: float, piece: bytes, cut: int) -> None:
    """The same for messages that are nearly right; and what is read can be written and read again."""
    place = int(where * len(good))
    value = good[:place] + piece + good[place + cut :]
    outcome = access_or_error(value)
    if isinstance(outcome, Access):
        assert outcome.event_id == f"clean-{outcome.sequence:010d}"
        assert decode_access(encode(outcome)) == outcome
    else:
        assert outcome.place


# --- the log as a file


def log(*lines: bytes) -> bytes:
    """Lines as a file."""
    return b"".join(line + b"\n" for line in lines)


def request(number: int, operator: bytes = b"TRAN") -> bytes:
    """A request with this number."""
    return RECORD.replace(b"0000009006", b"%010d" % number).replace(b"TRAN", operator)


def response(number: int, of_request: int) -> bytes:
    """A response with this number."""
    return SENT.replace(b"0000007006", b"%010d" % number).replace(b"0000009006", b"%010d" % of_request)


def cut(*lines: bytes) -> tuple[list[bytes], tuple[int, ...]]:
    """What is sent of these lines, and which were left out."""
    file = read_file(log(*lines))
    return [message.value for message in file.messages], file.unpaired


def test_a_request_is_sent_with_its_response_however_far_behind() -> None:
    """In the order of requests, under the login of its operator, each line as it was written."""
    messages = list(read_file(DAY).messages)
    assert [message.message_id for message in messages] == [f"clean-{number:010d}" for number in range(9001, 9010)]
    assert [message.key for message in messages] == [b"HENDERSON2", b"TRAN", b"HENDERSON2", *[b"TRAN"] * 6]
    assert messages[0].value == LINES[0] + b"\n" + LINES[2]
    assert messages[1].value == LINES[1] + b"\n" + LINES[5]
    assert sorted(b"\n".join(message.value for message in messages).split(b"\n")) == sorted(LINES)


def test_a_request_without_a_response_is_sent_alone_at_the_end() -> None:
    """And holds up nobody for ever: those behind it come in their order."""
    lines = (request(1), request(2), response(1, 2), request(3))
    assert cut(*lines) == ([request(1), request(2) + b"\n" + response(1, 2), request(3)], ())


def held_back(*lines: bytes) -> tuple[list[bytes], list[int], list[int]]:
    """What is sent of a file that others follow, and the lines of requests that went alone, and that wait."""
    alone, waiting = list[int](), list[int]()
    told = Told(lambda _: None, alone.append, waiting.append)
    return [m.value for m in cut_file([line + b"\n" for line in lines], told)], alone, waiting


def test_a_request_at_the_end_waits_for_the_next_file() -> None:
    """Only those without a response: who stands behind one is sent. Together with the next file each has its own."""
    first = (request(1), request(2), response(1, 2), request(3))
    second = (response(2, 3), request(4), response(3, 1), response(4, 4))
    pairs = {
        number: request(number) + b"\n" + answer
        for number, answer in enumerate((response(3, 1), response(1, 2), response(2, 3), response(4, 4)), start=1)
    }
    assert held_back(*first) == ([pairs[2]], [], [1, 4])
    assert held_back(*first, *second) == (list(pairs.values()), [], [])
    assert held_back(*second) == ([pairs[4]], [], [])


def test_a_request_that_was_never_answered_is_told_when_it_is_sent_alone() -> None:
    """Ten thousand have come behind it: no file will hold its response."""
    many = [request(number) for number in range(1, WAITING_MAX + 2)]
    values, alone, waiting = held_back(*many)
    assert (values, alone, waiting) == ([request(1)], [1], list(range(2, WAITING_MAX + 2)))


def test_a_response_without_its_request_is_told_by_its_line() -> None:
    """At the edge of a file that is ordinary: it must not hold up the rest, and its request was sent already."""
    lines = (response(7, 1), request(2), response(8, 2), response(9, 1))
    assert cut(*lines) == ([request(2) + b"\n" + response(8, 2)], (1, 4))
    assert cut(response(7, 1)) == ([], (1,))


def test_a_second_response_is_told_by_its_line() -> None:
    """Also when the first one has not been sent yet: it waits behind an older request."""
    lines = (request(1), request(2), response(1, 2), response(2, 2))
    assert cut(*lines) == ([request(1), request(2) + b"\n" + response(1, 2)], (4,))


def test_no_more_requests_wait_than_there_is_room_for() -> None:
    """The oldest is sent alone, and a response that comes after that is told; one that comes just before is not."""
    many = [request(number) for number in range(1, WAITING_MAX + 1)]
    values, unpaired = cut(*many, response(1, 1))
    assert (values[0], unpaired) == (many[0] + b"\n" + response(1, 1), ())
    values, unpaired = cut(*many, request(WAITING_MAX + 1), response(1, 1), response(2, 2))
    assert (values[0], unpaired) == (many[0], (WAITING_MAX + 2,))
    assert values[1] == many[1] + b"\n" + response(2, 2)


def test_a_wrong_line_does_not_hold_up_the_day() -> None:
    """The file holds together, so it is sent; the one message becomes a dead letter."""
    wrong = [line.replace(b"KEY=PERSON", b"KEY=XXX").replace(b"|OPR=TRAN|OLN", b"|OLN") for line in LINES]
    messages = list(read_file(log(*wrong)).messages)
    assert len(messages) == 9
    assert rejected(messages[0].value).place == "KEY (request, field 4)"
    assert (messages[1].key, rejected(messages[1].value).place) == (b"0000009002", "OPR (request)")


def test_the_longest_lines_fit_into_a_message() -> None:
    """What is longer is refused with the file: its newlines were lost."""
    long = [line + b"|XXX=" + b"x" * (LINE_MAX - len(line) - 5) for line in (request(1), response(1, 1))]
    [message] = read_file(log(*long)).messages
    assert len(message.value) < MESSAGE_MAX
    error = refused(log(long[0], long[1] + b"x"))
    assert (error.place, "at most" in error.reason) == ("line 2", True)


BROKEN: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "file", "is empty"),
    "cut off in a line": (DAY[:700], "line 6", "is cut off"),
    "cut off before the last newline": (DAY[:-1], "line 18", "is cut off"),
    "a request missing": (log(request(1), request(3)), "line 2: NUM", "is not one more"),
    "a request twice": (log(request(1), request(1)), "line 2: NUM", "is not one more"),
    "requests swapped": (log(request(2), request(1)), "line 2: NUM", "is not one more"),
    "a response missing": (log(request(1), response(7, 1), request(2), response(9, 2)), "line 4: NUM", "not one more"),
    "a response twice": (log(request(1), response(7, 1), response(7, 1)), "line 3: NUM", "is not one more"),
    "a response before its request": (log(request(1), response(7, 2), request(2)), "line 2: REF", "out of order"),
    "a response before all requests": (log(response(7, 2), request(2)), "line 2: NUM", "out of order"),
    "two files joined": (DAY + DAY, "line 19: NUM", "is not one more"),
    "an empty line": (log(*LINES[:3], b"", *LINES[3:]), "line 4", "is empty"),
    "CR LF": (DAY.replace(b"\n", b"\r\n"), "line 1", "CR LF"),
    "byte order mark": (b"\xef\xbb\xbf" + DAY, "line 1", "not printable ASCII"),
    "UTF-16": (DAY.decode().encode("utf-16"), "line 1", "not printable ASCII"),
    "EBCDIC": (DAY.decode().encode("cp037"), "line 1", "is cut off"),
    "Latin-1": (DAY.replace(b"Family", b"F\xe4mily"), "line 15", "not printable ASCII"),
    "NUL": (DAY.replace(b"Family", b"F\0mily"), "line 15", "not printable ASCII"),
    "another type": (DAY.replace(b"TYP=REQ|NUM=0000009002", b"TYP=ADM|NUM=0000009002"), "line 2: TYP", "must begin"),
    "a short number": (DAY.replace(b"NUM=0000009002", b"NUM=9002"), "line 2: TYP", "must begin"),
    "a response of none": (DAY.replace(b"REF=0000009001", b"REF="), "line 3: TYP", "must begin"),
    "spaces before": (b" " + DAY, "line 1: TYP", "must begin"),
    "one line without end": (b"x" * 100_000, "line 1", "must have at most"),
    "responses of another log": (
        log(*(response(number, number) for number in range(UNPAIRED_MAX + 1))),
        f"line {UNPAIRED_MAX + 1}",
        "files of one log",
    ),
}


def refused(raw: bytes) -> RejectedInputError:
    """The error that a file gets, before any message of it can be sent."""
    with pytest.raises(RejectedInputError) as caught:
        read_file(raw)
    return caught.value


@pytest.mark.parametrize(("raw", "place", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_does_not_hold_together_is_refused(raw: bytes, place: str, reason: str) -> None:
    """As a whole, with the line, what to do about it, and nothing of what stands there."""
    error = refused(raw)
    assert error.place.startswith(place)
    assert reason in error.reason
    assert "again" in error.reason or "in their order" in error.reason
    assert leaked(raw, str(error).replace("TYP=REQ", "").replace("TYP=RSP", "")) == []


@given(st.integers(0, len(DAY)), st.binary(max_size=3), st.integers(0, 400))
def test_a_damaged_file_is_refused_or_all_of_it_is_accounted_for(place: int, insert: bytes, without: int) -> None:
    """Each line of it was sent once, or told."""
    raw = DAY[:place] + insert + DAY[place + without :]
    try:
        file = read_file(raw)
    except RejectedInputError:
        return
    messages: list[NativeMessage] = list(file.messages)
    sent = [line for message in messages for line in message.value.split(b"\n")]
    assert sorted([*sent, *(raw.split(b"\n")[number - 1] for number in file.unpaired)]) == sorted(raw.split(b"\n")[:-1])
    assert len({message.message_id for message in messages}) == len(messages)
