"""What a store of alerts promises, run on both real databases, and on the one in memory that other tests use."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from schemas.act import Actor, Body
from schemas.codec import encode
from schemas.finding import Finding
from sinks.alerts.chain import breaks
from sinks.alerts.commanding import Command, TooLateError
from sinks.alerts.comparing import Anchor, Comparison
from sinks.alerts.rebuilding import BrokenHistoryError, adopt, rebuild
from sinks.alerts.walking import Walk
from sinks.alerts.writing import act_on, hear
from sinks.kafka import Message
from sinks.store.engine import sqlite_url
from sinks.store.secrets import ALERT_IDS
from sinks.store.store import Store
from sinks.store.tables import PROJECTED, SECRETS
from tests.harness.acts import GIVE_BACK, NOTE, NOW, REOPEN, REVEAL, TAKE, AnyStore, act, close, raised, record_of
from tests.harness.builders import make_access
from tests.harness.desk import MemoryStore
from tests.harness.findings import make_finding, place

BODIES: list[Body] = [TAKE, GIVE_BACK, NOTE, REVEAL, REOPEN, close("justified"), close("confirmed"), record_of()]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind."""
    return sqlite_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("database")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store without anything in it."""
    made = Store(url)
    made.upgrade()
    yield made
    made.close()


def story(seed: int, steps: int = 60) -> list[Finding | tuple[str, Body]]:
    """Findings and acts by chance."""
    chance = random.Random(seed)
    told: list[Finding | tuple[str, Body]] = []
    for _ in range(steps):
        name = f"look-{chance.randrange(12)}"
        finding = make_finding(
            name,
            chance.choice(["w017", "w018", None]),
            chance.randrange(1, 40),
            outcome=chance.choice(["explained", "late", "unexplained", "unresolved"]),
            severity=chance.choice(["low", "medium", "high"]),
            access=make_access(event_id=name[:6], name=f"case:c{len(name) % 2}", actor="jdoe12"),
        )
        told.append(chance.choice([finding, (chance.choice(["w002", "w003"]), chance.choice(BODIES))]))
    return told


def tell(store: AnyStore, steps: list[Finding | tuple[str, Body]]) -> None:
    """Plays a story; what the alerts refuse leaves nothing."""
    chance, known = random.Random(7), []
    for number, step in enumerate(steps):
        if isinstance(step, Finding):
            with store.writing() as writing:
                known += [a.alert_id for a in hear(writing, step, place(number), NOW + number)]
        elif known:
            act(store, chance.choice(known), *step, at=NOW + number)


def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Everything that is projected, to the byte."""
    found: dict[str, list[tuple[object, ...]]] = {}
    with store._engine.begin() as connection:
        for table in PROJECTED:
            ordered = select(table).order_by(*table.primary_key.columns)
            found[table.name] = [tuple(row) for row in connection.execute(ordered)]
    return found


# --- transactions


@pytest.mark.parametrize("seed", range(2))
def test_findings_that_are_expected_are_written_alike(store: Store, tmp_path: Path, seed: int) -> None:
    """A batch looks up at once what it will ask of each; that is the same to the byte as one by one."""
    findings = [step for step in story(seed, steps=150) if isinstance(step, Finding)]
    with store.writing() as writing:
        other = Store(sqlite_url(tmp_path / "other"))
        other.upgrade()
        with other.changing() as connection:
            connection.execute(insert(SECRETS), [{"name": ALERT_IDS, "value": writing.secret()}])
    for first in range(0, len(findings), 25):
        with store.writing() as writing:
            writing.expect(findings[first : first + 25])
            for number, finding in enumerate(findings[first : first + 25], first):
                hear(writing, finding, place(number), NOW + number)
    for number, finding in enumerate(findings):
        with other.writing() as writing:
            hear(writing, finding, place(number), NOW + number)
    assert rows(other) == rows(store)
    assert rebuild(other) == rebuild(store)
    assert rows(other) == rows(store)
    other.close()


@pytest.mark.parametrize("seed", range(4))
def test_every_store_tells_the_same_story(store: Store, seed: int) -> None:
    """The fake that other tests use is held to the real ones here."""
    with store.writing() as writing:
        fake = MemoryStore(writing.secret())
    tell(fake, story(seed))
    tell(store, story(seed))
    with store.reading() as reading:
        assert reading.acts() == fake.state.acts
        for alert in fake.state.alerts.values():
            assert encode(reading.alert(alert.alert_id) or alert) == encode(alert)
            assert reading.history(alert.alert_id) == [a for a in fake.state.acts if a.alert_id == alert.alert_id]
        assert reading.facets().total == len(fake.state.alerts)
    assert {(r[0], r[1]) for r in rows(store)["findings"]} == {(f, a) for f, (a, _) in fake.state.findings.items()}


