"""By which index SQLite answers each question: a wrong one takes 100 ms instead of 1 when it is full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import event

from schemas.act import Actor
from sinks.alerts.commanding import Command
from sinks.alerts.grouping import Group
from sinks.alerts.parties import Party
from sinks.alerts.writing import act_on, hear
from sinks.store.engine import sqlite_url
from sinks.store.listing import Place
from sinks.store.reading import Filter, SqlReading
from sinks.store.store import Store
from tests.harness.acts import TAKE
from tests.harness.builders import make_access
from tests.harness.findings import make_finding, place

NOW = 1_767_600_000_000
HIDDEN = frozenset({Party("actor", "w08"), Party("login", "ecms login8"), Party("data_subject", "w08")})
SORT = "USE TEMP B-TREE FOR ORDER BY"
GONE = "SEARCH parties USING PRIMARY KEY (alert=?)"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Eight open alerts, of which one is grave; its plans do not depend on how many there are."""
    made = Store(sqlite_url(tmp_path_factory.mktemp("plans")))
    made.upgrade()
    with made.writing() as writing:
        for n in range(9):
            access = make_access(event_id=f"ecms-{n}", actor=f"login{n}", name=f"case:c{n}")
            finding = make_finding(f"look-{n}", f"w0{n}", severity="high" if n == 3 else "low", access=access)
            [act] = hear(writing, finding, place(n), NOW + n)
        command = Command(actor=Actor(staff="w900", login="ana", role="analyst"), bodies=(TAKE,))
        act_on(writing, act.alert_id, command, NOW + 20)
    yield made
    made.close()


