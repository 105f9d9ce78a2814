"""`dead-letters` and `findings` on a real broker."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import orjson
import pytest

from schemas.codec import decode_access, encode
from schemas.ids import parse_instant
from schemas.topics import FACTS2_CDC
from streams.sources import Translated, Translators, translate
from tests.contract.examples import FINDING
from tests.harness.broker import SharedBroker
from tests.harness.builders import make_access
from tests.harness.facts_file import facts_file
from tests.integration.cli import Headers, Program
from tests.integration.cli import program as make_program

GOLDEN = Path(__file__).parent.parent / "unit" / "golden"

SECRET = b"jane-roe-1987 \x1b[2J"
ID = "f_00112233445566778899aabbccddeeff"


@pytest.fixture
def program(
    kafka: SharedBroker, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program with its topics."""
    made = make_program(kafka, namespace, monkeypatch, capsys)
    made("topics", "apply", "--single-broker")
    return made


def why(topic: str, offset: int) -> Headers:
    """The headers that the judge adds."""
    words = {
        "topic": topic,
        "partition": "2",
        "offset": str(offset),
        "stage": "translate",
        "class": "RejectedInputError",
        "message": "actor: is missing",
    }
    return (("note", SECRET), *((f"needtoknow.errors.{name}", text.encode()) for name, text in words.items()))


def set_aside(program: Program, offset: int) -> str:
    """Stores a dead letter as the judge does; its name."""
    topic = program.topics.access("ecms")
    name = f"{topic}/2/{offset}"
    program.store(program.topics.dead_letters, name.encode(), SECRET, why(topic, offset))
    return name


def found(program: Program, position: int, **changed: object) -> None:
    """Stores one transition of the example finding."""
    document = orjson.loads(FINDING) | {"position": position} | changed
    program.store(program.topics.violations, str(document["finding_id"]).encode(), orjson.dumps(document))


def test_dead_letters_are_listed_once_without_their_content(program: Program) -> None:
    """Two workers may have written the same one."""
    first, second = set_aside(program, 991), set_aside(program, 992)
    set_aside(program, 991)
    lines = program("dead-letters", "list", "--order", "oldest").out.splitlines()
    assert len(lines) == 2
    assert f"{first}  translate  actor: is missing (written 2 times)" in lines[0]
    assert second in lines[1]
    assert "jane" not in "".join(lines)
    documents = program("dead-letters", "list", "--json", "--order", "oldest").documents
    assert [(d["offset"], d["times"], d["bytes"]) for d in documents] == [
        (991, 2, len(SECRET)),
        (992, 1, len(SECRET)),
    ]


def test_content_is_shown_only_when_asked_for_and_escaped(program: Program) -> None:
    """It may be somebody's data, and it may be made to deceive a terminal."""
    name = set_aside(program, 991)
    hidden = program("dead-letters", "show", name)
    assert "hidden" in hidden.out
    assert "jane" not in hidden.out
    shown = program("dead-letters", "show", name, "--reveal", "--reason", "a test").out
    assert "content   jane-roe-1987 \\x1b[2J" in shown
    assert "\x1b" not in shown
    (document,) = program("dead-letters", "show", name, "--reveal", "--reason", "a test", "--json").documents
    assert base64.b64decode(str(document["content_base64"])) == SECRET
    assert "jane" not in program("dead-letters", "show", name, "--json").out


def test_a_dead_letter_that_is_not_there_is_a_no(program: Program) -> None:
    """With a word on where to look."""
    assert program("dead-letters", "list").out == "no dead letters\n"
    assert "dead-letters list" in program("dead-letters", "show", "a/0/1", code=1).err


def test_what_is_not_ours_among_facts_and_findings_ends_no_explanation(program: Program) -> None:
    """Workers pass it over and count it as a position, and so does the command; where it lies is told."""
    program.store(program.topics.access("ecms"), b"same", encode(make_access(event_id="e1")))
    program.store(program.topics.facts, b"x", b"not ours")
    program.store(program.topics.violations, b"x", b"e1")
    answer = program("explain", "ecms", "e1", "--json")
    [document] = answer.documents
    assert [judged["position"] for judged in document["judged"]] == [1]
    assert document["published"] == []
    for topic in (program.topics.facts, program.topics.violations):
        assert f"{topic}/" in answer.err


