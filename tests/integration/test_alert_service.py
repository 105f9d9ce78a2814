"""The alerts service on the real Kafka: each finding once, each act mirrored, a lost store brought back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from schemas.act import Act, Actor, LookedBack
from schemas.alert import Alert
from schemas.codec import encode
from schemas.errors import BrokenPromiseError, NotReadyError
from schemas.finding import Finding
from schemas.settings import Settings
from schemas.topics import FACTS_LINE
from sinks import kafka
from sinks.alerts.chain import breaks
from sinks.alerts.commanding import Command
from sinks.alerts.hearing import MovedOnError, name_of, take
from sinks.alerts.measures import Measures
from sinks.alerts.mirror import due
from sinks.alerts.rebuilding import adopt, read_act
from sinks.alerts.service import AlertService, open_store
from sinks.alerts.writing import act_on
from sinks.facts import FactsReader
from sinks.kafka import Broker
from sinks.store.engine import sqlite_url
from sinks.store.reading import Filter
from sinks.store.store import Store
from sinks.telemetry import ConsoleTelemetry
from tests.faults.harness import running
from tests.harness.acts import NOTE, TAKE, close
from tests.harness.acts_topic import forge
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.builders import account, at, make_access, registered
from tests.harness.findings import make_finding
from tests.harness.office import read_page

PATIENCE = 60.0  # seconds, of what takes one


@pytest.fixture(scope="module")
def settings(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Topics of this module, without a worker."""
    prefix = new_namespace()
    with running(kafka.bootstrap, tmp_path_factory.mktemp("topics"), prefix):
        yield Settings(broker=kafka.bootstrap, topic_prefix=prefix)


@pytest.fixture
def fresh(kafka: SharedBroker, tmp_path: Path, namespace: str) -> Iterator[Settings]:
    """Topics of one test."""
    with running(kafka.bootstrap, tmp_path, namespace):
        yield Settings(broker=kafka.bootstrap, topic_prefix=namespace)


class Scene:
    """One installation: its topics are those of the module, so each test reads on where the one before ended."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings.model_copy(update={"store_url": url})
        self.broker = Broker(settings.broker, PATIENCE)
        self.store = open_store(self.settings)

    @asynccontextmanager
    async def service(self) -> AsyncIterator[AlertService]:
        """The service while it runs."""
        facts = FactsReader(self.broker, self.settings.topics.facts)
        service = AlertService(self.store, self.broker, self.settings, facts)
        await service.start()
        tasks = [asyncio.create_task(work) for work in (facts.run(), service.run())]
        try:
            yield service
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def find(self, findings: Sequence[Finding | bytes]) -> None:
        """The judge publishes these."""
        async with kafka.producer(self.broker) as producer:
            for finding in findings:
                raw = finding if isinstance(finding, bytes) else encode(finding)
                key = b"?" if isinstance(finding, bytes) else finding.finding_id.encode()
                await producer.send(self.settings.topics.violations, raw, key=key)
            await producer.flush()

    async def send(self, topic: str, *values: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Somebody else writes."""
        async with kafka.producer(self.broker) as producer:
            for value in values:
                await producer.send(topic, value, key=b"%d" % len(value), headers=list(headers))
            await producer.flush()

    async def mirrored(self) -> list[Act]:
        """The acts that the topic has."""
        async with aclosing(kafka.read_topic(self.broker, self.settings.topics.alert_events)) as messages:
            return [read_act(message.value) async for message in messages]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Waits for what another task brings about."""
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(is_so):  # noqa: ASYNC110 - it happens in a database
                await asyncio.sleep(0.02)

    def findings(self) -> int:
        """How many findings the store's alerts have."""
        with self.store.reading() as reading:
            return sum(alert.findings for alert in reading.alerts(Filter(), 200))

    def is_mirrored(self) -> bool:
        """Whether the outbox is empty."""
        return not due(self.store)


@pytest.fixture
def scene(settings: Settings, tmp_path: Path) -> Scene:
    """On SQLite."""
    return Scene(settings, sqlite_url(tmp_path))


def looks(count: int, staff: str = "w017") -> list[Finding]:
    """As many findings about one person and record."""
    return [make_finding(f"{staff}-{n}", staff=staff) for n in range(count)]


async def test_findings_become_alerts_and_acts_their_topic(scene: Scene) -> None:
    """The main road: published, in the store, mirrored in one order, with one chain."""
    await scene.find([*looks(30), b"no finding at all", make_finding("other", staff="w018")])
    began = int(time.time() * 1000)
    async with scene.service() as service:
        await scene.until(lambda: scene.findings() == 31)
        await scene.until(scene.is_mirrored)
        await scene.until(lambda: service.hearing.read_until > began)
        await service.watching.walk(pause=0)
        assert service.watching.holds
        told = Measures(scene.store, ConsoleTelemetry(("other",)), service.hearing, service.watching)
        page = read_page(await told.page())
    assert page['needtoknow_unclosed_alerts{severity="medium",status="open"}'] == 1
    assert (page["needtoknow_unread_findings"], page["needtoknow_unmirrored_acts"]) == (0, 0)
    mirrored = await scene.mirrored()
    with scene.store.reading() as reading:
        assert reading.acts() == mirrored
        assert {(a.who.staff, a.findings) for a in reading.alerts(Filter(), 9)} == {("w017", 30), ("w018", 1)}
    assert list(breaks(mirrored)) == []


