"""The watch over the chain: a history that was linked anew is known by the topic, wherever it was changed; an honest
outbox never looks like one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from schemas.act import Act
from schemas.errors import BrokenPromiseError, NotReadyError
from sinks import kafka
from sinks.alerts import comparing
from sinks.alerts.comparing import Comparison
from sinks.alerts.mirror import MIRRORED
from sinks.alerts.service import refuse_unless_whole
from sinks.alerts.tail import STALE_MAX, mirrored_act
from sinks.alerts.watching import LOGGED_MAX, Watching
from sinks.store.store import Store
from tests.harness.acts_topic import NOWHERE, ActsTopic, everything, forge, unguarded
from tests.harness.findings import make_finding
from tests.harness.office import Office

TOPIC = "alert-events.v1"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A month of acts, which whoever administers the database may change."""
    made = unguarded(tmp_path)
    yield made
    made.close()


@pytest.fixture
def topic(store: Store, monkeypatch: pytest.MonkeyPatch) -> ActsTopic:
    """It has all that was done until now, and is read in pieces of seven."""
    made = ActsTopic(everything(store))
    said(store, len(made.values))
    monkeypatch.setattr(kafka, "read_topic", made.read)
    monkeypatch.setattr(comparing, "PIECE", 7)
    return made


def said(store: Store, number: int) -> None:
    """The outbox keeps how far it has come."""
    with store.writing() as writing:
        writing.advance(MIRRORED, number)


def watching(store: Store) -> Watching:
    """By a process that has just begun."""
    return Watching(store, NOWHERE, TOPIC)


def go_on(store: Store, topic: ActsTopic, name: str) -> None:
    """One more finding is heard, and mirrored."""
    office = Office(store)
    office.now = everything(store)[-1].at
    office._offset = len(topic.values) + 1_000
    new = office.find(make_finding(name, staff=name))
    topic.send(*new)
    said(store, new[-1].number)


async def holds(watch: Watching) -> bool:
    """After one walk."""
    await watch.walk(pause=0)
    return watch.holds


@pytest.mark.parametrize("number", [1, 4, 12, -1])
async def test_an_act_that_was_forged_is_known_after_a_walk_whatever_was_written_since(
    store: Store, topic: ActsTopic, number: int
) -> None:
    """The forged history goes on, and its newest acts are in the topic: the end is alike. By a new process, too."""
    old = watching(store)
    assert await holds(old)
    forge(store, number % (len(topic.values) + 1))
    for name in ("one", "two"):
        go_on(store, topic, name)
    assert not await holds(watching(store))
    assert not await holds(old)


async def test_it_is_known_without_a_walk_by_whoever_has_compared_before(store: Store, topic: ActsTopic) -> None:
    """A walk takes a quarter of an hour; the newest act that was compared is looked at every ten seconds."""
    watch = watching(store)
    assert await holds(watch)
    await watch.news(pause=0)
    assert watch.holds
    forge(store, 4)
    go_on(store, topic, "one")
    await watch.news(pause=0)
    assert not watch.holds
    await watch.news(pause=0)
    topic.values.clear()  # and nothing leads back, not even a topic that is gone
    go_on(store, topic, "two")
    assert not await holds(watch)


async def test_news_is_compared_where_the_last_look_ended(
    store: Store, topic: ActsTopic, caplog: pytest.LogCaptureFixture
) -> None:
    """Only what has come since; also what is forged between being written and being compared."""
    watch = watching(store)
    await watch.news(pause=0)
    assert topic.read_messages == 0, "before the first walk all of it is still to be compared"
    assert await holds(watch)
    for name in ("one", "two"):
        before = topic.read_messages
        go_on(store, topic, name)
        await watch.news(pause=0)
        assert (topic.read_messages - before, watch.holds) == (1, True)
    go_on(store, topic, "three")
    newest = len(topic.values)
    forge(store, newest)
    await watch.news(pause=0)
    assert not watch.holds
    assert [record.getMessage() for record in caplog.records] == [
        f"the chain of acts does not hold: act {newest} is another one in the topic"
    ]


async def test_an_honest_outbox_is_no_break(store: Store, topic: ActsTopic) -> None:
    """Two consoles have sent the same pieces, one of them late and out of turn; the newest acts still wait."""
    acts = everything(store)
    topic.values.clear()
    topic.send(*acts[:20], *acts[10:30], *acts[:9], *acts[25:-5], *acts[3:12])
    said(store, acts[-6].number)
    watch = watching(store)
    for _ in range(2):
        assert await holds(watch)
        await watch.news(pause=0)
        assert watch.holds
    topic.first = 23  # seven years later: what is left begins with repeats
    topic.values[23:23] = topic.values[:9]
    assert await holds(watching(store))
    assert await holds(watch)


Harm = Callable[[Store, ActsTopic, list[Act]], None]


def lose_one(store: Store, topic: ActsTopic, acts: list[Act]) -> None:
    """Taken out of the topic."""
    del topic.values[5]


def lose_all(store: Store, topic: ActsTopic, acts: list[Act]) -> None:
    """Made anew."""
    topic.values.clear()


def scribble(store: Store, topic: ActsTopic, acts: list[Act]) -> None:
    """Somebody else writes there."""
    topic.values.append(b"no act")


