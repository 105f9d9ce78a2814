"""What is missing, named by the real process on a real Kafka with a real worker."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest

from deploy.local.service import Worker
from schemas.codec import encode
from schemas.heartbeat import Heartbeat
from schemas.topics import CANONICAL, FACTS_LINE, HEARTBEAT
from sinks.cli.on_disk import in_turn
from sinks.cli.send import Layout, Warned, looked_at, second_pass
from sinks.kafka import Broker, producer
from tests.faults.harness import Running, running, until
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.builders import make_access
from tests.harness.facts_file import audit_access, facts_file

PATIENCE = 60.0
OPENER = build_opener(ProxyHandler({}))  # it is on this machine


@pytest.fixture(scope="module")
def service(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One worker, and numbers that count as missing after a second."""
    directory = tmp_path_factory.mktemp("watch")
    with running(kafka.bootstrap, directory, new_namespace(), NTK_MISSING_AFTER_SECONDS="1") as one:
        one.service.start_workers(1)
        one.service.start_watch()
        yield one


def send(one: Running, source: str, numbers: list[int], given: int | None = None, at: int | None = None) -> None:
    """Accesses with these numbers, or a heartbeat that says how many there are."""
    now = int(time.time() * 1000) if at is None else at
    values = [
        (encode(make_access(source=source, event_id=f"{source}-{n}", sequence=n, when=now)), CANONICAL) for n in numbers
    ]
    if given is not None:
        values.append((encode(Heartbeat(source=source, at=now, sequence=given)), HEARTBEAT))

    async def store() -> None:
        async with producer(Broker(one.service.bootstrap, PATIENCE)) as client:
            for number, (value, kind) in enumerate(values):
                headers = [("content-type", kind.encode())]
                await client.send(one.topics.access(source), value, key=f"{number}".encode(), headers=headers)
            await client.flush()

    asyncio.run(store())


def sources(watch: Worker) -> dict[str, dict[str, Any]]:
    """What it says of each source."""
    with OPENER.open(f"http://{watch.address}/sources", timeout=5) as answer:
        return {one["source"]: one for one in json.loads(answer.read())["sources"]}


def missing(watch: Worker, source: str) -> list[tuple[int, int]]:
    """The ranges of numbers that it misses."""
    return [(first, last) for first, last, _ in sources(watch)[source]["missing_numbers"]]


def logged(watch: Worker, pattern: str) -> bool:
    """Whether its log says so."""
    return re.search(pattern, watch.log_file.read_text()) is not None


def test_a_number_left_out_is_named_and_is_no_longer_when_it_turns_up(service: Running) -> None:
    """Promise 11: of thousands of accesses a single one that never came; Prometheus and `status` say it, too."""
    [watch] = service.service.watches
    send(service, "ecms", [1, 2, 3, 5, 6])
    until(lambda: logged(watch, r"source ecms: missing (.*, )?4\b"), "the number left out is not named")
    until(lambda: missing(watch, "ecms") == [(4, 4)], "more than that is missing")
    assert re.search(r'^needtoknow_missing_accesses\{source="ecms"\} 1\.0$', watch.metrics(), re.MULTILINE)
    code, lines, _ = service.command("status")
    assert code == 1
    assert re.search(r"^ecms +\d+ \w+ ago +1: 4 ", lines, re.MULTILINE), lines
    send(service, "ecms", [4])
    until(lambda: logged(watch, r"source ecms: no longer missing (.*, )?4\b"), "what turned up is still missing")
    assert missing(watch, "ecms") == []


def test_a_heartbeat_makes_the_last_message_missed(service: Running) -> None:
    """No higher number ever comes, only the word of the source."""
    [watch] = service.service.watches
    send(service, "jnet", [10, 11], given=12)
    until(lambda: missing(watch, "jnet") == [(12, 12)], "what the heartbeat speaks of is not missed")


def test_a_file_whose_sending_ended_halfway_is_missed_by_its_header(service: Running, tmp_path: Path) -> None:
    """The header says up to which number the file goes; sent once more, and whole, nothing is missing."""
    [watch] = service.service.watches
    night = facts_file("20260105", 7, [audit_access(n, make_access("JDOE", event_id=f"e{n}")) for n in range(501, 509)])
    file = tmp_path / "FACTSAUD"
    file.write_bytes(night.content)
    warned = Warned("facts")
    with in_turn([str(file)]) as held:
        assert len(list(looked_at(held, Layout("facts"), warned))) == 10
        half = list(islice(second_pass(held, Layout("facts"), warned.given), 6))

    async def store() -> None:
        async with producer(Broker(service.service.bootstrap, PATIENCE)) as client:
            for one in half:
                await client.send(service.topics.access("facts"), one.value, key=one.key, headers=list(one.headers))
            await client.flush()

    asyncio.run(store())
    until(lambda: missing(watch, "facts") == [(506, 508)], "the rest of the file is not missed")
    code, _, complaint = service.command("send", str(file), "--source", "facts")
    assert code == 0, complaint
    until(lambda: missing(watch, "facts") == [], "what turned up is still missing")


