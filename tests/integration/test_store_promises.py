"""What a store of alerts promises, run on both real databases, and on the one in memory that other tests use."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from schemas.act import Actor, Body, OfFinding
from schemas.alert import Alert
from schemas.codec import encode
from schemas.errors import NeedToKnowError
from schemas.finding import Finding
from sinks.alerts.chain import breaks
from sinks.alerts.commanding import Command, TooLateError
from sinks.alerts.comparing import Anchor, Comparison
from sinks.alerts.parties import Party
from sinks.alerts.rebuilding import BrokenHistoryError, adopt, rebuild
from sinks.alerts.walking import Walk
from sinks.alerts.writing import act_on, hear
from sinks.kafka import Message
from sinks.store.engine import sqlite_url
from sinks.store.reading import Filter
from sinks.store.store import Store
from sinks.store.tables import PROJECTED
from tests.harness.acts import GIVE_BACK, NOTE, REOPEN, REVEAL, TAKE, close, record_of
from tests.harness.builders import make_access
from tests.harness.desk import MemoryStore
from tests.harness.findings import make_finding, place
from tests.harness.postgres import new_database_name

NOW = 1_767_600_000_000
BODIES: list[Body] = [TAKE, GIVE_BACK, NOTE, REVEAL, REOPEN, close("justified"), close("confirmed"), record_of()]


class Any(Protocol):
    """A store of whatever kind."""

    def writing(self) -> object:
        """A transaction."""


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
            access=make_access(event_id=name, name=f"case:c{hash(name) % 3}", actor="jdoe12"),
        )
        told.append(chance.choice([finding, (chance.choice(["w002", "w003"]), chance.choice(BODIES))]))
    return told


def tell(store: Any, steps: list[Finding | tuple[str, Body]]) -> None:
    """Plays a story; what the alerts refuse leaves nothing."""
    chance, known = random.Random(7), []
    for number, step in enumerate(steps):
        if isinstance(step, Finding):
            with store.writing() as writing:
                known += [a.alert_id for a in hear(writing, step, place(number), NOW + number)]
        elif known:
            act(store, chance.choice(known), *step, at=NOW + number)


def act(store: Any, alert_id: str, who: str, *bodies: Body, at: int = NOW, **rest: object) -> Alert | None:
    """Somebody acts; None when it was refused."""
    command = Command(actor=Actor(staff=who, login=f"{who}-login", role="analyst"), bodies=bodies, **rest)
    try:
        with store.writing() as writing:
            return act_on(writing, alert_id, command, at)[1]
    except NeedToKnowError:
        return None


def raised(store: Any, finding: Finding | None = None, at: int = NOW) -> str:
    """The id of the alert that a finding raises."""
    with store.writing() as writing:
        return hear(writing, finding or make_finding(), place(), at)[0].alert_id


def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Everything that is projected, to the byte."""
    found: dict[str, list[tuple[object, ...]]] = {}
    with store._engine.begin() as connection:
        for table in PROJECTED:
            ordered = select(table).order_by(*table.primary_key.columns)
            found[table.name] = [tuple(row) for row in connection.execute(ordered)]
    return found


# --- transactions


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


# --- lists


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, list[Alert]]]:
    """Forty alerts of all sorts, the one changed last first; nobody writes there any more."""
    if request.param == "sqlite":
        store = Store(sqlite_url(tmp_path_factory.mktemp("filled")))
    else:
        store = Store(request.getfixturevalue("postgres").create_database(new_database_name()))
    store.upgrade()
    _fill(store)
    with store.reading() as reading:
        everything = reading.alerts(Filter(), 100)
    yield store, everything
    store.close()


