"""`send --follow` on a real broker: every line of a log at least once, whatever is killed, rotated or away."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import orjson
import pytest

from schemas.errors import RejectedInputError
from schemas.ids import LATEST_MS
from schemas.topics import ECMS_SYSLOG
from sinks.kafka import admin, run
from streams.sources import translate
from tests.contract.examples import ACCESS
from tests.faults.harness import IDLE_SECONDS, until
from tests.harness.broker import Expendable, SharedBroker
from tests.integration.cli import Program
from tests.integration.cli import program as make_program

START_SECONDS = 2 * IDLE_SECONDS  # a process of its own must come up, on a busy machine
SHIFT = (Path(__file__).parent.parent / "unit" / "golden" / "ecms" / "shift.txt").read_bytes()

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def program(
    kafka: SharedBroker,
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Program:
    """The program with its topics, and a place of its own for what it remembers."""
    monkeypatch.setenv("NTK_DATA_DIR", str(tmp_path / "data"))
    made = make_program(kafka, namespace, monkeypatch, capsys)
    made("topics", "apply", "--single-broker")
    return made


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the program on a log, as a process that may be killed."""
    begun: list[subprocess.Popen[bytes]] = []

    def call(log: Path, broker: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "sinks.cli.main", "send", "--follow", str(log), "--source", "ecms"]
        with (tmp_path / "said").open("ab") as said:
            process = subprocess.Popen([*command, "--broker", broker, *options], stdout=said, stderr=said)
        begun.append(process)
        return process

    yield call
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.wait(30)


def lines(first: int, count: int) -> list[bytes]:
    """That many accesses, of seven records in turn."""
    example = orjson.loads(ACCESS)
    own = ({"event_id": f"e{n}", "record": {"kind": "case", "id": f"c{n % 7}"}} for n in range(first, first + count))
    return [orjson.dumps(example | fields) for fields in own]


def write(log: Path, some: list[bytes]) -> None:
    """At the end of the log."""
    with log.open("ab") as file:
        for line in some:
            file.write(line + b"\n")
            file.flush()


def rotate(log: Path, number: int) -> None:
    """In turn as logrotate does by itself, and with copytruncate."""
    old = log.parent / f"{log.name}.{number}"
    if number % 2:
        log.rename(old)
    else:
        shutil.copy(log, old)
        os.truncate(log, 0)


def values(program: Program) -> list[bytes]:
    """What lies on the topic of ECMS."""
    return [message.value or b"" for message in program.messages(program.topics.access("ecms"))]


@pytest.mark.timeout(300)  # several processes, each of which must come up
def test_nothing_is_lost_when_it_is_killed_while_the_log_rotates(
    program: Program, start: Start, tmp_path: Path
) -> None:
    """SIGKILL with lines under way, three times, while a writer writes and rotates; then the rest is caught up."""
    log, written = tmp_path / "access.jsonl", list[bytes]()

    def write_and_rotate(number: int) -> None:
        for part in range(3):
            some = lines(len(written), 100)
            written.extend(some)
            write(log, some)
            rotate(log, 3 * number + part)

    for number in range(3):
        known = len(values(program))
        process = start(log, program.broker.address)
        write(log, some := lines(len(written), 50))
        written.extend(some)
        until(lambda known=known: len(values(program)) > known, "nothing of the log is stored", START_SECONDS)
        writer = Thread(target=write_and_rotate, args=(number,))
        writer.start()
        process.kill()
        writer.join()
        assert process.wait(30) == -signal.SIGKILL

    answer = program("send", "--follow", str(log), "--source", "ecms", "--once", "--json")
    assert set(values(program)) == set(written)
    assert len(written) == 3 * 350
    (document,) = answer.documents
    assert (document["bad"], document["unread_bytes"]) == (0, 0)
    assert program("send", "--follow", str(log), "--source", "ecms", "--once", "--json").documents[0]["out"] == 0


