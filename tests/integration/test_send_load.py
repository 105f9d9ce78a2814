"""`send` and `load` on a real broker: all of a file or nothing, counted in and out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from deploy.local.ports import HOST, free_port
from schemas.codec import decode, decode_access, encode
from schemas.fact import Fact, Mark
from schemas.topics import FACTS_LINE
from streams.sources import translate
from tests.contract.examples import ACCESS, FACT, MARK
from tests.harness.broker import SharedBroker
from tests.harness.native import as_sent
from tests.integration.cli import Program
from tests.integration.cli import program as make_program

GOLDEN = Path(__file__).parent.parent / "unit" / "golden" / "facts"
NIGHT = (GOLDEN / "night.txt").read_bytes()


@pytest.fixture
def program(
    kafka: SharedBroker, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program with its topics."""
    made = make_program(kafka, namespace, monkeypatch, capsys)
    made("topics", "apply", "--single-broker")
    return made


def many(count: int) -> bytes:
    """That many accesses, each of another record."""
    example = orjson.loads(ACCESS)
    return b"\n".join(
        orjson.dumps(example | {"event_id": f"e{number}", "record": {"kind": "case", "id": f"c{number % 97}"}})
        for number in range(count)
    )


def test_every_access_of_a_file_is_stored_as_it_was(program: Program, tmp_path: Path) -> None:
    """More than one batch, over several partitions; one record's accesses in the order of the file."""
    raw = many(2_500)
    (tmp_path / "accesses.jsonl").write_bytes(raw)
    answer = program("send", str(tmp_path / "accesses.jsonl"), "--source", "ecms", "--json")
    topic = program.topics.access("ecms")
    assert answer.documents == [{"topic": topic, "in": 2500, "marks": 0, "out": 2500}]
    stored = program.messages(topic)
    assert sorted(message.value or b"" for message in stored) == sorted(raw.splitlines())
    assert len({message.partition for message in stored}) > 1
    of_one_record = [orjson.loads(m.value or b"")["event_id"] for m in stored if m.key == b"c5"]
    assert of_one_record == [f"e{number}" for number in range(5, 2_500, 97)]
    assert all(
        access.source == "ecms"
        for m in stored
        for access in translate("ecms", m.value, m.headers, m.timestamp).accesses
    )


def test_counts_are_told_to_people_too(program: Program, tmp_path: Path) -> None:
    """In and out, and where to."""
    (tmp_path / "a.jsonl").write_bytes(ACCESS)
    answer = program("send", str(tmp_path / "a.jsonl"), "--source", "ecms")
    assert answer.out == f"1 messages in, 1 stored on {program.topics.access('ecms')}\n"


def test_one_wrong_line_sends_nothing(program: Program, tmp_path: Path) -> None:
    """However late it comes."""
    (tmp_path / "a.jsonl").write_bytes(many(1_500) + b'\n{"event_id":"e1"}\n')
    answer = program("send", str(tmp_path / "a.jsonl"), "--source", "ecms", code=1)
    assert "line 1501: " in answer.err
    assert "nothing was sent" in answer.err
    assert program.messages(program.topics.access("ecms")) == []


def test_a_facts_night_is_stored_line_by_line(program: Program, tmp_path: Path) -> None:
    """In its layout, which the judge reads again."""
    (tmp_path / "FACTSAUD.20260105").write_bytes(NIGHT)
    answer = program("send", str(tmp_path / "FACTSAUD.20260105"), "--source", "facts")
    assert "8 messages in, 8 stored" in answer.out
    stored = program.messages(program.topics.access("facts"))
    assert sorted(message.value or b"" for message in stored) == sorted(NIGHT.splitlines())
    assert all(("content-type", FACTS_LINE.encode()) in message.headers for message in stored)
    translated = [translate("facts", m.value, m.headers, m.timestamp) for m in stored]
    assert sum(len(one.accesses) for one in translated) == 6
    assert sum(one.is_control for one in translated) == 2


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("irss", "night.csv"),
        ("clean", "day.txt"),
        ("accurint", "session.csv"),
        ("accurint", "job.csv"),
        ("ecms", "shift.txt"),
        ("paper", "days.csv"),
    ],
)
def test_a_native_file_of_every_system_is_read_again_as_it_was_written(
    program: Program, source: str, name: str
) -> None:
    """From the broker, by what its headers say."""
    path = GOLDEN.parent / source / name
    program("send", str(path), "--source", source, "--format", "native")
    stored = program.messages(program.topics.access(source))
    found = [a for m in stored for a in as_sent(translate(source, m.value, m.headers, m.timestamp).accesses)]
    written = path.with_suffix(".expected.jsonl").read_bytes().splitlines()
    assert sorted(map(encode, found)) == sorted(encode(decode_access(line)) for line in written if line != b"null")


