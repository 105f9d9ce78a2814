"""From the outbox to the topic by the real Debezium: every committed access, byte for byte, whatever goes away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from deploy.local.ports import HOST
from schemas.access import Access
from schemas.topics import CANONICAL, HEARTBEAT, Topics
from sinks.kafka import Message
from streams.sources import translate
from tests.faults.harness import Running, running, until
from tests.harness.broker import Expendable, new_namespace
from tests.harness.connect import Connect, a_connect
from tests.harness.native import as_sent
from tests.harness.outbox import Outbox, insert, install, row
from tests.harness.postgres import a_postgres
from tests.integration.test_outbox import STRANGE, seen, write

CONNECTOR: Final = Path(__file__).parents[2] / "deploy" / "publishing" / "outbox-connector.json"
PATIENCE: Final = 60.0  # seconds; what is waited for takes one or two on a quiet machine
BEAT_MS: Final = "1000"

pytestmark = pytest.mark.timeout(300)  # three programs are started, two of them Java


@pytest.fixture(scope="module")
def outbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outbox]:
    """In a server of its own, as outbox.md wants it."""
    with a_postgres(tmp_path_factory.mktemp("logical"), print, {"wal_level": "logical"}) as server:
        server.create_database("ecms")
        yield install(server, "ecms")


@pytest.fixture(scope="module")
def service(one_expendable: Expendable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Topics, and nobody who reads them but the test."""
    with running(one_expendable.kafka.bootstrap, tmp_path_factory.mktemp("outbox"), new_namespace()) as one:
        yield one


def connector(outbox: Outbox, topics: Topics, directory: Path) -> dict[str, Any]:
    """The published one, with other addresses, and heartbeats more often."""
    (directory / "outbox.properties").write_text(f"password={outbox.server.password}\n")
    document: dict[str, Any] = json.loads(CONNECTOR.read_text(encoding="utf-8"))
    config = document["config"]
    other = {
        "database.hostname": HOST,
        "database.port": str(outbox.server.port),
        "database.password": config["database.password"].replace("/etc/needtoknow", str(directory)),
        "heartbeat.interval.ms": BEAT_MS,
        "transforms.outbox.route.topic.replacement": topics.prefix
        + config["transforms.outbox.route.topic.replacement"],
    }
    assert other.keys() <= config.keys()
    return {**document, "config": {**config, **other}}


@pytest.fixture(scope="module")
def connect(
    outbox: Outbox, service: Running, one_expendable: Expendable, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Connect]:
    """Started when there are rows already; its line to the broker can be cut."""
    write(outbox, *STRANGE)
    directory = tmp_path_factory.mktemp("connect")
    document = connector(outbox, service.topics, directory)
    with a_connect(directory, one_expendable.proxies[0].address, document) as one:
        yield one


def accesses(service: Running) -> list[Message]:
    """What is no heartbeat."""
    found = service.messages(service.topics.access("ecms"))
    return [message for message in found if dict(message.headers)["content-type"] == CANONICAL.encode()]


def wait_for(service: Running, *wanted: Access) -> None:
    """Until these are on the topic."""
    names = {one.event_id for one in wanted}

    def missing() -> set[str]:
        return names - {orjson.loads(message.value or b"")["event_id"] for message in accesses(service)}

    until(lambda: not missing(), f"missing on the topic: {missing()}", PATIENCE)


