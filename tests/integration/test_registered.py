"""An unlisted system with one entry in the registry and no code: judged, explained, verified; and one with no entry."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import NewTopic

from deploy.local.service import Worker
from schemas.access import Access
from schemas.codec import decode, encode
from schemas.finding import Finding
from schemas.ledger import Cut, Times
from sinks.kafka import Broker, admin, run
from tests.faults.harness import BROKER_SECONDS, Running, running, until
from tests.harness.broker import SharedBroker
from tests.harness.builders import account, assignment, make_access

pytestmark = pytest.mark.timeout(300)  # three workers start, one after the other

PATIENT = {"NTK_SESSION_TIMEOUT_SECONDS": "30"}  # nobody is killed, and partitions must not move on a busy machine
ENTRY = """
[sources.kiosk]
title = "records room kiosk"
zone = "America/New_York"
precision_ms = 1000
clock_error_ms = 2000
"""
GATE = """
[sources.door]
title = "door of the records room, where people sign in as at the kiosk"
accounts = "kiosk"
"""
THROUGH = "2026-01-06T00:00:00Z"
ACCESSES = re.compile(r'^needtoknow_accesses_total\{outcome="\w+",source="kiosk"\} (\S+)$', re.MULTILINE)
METRIC = re.compile(r"^needtoknow_unregistered_topics (\S+)$", re.MULTILINE)


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A file with one entry."""
    file = tmp_path / "sources.toml"
    file.write_text(ENTRY + GATE, encoding="utf-8")
    return file


@pytest.fixture
def one(kafka: SharedBroker, namespace: str, registry: Path, tmp_path: Path) -> Iterator[Running]:
    """A service whose every process has the registry; no worker yet."""
    with running(kafka.bootstrap, tmp_path / "service", namespace, **PATIENT, NTK_SOURCES_FILE=str(registry)) as made:
        yield made


def loaded(one: Running, directory: Path, feed: str, facts: Sequence[Any]) -> None:
    """As whoever keeps them does it."""
    file = directory / f"{feed}.jsonl"
    file.write_bytes(b"".join(encode(fact) + b"\n" for fact in facts))
    code, _, complaint = one.command("load", str(file), "--feed", feed, "--complete-through", THROUGH)
    assert code == 0, complaint


def sent(one: Running, directory: Path, *accesses: Access, source: str = "kiosk") -> None:
    """As the kiosk's team does it."""
    file = directory / f"{source}.jsonl"
    file.write_bytes(b"".join(encode(access) + b"\n" for access in accesses))
    code, _, complaint = one.command("send", str(file), "--source", source)
    assert code == 0, complaint


def seen(event_id: str, when: str, login: str = "k4711", name: str = "case:c0042") -> Access:
    """Somebody at the kiosk, to the second."""
    return make_access(source="kiosk", event_id=event_id, actor=login, when=when, name=name)


def unregistered(worker: Worker) -> str:
    """What the worker tells Prometheus."""
    found = METRIC.search(worker.metrics())
    assert found is not None
    return found.group(1)


def judged(worker: Worker) -> int:
    """How many accesses at the kiosk it has."""
    counted = re.findall(
        r'^needtoknow_accesses_total\{outcome="\w+",source="kiosk"\} (\S+)$', worker.metrics(), re.MULTILINE
    )
    return int(sum(map(float, counted)))


def standing(one: Running) -> dict[str, Finding]:
    """Each access's last word."""
    return {finding.access.event_id: finding for finding in one.findings()}


