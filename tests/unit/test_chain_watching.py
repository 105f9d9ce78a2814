"""The watch over the chain: what somebody does to the acts on purpose is noticed, and in which step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from schemas.act import Act
from schemas.codec import decode, encode
from schemas.errors import NotReadyError
from sinks.alerts import watching as watching_module
from sinks.alerts.chain import BEGINNING, linked
from sinks.alerts.mirror import MIRRORED
from sinks.alerts.tail import differences
from sinks.alerts.watching import Walk, Watching
from sinks.kafka import Broker
from sinks.store.engine import sqlite_url
from sinks.store.store import Store
from tests.harness.office import Office


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A month of acts, which whoever administers the database may change."""
    made = Store(sqlite_url(tmp_path))
    made.upgrade()
    Office(made).month(2, steps=40)
    with made._engine.begin() as connection:
        connection.execute(text("DROP TRIGGER acts_stay"))
        connection.execute(text("DROP TRIGGER acts_are_kept"))
    yield made
    made.close()


def acts(store: Store) -> list[Act]:
    """All there are."""
    with store.reading() as reading:
        return reading.acts()


def walked(store: Store, piece: int = 7) -> list[str]:
    """What a walk finds."""
    walk, found = Walk(store, piece), []
    while not walk.is_over:
        found += walk.step()
    return found


def reword(connection: Connection) -> None:
    """Another person did it."""
    raw = bytes(connection.execute(text("SELECT document FROM acts WHERE number = 12")).scalar_one())
    forged = raw.replace(b'"at":"2026', b'"at":"2025')
    assert forged != raw
    connection.execute(text("UPDATE acts SET document = :d WHERE number = 12"), {"d": forged})


def take_out(connection: Connection) -> None:
    """It never happened."""
    connection.execute(text("DELETE FROM acts WHERE number = 12"))


def cut_off(connection: Connection) -> None:
    """Nor did anything after it."""
    connection.execute(text("DELETE FROM acts WHERE number >= 12"))


def scribble(connection: Connection) -> None:
    """It cannot be read any more."""
    connection.execute(text("UPDATE acts SET document = 'gone' WHERE number = 12"))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (reword, "act 12 was changed: it does not have its digest"),
        (take_out, "act 12 is missing: the next there is has the number 13"),
        (cut_off, "the store ends at act 11, and should at"),
        (scribble, "one of the 7 acts after act 7 is no act any more"),
    ],
)
def test_a_walk_notices_what_was_done_to_an_act(store: Store, harm: Callable[[Connection], None], said: str) -> None:
    """In pieces that end elsewhere; and finds nothing where nothing was done."""
    assert walked(store) == []
    with store._engine.begin() as connection:
        harm(connection)
    assert walked(store)[0].startswith(said)


def test_a_walk_ends_with_the_acts_and_looks_at_a_piece_at_a_time(store: Store) -> None:
    """However long the chain is, one step is short; a chain that ends with a piece has its end looked at, too."""
    number = len(acts(store))
    walk, steps = Walk(store, number // 2 + number % 2), 0
    while not walk.is_over:
        assert walk.step() == []
        steps += 1
    assert steps == 2 + (number % 2 == 0)


def test_a_chain_that_was_linked_anew_is_noticed_by_its_topic(store: Store) -> None:
    """Whoever may change the store may also work out digests; the topic has those of before."""
    before = acts(store)
    head = BEGINNING
    with store._engine.begin() as connection:
        for act in before:
            at = act.at + (act.number == 12)
            fields = {"alert_id": act.alert_id, "version": act.version, "by": act.by, "key": act.key, "body": act.body}
            forged, head = linked(head, at=at, **fields)  # type: ignore[arg-type]
            row = {"d": encode(forged), "n": act.number}
            connection.execute(text("UPDATE acts SET document = :d WHERE number = :n"), row)
        connection.execute(text("UPDATE chain SET digest = :d"), {"d": head.digest})
    assert walked(store) == []
    assert list(differences(store, before[-1])) == [f"act {len(before)} is another one in the topic"]
    assert list(differences(store, before[10])) == []  # of before what was changed


def test_a_store_and_its_topic_that_end_elsewhere_are_noticed(store: Store) -> None:
    """Cut off at the end and said to end there; a topic that was emptied. What is not mirrored yet is no difference."""
    everything = acts(store)
    assert list(differences(store, everything[-4])) == []
    assert list(differences(store, None)) == []
    with store.writing() as writing:
        writing.advance(MIRRORED, 30)
    assert list(differences(store, None)) == ["the topic has no act, although 30 were mirrored"]
    with store._engine.begin() as connection:
        connection.execute(text("DELETE FROM acts WHERE number > 20"))
        connection.execute(text("UPDATE chain SET number = 20, digest = :d"), {"d": everything[19].digest})
    assert walked(store) == []
    assert list(differences(store, everything[-1])) == [f"the store ends at act 20, its topic at {len(everything)}"]


async def test_the_watch_says_no_at_once_and_yes_after_a_whole_walk(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set right again, it holds when a walk has come to its end without a fault."""
    watch = Watching(store, Broker("127.0.0.1:1", 1), "alert-events.v1")
    newest = acts(store)[-1]

    async def of_the_topic(broker: Broker, topic: str) -> Act:
        return newest

    monkeypatch.setattr(watching_module, "mirrored_act", of_the_topic)
    await watch.walk(pause=0)
    assert watch.holds
    raw = encode(acts(store)[11])
    with store._engine.begin() as connection:
        reword(connection)
    watch.checked_at = 0
    await watch.walk(pause=0)
    assert not watch.holds
    assert watch.checked_at > 0
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE acts SET document = :d WHERE number = 12"), {"d": raw})
    newest = decode(Act, raw).model_copy(update={"number": newest.number})
    await watch.walk(pause=0)
    assert not watch.holds  # the topic says something else
    newest = acts(store)[-1]
    await watch.walk(pause=0)
    assert watch.holds


async def test_a_broker_that_is_away_hides_no_change(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is walked all the same; what could not be compared does not count as checked."""
    watch = Watching(store, Broker("127.0.0.1:1", 1), "alert-events.v1")
    watch.checked_at = 5

    async def away(broker: Broker, topic: str) -> Act:
        raise NotReadyError("no Kafka answers")

    monkeypatch.setattr(watching_module, "mirrored_act", away)
    with pytest.raises(NotReadyError):
        await watch.walk(pause=0)
    assert (watch.holds, watch.checked_at) == (True, 5)
    with store._engine.begin() as connection:
        take_out(connection)
    with pytest.raises(NotReadyError):
        await watch.walk(pause=0)
    assert not watch.holds
