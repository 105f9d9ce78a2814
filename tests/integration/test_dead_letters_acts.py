"""Replaying, dropping and revealing dead letters on a real broker: what is sent, what is recorded, what stays."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest

from schemas.codec import decode, encode
from schemas.ids import format_instant
from schemas.letter_act import LetterAct
from schemas.topics import IRSS_ROW
from sinks import letter_replay
from sinks.letter_replay import REPLAYED, Sender
from tests.harness.broker import SharedBroker
from tests.harness.builders import assignment, at, make_access, mark
from tests.integration.cli import Answer, Headers, Program
from tests.integration.cli import program as make_program

ROW = (
    b"User ID,Function,Record Type,Record Number,Date,Time,Status\nmhenders,View,Case,C0042,01/05/2026,2:05 PM,Success"
)
NAUGHTY = "\x1b[2J\u202e<b>[red]${x}\x07\u2028,=1+1"


@pytest.fixture
def program(
    kafka: SharedBroker, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program with its topics."""
    made = make_program(kafka, namespace, monkeypatch, capsys)
    made("topics", "apply", "--single-broker")
    return made


def set_aside(
    program: Program,
    topic: str,
    offset: int,
    value: bytes | None,
    /,
    *,
    headers: Headers = (),
    key: bytes | None = None,
    **changed: str,
) -> str:
    """Stores a dead letter as a worker of before did; its name."""
    words = {
        "topic": topic,
        "partition": "2" if "access." in topic else "0",
        "offset": str(offset),
        "stage": "translate",
        "class": "RejectedInputError",
        "message": "actor: must be there",
        "reason": "field",
        **changed,
    }
    why = [(f"needtoknow.errors.{name}", text.encode()) for name, text in words.items()]
    name = f"{words['topic']}/{words['partition']}/{words['offset']}"
    brought = [*headers, *why, *([] if key is None else [("needtoknow.errors.key", key)])]
    program.store(program.topics.dead_letters, name.encode(), value, tuple(brought))
    return name


def access(program: Program, offset: int, /, **changed: str) -> str:
    """A dead letter of an access that is right: whatever refused it has been mended since."""
    value = encode(make_access(event_id=f"e{offset}"))
    return set_aside(program, program.topics.access("ecms"), offset, value, key=b"c0042", **changed)


def acts(program: Program) -> list[LetterAct]:
    """All acts that are recorded, each under the key of its letter."""
    messages = program.messages(program.topics.letter_acts)
    found = [decode(LetterAct, message.value) for message in messages]
    assert [message.key for message in messages] == [act.letter.encode() for act in found]
    return found


def listed(program: Program, *arguments: str) -> list[object]:
    """The offsets of what a list shows."""
    return [document["offset"] for document in program("dead-letters", "list", "--json", *arguments).documents]


def test_letters_are_filtered_ordered_and_bounded(program: Program) -> None:
    """Newest first, and how many there are is said when not all are shown."""
    for offset in (1, 2, 3):
        access(program, offset)
    access(program, 2)
    set_aside(
        program, program.topics.access("irss"), 4, ROW, **{"class": "SpeaksForAnotherError", "reason": "forbidden"}
    )
    set_aside(program, program.topics.feed("staff"), 5, b"{}", stage="register")
    assert listed(program) == [5, 4, 3, 2, 1]
    oldest = program("dead-letters", "list", "--json", "--order", "oldest", "--limit", "2")
    assert [document["offset"] for document in oldest.documents] == [1, 2]
    assert "2 of 5" in oldest.err
    assert listed(program, "--source", "ecms", "--class", "field") == [3, 2, 1]
    assert listed(program, "--feed", "staff", "--stage", "register") == [5]
    at_three = program.messages(program.topics.dead_letters)[2].timestamp
    assert listed(program, "--since", format_instant(at_three)) == [5, 4, 2, 3]
    assert listed(program, "--until", format_instant(at_three)) == [2, 1]
    counted = program("dead-letters", "count", "--json", "--state", "all").documents
    assert {"source": "ecms", "stage": "translate", "reason": "field", "state": "open", "count": 3} in counted
    assert {"feed": "staff", "stage": "register", "reason": "field", "state": "open", "count": 1} in counted
    assert program("dead-letters", "count").out.splitlines()[-1].split() == ["5", "altogether"]
    status = orjson.loads(program("status", "--json", code=1).out)
    assert status["dead_letters_last_day"] == {"ecms": 4, "irss": 1, "staff": 1}  # messages: one was written twice


