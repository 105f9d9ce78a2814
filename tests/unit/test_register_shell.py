"""What comes together is registered together; conflicts are told by whoever holds the feed, after new facts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.codec import decode, encode
from schemas.fact import Mark, RegisteredMark
from schemas.settings import Settings
from schemas.topics import FEEDS
from streams.agents.register import CONFLICTS_KEPT, READ, Register
from streams.frontier import Frontier
from streams.store import Outgoing, Stored
from streams.telemetry import Telemetry
from streams.turns import others_first
from tests.harness.builders import assignment, at, registered
from tests.harness.judging import Message

FEED_TOPIC = "feed.assignments.v1"
OLD = 5_000
LONG = 5.0


class Broker:
    """Stores what it is given after as many turns of the loop as a request takes, and knows no marks."""

    def __init__(self) -> None:
        self.heard_marks: dict[str, int] = {}
        self.mark_rose_at: dict[str, int] = {}
        self.knowledge = SimpleNamespace(position=OLD, waivers=dict[str, int]())
        self.now = 0.0
        self.requests: list[list[Outgoing]] = []

    async def put(self, outgoing: Sequence[Outgoing]) -> list[Stored]:
        """As the store."""
        await asyncio.sleep(0)
        self.requests.append(list(outgoing))
        return [Stored(0, OLD + number) for number, _ in enumerate(outgoing)]

    async def catch_up(self) -> None:
        """As the broadcast: at once."""

    async def facts_end(self) -> int:
        """As the broadcast."""
        return OLD

    def told(self) -> list[list[int]]:
        """By request, the places in `facts.v1` of the conflicts that were told."""
        letters = [[m.key for m in request if m.topic == "dead-letter.v1"] for request in self.requests]
        return [[int(key.rpartition(b"/")[2]) for key in keys] for keys in letters if keys]


@pytest.fixture
def broker() -> Broker:
    """One that stores."""
    return Broker()


@pytest.fixture
def register(broker: Broker) -> Register:
    """That holds no feed yet."""
    double: Any = broker
    return Register(
        Settings(), gating=frozenset(FEEDS), broadcast=double, store=double, telemetry=Telemetry(), is_read=dict
    )


def meet(register: Register, offsets: Iterable[int]) -> None:
    """These of `facts.v1` state a revision otherwise than it was stated before."""
    for offset in offsets:
        register.conflict("assignments", Message(offset, encode(registered(assignment("w028")))))


def mark(feed: str, through: str) -> Message:
    """A feed says that it is complete."""
    return Message(1, encode(Mark(feed=feed, complete_through=at(through), sequence=1)), timestamp=at("14:00"))


async def take(register: Register) -> None:
    """A batch of one fact arrives."""
    batch = Frontier(FEED_TOPIC, 0).begin([Message(0, encode(assignment("w031")))])
    await register.register([batch])
    assert batch.is_finished


async def test_a_new_fact_does_not_wait_for_old_conflicts(register: Register, broker: Broker) -> None:
    """Whoever takes a feed over tells its conflicts again, since the holder before may have died: after the first
    facts, and in one request."""
    meet(register, range(700))
    await take(register)
    assert [request[0].topic for request in broker.requests] == ["facts.v1", "dead-letter.v1"]
    assert broker.told() == [list(range(700))]
    await take(register)
    assert len(broker.told()) == 1


async def test_conflicts_of_a_feed_that_somebody_else_holds_are_not_all_kept(
    register: Register, broker: Broker
) -> None:
    """Of years of them only the newest: the others were told long ago."""
    meet(register, range(OLD))
    await take(register)
    assert broker.told() == [list(range(OLD - CONFLICTS_KEPT, OLD))]


async def test_the_holder_tells_every_conflict_and_those_that_come_together_at_once(
    register: Register, broker: Broker
) -> None:
    """A feed that repeats itself wrongly thousands of times costs a few requests."""
    await take(register)
    meet(register, range(OLD))
    await asyncio.sleep(0)
    meet(register, [OLD])
    for _ in range(10):
        await asyncio.sleep(0)
    assert broker.told() == [list(range(OLD)), [OLD]]


async def test_what_is_not_told_when_the_feed_goes_is_for_the_next(register: Register, broker: Broker) -> None:
    """It has heard them as well; no more than the newest are kept in case the feed comes back."""
    await take(register)
    waiting: Any = {offset: Message(offset, encode(registered(assignment("w028")))) for offset in range(OLD)}
    register._conflicts["assignments"] = waiting
    register.lose(SimpleNamespace(topic=FEED_TOPIC, partition=0))
    await take(register)
    assert broker.told() == [list(range(OLD - CONFLICTS_KEPT, OLD))]


async def test_what_waits_goes_together_and_marks_come_last(register: Register, broker: Broker) -> None:
    """Two requests for all of it: one by one, each batch would wait for two answers, and new accesses for the marks."""
    facts, staff = Frontier(FEED_TOPIC, 0), Frontier("feed.staff.v1", 0)
    batches = [
        facts.begin([Message(0, encode(assignment("w031"))), mark("assignments", "12:00")]),
        staff.begin([mark("staff", "12:00")]),
        facts.begin([Message(2, encode(assignment("w032", fact_id="other"))), mark("assignments", "13:00")]),
    ]
    await register.register(batches)
    assert [[m.topic for m in request] for request in broker.requests] == [["facts.v1"] * 2, ["marks.v1"] * 2]
    told = [decode(RegisteredMark, m.value) for m in broker.requests[1]]
    assert [(m.feed, m.complete_through, m.position) for m in told] == [
        ("assignments", at("13:00"), OLD + 2),  # behind both facts
        ("staff", at("12:00"), OLD),
    ]
    assert all(batch.is_finished for batch in batches)


async def test_whoever_looks_for_silent_feeds_ends_while_the_broker_is_away(register: Register, broker: Broker) -> None:
    """mode's sleep wakes up at the end, and `wait_for` of Python 3.11 beneath it forgets that it was cancelled: it
    looked once more, and never ended."""

    async def never() -> None:
        await asyncio.Event().wait()

    broker.catch_up = never  # type: ignore[method-assign]
    await register.start()
    await others_first()  # it sleeps
    stopping = asyncio.create_task(register.stop())
    await asyncio.wait([stopping], timeout=LONG)
    assert stopping.done()


async def test_a_feed_that_stands_still_is_told_of_once(
    register: Register, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """And again when it has spoken since; its waivers go on, each a little further."""
    patience = register._settings.decide_without_feed_after_seconds * 1000
    register._held_since["staff"] = 0
    for hours in range(4):
        broker.now = (10 + hours) * patience
        if hours == 2:
            broker.mark_rose_at["staff"] = int(broker.now - patience)
        await register._waive_feed("staff", broker.now)
        broker.knowledge.waivers["staff"] = int(broker.now - patience)
    assert len(broker.requests) == 4
    assert caplog.text.count("stood still") == 2


async def test_a_feed_that_is_lost_meanwhile_is_not_registered(register: Register, broker: Broker) -> None:
    """Whoever holds it now reads it again; the others are not kept waiting."""
    lost, staff = Frontier(FEED_TOPIC, 0), Frontier("feed.staff.v1", 0)
    batches = [lost.begin([Message(0, encode(assignment("w031")))]), staff.begin([mark("staff", "12:00")])]
    catch_up = broker.catch_up

    async def loses() -> None:
        lost.abandon()
        await catch_up()

    broker.catch_up = loses  # type: ignore[method-assign]
    await register.register(batches)
    assert [[m.topic for m in request] for request in broker.requests] == [["marks.v1"]]
    assert [batch.is_finished for batch in batches] == [False, True]


async def test_new_accesses_are_judged_while_an_import_is_read_and_written(register: Register, broker: Broker) -> None:
    """In pieces; a feed that is lost in between is for whoever holds it then."""
    feed, lost = Frontier(FEED_TOPIC, 0), Frontier("feed.staff.v1", 0)
    facts = [Message(n, encode(assignment("w031", fact_id=str(n)))) for n in range(3 * READ)]
    batches = [feed.begin(facts), lost.begin([mark("staff", "12:00")])]
    registering, turns = asyncio.create_task(register.register(batches)), 0
    while not broker.requests:
        await asyncio.sleep(0)
        turns += 1
        if turns == 2:
            lost.abandon()
            register.lose(SimpleNamespace(topic="feed.staff.v1", partition=0))
    await registering
    assert turns > 2 * 3  # to read them, and to write them
    assert [[m.topic for m in request] for request in broker.requests] == [["facts.v1"] * len(facts)]
    assert [batch.is_finished for batch in batches] == [True, False]
    await register.register([Frontier("feed.staff.v1", 0).begin([mark("staff", "12:00")])])
    assert [m.topic for m in broker.requests[-1]] == ["marks.v1"]  # whoever holds it then has not heard it


async def test_an_import_is_registered_a_full_batch_at_a_time(register: Register) -> None:
    """All of twenty thousand facts at once would keep new accesses waiting for most of a second."""
    feed = Frontier(FEED_TOPIC, 0)
    sizes = [2_000, 2_000, 2_000, 5_000, 10, 10]
    for size in sizes:
        register.take(feed.begin([Message(0, b"")] * size))
    groups = []
    while register._waiting:
        groups.append([len(batch.messages) for batch in register._next()])
    assert groups == [[2_000, 2_000], [2_000], [5_000], [10, 10]]