def test_every_committed_row_is_on_the_topic_as_it_was_made(outbox: Outbox, service: Running, connect: Connect) -> None:
    """Those written before the connector was there, and after; the key, the header and each byte; no others."""
    later = [seen(f"later-{n}", name=f"case:c{n % 5}") for n in range(40)]
    later += [seen("large", candidates=tuple(f"case:{n:0>200}" for n in range(200)), action="search")]  # 46 KB
    with outbox.connect("app") as connection:
        insert(connection, row(seen("rolled-back")))
    write(outbox, *later)
    wait_for(service, *STRANGE, *later)
    made = [(key.encode(), value.encode()) for key, kind, value in outbox.messages() if kind == CANONICAL]
    stored = accesses(service)
    assert {(m.key, m.value) for m in stored} == set(made)
    judged = [access for m in stored for access in as_sent(translate("ecms", m.value, m.headers, m.timestamp).accesses)]
    assert {access.sequence for access in judged} == set(range(1, len(STRANGE) + len(later) + 1))
    assert {name for m in stored for name, _ in m.headers} == {"id", "content-type"}
    of_one = list(dict.fromkeys(access.sequence or 0 for access in judged if access.record.id == "c3"))
    assert len(of_one) == 8
    assert of_one == sorted(of_one)


def test_the_source_says_that_it_is_there(service: Running, connect: Connect) -> None:
    """Every heartbeat is a control message; nothing else is on the topic."""

    def beats() -> list[Message]:
        found = service.messages(service.topics.access("ecms"))
        return [message for message in found if dict(message.headers)["content-type"] == HEARTBEAT.encode()]

    before = len(beats())
    until(lambda: len(beats()) > before, "no heartbeat came", PATIENCE)
    assert all(translate("ecms", m.value, m.headers, m.timestamp).is_control for m in beats())


def test_nothing_is_lost_when_connect_dies_and_when_the_broker_is_away(
    outbox: Outbox, service: Running, connect: Connect, expendable: Expendable
) -> None:
    """Killed in the middle of it, started again, cut off; what comes twice is the same twice."""
    killed = [seen(f"killed-{n}") for n in range(30)]
    write(outbox, *killed[:15])
    connect.kill()
    write(outbox, *killed[15:])
    connect.start()
    wait_for(service, *killed)
    proxy = expendable.proxies[0]
    proxy.cut()
    away = [seen(f"away-{n}") for n in range(30)]
    write(outbox, *away)
    refused = proxy.refused
    until(lambda: proxy.refused > refused, "nobody tried to reach the broker", PATIENCE)
    proxy.mend()
    wait_for(service, *away)
    made = {value.encode() for _, kind, value in outbox.messages() if kind == CANONICAL}
    assert {message.value for message in accesses(service)} == made


def test_nothing_is_lost_with_the_slot(outbox: Outbox, service: Running, connect: Connect) -> None:
    """PostgreSQL lets go of a slot that is too far behind, and of what was to be read: the rows are still there."""
    connect.stop()
    with outbox.connect("postgres") as connection:
        connection.execute("SELECT pg_drop_replication_slot('needtoknow')")
        connection.commit()
    unread = [seen(f"unread-{n}") for n in range(5)]
    write(outbox, *unread)
    connect.start()
    wait_for(service, *unread)
    made = {value.encode() for _, kind, value in outbox.messages() if kind == CANONICAL}
    assert {message.value for message in accesses(service)} == made


def test_what_debezium_has_read_is_cleaned_up_and_nothing_is_told_of_it(
    outbox: Outbox, service: Running, connect: Connect
) -> None:
    """What is younger than is kept stays; and a deleted row is no message."""

    def clean(keep: str) -> int:
        with outbox.connect("postgres") as connection:
            [(deleted,)] = connection.execute("SELECT needtoknow.clean(%s)", [keep])
            connection.commit()
        return int(deleted)

    def is_all_gone() -> bool:
        clean("0")
        return not [1 for _, kind, _ in outbox.messages() if kind == CANONICAL]

    before = len(accesses(service))
    assert clean("1 day") == 0
    until(is_all_gone, "messages that were read are still there", PATIENCE)
    with outbox.connect("postgres") as connection:
        assert connection.execute("SELECT count(*) FROM needtoknow.outbox").fetchone() == (0,)
    write(outbox, seen("after"))
    wait_for(service, seen("after"))
    assert len(accesses(service)) == before + 1