def test_the_same_bytes_key_and_headers_go_back_once(program: Program) -> None:
    """To the partition they came from; what we had added stays behind, and the copy says whose it is."""
    topic = program.topics.access("irss")
    headers: Headers = (("content-type", IRSS_ROW.encode()), ("note", b"\xff\x00"), (REPLAYED, b"an older letter"))
    name = set_aside(program, topic, 991, ROW, headers=headers, key=b"\x00key")
    trial = program("dead-letters", "replay", "--source", "irss", "--dry-run")
    assert trial.out == "1 would be read now, and sent\n"
    assert program.messages(topic) == []
    assert program("dead-letters", "replay", name, "--by", "ana").out == "1 replayed\n"
    (copy,) = program.messages(topic)
    assert (copy.value, copy.key, copy.partition) == (ROW, b"\x00key", 2)
    assert copy.headers == (*headers[:2], (REPLAYED, name.encode()))
    (act,) = acts(program)
    assert (act.letter, act.by, act.body.kind) == (name, "ana", "replayed")
    again = program("dead-letters", "replay", "--all")
    assert again.out.startswith("0 replayed\n1 passed over: replayed before")
    assert listed(program) == []
    assert listed(program, "--state", "replayed") == [991]
    shown = program("dead-letters", "show", name).out
    assert f"ana replayed it to {topic}/2/0" in shown
    program("dead-letters", "replay", name, "--again")
    assert len(program.messages(topic)) == 2


def test_what_would_fail_again_stays_unless_it_is_forced(program: Program) -> None:
    """And it is told how many for which reason, without a word of what was in them."""
    topic = program.topics.access("ecms")
    for offset in (1, 2):
        set_aside(program, topic, offset, b'{"event_id":"jane-roe-1987"}')
    access(program, 3)
    for mode in (["--dry-run"], []):
        answer = program("dead-letters", "replay", "--source", "ecms", *mode, code=1)
        first, second, third = answer.out.splitlines()
        assert first.startswith("1 ")
        assert second.startswith("2 would fail again, and stay")
        assert third.split(maxsplit=1)[0] == "2"
        assert "jane" not in answer.out
    assert len(program.messages(topic)) == 1
    document = program("dead-letters", "replay", "--all", "--force", "--json").documents
    assert document[0]["replayed"] == 2
    assert [act.body.tried for act in acts(program) if act.body.kind == "replayed"] == [True, False, False]


def test_each_stage_has_its_own_treatment(program: Program) -> None:
    """A fact goes back; a mark, a conflict and half a message never do; what ends a worker only untried."""
    topics = program.topics
    feed, ecms = topics.feed("assignments"), topics.access("ecms")
    fact = encode(assignment("w028", "case:c0042"))
    set_aside(program, feed, 1, fact, stage="register")
    set_aside(program, feed, 2, encode(mark("assignments", at("08:01"))), stage="register")
    set_aside(program, topics.facts, 3, fact, stage="conflict", reason="conflict")
    access(program, 4, stage="conflict", reason="conflict")
    access(program, 5, stage="quarantine", reason="kills")
    set_aside(program, ecms, 6, None, stage="quarantine", reason="unpacks", through="9")
    access(program, 7, truncated="90000")
    access(program, 8, topic="somebody.else", partition="0")
    access(program, 9, partition="two")
    answer = program("dead-letters", "replay", "--all", code=1).out.splitlines()
    assert answer[0] == "1 replayed"
    assert sum(int(line.split()[0]) for line in answer[1:]) == 8
    assert [m.value for m in program.messages(feed)] == [fact]
    assert program.messages(ecms) == []
    assert program("dead-letters", "replay", "--all", "--force", code=1).out.splitlines()[0] == "1 replayed"
    assert [act.letter for act in acts(program)] == [f"{feed}/0/1", f"{ecms}/2/5"]
    for number in range(9):
        assert "to do     " in program("dead-letters", "show", str(number)).out