@pytest.mark.timeout(300)
def test_it_waits_for_a_broker_that_is_away_and_holds_what_is_deleted_meanwhile(
    expendable: Expendable, program: Program, start: Start, tmp_path: Path, namespace: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """It says that it waits, goes on by itself, and ends well when it is told to."""
    there = make_program(SharedBroker(expendable.kafka.bootstrap), namespace, monkeypatch, capsys)
    there("topics", "apply", "--single-broker")
    log, said = tmp_path / "access.jsonl", tmp_path / "said"
    write(log, lines(0, 3))
    expendable.proxies[0].cut()
    process = start(log, expendable.proxies[0].address, "--timeout", "1")
    until(lambda: b"going on when it is back" in said.read_bytes(), "it does not say that it waits", START_SECONDS)
    log.unlink()
    write(log, lines(3, 3))
    expendable.proxies[0].mend()
    until(lambda: len(set(values(there))) == 6, "it does not go on", START_SECONDS)
    process.terminate()
    assert process.wait(60) == 0
    assert b"messages stored on" in said.read_bytes()


@pytest.mark.timeout(300)
def test_each_kafka_gets_the_whole_log(
    expendable: Expendable, program: Program, tmp_path: Path, namespace: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Who tried it on a test Kafka first has sent nothing to the other; each is gone on with by itself."""
    other = make_program(SharedBroker(expendable.kafka.bootstrap), namespace, monkeypatch, capsys)
    other("topics", "apply", "--single-broker")
    log = tmp_path / "access.jsonl"
    following = ("send", "--follow", str(log), "--source", "ecms", "--once", "--json")
    write(log, lines(0, 5))
    assert [one(*following).documents[0]["out"] for one in (program, other, program)] == [5, 5, 0]
    write(log, lines(5, 2))
    assert [one(*following).documents[0]["out"] for one in (other, program)] == [2, 2]
    assert set(values(program)) == set(values(other)) == set(lines(0, 7))


@pytest.mark.timeout(300)
def test_a_topic_that_was_made_anew_gets_the_whole_log(program: Program, tmp_path: Path) -> None:
    """One that holds less than was sent to it is another one, though the cluster has the same id."""
    log, topic = tmp_path / "access.jsonl", program.topics.access("ecms")
    following = ("send", "--follow", str(log), "--source", "ecms", "--once", "--json")
    write(log, lines(0, 5))
    program(*following)

    async def topics(*deleted: str) -> bool:
        async with admin(program.broker) as client:
            if deleted:
                await client.delete_topics(list(deleted))
            return topic in await client.list_topics()

    run(topics(topic), program.broker)
    until(lambda: not run(topics(), program.broker), "the topic is not deleted", START_SECONDS)
    program("topics", "apply", "--single-broker")
    answer = program(*following)
    assert (answer.documents[0]["out"], "made anew" in answer.err) == (5, True)
    assert program(*following).documents[0]["out"] == 0


def test_a_wrong_line_goes_where_wrong_lines_go_and_stops_nothing(program: Program, tmp_path: Path) -> None:
    """The judge refuses it as it stands; the line is named, its content is not."""
    log = tmp_path / "access.jsonl"
    good, other = lines(0, 2)
    wrong = [b'{"event_id":"Zebra"}', b"Quagga", good.replace(b'"ecms"', b'"jnet"'), good + b" " * 9 + b"x" * 70_000]
    write(log, [good, *wrong, b"", other])
    answer = program("send", "--follow", str(log), "--source", "ecms", "--once")
    assert "6 messages stored" in answer.out
    assert "4 of them become dead letters" in answer.out
    assert "access.jsonl, byte " in answer.err
    assert [word for word in ("Zebra", "Quagga") if word in answer.err + answer.out] == []
    refused, accesses = 0, []
    for message in program.messages(program.topics.access("ecms")):
        try:
            accesses += translate("ecms", message.value, message.headers, LATEST_MS).accesses
        except RejectedInputError:
            refused += 1
    assert (refused, sorted(access.event_id for access in accesses)) == (4, ["e0", "e1"])


def test_syslog_of_ecms_is_followed_as_it_is_written(program: Program, tmp_path: Path) -> None:
    """Byte for byte, under its content type."""
    (tmp_path / "ecms.log").write_bytes(SHIFT)
    program("send", "--follow", str(tmp_path / "ecms.log"), "--source", "ecms", "--once")
    messages = program.messages(program.topics.access("ecms"))
    assert sorted(m.value or b"" for m in messages) == sorted(SHIFT.splitlines())
    assert all(("content-type", ECMS_SYSLOG.encode()) in m.headers for m in messages)


@pytest.mark.timeout(300)
def test_a_log_is_followed_by_one_process(program: Program, start: Start, tmp_path: Path) -> None:
    """Two would remember different things in one place."""
    write(tmp_path / "access.jsonl", lines(0, 1))
    start(tmp_path / "access.jsonl", program.broker.address)
    until(lambda: len(values(program)) == 1, "nothing is stored", START_SECONDS)
    log = str(tmp_path / "access.jsonl")
    assert "is followed already" in program("send", "--follow", log, "--source", "ecms", "--once", code=3).err


def test_what_cannot_be_followed_is_said(program: Program, tmp_path: Path) -> None:
    """With the reason, before anything starts."""
    path = tmp_path / "FACTSAUD.20260105"
    path.write_bytes(b"")
    for source, words in {"facts": "trailer", "clean": "response", "paper": "table"}.items():
        assert words in program("send", "--follow", str(path), "--source", source, code=2).err
    assert (
        "there is no"
        in program("send", "--follow", str(tmp_path / "a.jsonl"), "--source", "ecms", "--once", code=3).err
    )
    assert "standard input" in program("send", "--follow", "-", "--source", "ecms", code=2).err
    assert "--follow" in program("send", str(path), "--source", "ecms", "--once", code=2).err
    assert "does not exist" in program("send", str(tmp_path / "none"), "--source", "ecms", code=2).err
