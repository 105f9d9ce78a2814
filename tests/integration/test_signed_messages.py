"""A source that signs: every way to publish, each kind of tampering, and what stands afterwards, on the real broker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.access import Access
from schemas.codec import encode
from schemas.emit import Emitter
from schemas.signing import Signer
from schemas.topics import SIGNATURE_HEADER
from sinks.kafka import Broker, producer, run
from tests.faults.harness import Running, running, until
from tests.harness.broker import SharedBroker
from tests.harness.builders import DUTY_FEEDS, make_access
from tests.harness.signatures import KEY_ID, by_pyjwt

pytestmark = pytest.mark.timeout(300)

PATIENT = {"NTK_SESSION_TIMEOUT_SECONDS": "30"}
COUNTED = re.compile(r'^needtoknow_tampering_total\{source="ecms"\} (\S+)$', re.MULTILINE)
THROUGH = "2026-01-06T00:00:00Z"
Headers = list[tuple[str, bytes]]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The source's private key; the registry with the public one lies beside it."""
    return tmp_path / "ecms.pem"


@pytest.fixture
def one(kafka: SharedBroker, namespace: str, key_file: Path, tmp_path: Path) -> Iterator[Running]:
    """A service in which ecms signs, by a registry that our own command has written."""
    registry = tmp_path / "sources.toml"
    registry.write_text("", encoding="utf-8")
    with running(kafka.bootstrap, tmp_path / "service", namespace, **PATIENT, NTK_SOURCES_FILE=str(registry)) as made:
        code, out, complaint = made.command("signing-key", str(key_file), "--source", "ecms", "--id", KEY_ID)
        assert code == 0, complaint
        registry.write_text(re.sub(r"since = .*\n", "", out), encoding="utf-8")  # the tests' clock is the broker's
        made.service.start_workers(1)
        nobody = tmp_path / "nobody.jsonl"
        nobody.write_bytes(b"")
        for feed in DUTY_FEEDS:  # nobody has a duty, and all of it is told: what is judged becomes a finding
            assert (
                made.command("load", str(nobody), "--feed", feed, "--complete-through", "2026-01-06T00:00:00Z")[0] == 0
            )
        yield made


def seen(number: int) -> Access:
    """Somebody whom nobody knows: a finding for each that is judged."""
    return make_access(event_id=f"e-{number:03}", sequence=number, name=f"case:c{number:04}", when="15:00")


def stored(one: Running, *messages: tuple[bytes, Headers]) -> None:
    """By a Kafka client of the source's own."""

    async def store() -> None:
        async with producer(Broker(one.service.bootstrap, 30)) as client:
            for value, headers in messages:
                await client.send_and_wait(one.topics.access("ecms"), value, key=b"k", headers=headers)

    run(store(), Broker(one.service.bootstrap, 30))


def private_key(key_file: Path) -> Ed25519PrivateKey:
    """For who signs by another library."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(key_file.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def test_what_is_signed_is_judged_whichever_way_it_came(one: Running, key_file: Path, tmp_path: Path) -> None:
    """By the emitter with heartbeats, by `send` whole and following, by a client with another library; verified."""
    topic, signer = one.topics.access("ecms"), Signer.from_file(KEY_ID, key_file)
    with Emitter(
        "ecms", one.service.bootstrap, tmp_path / "spool", topic_prefix=one.service.prefix, signer=signer,
        heartbeat_seconds=0.1,
    ) as emitter:  # fmt: skip
        assert emitter.emit(seen(1))
        assert emitter.drain(30)
    file = tmp_path / "ecms.jsonl"
    file.write_bytes(encode(seen(2)) + b"\n")
    unsigned = one.command("send", str(file), "--source", "ecms")
    assert unsigned[0] == 2
    assert "ecms signs its messages: set NTK_SIGNING_KEY_FILE" in unsigned[2]
    signing = {"NTK_SIGNING_KEY_FILE": str(key_file), "NTK_SIGNING_KEY_ID": KEY_ID}
    signing_one = Running(replace(one.service, settings={**one.service.settings, **signing}))
    assert signing_one.command("send", str(file), "--source", "ecms")[0] == 0
    log = tmp_path / "ecms.log.jsonl"
    log.write_bytes(encode(seen(3)) + b"\n")
    assert signing_one.command("send", "--follow", "--once", str(log), "--source", "ecms")[0] == 0
    value = encode(seen(4))
    theirs = by_pyjwt(private_key(key_file), value, {"kid": KEY_ID, "topic": topic, "seq": 4})
    stored(one, (value, [(SIGNATURE_HEADER, theirs)]))
    one.wait_idle()
    assert {finding.access.event_id for finding in one.findings()} == {"e-001", "e-002", "e-003", "e-004"}
    assert one.letters() == {}
    assert len(one.messages(topic)) > 4, "no heartbeat"
    assert one.verify()["verified"]


def test_each_kind_of_tampering_is_a_dead_letter_and_counted_and_stops_nothing(one: Running, key_file: Path) -> None:
    """The next message is judged."""
    topic, signer = one.topics.access("ecms"), Signer.from_file(KEY_ID, key_file)

    def signed(number: int, value: bytes, **changes: Any) -> Headers:
        told = {"topic": topic, "sequence": number} | changes
        return [(SIGNATURE_HEADER, signer.sign(told["topic"], told["sequence"], value))]

    values = {number: encode(seen(number)) for number in range(1, 8)}
    forged = values[4].replace(b"jdoe12", b"asmith")
    stranger = Signer("nobody", private_key(key_file))
    stored(
        one,
        (values[1], []),
        (values[2], signed(2, values[2], topic="access.ecms.v1")),
        (values[3], signed(4, values[3])),
        (forged, signed(4, values[4])),
        (values[5], [(SIGNATURE_HEADER, stranger.sign(topic, 5, values[5]))]),
        (values[6], [*signed(6, values[6]), *signed(6, values[6])]),
        (values[7], signed(7, values[7])),
    )
    one.wait_idle()
    assert [finding.access.event_id for finding in one.findings()] == ["e-007"]
    code, out, _ = one.command("dead-letters", "list", "--class", "tampering", "--order", "oldest", "--json")
    assert code == 0
    assert [json.loads(line)["message"].partition(": ")[2] for line in out.splitlines()] == [
        "is missing: this source signs its messages",
        "is for another topic",
        "is of another sequence number than the message",
        "is not of this message",
        "is by a key that this source does not have",
        "is given twice",
    ]
    [worker] = one.service.workers
    until(lambda: COUNTED.findall(worker.metrics()) == ["6.0"], "not counted")
    assert one.verify()["verified"]