def test_what_was_written_is_there_when_it_is_opened_again(store: Store, url: str) -> None:
    """A console that was killed begins where it was."""
    alert_id = raised(store)
    act(store, alert_id, "w002", TAKE)
    again = Store(url)
    again.upgrade()
    with again.reading() as reading:
        found = reading.alert(alert_id)
        assert found is not None
        assert (found.holder, reading.head().number) == ("w002", 2)
    again.close()


def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    """An act is whole or not at all."""
    before = rows(store)
    with suppress(ZeroDivisionError), store.writing() as writing:
        assert hear(writing, make_finding(), place(), NOW)
        raise ZeroDivisionError
    assert rows(store) == before
    with store.reading() as reading:
        assert reading.head().number == 0


def test_two_writers_at_once_one_wins_and_the_other_learns_who_and_when(store: Store) -> None:
    """Two people press the same button; each has a connection of their own."""
    alert_id = raised(store)
    told: list[TooLateError] = []
    won: list[str] = []
    start = threading.Barrier(8)

    def press(who: str) -> None:
        command = Command(actor=Actor(staff=who, login=f"{who}-login", role="analyst"), bodies=(TAKE,), expected=1)
        start.wait(30)
        try:
            with store.writing() as writing:
                act_on(writing, alert_id, command, NOW + 5)
                won.append(who)
        except TooLateError as error:
            told.append(error)

    people = [threading.Thread(target=press, args=(f"w00{n}",)) for n in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join(30)
    assert len(won) == 1
    assert [(e.by, e.at) for e in told] == [(won[0], NOW + 5)] * 7


def test_acts_of_many_writers_are_one_chain(store: Store) -> None:
    """Numbers without a gap, each with the digest of the one before, whoever writes at once."""
    ids = [raised(store, make_finding(f"look-{n}", staff=f"w{n}")) for n in range(4)]

    def note(who: str) -> None:
        for alert_id in ids * 3:
            act(store, alert_id, who, NOTE)

    people = [threading.Thread(target=note, args=(f"w90{n}",)) for n in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join(60)
    with store.reading() as reading:
        acts = reading.acts()
    assert len(acts) == 4 + 4 * 12
    assert list(breaks(acts)) == []


def test_a_command_sent_again_is_done_once(store: Store) -> None:
    """Also by another connection, after the first has long ended."""
    alert_id = raised(store)
    act(store, alert_id, "w002", TAKE, key="k1")
    act(store, alert_id, "w002", GIVE_BACK)
    act(store, alert_id, "w002", TAKE, key="k1")
    with store.reading() as reading:
        assert [a.body.kind for a in reading.history(alert_id)] == ["raised", "acknowledged", "released"]


COLUMNS = "number, alert, version, at, staff, key, document"
FORGED = "2, 1, 2, 0, 'w002', 'k1'"
STATEMENTS = {
    "both": ["UPDATE acts SET at = at + 1", "DELETE FROM acts"],
    "sqlite": [
        *("DELETE FROM acts WHERE true", "UPDATE OR REPLACE acts SET number = 2 WHERE number = 1"),
        f"INSERT OR REPLACE INTO acts ({COLUMNS}) VALUES (2, 1, 9, 0, NULL, NULL, x'00')",
        f"INSERT OR REPLACE INTO acts ({COLUMNS}) VALUES ('2', 1, 9, 0, NULL, NULL, x'00')",
        f"INSERT OR REPLACE INTO acts ({COLUMNS}) VALUES (9, 1, 2, 0, NULL, NULL, x'00')",
        f"INSERT OR REPLACE INTO acts ({COLUMNS}) VALUES (9, 1, 9, 0, 'w002', 'k1', x'00')",
        f"REPLACE INTO acts ({COLUMNS}) SELECT number, alert, version, 0, staff, key, document FROM acts",
        f"INSERT INTO acts ({COLUMNS}) VALUES ({FORGED}, x'00') ON CONFLICT DO UPDATE SET at = 0",
    ],
    "postgresql": [
        *("TRUNCATE acts", "TRUNCATE acts CASCADE"),
        f"INSERT INTO acts ({COLUMNS}) VALUES ({FORGED}, '') ON CONFLICT (number) DO UPDATE SET at = 0",
        f"INSERT INTO acts ({COLUMNS}) VALUES ({FORGED}, '') ON CONFLICT (alert, version) DO UPDATE SET at = 0",
        "MERGE INTO acts USING (SELECT 2 AS n) AS s ON number = n WHEN MATCHED THEN UPDATE SET at = 0",
        "MERGE INTO acts USING (SELECT 2 AS n) AS s ON number = n WHEN MATCHED THEN DELETE",
    ],
}


def test_no_statement_changes_an_act(store: Store) -> None:
    """Nor replaces one, by whichever of its names. Whoever does must first take the guard away, on purpose."""
    act(store, raised(store), "w002", TAKE, key="k1")
    with store.reading() as reading:
        before = reading.acts()
    assert [(a.number, a.version, a.key) for a in before] == [(1, 1, None), (2, 2, "k1")]
    for statement in STATEMENTS["both"] + STATEMENTS[store.kind]:
        with pytest.raises(DBAPIError, match="acts are never"), store._engine.begin() as connection:
            connection.exec_driver_sql(statement)
        with store.reading() as reading:
            assert reading.acts() == before, statement
    act(store, before[0].alert_id, "w002", GIVE_BACK)
    with store.reading() as reading:
        assert reading.head().number == 3


# --- rows made anew


@pytest.mark.parametrize("seed", range(3))
def test_rows_made_anew_are_the_same_to_the_byte(store: Store, seed: int) -> None:
    """They are a projection of the acts and of nothing else."""
    tell(store, story(seed, steps=120))
    before = rows(store)
    assert any(before.values())
    with store.reading() as reading:
        number = reading.head().number
    assert rebuild(store) == number
    assert rows(store) == before


def test_a_lost_store_comes_back_from_its_mirror(store: Store, tmp_path: Path) -> None:
    """From the very first act, or from where a copy had ended; said twice, as an outbox does, makes no difference."""
    tell(store, story(5))
    with store.reading() as reading:
        acts = reading.acts()
    other = Store(sqlite_url(tmp_path / "other"))
    other.upgrade()
    assert adopt(other, acts[:9]) == 9
    assert adopt(other, [*acts[:20], *acts[12:]]) == len(acts) - 9
    assert rows(other) == rows(store)
    assert adopt(other, acts) == 0
    other.close()


def test_acts_of_another_history_are_not_adopted(store: Store, tmp_path: Path) -> None:
    """A store that is not of this topic must not be filled from it."""
    raised(store, make_finding("mine"))
    other = Store(sqlite_url(tmp_path / "other"))
    other.upgrade()
    foreign = raised(other, make_finding("theirs"))
    act(other, foreign, "w002", NOTE)
    with other.reading() as reading:
        acts = reading.acts()
    other.close()
    before = rows(store)
    with pytest.raises(BrokenHistoryError, match="act 2 does not follow"):
        adopt(store, acts)
    assert rows(store) == before


def test_rows_are_not_made_from_acts_that_were_changed(store: Store) -> None:
    """Whoever took the guard away is found out."""
    alert_id = raised(store)
    act(store, alert_id, "w002", TAKE)
    guard = "DROP TRIGGER acts_stay" + ("" if store.kind == "sqlite" else " ON acts")
    with store._engine.begin() as connection:
        connection.execute(text(guard))
        [raw] = connection.execute(text("SELECT document FROM acts WHERE number = 2")).scalars()
        forged = bytes(raw).replace(b'"staff":"w002"', b'"staff":"w003"')
        assert forged != bytes(raw)
        connection.execute(text("UPDATE acts SET document = :forged WHERE number = 2"), {"forged": forged})
    with pytest.raises(BrokenHistoryError, match="act 2 was changed"):
        rebuild(store)


def test_what_stands_beside_an_act_is_checked_and_its_topic_compared(store: Store) -> None:
    """The same sentences of both databases; nothing is wrong with what nobody has changed."""
    tell(store, story(5))
    with store.reading() as reading:
        acts = reading.acts()
    messages = [Message("alert-events.v1", 0, n, 7, None, encode(one), ()) for n, one in enumerate(acts)]
    anchor = Anchor()
    assert (_walked(store), Comparison(store, anchor).take(messages), anchor.head.number) == ([], [], len(acts))
    guard = "DROP TRIGGER acts_stay" + ("" if store.kind == "sqlite" else " ON acts")
    with store._engine.begin() as connection:
        connection.execute(text(guard))
        connection.execute(text("UPDATE acts SET alert = 4000000000, version = 99, key = 'k' WHERE number = 5"))
        row = {"raw": encode(acts[5]), "last": len(acts)}
        connection.execute(text("UPDATE acts SET document = :raw WHERE number = :last"), row)
    assert _walked(store)[:3] == [f"act 5 is kept under another {name} than its own" for name in _BESIDE]
    assert Comparison(store, anchor).take(messages) == [
        f"act {len(acts)} is not the one any more that was compared with the topic before",
        f"act {len(acts)} is another one in the topic",
    ]


_BESIDE = ("alert", "version", "key")


def _walked(store: Store) -> list[str]:
    walk, found = Walk(piece=5), []
    with store.reading() as reading:
        while not walk.is_over:
            found += walk.step(reading)
    return found
