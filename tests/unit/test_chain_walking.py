"""A walk along the chain: what somebody does to the acts on purpose is noticed, and in which step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from sinks.alerts.rebuilding import BrokenHistoryError, rebuild
from sinks.alerts.walking import Walk
from sinks.store.store import Store
from tests.harness.acts_topic import everything, forge, unguarded


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A month of acts, which whoever administers the database may change."""
    made = unguarded(tmp_path)
    yield made
    made.close()


def walked(store: Store, piece: int = 7) -> list[str]:
    """What a walk finds."""
    walk, found = Walk(piece), []
    while not walk.is_over:
        with store.reading() as reading:
            found += walk.step(reading)
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
    by = max(act.number for act in everything(store) if act.by is not None)
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
    number = len(everything(store))
    walk, steps = Walk(number // 2 + number % 2), 0
    while not walk.is_over:
        with store.reading() as reading:
            assert walk.step(reading) == []
        steps += 1
    assert (steps, walk.count) == (2 + (number % 2 == 0), number)


def test_a_chain_that_was_linked_anew_is_whole_to_a_walk(store: Store) -> None:
    """Whoever may change the store may also work out digests: that is what the topic is for."""
    forge(store, 12)
    assert walked(store) == []
