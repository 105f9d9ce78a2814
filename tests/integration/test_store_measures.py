"""What a store counts about alerts, on both real databases, against the acts counted by hand."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from schemas.act import Act, OfFinding
from schemas.alert import Alert
from schemas.finding import Finding
from schemas.metrics import WAITS
from sinks.alerts.folding import fold, is_here
from sinks.alerts.measures import shown
from sinks.alerts.mirror import MIRRORED
from sinks.alerts.rebuilding import rebuild
from sinks.store.engine import sqlite_url
from sinks.store.reading import Filter
from sinks.store.store import Store
from sinks.telemetry import Labels, Spread, Values
from tests.harness.acts import NOTE, TAKE, close
from tests.harness.findings import make_finding
from tests.harness.office import HOUR, Office

CLAUSES = ("search-without-duty", "use-without-duty", "other")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    made = Store(sqlite_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("database"))
    made.upgrade()
    yield made
    made.close()


def told(store: Store, now: int) -> dict[str, Values]:
    """What a console would tell, without what is zero: a series that is not named is."""
    with store.reading() as reading:
        found = shown(reading.measured(MIRRORED), now, CLAUSES)
    return {
        name: {labels: value for labels, value in values.items() if value} for name, values in sorted(found.items())
    }


class ByHand:
    """The same, counted from the acts one after the other."""

    def __init__(self, acts: list[Act]) -> None:
        self.alerts: dict[str, Alert] = {}
        self._findings: dict[str, tuple[str, OfFinding]] = {}
        self._waits_since: dict[str, int] = {}
        self._took: dict[str, dict[Labels, list[float]]] = {k: defaultdict(list) for k in ("acknowledged", "closed")}
        self._taken: set[str] = set()
        self.kinds = Counter(act.body.kind for act in acts)
        for act in acts:
            self._take(act)

    def _take(self, act: Act) -> None:
        before, body = self.alerts.get(act.alert_id), act.body
        known = self._findings.get(body.finding.finding_id) if isinstance(body, OfFinding) else None
        alert = fold(before, act, known[1] if known and known[0] == act.alert_id else None)
        if isinstance(body, OfFinding) and is_here(body):
            self._findings[body.finding.finding_id] = (act.alert_id, body)
        self.alerts[act.alert_id] = alert
        if before is None or before.status != alert.status:
            self._waits_since[act.alert_id] = act.at
        if body.kind == "closed" or (body.kind == "acknowledged" and act.alert_id not in self._taken):
            self._took[body.kind][(alert.severity,)].append((act.at - alert.opened_at) / 1000)
        if body.kind == "acknowledged":
            self._taken.add(act.alert_id)

    def told(self, now: int, mirrored: int, acts: list[Act]) -> dict[str, Values]:
        """As a console would tell it."""
        waiting = [(a.severity, self._waits_since[a.alert_id]) for a in self.alerts.values() if a.holder is None]
        waiting = [w for w, a in zip(waiting, self._free(), strict=True) if a.status != "closed"]
        closed = [a for a in self.alerts.values() if a.status == "closed"]
        owed = [(o.obligation, o.since) for a in closed for o in a.owed if o.reference is None]
        left = acts[mirrored:]
        return {
            "needtoknow_acts_ahead_seconds": {},  # nothing is: all clocks are right
            "needtoknow_acknowledge_seconds": self._spreads("acknowledged"),
            "needtoknow_close_seconds": self._spreads("closed"),
            "needtoknow_closed_alerts": Counter(
                (a.clause if a.clause in CLAUSES else "other", a.disposition or "withdrawn") for a in closed
            ),
            "needtoknow_exports_total": {(): self.kinds["exported"]},
            "needtoknow_oldest_obligation_seconds": _oldest(owed, now),
            "needtoknow_oldest_unacknowledged_seconds": _oldest(waiting, now),
            "needtoknow_oldest_unmirrored_seconds": {(): (now - left[0].at) / 1000} if left else {},
            "needtoknow_open_obligations": Counter((name,) for name, _ in owed),
            "needtoknow_reveals_total": {(): self.kinds["revealed"]},
            "needtoknow_unclosed_alerts": Counter(
                (a.status, a.severity) for a in self.alerts.values() if a.status != "closed"
            ),
            "needtoknow_unreadable_findings": {(): 1},
            "needtoknow_unmirrored_acts": {(): len(left)} if left else {},
        }

    def _free(self) -> list[Alert]:
        return [a for a in self.alerts.values() if a.holder is None]

    def _spreads(self, kind: str) -> dict[Labels, Spread]:
        found: dict[Labels, Spread] = {}
        for labels, seconds in self._took[kind].items():
            counts = Counter(bisect_left(WAITS, s) for s in seconds)
            found[labels] = Spread(tuple(counts[n] for n in range(len(WAITS) + 1)), pytest.approx(sum(seconds)))
        return found


def _oldest(since: list[tuple[str, int]], now: int) -> dict[Labels, float]:
    found: dict[Labels, float] = {}
    for name, instant in since:
        found[name,] = max(found.get((name,), 0), (now - instant) / 1000)
    return found


def test_what_is_told_is_what_the_acts_come_to(store: Store) -> None:
    """Counted by hand, in a month that has everything in it; and again after every row was made anew."""
    office = Office(store)
    office.month(3)
    acts = office.acts()
    with store.writing() as writing:
        writing.advance(MIRRORED, len(acts) - 5)
        writing.keep_unreadable([("violations.v1/0/7", b"{")])
    now = office.now + HOUR
    by_hand = ByHand(acts)
    wanted = by_hand.told(now, len(acts) - 5, acts)
    assert {"released", "reopened", "recorded", "withdrawn", "supplemented"} <= by_hand.kinds.keys()
    assert [name for name, values in wanted.items() if not values] == ["needtoknow_acts_ahead_seconds"]
    assert told(store, now) == wanted
    rebuild(store)
    assert told(store, now) == wanted


def test_what_many_write_at_once_is_counted_once(store: Store) -> None:
    """As two consoles on one database do: the count is written with the act, by whoever wins."""
    office = Office(store)
    ids = [office.find(make_finding(f"look-{n}", staff=f"w{n}"))[0].alert_id for n in range(4)]

    def take(who: str) -> None:
        for alert_id in ids:
            office.act(alert_id, TAKE, NOTE, who=who)

    people = [threading.Thread(target=take, args=(f"w90{n}",)) for n in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join(60)
    [spread] = told(store, office.now)["needtoknow_acknowledge_seconds"].values()
    assert spread == Spread((4, *(0 for _ in WAITS)), 0)


def test_whoever_took_it_in_time_is_not_late_when_it_waits_again(store: Store) -> None:
    """Given back, it waits from then on; graver by one more finding, it has waited as long as before."""
    office = Office(store)
    one = office.find(_found("first", "low"))[0].alert_id
    office.act(one, TAKE, hours=1)
    office.act(one, NOTE, hours=100)
    assert told(store, office.now)["needtoknow_oldest_unacknowledged_seconds"] == {}
    with store.writing() as writing:
        writing.advance(MIRRORED, 1)
    office.act(one, close("confirmed"))
    office.find(_found("other", "low", staff="w018"), hours=2)
    office.find(_found("more", "critical", staff="w018"), hours=3)
    found = told(store, office.now)
    assert found["needtoknow_oldest_unacknowledged_seconds"] == {("critical",): 3 * 3600}
    assert found["needtoknow_oldest_obligation_seconds"] == {("discipline",): 5 * 3600}
    assert found["needtoknow_oldest_unmirrored_seconds"] == {(): 105 * 3600}


def _found(name: str, severity: str, staff: str = "w017") -> Finding:
    return make_finding(name, staff, severity=severity)


_NO_ACCESSES = (
    "DROP INDEX findings_of_access",
    *(f"ALTER TABLE findings DROP COLUMN {c}" for c in ("access", "tells")),
)


def test_a_store_of_an_earlier_version_is_counted_anew(store: Store) -> None:
    """Its acts are there, and what is counted of them is not; a store that is new, or as it should be, is not read."""
    assert not store.upgrade()
    office = Office(store)
    office.month(4, steps=20)
    before = told(store, office.now)
    with store._engine.begin() as connection:
        drop = [f"DROP TABLE {name}" for name in ("measures", "waits", "lookups", "unreadable")]
        drop += [
            *_NO_ACCESSES,
            "DROP INDEX alerts_by_who",
            *(["DROP TRIGGER acts_are_new"] if store.kind == "sqlite" else []),
        ]
        for statement in (*drop, "UPDATE alembic_version SET version_num = '0002'"):
            connection.execute(text(statement))
    assert store.upgrade()
    assert told(store, office.now) != before
    rebuild(store)
    assert told(store, office.now) == before
    assert not store.upgrade()


def test_a_console_that_is_killed_before_its_rows_are_made_anew_makes_them_at_its_next_start(store: Store) -> None:
    """The tables are of this version by then: that they are says nothing of the rows."""
    office = Office(store)
    office.month(4, steps=20)
    before = told(store, office.now)
    with store.reading() as reading:
        alert = reading.alerts(Filter(), 1)[0]
        about = reading.parties(alert.alert_id)
    with store._engine.begin() as connection:
        for statement in ("DELETE FROM measures", "DELETE FROM waits", "DROP INDEX alerts_by_who", *_NO_ACCESSES):
            connection.execute(text(statement))
        connection.execute(text("UPDATE alembic_version SET version_num = '0007'"))
    assert store.upgrade()
    with store.reading() as reading:
        assert reading.parties(alert.alert_id) == about
        assert reading.alert(alert.alert_id, about) is None, "it is kept from whom it is about, also until then"
    with pytest.raises(KilledError):
        rebuild(store, _killed)
    assert store.upgrade(), "it was not done: nobody may look at these rows"
    rebuild(store)
    assert told(store, office.now) == before
    assert not store.upgrade()


class KilledError(Exception):
    """In the middle of it."""


def _killed(count: int) -> None:
    raise KilledError
