"""The emitter on the real broker: what lies on the topic afterwards, whatever happened in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from schemas.access import Access
from schemas.codec import decode, decode_access, encode
from schemas.emit import AsyncEmitter, Connection, Emitter, Limits, MisusedError, sender
from schemas.heartbeat import Heartbeat
from schemas.topics import HEARTBEAT
from sinks.kafka import Message
from streams.sources import translate
from tests.faults.harness import Running, running, until
from tests.harness.broker import Expendable, SharedBroker, new_namespace
from tests.harness.emitting import FLUSHED, fields
from tests.unit.test_emit_processes import NOBODY, host, kill_after

SECONDS: Final = 60.0


@pytest.fixture(scope="module")
def topics(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Topics on the broker, and no worker."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("emitter"), new_namespace()) as one:
        yield one


def stored(one: Running, source: str) -> list[Message]:
    """All that lies on the topic of a source, in order within each partition."""
    return sorted(one.messages(one.topics.access(source)), key=lambda m: (m.partition, m.offset))


def accesses(messages: Sequence[Message]) -> list[Access]:
    """Those among them, as a worker reads them."""
    found = []
    for message in messages:
        translated = translate("ecms", message.value, message.headers, message.timestamp)
        found += translated.accesses
    return found


def heartbeats(messages: Sequence[Message]) -> list[Heartbeat]:
    """Those among them."""
    is_one = ("content-type", HEARTBEAT.encode())
    return [decode(Heartbeat, message.value) for message in messages if is_one in message.headers]


def test_what_a_host_emits_lies_on_its_topic_as_the_contract_says(topics: Running, tmp_path: Path) -> None:
    """Value, key and headers as `needtoknow send` has them; heartbeats beside; all counted."""
    service = topics.service
    with Emitter(
        "ecms", service.bootstrap, tmp_path, topic_prefix=service.prefix, number_from=1, heartbeat_seconds=0.1
    ) as emitter:
        for number in range(1, 121):
            assert emitter.emit(**fields(number))
        assert emitter.drain(SECONDS)
        until(lambda: [beat for beat in heartbeats(stored(topics, "ecms")) if beat.sequence == 120], "no heartbeat")
        until(lambda: emitter.stats().is_connected and emitter.stats().trouble is None, "something is wrong")
        stats = emitter.stats()
    assert (stats.emitted, stats.stored, stats.refused, stats.invalid, stats.sequence) == (120, 120, 0, 0, 120)
    assert (stats.waiting, stats.waiting_bytes, stats.was_killed) == (0, 0, False)
    messages = stored(topics, "ecms")
    found = accesses(messages)
    assert sorted(access.sequence or 0 for access in found) == list(range(1, 121))
    beats = heartbeats(messages)
    assert len(beats) + len(found) == len(messages)
    assert {beat.sequence for beat in beats} <= {None, *range(1, 121)}
    message = next(m for m in messages if dict(m.headers)["ce_id"] == b"ecms-7")
    assert (message.key, message.value) == (b"c0007", encode(decode_access(message.value)))
    assert dict(message.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"ecms-7",
        "ce_source": b"/sources/ecms",
        "ce_type": b"needtoknow.access.v1",
        "ce_time": b"2026-01-05T14:14:03.120Z",
        "content-type": b"application/json",
    }


async def test_a_program_on_asyncio_emits_without_waiting(topics: Running, tmp_path: Path) -> None:
    """The same with the other face; what is closed takes nothing more."""
    service = topics.service
    async with AsyncEmitter("jnet", service.bootstrap, tmp_path, topic_prefix=service.prefix) as emitter:
        assert all(emitter.emit(**fields(number)) for number in range(1, 21))
        assert await emitter.flush(SECONDS)
        assert await emitter.drain(SECONDS)
        assert emitter.stats().stored == 20
    with pytest.raises(MisusedError, match="closed"):
        emitter.emit(**fields(21))
    messages = await asyncio.to_thread(stored, topics, "jnet")
    assert {decode_access(m.value).event_id for m in messages} == {f"ecms-{number}" for number in range(1, 21)}


def test_what_a_killed_host_flushed_is_sent_by_the_next_one(topics: Running, tmp_path: Path) -> None:
    """Same ids, same numbers; and one number is left out, where something may have been lost."""
    prefix = topics.service.prefix
    with host("for-ever", tmp_path, NOBODY, prefix) as process:
        flushed = kill_after(process, 3 * FLUSHED)
    with Emitter("ecms", topics.service.bootstrap, tmp_path, topic_prefix=prefix, number_from=1) as emitter:
        assert emitter.emit(**fields(1_000_000))
        assert emitter.drain(SECONDS)
        stats = emitter.stats()
    written = stats.stored - 1
    assert (stats.was_killed, stats.sequence) == (True, written + 2)
    assert written >= flushed
    sent = {(access.sequence, access.event_id) for access in accesses(stored(topics, "ecms"))}
    assert {(number, f"ecms-{number}") for number in range(1, written + 1)} <= sent
    assert (written + 2, "ecms-1000000") in sent
    assert written + 1 not in {sequence for sequence, _ in sent}


def test_a_broker_that_goes_and_comes_back_gets_all_in_order(expendable: Expendable, tmp_path: Path) -> None:
    """Nothing waits in memory, nothing is lost, and what there was no room for is told to its caller and counted."""
    proxy = expendable.proxies[0]
    prefix = new_namespace()
    limits = Limits(spool_messages=400)
    with running(expendable.kafka.bootstrap, tmp_path / "service", prefix) as one:
        with Emitter(
            "ecms", proxy.address, tmp_path / "spool", topic_prefix=prefix, number_from=1, limits=limits
        ) as emitter:
            assert all(emitter.emit(**fields(number)) for number in range(1, 101))
            assert emitter.drain(SECONDS)
            proxy.cut()
            taken = [number for number in range(101, 601) if emitter.emit(**fields(number))]
            assert emitter.flush(SECONDS)
            until(lambda: emitter.stats().trouble, "it does not say that the broker is away")
            away = emitter.stats()
            proxy.mend()
            assert emitter.drain(SECONDS)
            assert emitter.emit(**fields(601))
            assert emitter.drain(SECONDS)
            stats = emitter.stats()
        found = accesses(stored(one, "ecms"))
    assert taken == list(range(101, 101 + len(taken)))
    assert (len(taken), away.waiting, away.unwritten, away.refused) == (400, 400, 0, 100)
    assert (stats.trouble, stats.stored, stats.waiting) == (None, 501, 0)
    assert {a.sequence for a in found} == {*range(1, 501), 601}
    assert {(a.sequence, a.event_id) for a in found} == {(a.sequence, f"ecms-{a.sequence}") for a in found}
    last = {a.event_id: place for place, a in enumerate(found)}  # of copies the last: a window is sent again whole
    for record in {a.record.id for a in found}:
        order = sorted((last[a.event_id], a.sequence or 0) for a in found if a.record.id == record)
        assert [sequence for _, sequence in order] == sorted(sequence for _, sequence in order)


def test_a_broker_that_takes_connections_and_answers_nothing_is_given_up(
    expendable: Expendable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A line that is dead without anybody having hung up: it is said, and everything begins anew until it answers."""
    short = {"SLOW_SECONDS": 0.3, "WINDOW_SECONDS": 0.7, "START_SECONDS": 1.0, "STOP_SECONDS": 0.2}
    for name, seconds in short.items():
        monkeypatch.setattr(sender, name, seconds)
    proxy, prefix = expendable.proxies[0], new_namespace()
    with running(expendable.kafka.bootstrap, tmp_path / "service", prefix) as one:
        with Emitter("ecms", proxy.address, tmp_path / "spool", topic_prefix=prefix) as emitter:
            until(lambda: emitter.stats().is_connected, "it does not connect")
            proxy.stall()
            assert all(emitter.emit(**fields(number)) for number in range(50))
            until(lambda: "the broker does not answer" in caplog.text, "it says nothing of silence")
            until(lambda: emitter.stats().retries >= 2, "it does not begin anew")
            assert not emitter.stats().is_connected
            monkeypatch.undo()  # a slow machine must not look like a dead line
            proxy.mend()
            assert emitter.drain(SECONDS)
            assert emitter.stats().trouble is None
        assert {a.event_id for a in accesses(stored(one, "ecms"))} == {f"ecms-{number}" for number in range(50)}


def test_a_topic_that_is_none_is_named(topics: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commonest mistake of a first afternoon must not look like a broker that is slow."""
    monkeypatch.setattr(sender, "START_SECONDS", 2.0)
    with Emitter("ecms", topics.service.bootstrap, tmp_path, topic_prefix="no-such-") as emitter:
        assert emitter.emit(**fields(1))
        until(
            lambda: "no topic no-such-access.ecms.v1" in (emitter.stats().trouble or ""), "it does not name the topic"
        )
        assert not emitter.close(0)


def test_what_aiokafka_does_not_take_is_said_at_once(topics: Running, tmp_path: Path) -> None:
    """A mistake of whoever sets it up must not look like a broker that is away."""
    encrypted: Connection = {"security_protocol": "SSL"}
    with pytest.raises(MisusedError, match="ssl_context"):
        Emitter("ecms", topics.service.bootstrap, tmp_path, connection=encrypted)
    with pytest.raises(MisusedError, match="acks cannot be set"):
        Emitter("ecms", topics.service.bootstrap, tmp_path, connection={"acks": 0})  # type: ignore[typeddict-unknown-key]
    Emitter("ecms", topics.service.bootstrap, tmp_path).close(0)
