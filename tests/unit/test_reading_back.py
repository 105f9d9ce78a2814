"""The task that looks back: once for each confirmed alert, whatever goes away meanwhile and however many do it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from schemas.act import Act, Actor, LookedBack
from schemas.codec import encode
from schemas.topics import Topics
from sinks import facts
from sinks.alerts import reading_back
from sinks.alerts.commanding import Command
from sinks.alerts.hearing import take
from sinks.alerts.reading_back import LOOKED_BACK, ReadingBack, Waiting
from sinks.alerts.writing import act_on
from sinks.facts import FactsReader
from sinks.kafka import Broker
from sinks.store.engine import StoreNotReadyError, sqlite_url
from sinks.store.reading import Filter
from sinks.store.store import Store
from streams.sources import Translators
from tests.harness.acts import REOPEN, TAKE, close
from tests.harness.builders import account, at, make_access, registered
from tests.harness.fake_log import FakeLogs, Record
from tests.harness.findings import make_finding

PATIENCE = 20.0  # seconds, of what takes milliseconds
BROKER = Broker("nowhere", PATIENCE)
TOPICS = Topics()


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> FakeLogs:
    """A broker in memory, in which jdoe12 is w017; who waits for it does not wait long."""
    for module in (facts, reading_back):
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
        monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    found = FakeLogs().in_place(monkeypatch)
    found.put(TOPICS.facts, encode(registered(account("jdoe12", "w017"))))
    return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """With one alert: w017 has looked at case c0042 at 14:00."""
    found = Store(sqlite_url(tmp_path))
    found.upgrade()
    find(found, "one")
    return found


def find(store: Store, name: str, staff: str = "w017") -> None:
    """Something is found."""
    with store.reading() as reading:
        begin, at_least = reading.progress("violations.v1/0"), max(7, reading.moment())
    record = Record("violations.v1", 0, begin or 0, 0, encode(make_finding(name, staff=staff)))
    take(store, "violations.v1", 0, begin, [record], at=at_least)


def decide(store: Store, disposition: str = "confirmed", staff: str = "w017") -> None:
    """Somebody takes and closes the alert about them."""
    with store.writing() as writing, store.reading() as reading:
        [name] = [a.alert_id for a in reading.alerts(Filter(), 9) if a.who.staff == staff]
        command = Command(
            actor=Actor(staff="w002", login="w002-login", role="analyst"),
            bodies=(TAKE, close(disposition)),  # type: ignore[arg-type] # a test's word
        )
        act_on(writing, name, command, 8)


def listed(store: Store) -> list[tuple[int, list[str], int]]:
    """What each look-back says: how many in all, which, since when."""
    with store.reading() as reading:
        bodies = [act.body for act in reading.acts() if isinstance(act.body, LookedBack)]
    return [(b.counted, [a.event_id for a in b.accesses], b.since) for b in bodies]


def acts(store: Store) -> list[Act]:
    """All of them."""
    with store.reading() as reading:
        return reading.acts()


@asynccontextmanager
async def looking_back(*stores: Store) -> AsyncIterator[list[ReadingBack]]:
    """As many consoles as stores, while they run."""
    reader = FactsReader(BROKER, TOPICS.facts)
    ones = [ReadingBack(store, BROKER, TOPICS, reader, lambda: None) for store in stores]
    tasks = [asyncio.create_task(task.run()) for task in (reader, *ones)]
    try:
        async with asyncio.timeout(PATIENCE):
            yield ones
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(is_so: Callable[[], object]) -> None:
    """Waits for what a thread or the task brings about."""
    while not is_so():  # noqa: ASYNC110 - it happens in a database
        await asyncio.sleep(0.005)


def look(event_id: str, when: str = "08:00", source: str = "ecms") -> bytes:
    """A message about case c0042 by jdoe12."""
    return encode(make_access(event_id=event_id, when=when, source=source))


async def test_all_topics_are_read_and_what_is_set_aside_is_not(logs: FakeLogs, store: Store) -> None:
    """The quarantined would end whoever looks; what nobody can read names nobody."""
    logs.put(TOPICS.access("ecms"), look("a"), b'{"id":"c0042"', look("aside"), look("after", "14:00"), at=at("20:00"))
    logs.put(TOPICS.access("ecms"), look("b", "09:00"), partition=3, at=at("19:00"))
    logs.put(TOPICS.access("paper"), look("c", "07:00", "paper"), look("not-its-own"), at=at("21:00"))
    letter = Record(
        TOPICS.dead_letters,
        0,
        0,
        0,
        b"",
        f"{TOPICS.access('ecms')}/0/2".encode(),
        (
            ("needtoknow.errors.topic", TOPICS.access("ecms").encode()),
            ("needtoknow.errors.stage", b"quarantine"),
        ),
    )
    logs.put_record(letter)
    decide(store)
    async with looking_back(store) as [one]:
        # `jdoe12` is w017 at ecms only
        await until(lambda: listed(store) and not one.waiting)
    assert listed(store) == [(2, ["a", "b"], at("19:00"))]
    assert acts(store)[-1].by is None


async def test_only_the_first_confirmation_is_looked_back_from(logs: FakeLogs, store: Store) -> None:
    """Nor is anything that was decided otherwise."""
    find(store, "other", staff="w018")
    decide(store, "justified", staff="w018")
    decide(store)
    async with looking_back(store) as [one]:
        await until(lambda: listed(store))
        with store.writing() as writing:
            name = acts(store)[-1].alert_id
            again = Command(
                actor=Actor(staff="w002", login="w002-login", role="analyst"),
                bodies=(REOPEN, TAKE, close("confirmed")),
            )
            act_on(writing, name, again, 9)
        find(store, "third", staff="w019")
        decide(store, staff="w019")
        one.news()
        await until(lambda: len(listed(store)) > 1)
        await until(lambda: kept(store) == acts(store)[-2].number)
    assert [act.alert_id for act in acts(store) if isinstance(act.body, LookedBack)].count(name) == 1
    assert Waiting(store).look() == []


def kept(store: Store) -> int | None:
    """Up to which act the store says that no confirmation waits."""
    with store.reading() as reading:
        return reading.progress(LOOKED_BACK)


async def test_one_pass_serves_all_who_wait(logs: FakeLogs, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading everything takes minutes."""
    for number in range(5):
        find(store, f"more-{number}", staff=f"w10{number}")
        decide(store, staff=f"w10{number}")
    decide(store)
    passes = list[int]()
    told_in = reading_back.told_in

    async def counted(*rest: object) -> object:
        passes.append(1)
        return await told_in(*rest)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(reading_back, "told_in", counted)
    async with looking_back(store) as [one]:
        await until(lambda: len(listed(store)) == 6)
        assert one.waiting <= 6
    assert len(passes) == 1


