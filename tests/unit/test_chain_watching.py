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
from sinks.alerts.rebuilding import BrokenHistoryError, rebuild
from sinks.alerts.tail import differences
from sinks.alerts.walking import Walk
from sinks.alerts.watching import Watching
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
    walk, found = Walk(piece), []
    while not walk.is_over:
        with store.reading() as reading:
            found += walk.step(reading)
    return found


def forge(store: Store, number: int) -> None:
    """Change an act and link all after it anew, with its columns: the store by itself tells one whole history again."""
    head = BEGINNING
    with store._engine.begin() as connection:
        for act in acts(store):
            at = act.at + (act.number == number)
            fields = {"alert_id": act.alert_id, "version": act.version, "by": act.by, "key": act.key, "body": act.body}
            forged, head = linked(head, at=at, **fields)  # type: ignore[arg-type]
            row = {"d": encode(forged), "at": at, "n": act.number}
            connection.execute(text("UPDATE acts SET document = :d, at = :at WHERE number = :n"), row)
        connection.execute(text("UPDATE chain SET digest = :d"), {"d": head.digest})


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


def of_alert(connection: Connection, of: int) -> tuple[int, int]:
    """An act of another alert than act `of`: its number, and the column by which it is of that alert."""
    other = "SELECT number, alert FROM acts WHERE alert <> (SELECT alert FROM acts WHERE number = :n) AND version > 1"
    number, alert = connection.execute(text(other), {"n": of}).first() or (0, 0)
    return number, alert


@pytest.mark.parametrize("to", ["another alert", "a number that is nobody's", "an act that raised nothing"])
def test_an_act_that_was_moved_to_another_alert_is_noticed(store: Store, to: str) -> None:
    """Its document is as it was, and the chain holds; but the history of one alert lacks it, and another's has it."""
    with store._engine.begin() as connection:
        own = connection.execute(text("SELECT number FROM acts WHERE version = 2 LIMIT 1")).scalar_one()
        number, alert = of_alert(connection, own)
        there = {"another alert": alert, "a number that is nobody's": 9_999, "an act that raised nothing": number}[to]
        connection.execute(text("UPDATE acts SET alert = :a, version = 99 WHERE number = :n"), {"a": there, "n": own})
    said = [f"act {own} is kept under another {name} than its own" for name in ("alert", "version")]
    assert walked(store) == said
    with pytest.raises(BrokenHistoryError, match="; ".join(said)):
        rebuild(store)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("version = 98", "version"),
        ("at = at + 1", "moment"),
        ("staff = 'w999'", "person"),
        ("staff = NULL", "person"),
        ("key = 'k'", "key"),
        ("version = 'gone'", "version"),
    ],
)
def test_a_column_that_says_something_else_than_its_act_is_noticed(store: Store, change: str, name: str) -> None:
    """All that acts are found by; nothing of it is told."""
    by = max(act.number for act in acts(store) if act.by is not None)
    with store._engine.begin() as connection:
        connection.execute(text(f"UPDATE acts SET {change} WHERE number = {by}"))
    assert walked(store) == [f"act {by} is kept under another {name} than its own"]


def test_a_number_that_was_changed_leads_no_walk_round_and_round(store: Store) -> None:
    """The walk goes on by the column, whatever the act says its number is."""
    with store._engine.begin() as connection:
        connection.execute(text("UPDATE acts SET document = (SELECT document FROM acts WHERE number = 2)"))
    assert walked(store)[0] == "act 1 is missing: the next there is has the number 2"


def test_a_walk_ends_with_the_acts_and_looks_at_a_piece_at_a_time(store: Store) -> None:
    """However long the chain is, one step is short; a chain that ends with a piece has its end looked at, too."""
    number = len(acts(store))
    walk, steps = Walk(number // 2 + number % 2), 0
    while not walk.is_over:
        with store.reading() as reading:
            assert walk.step(reading) == []
        steps += 1
    assert (steps, walk.count) == (2 + (number % 2 == 0), number)


def test_a_chain_that_was_linked_anew_is_noticed_by_its_topic(store: Store) -> None:
    """Whoever may change the store may also work out digests; the topic has those of before."""
    before = acts(store)
    forge(store, 12)
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
