"""The alerts with which a store is measured are what they are said to be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from schemas.codec import encode
from sinks.store.engine import sqlite_url
from sinks.store.store import Store
from tests.bench.alerts_ask import HIDDEN, LISTS, SEARCHES, pages
from tests.bench.alerts_fill import fill
from tests.bench.alerts_load import CLAUSES, AlertPlan, Heard, happenings
from tests.bench.alerts_report import TITLES, Measured, goals
from tests.bench.alerts_time import quantile

PLAN = AlertPlan(alerts=400)


def test_the_same_plan_tells_the_same_in_the_order_of_time() -> None:
    """To the byte, so that two runs measure one thing."""
    first, again = list(happenings(PLAN)), list(happenings(PLAN))
    told = [[encode(w.finding) for w in some if isinstance(w, Heard)] for some in (first, again)]
    assert told[0] == told[1]
    assert first == again
    assert [w.at for w in first] == sorted(w.at for w in first)


def test_there_are_as_many_alerts_as_asked_for_of_every_sort(tmp_path: Path) -> None:
    """Every status, some with several findings; what people do is possible when they do it."""
    store = Store(sqlite_url(tmp_path))
    acts = fill(store, PLAN)
    with store.reading() as reading:
        facets, head, counts = reading.facets(), reading.head(), Counter(a.alert_id for a in reading.acts())
        hidden = reading.facets(HIDDEN)
    store.close()
    assert (facets.total, head.number) == (PLAN.alerts, acts)
    assert {"open", "acknowledged", "closed"} <= set(facets.status)
    assert set(facets.clause) <= set(CLAUSES)
    assert max(counts.values()) > 5
    assert 0 < hidden.total < facets.total


def test_every_question_has_a_name_of_its_own() -> None:
    """Or two of them would share a median."""
    for asks in (LISTS, SEARCHES):
        names = [ask.name for ask in pages(asks)]
        assert len(names) == len(set(names))
        assert sum(bool(ask.wanted.hidden) for ask in pages(asks)) * 2 == len(names)


def test_a_quantile_is_one_of_the_values() -> None:
    """The highest that so many do not exceed."""
    assert [quantile([5.0, 1.0, 3.0, 2.0], share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 3.0, 5.0, 5.0]
    assert quantile([], 0.5) == 0.0


@pytest.mark.parametrize(("kind", "wanted"), [("sqlite", True), ("postgresql", False)])
def test_goals_are_of_sqlite_and_told_of_postgresql(kind: str, wanted: bool) -> None:
    """A page in 50 ms, a search in 100, an alert taken in 5."""
    found = Measured(kind=kind, alerts=10)
    for name, value in zip(TITLES, (49.0, 101.0, 4.0, 6.0), strict=True):
        found.times[name].clock.append(value)
    found.figures = dict.fromkeys(
        ("one_more_of_few_ms", "one_more_of_many_ms", "history_page_ms", "heard_per_s", "rebuild_acts_per_s"), 1.0
    ) | {"rebuild_s": 2.0, "rebuild_mb": 3.0, "bytes_per_alert": 4.0}
    met = [goal.is_met for goal in goals({kind: found})][:6]
    assert met == ([True, False, True, False, True, True] if wanted else [None] * 6)