def test_an_interrupted_replay_goes_on_where_it_stopped(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended between sending and recording it sends one batch twice, and loses nothing."""
    monkeypatch.setattr(letter_replay, "BATCH", 2)
    topic = program.topics.access("ecms")
    for offset in range(7):
        access(program, offset)
    record, batches = Sender.record, list[int]()

    async def interrupted(self: Sender, some: Sequence[LetterAct]) -> None:
        batches.append(len(some))
        if len(batches) == 2:
            raise KeyboardInterrupt
        await record(self, some)

    monkeypatch.setattr(Sender, "record", interrupted)
    program("dead-letters", "replay", "--all", code=130)
    assert len(acts(program)) == 2
    assert program("dead-letters", "replay", "--all").out.splitlines()[0] == "5 replayed"
    assert len(acts(program)) == 7
    sent = [m.value for m in program.messages(topic)]
    assert (len(sent), len(set(sent))) == (9, 7)


def test_a_letter_is_dropped_with_a_reason_that_stays(program: Program) -> None:
    """Without one it is wrong use. The dropped one is in nobody's way, and can still be sent."""
    first, second = access(program, 1), access(program, 2)
    program("dead-letters", "drop", first, code=2)
    program("dead-letters", "drop", first, "--reason", "bad\x1b[2J", code=2)
    program("dead-letters", "drop", "--reason", "all of them, by mistake", code=2)
    assert acts(program) == []
    assert (
        program("dead-letters", "drop", first, "--reason", "a test of the vendor", "--by", "ana").out == "1 dropped\n"
    )
    (act,) = acts(program)
    assert (act.letter, act.by) == (first, "ana")
    assert (act.body.kind, getattr(act.body, "reason", None)) == ("dropped", "a test of the vendor")
    assert listed(program) == [2]
    assert "ana dropped it: a test of the vendor" in program("dead-letters", "show", first).out
    assert program("dead-letters", "drop", first, "--reason", "once more", code=1).out.startswith("0 dropped")
    assert program("dead-letters", "replay", first, second, code=1).out.startswith("1 replayed\n1 passed over: dropped")
    assert program("dead-letters", "replay", first, "--again").out == "1 replayed\n"
    assert "none of" not in program("dead-letters", "drop", "access.x/0/1", "--reason", "not there", code=1).out


def test_who_looked_at_content_is_recorded_before_it_is_shown(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason; when it cannot be recorded, nothing is shown."""
    name = set_aside(program, program.topics.access("ecms"), 1, b"jane-roe-1987")
    program("dead-letters", "show", name, "--reveal", code=2)
    assert acts(program) == []
    shown = program("dead-letters", "show", "0", "--reveal", "--reason", "the vendor asks", "--by", "ana").out
    assert "jane-roe-1987" in shown
    assert "ana looked at its content: the vendor asks" in shown
    assert [act.body.kind for act in acts(program)] == ["revealed"]
    assert listed(program) == [1]

    async def fails(self: Sender, some: Sequence[LetterAct]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sender, "record", fails)
    assert "jane" not in program("dead-letters", "show", name, "--reveal", "--reason", "once more", code=130).out


def visible(answer: Answer) -> None:
    """Nothing in what was printed is a command to a terminal."""
    assert all(line.isprintable() for line in (answer.out + answer.err).split("\n"))


def test_naughty_strings_are_harmless_in_every_field(program: Program) -> None:
    """In names, reasons, headers, keys and content, and in acts that somebody else wrote."""
    odd = dict.fromkeys(("topic", "partition", "offset", "stage", "class", "message", "reason", "truncated"), NAUGHTY)
    headers: Headers = ((NAUGHTY, NAUGHTY.encode()), ("x", b"\xff\xfe"))
    set_aside(program, "x", 1, NAUGHTY.encode(), headers=headers, key=NAUGHTY.encode(), **odd)
    name = access(program, 2, message=NAUGHTY, **{"class": NAUGHTY})
    program.store(program.topics.dead_letters, NAUGHTY.encode(), b"\x1b[2J")
    program.store(program.topics.letter_acts, name.encode(), NAUGHTY.encode())
    forged = {
        "letter": name,
        "at": "2026-01-05T08:00:00.000Z",
        "by": "x",
        "body": {"kind": "dropped", "reason": NAUGHTY},
    }
    program.store(program.topics.letter_acts, name.encode(), orjson.dumps(forged))
    answers = [program("dead-letters", command, *mode) for command in ("list", "count") for mode in ([], ["--json"])]
    answers += [program("dead-letters", "show", number, *mode) for number in "012" for mode in ([], ["--json"])]
    answers += [
        program("dead-letters", "show", "1", "--reveal", "--reason", "to see"),
        program("dead-letters", "replay", "--all", "--dry-run", code=1),
        program("dead-letters", "show", "0", "--reveal", "--reason", "to see", code=1),
        program("dead-letters", "drop", "--all", "--reason", "=1+1", code=1),
    ]
    for answer in answers:
        visible(answer)