def test_a_request_whose_response_lies_in_the_next_file_is_one_access(program: Program, tmp_path: Path) -> None:
    """Sent alone it would count as one that succeeded, and again with its response it would be another."""
    lines = (GOLDEN.parent / "clean" / "day.txt").read_bytes().splitlines(keepends=True)
    monday, tuesday = tmp_path / "monday.log", tmp_path / "tuesday.log"
    monday.write_bytes(b"".join(lines[:2]))  # two requests; the response of the first begins the other file
    tuesday.write_bytes(b"".join(lines[2:]))
    first = program("send", str(monday), "--source", "clean")
    assert "0 messages in" in first.out
    assert "line 2: is a request whose response is not there: it is not sent" in first.err
    second = program("send", str(tuesday), "--source", "clean")
    assert "line 1: is a response for which no request waits" in second.err
    both = program("send", str(monday), str(tuesday), "--source", "clean")
    assert (both.err, "9 messages in, 9 stored" in both.out) == ("", True)
    found: dict[str, set[bytes]] = {}
    for message in program.messages(program.topics.access("clean")):
        found.setdefault(dict(message.headers)["ce_id"].decode(), set()).add(message.value or b"")
    assert {name: len(values) for name, values in found.items()} == {f"clean-000000{n}": 1 for n in range(9001, 9010)}
    swapped = program("send", str(tuesday), str(monday), "--source", "clean", code=1)
    assert f"{monday}, line 1" in swapped.err
    for wrong in (["--source", "irss"], ["--source", "clean", "--format", "jsonl"]):
        assert "only of clean" in program("send", str(monday), str(tuesday), *wrong, code=2).err
    alone = program("send", str(monday), "--source", "clean", "--ended")
    assert "2 messages in, 2 stored" in alone.out
    assert "line 1: is a request whose response never came: it is sent as one that succeeded" in alone.err


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (NIGHT[:-97], "the file is short"),
        (NIGHT[:300], "is cut off"),
        (NIGHT.replace(b"C0042", b"C0043", 1), "control hash"),
    ],
    ids=["short", "cut off", "wrong hash"],
)
def test_a_facts_night_that_is_not_whole_sends_no_access(
    program: Program, tmp_path: Path, broken: bytes, told: str
) -> None:
    """With a clear word of what is wrong and what to do. Its header is stored, so that who watches misses the rest."""
    (tmp_path / "night.txt").write_bytes(broken)
    answer = program("send", str(tmp_path / "night.txt"), "--source", "facts", code=1)
    assert told in answer.err
    assert "fetch the file again" in answer.err
    assert "the file's header was stored" in answer.err
    assert [m.value for m in program.messages(program.topics.access("facts"))] == [NIGHT.splitlines()[0]]


def test_a_file_that_is_no_facts_night_stores_no_header(program: Program, tmp_path: Path) -> None:
    """Nothing would ever end it; nor would it of layout 01, whose trailers do not say which file they are of."""
    for raw in (NIGHT[97:], NIGHT.replace(b"FACTSAUD02", b"FACTSAUD01")[:300], b"event_id,actor\n"):
        (tmp_path / "night.txt").write_bytes(raw)
        answer = program("send", str(tmp_path / "night.txt"), "--source", "facts", code=1)
        assert "no header says which file it is, so nobody who watches is told of it" in answer.err
    assert program.messages(program.topics.access("facts")) == []


def test_what_is_wrong_with_a_file_is_said_although_its_header_cannot_be_stored(
    program: Program, tmp_path: Path
) -> None:
    """First, and within seconds: whoever waits may be gone by then."""
    (tmp_path / "night.txt").write_bytes(NIGHT.replace(b"\n", b"\r\n"))
    program = replace(program, broker=replace(program.broker, address=f"{HOST}:{free_port()}", timeout=2))
    answer = program("send", str(tmp_path / "night.txt"), "--source", "facts", code=1)
    fault, *rest = answer.err.splitlines()
    assert fault.startswith("needtoknow: line 1: ends in CR LF")
    assert "the file's header could not be stored either" in rest[-1]
    assert program.broker.address in rest[-1]