def plans(store: Store, question: Callable[[SqlReading], object]) -> list[list[str]]:
    """What SQLite does for each statement of a question."""
    asked: list[tuple[str, tuple[object, ...]]] = []

    def hear_of(_: object, __: object, statement: str, values: tuple[object, ...], *___: object) -> None:
        asked.append((statement, values))

    event.listen(store._engine, "before_cursor_execute", hear_of)
    try:
        with store.reading() as reading:
            question(reading)
    finally:
        event.remove(store._engine, "before_cursor_execute", hear_of)
    with store._engine.connect() as connection:
        return [
            [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            for statement, values in asked
            if statement.startswith("SELECT")
        ]


WALK = "SEARCH alerts USING COVERING INDEX alerts_by_change (status=?)"
WALK_ON = "SEARCH alerts USING COVERING INDEX alerts_by_change (status=? AND (last_at,alert_id)<(?,?))"
LISTS = [
    (Filter(status=("open",)), WALK),
    (Filter(severity=("low",), status=("open",)), WALK),
    (Filter(status=("open",), after=Place(NOW + 9, "a_")), WALK_ON),
    (Filter(holder="w900"), "SEARCH alerts USING COVERING INDEX alerts_by_holder (holder=?)"),
    (Filter(holder="w900", severity=("low",)), "SEARCH alerts USING COVERING INDEX alerts_by_holder (holder=?)"),
    (Filter(is_owed=True), "SCAN alerts USING COVERING INDEX alerts_by_owed"),
]


@pytest.mark.parametrize("hidden", [frozenset(), HIDDEN])
@pytest.mark.parametrize(("wanted", "plan"), LISTS)
def test_a_list_is_read_in_its_order(store: Store, wanted: Filter, plan: str, hidden: frozenset[Party]) -> None:
    """Nothing is sorted and no row is read that is not on the page; what is hidden is looked up by the alert."""
    _, listed, *rows = plans(store, lambda reading: reading.alerts(replace(wanted, hidden=hidden), 1))
    assert listed[0] == plan
    assert SORT not in listed
    assert (GONE in listed) == bool(hidden)
    assert all(steps == ["SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"] for steps in rows)


def test_what_is_rare_is_gathered(store: Store) -> None:
    """One of eight: by the index of the kinds, without a look at the other seven."""
    _, listed, _ = plans(store, lambda reading: reading.alerts(Filter(severity=("high",), hidden=HIDDEN), 1))
    assert listed[0] == "SEARCH alerts USING COVERING INDEX alerts_by_kind (kind=?)"
    assert SORT not in listed  # of one kind they come in order; of several they are few enough to be sorted


def test_of_what_there_is_none_nothing_is_read(store: Store) -> None:
    """The counts say so already."""
    assert len(plans(store, lambda reading: reading.alerts(Filter(status=("reopened",)), 50))) == 1


def test_a_list_over_every_status_is_put_together_of_one_each(store: Store) -> None:
    """In the order of change, as if it were one."""
    _, *listed, _ = plans(store, lambda reading: reading.alerts(Filter(), 1))
    assert [plan[0] for plan in listed] == [WALK] * 2
    with store.reading() as reading:
        found = reading.alerts(Filter(), 50)
    assert [a.last_at for a in found] == [NOW + 20, *(NOW + n for n in range(7, -1, -1))]


def test_counts_of_what_is_hidden_begin_with_its_names(store: Store) -> None:
    """Not with all alerts, and not with all names: in an index, and from one group of somebody to the next."""
    _, steps = sorted(plans(store, lambda reading: reading.facets(HIDDEN)), key=len)
    assert steps[2] == "SEARCH alerts USING COVERING INDEX alerts_by_who (group_who=?)"
    by_name = "USING COVERING INDEX parties_by_name (relation=? AND name=?"
    assert [step for step in steps if "parties" in step or step.startswith("SEARCH p ")] == [
        f"SEARCH p {by_name})",
        f"SEARCH p {by_name} AND group_who>?)",
        f"SEARCH parties {by_name} AND group_who=?)",
    ]
    assert {step for step in steps if "SCAN" in step} == {"SCAN 3 CONSTANT ROWS", "SCAN hidden", "SCAN present"}


def test_a_search_reads_the_newest_first(store: Store) -> None:
    """It stops at its bound: the index of words is read backwards, and what it gives is not sorted."""
    [_, plan, _] = plans(store, lambda reading: reading.alerts(Filter(words=("login1",), hidden=HIDDEN), 50))
    subquery = plan[plan.index("SCAN act_text VIRTUAL TABLE INDEX 192:M2") :]
    assert subquery[1] == "SEARCH acts USING INTEGER PRIMARY KEY (rowid=?)"
    assert plan.count(SORT) == 1  # of the page: at most as many as the bound
    assert plan[0] == "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"


def test_the_history_of_an_alert_is_read_from_where_the_page_begins(store: Store) -> None:
    """An alert may have 5,000 acts."""
    with store.reading() as reading:
        [alert, *_] = reading.alerts(Filter(), 1)
        assert [a.body.kind for a in reading.history(alert.alert_id, after=1)] == ["acknowledged"]
    [plan] = plans(store, lambda reading: reading.history(alert.alert_id, after=1))
    # What SQLite calls acts_of_alert.
    assert plan[0] == "SEARCH acts USING INDEX sqlite_autoindex_acts_1 (alert=? AND version>?)"
    assert SORT not in plan


def test_other_findings_of_an_access_are_looked_up(store: Store) -> None:
    """Asked of every finding that comes to others: however many tell of one access, the first of the index answers."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    with store.writing() as writing:
        connection = writing._connection
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
        writing.beside("a_" + "0" * 32, make_finding())
        [(statement, values)] = asked
        [[*_, plan]] = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert plan == "SEARCH findings USING COVERING INDEX findings_of_access (access=? AND alert_id=?)"


def test_what_was_told_of_an_access_before_is_looked_up(store: Store) -> None:
    """Asked of every finding that is new: by its access, of which there is nearly always none."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    with store.writing() as writing:
        connection = writing._connection
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
        writing.told_before(Group("staff w01", "case c1", "search-without-duty"), make_access())
        [(statement, values)] = asked
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()]
    assert steps[0] == "SEARCH findings USING COVERING INDEX findings_of_access (access=?)"
    assert steps[1].startswith("SEARCH alerts USING INDEX sqlite_autoindex_alerts_1 (alert_id=?)")


def test_the_open_alert_of_a_group_is_found_among_open_ones(store: Store) -> None:
    """Asked of every finding that is new: closed ones, most of all, are not in its index."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    with store.writing() as writing:
        connection = writing._connection
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
        writing.open_alert(Group("staff w01", "case c1", "search-without-duty"))
        [(statement, values)] = asked
        [[*_, plan], *_] = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert plan == "SEARCH alerts USING INDEX alerts_by_group (group_who=? AND group_record=? AND clause=?)"
