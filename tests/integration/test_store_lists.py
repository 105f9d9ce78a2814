"""What lists, counts and searches of a store promise, on both real databases."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from schemas.act import OfFinding
from schemas.alert import Alert
from sinks.alerts.parties import Party
from sinks.alerts.severity import SEVERITIES
from sinks.alerts.writing import hear
from sinks.store.engine import sqlite_url
from sinks.store.listing import place_of
from sinks.store.reading import Filter
from sinks.store.store import Store
from tests.harness.acts import NOW, TAKE, act, close, raised
from tests.harness.builders import make_access
from tests.harness.findings import make_finding, place
from tests.harness.postgres import new_database_name


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Store]]:
    """Empty stores of each kind."""
    with ExitStack() as held:

        def make() -> Store:
            if request.param == "sqlite":
                url = sqlite_url(tmp_path_factory.mktemp("lists"))
            else:
                url = request.getfixturevalue("postgres").create_database(new_database_name())
            store = Store(url)
            held.callback(store.close)
            store.upgrade()
            return store

        yield make


@pytest.fixture(scope="module")
def filled(made: Callable[[], Store]) -> tuple[Store, list[Alert]]:
    """Forty alerts of all sorts, the one changed last first; nobody writes there any more."""
    store = made()
    _fill(store)
    with store.reading() as reading:
        return store, reading.alerts(Filter(), 100)


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


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize(
    ("wanted", "is_wanted"),
    [
        (Filter(), lambda a: True),
        (Filter(status=("open", "acknowledged")), lambda a: a.status in {"open", "acknowledged"}),
        (Filter(severity=("low", "critical")), lambda a: a.severity in {"low", "critical"}),
        (Filter(holder="w900"), lambda a: a.holder == "w900"),
        (Filter(words=("login2",)), lambda a: a.who.staff == "w02"),
        (Filter(hidden=W03), lambda a: a.who.staff != "w03"),
    ],
)
def test_the_gravest_come_first(
    filled: tuple[Store, list[Alert]], wanted: Filter, is_wanted: Wanted, size: int
) -> None:
    """Of one severity those changed last; page by page without a gap or a repeat."""
    store, everything = filled
    due = sorted((a for a in everything if is_wanted(a)), key=lambda a: -SEVERITIES.index(a.severity))
    paged: list[Alert] = []
    with store.reading() as reading:
        while page := reading.alerts(_from(replace(wanted, order="severity"), paged), size):
            paged += page
    assert [(a.severity, a.alert_id) for a in paged] == [(a.severity, a.alert_id) for a in due]


def _from(wanted: Filter, paged: list[Alert]) -> Filter:
    return replace(wanted, after=place_of(paged[-1], wanted.order)) if paged else wanted


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


@pytest.fixture(scope="module")
def crowded(made: Callable[[], Store]) -> Store:
    """Alerts of logins that are several people's or nobody's, and of people in others' alerts."""
    store, chance = made(), random.Random(5)
    people: list[str | None] = ["w0", "w1", "w2", None]
    for n in range(60):
        name = chance.choice(["staff:w0", "staff:w1", "case:c1"])
        access = make_access(event_id=f"crowd-{n}", actor=f"shared{n % 3}", name=name)
        with store.writing() as writing:
            for revision in (1, 2):  # the second may say that it was somebody else: it stays where it is
                finding = make_finding(f"crowd-{n}", chance.choice(people), revision, access=access)
                hear(writing, finding, place(2 * n + revision), NOW + 1_000 + n)
    return store


@pytest.mark.parametrize("seed", range(12))
def test_each_alert_that_is_kept_from_somebody_is_counted_once(crowded: Store, seed: int) -> None:
    """By however many of the names and logins that are kept from them."""
    chance = random.Random(seed)
    with crowded.reading() as reading:
        everything = [(alert, reading.parties(alert.alert_id)) for alert in reading.alerts(Filter(), 200)]
        known = sorted({party for _, parties in everything for party in parties})
        hidden = frozenset(chance.sample(known, chance.randrange(1, 8)))
        kinds = Counter(
            (a.status, a.severity, a.outcome, a.clause, a.disposition or "")
            for a, parties in everything
            if not parties & hidden
        )
        found = reading.facets(hidden).kinds
    assert {(k.status, SEVERITIES[k.severity], *k[3:6]): count for k, count in found} == kinds
    assert any(parties & hidden for _, parties in everything)


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