def test_a_system_with_one_entry_and_no_code_is_judged_explained_and_verified(
    one: Running, registry: Path, tmp_path: Path
) -> None:
    """And by no other times than those it was judged by: neither by a worker nor by whoever verifies."""
    one.service.start_workers(1)
    [worker] = one.service.workers
    loaded(one, tmp_path, "staff", [account("k4711", "w028", source="kiosk"), account("k4711", "w031")])
    loaded(one, tmp_path, "assignments", [assignment("w028", valid_from="14:00", recorded_at="13:00")])
    loaded(one, tmp_path, "cases", [])
    sent(
        one,
        tmp_path,
        seen("e-before", "13:59:50"),
        seen("e-doubtful", "14:00:01"),  # the duty began at 14:00, and the kiosk's clock may be 2 s off
        seen("e-after", "15:00"),
        seen("e-stranger", "15:00", login="ghost7"),
    )
    door = make_access(source="door", event_id="d-stranger", actor="k4711", when="13:00")
    sent(one, tmp_path, door, source="door")
    status = one.wait_idle()
    assert (status["healthy"], status["unregistered"]) == (None, [])  # nothing is wrong, and nobody watches
    found = standing(one)
    assert {name: (f.outcome, f.staff, f.flags) for name, f in found.items()} == {
        "e-before": ("unexplained", "w028", ()),
        "e-doubtful": ("unexplained", "w028", ("borderline",)),
        "e-stranger": ("unresolved", None, ()),
        "d-stranger": ("unexplained", "w028", ()),
    }
    interval = found["e-doubtful"].access
    assert encode(interval).count(b'"occurred_at":"2026-01-05T13:59:59.000Z"') == 1
    assert encode(interval).count(b'"occurred_until":"2026-01-05T14:00:03.999Z"') == 1
    until(
        lambda: 'needtoknow_accesses_total{outcome="explained",source="kiosk"} 1.0' in worker.metrics(), "not counted"
    )

    explained = one.document("explain", "kiosk", "e-doubtful")
    assert explained["finding_id"] == found["e-doubtful"].finding_id
    assert explained["judged"][0]["outcome"] == "unexplained"
    assert one.document("explain", found["e-doubtful"].finding_id) == explained
    code, out, _ = one.command("replay", "--from", "1h", "--source", "kiosk", "--json")
    assert (code, out.count("\n")) == (0, 1)  # no difference, and a line that says so
    assert one.verify()["verified"]
    cuts = [decode(Cut, message.value) for message in one.messages(one.topics.ledger)]
    at_door = Times(precision_ms=1, clock_error_ms=0, accounts="kiosk")
    assert {cut.times for cut in cuts} == {Times(precision_ms=1_000, clock_error_ms=2_000), at_door}

    one.service.stop()
    registry.write_text(ENTRY.replace("2000", "60000") + GATE, encoding="utf-8")
    refusing = one.service.launch()
    assert refusing.process.wait(120) == 3
    assert "sources.kiosk: its accesses have been judged with precision_ms = 1000 and clock_error_ms = 2000" in (
        refusing.log_file.read_text()
    )
    differences = one.document("verify")["differences"]
    assert any("the registry here says with precision_ms = 1000 and clock_error_ms = 60000" in d for d in differences)


def test_a_worker_that_is_handed_what_another_judged_by_other_times_goes_down(one: Running, tmp_path: Path) -> None:
    """It was there, with an entry of its own, before anything was judged."""
    other = tmp_path / "other.toml"
    other.write_text(ENTRY.replace("2000", "3000"), encoding="utf-8")
    one.service.start_workers(1)
    [good] = one.service.workers
    wrong = one.service.launch(NTK_SOURCES_FILE=str(other))
    one.service.wait_ready(wrong)
    hashes = [re.findall(r'sources_hash="(\w{12})"', worker.metrics()) for worker in (good, wrong)]
    assert hashes[0] != hashes[1]  # what RegistryDiverging asks
    loaded(one, tmp_path, "staff", [account("k4711", "w028", source="kiosk")])
    sent(one, tmp_path, *(seen(f"e{n}", "15:00", name=f"case:c{n}") for n in range(60)))
    until(lambda: judged(good) > 0 and judged(good) + judged(wrong) >= 60, "they have not judged all")
    good.send(signal.SIGTERM)
    assert good.process.wait(120) == 0
    assert wrong.process.wait(120) == 3
    assert "sources.kiosk: its accesses have been judged with precision_ms = 1000 and clock_error_ms = 2000" in (
        wrong.log_file.read_text()
    )


def test_a_system_that_nobody_registered_is_not_silent(one: Running, registry: Path, tmp_path: Path) -> None:
    """Shown by `status`, counted by the worker for the page and named in its log, each by its own registry."""
    gate, bootstrap = f"{one.service.prefix}access.gate.v1", one.service.bootstrap

    async def make() -> None:
        async with admin(Broker(bootstrap, BROKER_SECONDS)) as client:
            await client.create_topics([NewTopic(gate, 1, 1)])

    run(make(), Broker(bootstrap, BROKER_SECONDS))
    nothing = tmp_path / "nothing.toml"
    nothing.touch()
    worker = one.service.launch(NTK_SOURCES_FILE=str(nothing))
    one.service.wait_ready(worker)
    until(lambda: unregistered(worker) == "3.0", "the worker does not see them")
    door, kiosk = (f"{one.service.prefix}access.{name}.v1" for name in ("door", "kiosk"))
    assert f"not registered, nobody reads them: {door}, {gate}, {kiosk}" in worker.log_file.read_text()
    code, out, _ = one.command("status")
    assert (code, f"not registered, nobody reads it: {gate}" in out, kiosk in out) == (1, True, False)
    assert one.document("status")["unregistered"] == [gate]
    registry.write_text(ENTRY + GATE + ENTRY.replace("kiosk", "gate"), encoding="utf-8")
    assert one.document("status")["unregistered"] == []