def short(watch: Worker) -> dict[str, int | None]:
    """By how many lines each file of FACTS is short; None: it has no end."""
    return dict(sources(watch)["facts"]["short_files"])


def test_a_night_that_somebody_cut_short_is_named_with_what_it_lacks(service: Running) -> None:
    """By whoever sends it, without our commands: the trailer says what there was. Metrics and `status` say it, too."""
    [watch] = service.service.watches
    night = facts_file("20260106", 8, [audit_access(n, make_access("JDOE")) for n in range(509, 521)])
    header, *details, trailer = night.lines
    store(service, [header, *details[:-3], trailer])
    until(lambda: logged(watch, r"source facts: short files: 000008 by 3\b"), "the short file is not named")
    assert short(watch) == {"000008": 3}
    assert missing(watch, "facts") == [(518, 520)]
    assert re.search(r'^needtoknow_short_files\{source="facts"\} 1\.0$', watch.metrics(), re.MULTILINE)
    code, lines, _ = service.command("status")
    assert code == 1
    assert re.search(r"^facts .* 1: 000008 by 3 ", lines, re.MULTILINE), lines
    store(service, details[-3:])
    until(lambda: logged(watch, "source facts: no longer short: 000008"), "what is whole is still short")
    assert short(watch) == {}


def test_a_file_that_send_refuses_is_missed_until_it_comes_whole(service: Running, tmp_path: Path) -> None:
    """It ends without a trailer, as a transfer that broke off does. No access of it is stored, but its header."""
    [watch] = service.service.watches
    night = facts_file("20260107", 9, [audit_access(n, make_access("JDOE")) for n in range(521, 526)])
    file = tmp_path / "FACTSAUD"
    file.write_bytes(b"".join(line + b"\n" for line in night.lines[:4]))
    code, said, complaint = service.command("send", str(file), "--source", "facts")
    assert (code, said) == (1, "")
    assert "the file is short; fetch the file again, whole and in binary mode; no access was sent" in complaint
    assert "the file's header was stored: page ShortFile fires in two minutes, unless it comes whole" in complaint
    until(lambda: short(watch) == {"000009": None}, "the refused file is not missed")
    assert missing(watch, "facts") == []
    file.write_bytes(night.content)
    code, _, complaint = service.command("send", str(file), "--source", "facts")
    assert code == 0, complaint
    until(lambda: short(watch) == {}, "what is whole is still short")


def store(one: Running, lines: list[bytes]) -> None:
    """Lines of FACTS by any Kafka client."""

    async def run() -> None:
        async with producer(Broker(one.service.bootstrap, PATIENCE)) as client:
            for line in lines:
                headers = [("content-type", FACTS_LINE.encode())]
                await client.send(one.topics.access("facts"), line, key=line[:11], headers=headers)
            await client.flush()

    asyncio.run(run())


def test_what_was_known_is_known_after_a_start_without_reading_it_again(service: Running) -> None:
    """It ends as it is told to, and goes on from its copy; so does one without a copy, from all of the ledger."""
    [watch] = service.service.watches
    send(service, "clean", [1, 3])
    until(lambda: missing(watch, "clean") == [(2, 2)], "the number left out is not named")
    watch.send(signal.SIGTERM)
    assert watch.process.wait(PATIENCE) == 0
    service.service.watches.clear()
    for begins, words in (("copy", "goes on from its copy"), ("ledger", "")):
        again = service.service.start_watch(**({} if words else {"NTK_DATA_DIR": str(watch.log_file.parent / begins)}))
        until(lambda now=again: missing(now, "clean") == [(2, 2)], f"it is not known from the {begins}")
        assert ("goes on from its copy" in again.log_file.read_text()) is bool(words)


def test_the_ledger_that_says_so_holds(service: Running) -> None:
    """Whatever a cut says of numbers is derived again from its messages."""
    service.wait_idle()
    report = service.verify()
    assert report["differences"] == []