async def test_a_store_that_was_lost_is_noticed_and_brought_back(scene: Scene, tmp_path: Path) -> None:
    """A new store on an old topic would give its acts the numbers of others."""
    with pytest.raises(NotReadyError, match="alerts rebuild --from-kafka"):
        async with scene.service():
            pass
    acts = await scene.mirrored()
    assert adopt(scene.store, acts) == len(acts) == 31
    async with scene.service() as service:
        await scene.find([make_finding("later", staff="w019")])
        await scene.until(lambda: scene.findings() == 32)
        await scene.until(scene.is_mirrored)
        assert service.hearing.behind == 0
    assert [a.number for a in await scene.mirrored()] == list(range(1, 33))


async def test_a_store_of_another_history_is_refused(scene: Scene) -> None:
    """Two installations on one topic would each overwrite what the other says."""
    scene.store.upgrade()
    for n in range(40):
        take(scene.store, "violations.v1", 0, n or None, [_Record(n, encode(make_finding(f"foreign-{n}")))], at=7)
    with pytest.raises(BrokenPromiseError, match="another installation"):
        async with scene.service():
            pass


class _Record:
    """A message as aiokafka hands it out."""

    def __init__(self, offset: int, value: bytes) -> None:
        self.offset, self.value = offset, value


async def test_who_is_behind_writes_nothing(scene: Scene) -> None:
    """Two consoles share a store and read the same partition: one of them is the first."""
    scene.store.upgrade()
    records = [_Record(n, encode(finding)) for n, finding in enumerate(looks(3))]
    assert take(scene.store, "violations.v1", 2, None, records, at=7) == 3
    with pytest.raises(MovedOnError) as moved:
        take(scene.store, "violations.v1", 2, None, records, at=8)
    assert moved.value.offset == 3
    with scene.store.reading() as reading:
        assert (reading.head().number, reading.progress(name_of("violations.v1", 2))) == (3, 3)


async def test_two_consoles_on_one_database_write_each_act_once(fresh: Settings, database: str) -> None:
    """PostgreSQL is shared: both read, both mirror, and what comes of it is one history."""
    one, other = Scene(fresh, database), Scene(fresh, database)
    async with one.service(), other.service():
        for n in range(8):
            await one.find(looks(25, staff=f"w{n}"))
        await one.until(lambda: one.findings() == 200)
        command = Command(actor=Actor(staff="w002", login="ana", role="analyst"), bodies=(TAKE, NOTE))
        with other.store.writing() as writing:
            act_on(writing, _first(one.store), command, 9)
        await one.until(one.is_mirrored)
    mirrored = {a.number: a for a in await one.mirrored()}
    with one.store.reading() as reading:
        assert reading.acts() == [mirrored[n] for n in range(1, 203)]
    assert list(breaks(mirrored.values())) == []
    one.store.close()
    other.store.close()


async def test_a_history_that_was_linked_anew_is_known_however_it_goes_on(fresh: Settings, tmp_path: Path) -> None:
    """By the topic, which has the act as it was written far before its end; by this process and by the next."""
    scene = Scene(fresh, sqlite_url(tmp_path))
    async with scene.service() as service:
        await scene.find(looks(9))
        await scene.until(lambda: scene.findings() == 9)
        await scene.until(scene.is_mirrored)
        await service.watching.walk(pause=0)
        assert service.watching.holds
        with scene.store._engine.begin() as connection:
            connection.execute(text("DROP TRIGGER acts_stay"))
        forge(scene.store, 4)
        await scene.find([make_finding("later", staff="w019")])
        await scene.until(lambda: scene.findings() == 10)
        await scene.until(scene.is_mirrored)
        await service.watching.news(pause=0)
        assert not service.watching.holds
    async with scene.service() as service:
        await service.watching.walk(pause=0)
        assert not service.watching.holds
    scene.store.close()


async def test_the_first_confirmation_looks_back(fresh: Settings, tmp_path: Path) -> None:
    """On the real broker: JSON and a native line, of two sources; listed, and mirrored like any act."""
    scene = Scene(fresh, sqlite_url(tmp_path))
    await scene.send(fresh.topics.facts, *(encode(registered(fact)) for fact in LOGINS))
    await scene.send(fresh.topics.access("ecms"), *(look(n) for n in range(1_500)))
    await scene.send(fresh.topics.access("facts"), LINE, headers=[("content-type", FACTS_LINE.encode())])
    await scene.find(looks(1))
    async with scene.service() as service:
        await scene.until(lambda: scene.findings() == 1)
        command = Command(actor=Actor(staff="w002", login="w2", role="analyst"), bodies=(TAKE, close("confirmed")))
        with scene.store.writing() as writing:
            act_on(writing, _first(scene.store), command, 9)
        service.news()
        await scene.until(lambda: _alert(scene.store).looked_back is not None)
        await scene.until(scene.is_mirrored)
    listed = [a.body for a in await scene.mirrored() if isinstance(a.body, LookedBack)]
    assert [(b.counted, b.parts, [e.event_id for e in b.accesses]) for b in listed] == [
        (4, 1, ["facts-0000000042", "ecms-0", "ecms-500", "ecms-1000"])
    ]
    assert listed[0].accesses[0].message.topic == fresh.topics.access("facts")


LOGINS = (account("jdoe12", "w017"), account("JDOE", "w017", source="facts"))
LINE = b"%-96b" % b"D000000004220260104120000JDOE    VEWCc0042                       S"


def look(number: int) -> bytes:
    """One of many: each five-hundredth is about case c0042."""
    name = "case:c0042" if number % 500 == 0 else f"case:c{number}"
    return encode(make_access(event_id=f"ecms-{number}", name=name, when=at("08:00") + number))


def _alert(store: Store) -> Alert:
    with store.reading() as reading:
        return reading.alerts(Filter(), 1)[0]


def _first(store: Store) -> str:
    with store.reading() as reading:
        return reading.alerts(Filter(), 1)[0].alert_id