async def test_two_consoles_write_it_once(logs: FakeLogs, store: Store, tmp_path: Path) -> None:
    """Whoever comes second finds it written, under the lock."""
    logs.put(TOPICS.access("ecms"), look("a"), at=at("20:00"))
    decide(store)
    other = Store(sqlite_url(tmp_path))
    async with looking_back(store, other):
        await until(lambda: kept(store) is not None)
        await until(lambda: listed(other))
    assert [event for _, event, _ in listed(store)] == [["a"]]


async def test_what_goes_away_is_waited_for(logs: FakeLogs, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pass begins anew, and it is known from the store alone that it is owed."""
    logs.put(TOPICS.access("ecms"), *(look(f"e{n}") for n in range(3)), at=at("20:00"))
    decide(store)
    broken = ["reading", "writing"]
    write, near = reading_back._write, reading_back.LookBack.near

    def near_or_away(self: object, messages: object) -> object:
        if broken[:1] == ["reading"]:
            broken.pop(0)
            raise OSError("the broker went away")
        return near(self, messages)  # type: ignore[arg-type, type-var] # as it was called

    def write_or_away(*rest: object) -> None:
        if broken:
            broken.pop(0)
            raise StoreNotReadyError("the store went away")
        write(*rest)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(reading_back.LookBack, "near", near_or_away)
    monkeypatch.setattr(reading_back, "_write", write_or_away)
    async with looking_back(store):
        await until(lambda: listed(store))
    assert listed(store) == [(3, ["e0", "e1", "e2"], at("20:00"))]


async def test_a_reader_that_fails_ends_no_look_back(
    logs: FakeLogs, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One message that meets a fault of ours is named, and passed over."""
    logs.put(TOPICS.access("ecms"), look("bad"), look("good"), at=at("20:00"))
    decide(store)
    translate = Translators.translate

    def fails(by: Translators, source: str, value: bytes, *rest: object) -> object:
        if b"bad" in value:
            raise ZeroDivisionError(value)
        return translate(by, source, value, *rest)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(Translators, "translate", fails)
    async with looking_back(store):
        await until(lambda: listed(store))
    assert [event for _, event, _ in listed(store)] == [["good"]]
    assert "access.ecms.v1/0/0 makes its reader fail: ZeroDivisionError" in caplog.text
    assert "c0042" not in caplog.text


async def test_a_long_past_is_not_looked_through_at_each_start(
    logs: FakeLogs, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How far nothing waits is kept now and then, also when nothing was confirmed."""
    monkeypatch.setattr(reading_back, "KEEP_EVERY", 3)
    for number in range(3):
        find(store, f"more-{number}")
    assert Waiting(store).look() == []
    assert kept(store) == 4