def test_facts_and_marks_are_loaded_in_order(program: Program, tmp_path: Path) -> None:
    """A mark is true only behind the facts it is about."""
    (tmp_path / "duties.jsonl").write_bytes(FACT + b"\n" + MARK + b"\n")
    instant = "2026-01-05T09:00:00+01:00"
    path = str(tmp_path / "duties.jsonl")
    answer = program("load", path, "--feed", "assignments", "--complete-through", instant)
    assert "3 messages in (2 of them marks), 3 stored" in answer.out
    fact, mark, promised = program.messages(program.topics.feed("assignments"))
    assert (fact.key, decode(Fact, fact.value)) == (b"as-7", decode(Fact, FACT))
    assert (mark.key, decode(Mark, mark.value)) == (b"assignments", decode(Mark, MARK))
    assert decode(Mark, promised.value).complete_through == 1_767_600_000_000


def test_a_promise_about_the_future_is_not_sent(program: Program, tmp_path: Path) -> None:
    """Register would refuse it; whoever typed the year wrong is told at once."""
    (tmp_path / "duties.jsonl").write_bytes(FACT)
    path = str(tmp_path / "duties.jsonl")
    answer = program("load", path, "--feed", "assignments", "--complete-through", "2199-01-01T00:00:00Z", code=2)
    assert "lies ahead of the clock" in answer.err
    assert program.messages(program.topics.feed("assignments")) == []


def test_facts_without_a_mark_promise_nothing_and_say_so(program: Program, tmp_path: Path) -> None:
    """Nobody should wonder why no finding comes."""
    (tmp_path / "duties.jsonl").write_bytes(FACT)
    answer = program("load", str(tmp_path / "duties.jsonl"), "--feed", "assignments")
    assert "no mark was sent" in answer.err
    assert len(program.messages(program.topics.feed("assignments"))) == 1


def test_a_table_is_loaded(program: Program, tmp_path: Path) -> None:
    """What a spreadsheet exports."""
    (tmp_path / "staff.csv").write_text(
        "kind,fact_id,revision,valid_from,recorded_at,source,login,staff\n"
        "account,ac-1,1,2026-01-01T00:00:00Z,2026-01-01T08:00:00Z,ecms,jdoe,w028\n"
    )
    assert "jnet" not in program("load", str(tmp_path / "staff.csv"), "--feed", "staff").err
    (message,) = program.messages(program.topics.feed("staff"))
    assert message.key == b"ac-1"
    assert decode(Fact, message.value).body.kind == "account"


def test_an_account_of_jnet_in_a_spelling_that_meets_nothing_is_told(program: Program, tmp_path: Path) -> None:
    """By its fact id and with the spelling; it is loaded all the same."""
    head = "kind,fact_id,revision,valid_from,recorded_at,source,login,staff\n"
    row = "account,ac-{0},1,2026-01-01T00:00:00Z,2026-01-01T08:00:00Z,jnet,NIEF:IDP:{1}:USER:jdoe,w028\n"
    (tmp_path / "staff.csv").write_text(head + row.format(1, "Phila-DHS") + row.format(2, "PHILA-DHS"))
    answer = program("load", str(tmp_path / "staff.csv"), "--feed", "staff")
    assert "login of 1 accounts of jnet is in no spelling" in answer.err
    assert ("(ac-1)" in answer.err, "capitals up to USER:" in answer.err) == (True, True)
    assert "2 messages in, 2 stored" in answer.out


def test_a_fact_of_another_feed_loads_nothing(program: Program, tmp_path: Path) -> None:
    """Checked before anything is sent."""
    (tmp_path / "duties.jsonl").write_bytes(FACT)
    answer = program("load", str(tmp_path / "duties.jsonl"), "--feed", "staff", code=1)
    assert "line 1: body.kind" in answer.err
    assert program.messages(program.topics.feed("staff")) == []


def test_a_missing_topic_is_not_made_by_accident(
    kafka: SharedBroker,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """A broker may create what it is asked for, with settings of its own: so it is not asked."""
    program = make_program(kafka, namespace, monkeypatch, capsys)
    (tmp_path / "a.jsonl").write_bytes(ACCESS)
    for _ in range(2):
        answer = program("send", str(tmp_path / "a.jsonl"), "--source", "ecms", code=3)
        assert "topics apply" in answer.err
    assert "no topic" in program("findings", "tail", code=3).err
    assert "no topic" in program("dead-letters", "list", code=3).err