def test_an_access_that_is_set_aside_is_not_read_to_explain_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends whoever looks at it: its letter is named, and what was published before; the next one is explained."""
    topic = program.topics.access("ecms")
    for event_id in ("e1", "e1-again", "e12"):
        program.store(topic, b"same", encode(make_access(event_id=event_id)))
    [killer, kin, other] = program.messages(topic)
    name = f"{topic}/{killer.partition}/{killer.offset}"
    headers = {
        "topic": topic,
        "partition": str(killer.partition),
        "offset": str(killer.offset),
        "stage": "quarantine",
        "message": "message: ends a worker that looks at it",
        "through": str(kin.offset),
    }
    letter = tuple((f"needtoknow.errors.{word}", text.encode()) for word, text in headers.items())
    program.store(program.topics.dead_letters, name.encode(), None, letter)
    place = {"topic": topic, "partition": killer.partition, "offset": killer.offset}
    access = orjson.loads(encode(make_access(event_id="e1")))
    found(program, 318, message=place, access=access)
    found(program, 319, message={**place, "offset": other.offset}, access=access)
    looked: list[bytes | None] = []

    def look(_: Translators, source: str, value: bytes | None, headers: Headers, appended_at: int) -> Translated:
        looked.append(value)
        return translate(source, value, headers, appended_at)

    monkeypatch.setattr(Translators, "translate", look)
    (document,) = program("explain", "ecms", "e1", "--json").documents
    [published] = document["published"]
    assert abs(parse_instant(published.pop("at")) - time.time() * 1000) < 600_000
    assert document == {
        "message": name,
        "set_aside": {"dead_letter": name, "message": "message: ends a worker that looks at it"},
        "published": [{"position": 318, "transition": "raised", "outcome": "unexplained", "certainty": "provisional"}],
    }
    assert f"needtoknow dead-letters show {name}" in program("explain", "ecms", "e1").out
    (document,) = program("explain", "ecms", "e1-again", "--json").documents
    assert (document["message"], document["published"]) == (f"{topic}/{kin.partition}/{kin.offset}", [])
    (document,) = program("explain", "ecms", "e12", "--json").documents
    assert document["message"] == f"{topic}/{other.partition}/{other.offset}"
    assert "set_aside" not in document
    assert set(looked) == {other.value}


def test_a_finding_whose_message_is_gone_says_where_it_lay(program: Program) -> None:
    """Past its retention: the finding still names its source and its place."""
    place = {"topic": program.topics.access("ecms"), "partition": 2, "offset": 991}
    access = orjson.loads(encode(make_access(event_id=ID)))  # somebody else's, called after this finding
    found(program, 300, finding_id=ID.replace("0", "f"), access=access, message={**place, "offset": 4})
    found(program, 318, message=place)
    answer = program("explain", ID, code=1)
    assert answer.out == ""
    assert f"is about {place['topic']}/2/991, which is not on the topic of ecms any more" in answer.err


def test_an_access_on_a_native_line_is_found_to_be_explained(program: Program, tmp_path: Path) -> None:
    """A line of FACTS has the number only, not the id that it becomes."""
    lines = [
        make_access("SNOOP001", name="case:C1", source="facts", event_id=f"facts-{n:010d}", sequence=n) for n in (7, 8)
    ]
    (tmp_path / "night.txt").write_bytes(facts_file("20260105", 1, lines).content)
    program("send", str(tmp_path / "night.txt"), "--source", "facts")
    (document,) = program("explain", "facts", "facts-0000000008", "--json").documents
    sent = program.messages(program.topics.access("facts"))
    [line] = [m for m in sent if (m.value or b"").startswith(b"D0000000008")]
    assert document["message"] == f"{line.topic}/{line.partition}/{line.offset}"
    name = str(document["message"])
    why = {"topic": line.topic, "stage": "quarantine", "message": "message: ends a worker"}
    letter = tuple((f"needtoknow.errors.{word}", text.encode()) for word, text in why.items())
    program.store(program.topics.dead_letters, name.encode(), None, letter)
    (document,) = program("explain", "facts", "facts-0000000008", "--json").documents
    assert document["set_aside"] == {"dead_letter": name, "message": "message: ends a worker"}


@pytest.mark.parametrize(
    ("source", "name"), [("irss", "night.csv"), ("accurint", "job.csv"), ("paper", "days.csv"), ("clean", "day.txt")]
)
def test_an_access_whose_id_stands_in_no_message_is_found_to_be_explained(
    program: Program, source: str, name: str
) -> None:
    """It may be made of what a row says, of a job and a line, or of a slip and what was done with it."""
    file = GOLDEN / source / name
    program("send", str(file), "--source", source)
    *_, line = file.with_suffix(".expected.jsonl").read_bytes().splitlines()
    access = decode_access(line)
    (document,) = program("explain", source, access.event_id, "--json").documents
    [place] = [
        f"{m.topic}/{m.partition}/{m.offset}"
        for m in program.messages(program.topics.access(source))
        if access in translate(source, m.value, m.headers, m.timestamp).accesses
    ]
    assert document["message"] == place


def test_a_change_of_facts2_that_is_set_aside_is_found_by_its_number(program: Program) -> None:
    """Which stands in JSON without quotes, and is no part of another number."""
    topic = program.topics.access("facts2")
    changes, written = (
        (GOLDEN / "facts2" / name).read_bytes().splitlines() for name in ("stream.txt", "stream.expected.jsonl")
    )
    pairs = [(change, line) for change, line in zip(changes, written, strict=True) if line != b"null"][:2]
    accesses = [decode_access(line) for _, line in pairs]
    for change, _ in pairs:
        program.store(topic, b"same", change, (("content-type", FACTS2_CDC.encode()),))
    first, second = program.messages(topic)
    name = f"{topic}/{first.partition}/{first.offset}"
    why = {"topic": topic, "stage": "quarantine", "message": "message: ends a worker"}
    letter = tuple((f"needtoknow.errors.{word}", text.encode()) for word, text in why.items())
    program.store(program.topics.dead_letters, name.encode(), None, letter)
    (document,) = program("explain", "facts2", accesses[0].event_id, "--json").documents
    assert document["set_aside"] == {"dead_letter": name, "message": "message: ends a worker"}
    (document,) = program("explain", "facts2", accesses[1].event_id, "--json").documents
    assert document["message"] == f"{topic}/{second.partition}/{second.offset}"
    shorter = accesses[0].event_id[:-1]
    assert "names no access" in program("explain", "facts2", shorter, code=1).err


def test_findings_are_shown_as_they_stand_now(program: Program) -> None:
    """One line each, the withdrawn one said to be; what cannot be read is said and passed over."""
    other = "f_ffeeddccbbaa99887766554433221100"
    found(program, 318)
    found(program, 319, finding_id=other, severity="high")
    found(program, 320, outcome="explained", transition="withdrawn")
    program.store(program.topics.violations, b"x", b"no finding")
    answer = program("findings", "tail", "--from-start")
    (withdrawn,) = [line for line in answer.out.splitlines() if line.endswith(ID)]
    (stands,) = [line for line in answer.out.splitlines() if line.endswith(other)]
    assert "  WITHDRAWN explained: " in withdrawn
    assert "  HIGH      unexplained, provisional: " in stands
    assert "is no finding" in answer.err
    documents = {d["finding_id"]: d for d in program("findings", "tail", "--json").documents}
    assert documents[ID]["outcome"] == "explained"
    assert documents[other]["severity"] == "high"
    assert len(program("findings", "tail", "-n", "1").out.splitlines()) == 1


def test_no_findings_are_said_to_be_none(program: Program) -> None:
    """For people; a program gets nothing."""
    assert program("findings", "tail").out == "no findings\n"
    assert program("findings", "tail", "--json").out == ""


@contextmanager
def following(program: Program) -> Iterator[subprocess.Popen[str]]:
    """`findings tail --follow` in a process of its own, ended with Ctrl-C."""
    command = [sys.executable, "-m", "sinks.cli.main", "findings", "tail", "--follow"]
    environment = os.environ | {"NTK_BROKER": program.broker.address, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        rescue = Timer(60, process.kill)  # a line that never comes must fail the test, not hang it
        rescue.start()
        try:
            yield process
        finally:
            rescue.cancel()
            process.kill()


def test_new_findings_are_shown_as_they_come(program: Program) -> None:
    """Changes of those already shown too, and nothing that is no news. Ctrl-C is the good end."""
    found(program, 318)
    with following(program) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().rstrip().endswith(ID)
        found(program, 320, outcome="explained", transition="withdrawn")
        assert "WITHDRAWN" in process.stdout.readline()
        found(program, 319, certainty="provisional")  # a zombie's: no news
        found(program, 321, outcome="late", transition="reinstated")
        assert "REINSTATED" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")