def say_twice(store: Store, topic: ActsTopic, acts: list[Act]) -> None:
    """And something else the second time."""
    topic.send(*acts[: -len(acts) % 7])  # so that both are in one piece: in another, each is held against the store
    topic.send(acts[-1], acts[-1].model_copy(update={"at": 7}))


def cut_off(store: Store, topic: ActsTopic, acts: list[Act]) -> None:
    """The store ends earlier, and says so."""
    with store._engine.begin() as connection:
        connection.execute(text("DELETE FROM acts WHERE number > 20"))
        connection.execute(text("UPDATE chain SET number = 20, digest = :d"), {"d": acts[19].digest})


def spoil(store: Store, topic: ActsTopic, acts: list[Act]) -> None:
    """The store's act cannot be read."""
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE acts SET document = x'00' WHERE number = 12"))


def retype(store: Store, topic: ActsTopic, acts: list[Act]) -> None:
    """Nor as bytes."""
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE acts SET document = 'gone' WHERE number = 12"))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lose_one, "act 6 was mirrored and is not in the topic"),
        (lose_all, "act 1 was mirrored and is not in the topic"),
        (scribble, "of the topic is no act"),
        (say_twice, "is in the topic twice, and not the same"),
        (cut_off, "act 21 is in the topic and not in the store"),
        (spoil, "act 12 is no act any more in the store"),
        (retype, "act 12 is no act any more in the store"),
    ],
)
async def test_what_store_and_topic_do_not_share_is_said(
    store: Store, topic: ActsTopic, harm: Harm, words: str
) -> None:
    """One sentence each, in either direction; and the watch goes on with the next piece."""
    harm(store, topic, everything(store))
    comparison, found = Comparison(store), []
    async for piece in comparing.in_pieces(NOWHERE, TOPIC, "first"):
        assert len(piece) <= 7
        found += comparison.take(piece)
    found += comparison.missing()
    assert any(words in sentence for sentence in found), found
    assert not await holds(watching(store))


async def test_the_watch_says_no_at_once_and_yes_after_a_whole_walk(
    store: Store, topic: ActsTopic, caplog: pytest.LogCaptureFixture
) -> None:
    """Set right again, it holds when a walk has come to its end without a fault."""
    watch = watching(store)
    assert await holds(watch)
    forge(store, 4)
    watch.checked_at = 0
    assert not await holds(watch)
    assert watch.checked_at > 0
    assert len(caplog.records) <= LOGGED_MAX
    forge(store, 4, back=True)
    assert not watch.holds
    assert await holds(watch)


async def test_a_fault_that_is_seen_beside_a_walk_counts_in_it(store: Store, topic: ActsTopic) -> None:
    """The walk may have passed that place before."""
    watch = watching(store)
    assert await holds(watch)
    read = watch._walk_topic

    async def and_news(pause: float) -> None:
        await read(pause)
        forge(store, 4)
        await watch.news(pause=0)
        forge(store, 4, back=True)

    watch._walk_topic = and_news  # type: ignore[method-assign]
    assert not await holds(watch)


async def test_a_broker_that_is_away_hides_no_change(store: Store, topic: ActsTopic) -> None:
    """The store is walked all the same; what could not be compared does not count as checked."""
    watch = watching(store)
    watch.checked_at = 5
    topic.is_away = True
    with pytest.raises(NotReadyError):
        await watch.walk(pause=0)
    assert (watch.holds, watch.checked_at) == (True, 5)
    with store._engine.begin() as connection:
        connection.execute(text("DELETE FROM acts WHERE number = 12"))
    with pytest.raises(NotReadyError):
        await watch.walk(pause=0)
    assert not watch.holds


# --- how far a store must have come


async def test_a_repeat_behind_the_newest_act_hides_no_old_copy(store: Store, topic: ActsTopic) -> None:
    """A console that was held up sends its piece behind what others have sent since: the newest act is not the last."""
    acts = everything(store)
    topic.send(*acts[4:12])
    assert await mirrored_act(NOWHERE, TOPIC) == acts[-1]
    refuse_unless_whole(store, await mirrored_act(NOWHERE, TOPIC))
    with store._engine.begin() as connection:
        connection.execute(text("DELETE FROM acts WHERE number > 15"))
        connection.execute(text("UPDATE chain SET number = 15, digest = :d"), {"d": acts[14].digest})
    with pytest.raises(NotReadyError, match=f"the store ends at act 15, its topic at {len(acts)}"):
        refuse_unless_whole(store, await mirrored_act(NOWHERE, TOPIC))


async def test_the_end_of_a_topic_is_no_more_than_repeats_may_take(store: Store, topic: ActsTopic) -> None:
    """So it is read in a second, and however many acts there are."""
    assert STALE_MAX == 10_000
    topic.values = topic.values[:1] * STALE_MAX + topic.values
    await mirrored_act(NOWHERE, TOPIC)
    assert topic.read_messages == STALE_MAX
    topic.values.clear()
    assert await mirrored_act(NOWHERE, TOPIC) is None


async def test_a_forged_store_is_not_begun_on(store: Store, topic: ActsTopic) -> None:
    """As long as its newest mirrored act tells."""
    forge(store, 4)
    with pytest.raises(BrokenPromiseError, match="another installation"):
        refuse_unless_whole(store, await mirrored_act(NOWHERE, TOPIC))