def _fill(store: Store) -> None:
    chance = random.Random(11)
    for n in range(40):
        staff = f"w0{n % 4}"
        finding = make_finding(
            f"look-{n}",
            staff,
            severity=chance.choice(["low", "medium", "high"]),
            outcome=chance.choice(["late", "unexplained"]),
            clause=chance.choice(["search-without-duty", "use-without-duty"]),
            access=make_access(event_id=f"ecms-{n}", actor=f"login{n % 4}", name=f"case:c{n}"),
        )
        alert_id = raised(store, finding, NOW + n // 3)
        if n % 3 == 0:
            act(store, alert_id, "w900", TAKE, at=NOW + 100 + n // 4)
        if n % 6 == 0:
            act(store, alert_id, "w900", close(chance.choice(["justified", "confirmed"])), at=NOW + 200)


Wanted = Callable[[Alert], bool]
W03 = frozenset({Party("actor", "w03")})
LOGIN = frozenset({Party("login", "ecms login1")})


@pytest.mark.parametrize(
    ("wanted", "is_wanted"),
    [
        (Filter(), lambda a: True),
        (Filter(status=("open", "acknowledged")), lambda a: a.status in {"open", "acknowledged"}),
        (Filter(severity=("high", "low")), lambda a: a.severity in {"high", "low"}),
        (
            Filter(outcome=("late",), clause=("use-without-duty",)),
            lambda a: (a.outcome, a.clause) == ("late", "use-without-duty"),
        ),
        (Filter(disposition=("confirmed",)), lambda a: a.disposition == "confirmed"),
        (Filter(holder="w900"), lambda a: a.holder == "w900"),
        (Filter(is_owed=True), lambda a: any(o.reference is None for o in a.owed)),
        (Filter(words=("login2",)), lambda a: a.who.staff == "w02"),
        (Filter(words=("w01", "c5")), lambda a: a.record.id == "c5"),
        (Filter(words=("explained",), status=("closed",)), lambda a: a.status == "closed"),
        (Filter(hidden=W03), lambda a: a.who.staff != "w03"),
        (Filter(hidden=LOGIN, severity=("low",)), lambda a: a.who.staff != "w01" and a.severity == "low"),
    ],
)
def test_a_list_holds_what_is_wanted_and_nothing_else(
    filled: tuple[Store, list[Alert]], wanted: Filter, is_wanted: Wanted
) -> None:
    """Filtered by hand, and page by page without a gap or a repeat."""
    store, everything = filled
    due = [a for a in everything if is_wanted(a)]
    assert len(everything) == 40
    assert due
    paged: list[Alert] = []
    with store.reading() as reading:
        assert reading.alerts(wanted, 100) == due
        while page := reading.alerts(_from(wanted, paged), 7):
            paged += page
    assert paged == due


def _from(wanted: Filter, paged: list[Alert]) -> Filter:
    return replace(wanted, after=(paged[-1].last_at, paged[-1].alert_id)) if paged else wanted


@pytest.mark.parametrize("hidden", [frozenset(), frozenset({Party("actor", "w02"), Party("login", "ecms login3")})])
def test_counts_are_those_of_what_one_may_see(filled: tuple[Store, list[Alert]], hidden: frozenset[Party]) -> None:
    """Counted by hand; what is hidden is in no count."""
    store, everything = filled
    seen = [a for a in everything if not hidden or a.who.staff not in {"w02", "w03"}]
    with store.reading() as reading:
        facets = reading.facets(hidden)
    assert facets.total == len(seen)
    for name in ("status", "severity", "outcome", "clause"):
        by_hand: dict[str, int] = {}
        for alert in seen:
            by_hand[getattr(alert, name)] = by_hand.get(getattr(alert, name), 0) + 1
        assert getattr(facets, name) == by_hand


def test_what_is_hidden_is_as_if_it_were_not_there(filled: tuple[Store, list[Alert]]) -> None:
    """By its id, too."""
    store, everything = filled
    one = next(a for a in everything if a.who.staff == "w02")
    with store.reading() as reading:
        assert reading.alert(one.alert_id) == one
        assert reading.alert(one.alert_id, frozenset({Party("actor", "w02")})) is None
        assert reading.parties(one.alert_id) == {Party("actor", "w02"), Party("login", "ecms login2")}


@pytest.mark.parametrize("word", ["w0", "w", "c", "login", "ecms", "w01,", "(c5)", '"c5"', "c5.", "f_"])
def test_no_id_is_found_by_a_part_of_it(filled: tuple[Store, list[Alert]], word: str) -> None:
    """Whose record it is is masked, and would be told letter by letter; nobody would know who had asked."""
    store, _ = filled
    with store.reading() as reading:
        assert reading.alerts(Filter(words=(word,)), 10) == []


@pytest.mark.parametrize("word", ["c5", "C5", "w01", "login2", "finding", "event"])
def test_who_types_an_id_names_what_it_finds(filled: tuple[Store, list[Alert]], word: str) -> None:
    """A record's, a person's, a login's, a finding's, an event's; what people wrote names nobody."""
    store, everything = filled
    with store.reading() as reading:
        [carried] = reading.findings(everything[3].alert_id, count=1)
        assert isinstance(carried.body, OfFinding)
        finding = carried.body.finding
        typed = {"finding": finding.finding_id, "event": finding.access.event_id.upper()}.get(word, word)
        found = [alert.alert_id for alert in reading.alerts(Filter(words=(typed,)), 100)]
        assert found
        assert reading.named((typed, "whatever"), found) == set(found)
        closed = [alert.alert_id for alert in reading.alerts(Filter(words=("expl",)), 100)]
        assert closed
        assert reading.named(("expl", "explained"), closed) == set()


@pytest.mark.parametrize("words", ["'", '"', "a'b", "\\", "':*", "NEAR(", "*", "-", "w0 OR c1", "%", "\x00", "ж"])
def test_whatever_is_searched_for_is_words(filled: tuple[Store, list[Alert]], words: str) -> None:
    """No query language: nothing that a person types can be taken for one."""
    store, _ = filled
    with store.reading() as reading:
        assert reading.alerts(Filter(words=(words,)), 10) == []
