"""The accesses that searches at the console for somebody are."""

from __future__ import annotations

from schemas.access import Access, Record
from schemas.act import Actor
from schemas.alert import Alert
from sinks.alerts.parties import watched
from sinks.alerts.searching import searches_of
from tests.harness.builders import make_access
from tests.harness.desk import Desk
from tests.harness.findings import make_finding

ANA = Actor(staff="s21", login="ana", role="analyst")


def searched(words: list[str], alerts: list[Alert]) -> list[Access]:
    """What such a search is."""
    return list(searches_of(ANA, words, alerts, event_id="console-search-n", at=7))


def test_a_search_is_an_access_that_does_not_tell_what_was_typed() -> None:
    """Of the searcher, at the console, with what it resolved to; the same words have the same digest."""
    desk = Desk()
    desk.hear(make_finding())
    [one] = searched(["c0042", "jane-roe"], desk.alerts)
    [other] = searched(["jane-roe", "c0042"], desk.alerts)
    assert (one.source, one.actor, one.action) == ("console", "ana", "search")
    assert one.candidates == (Record(kind="case", id="c0042"),)
    assert one.record == other.record
    assert "jane-roe" not in one.model_dump_json()
    assert watched(one) == (desk.only().alert_id,)


def test_a_search_that_has_found_much_is_several_accesses() -> None:
    """Each names its alerts: from whomever one is kept, the access is."""
    desk = Desk()
    for n in range(120):
        desk.hear(make_finding(f"n{n}", f"w{n:03}", access=make_access(name=f"case:c{n // 2}")))
    accesses = searched(["c"], desk.alerts)
    assert [access.event_id for access in accesses] == [f"console-search-n{end}" for end in ("", "-2", "-3")]
    assert [name for access in accesses for name in watched(access)] == [alert.alert_id for alert in desk.alerts]
    assert [len(access.candidates or ()) for access in accesses] == [25, 25, 10]
    assert all(len((access.purpose and access.purpose.text) or "") <= 2_000 for access in accesses)


def test_nobody_names_alerts_by_what_they_type_as_a_reason() -> None:
    """Or they would choose from whom it is kept that they have looked."""
    of_the_look, typed = f"a_{'1' * 32}", f"a_{'2' * 32}"
    look = make_access("ana", source="console", event_id=f"console-{of_the_look}-2", purpose={"text": f"see {typed}"})
    assert watched(look) == (of_the_look,)


def test_elsewhere_nobody_names_alerts() -> None:
    """An event of another system that is called like one is its own affair."""
    assert watched(make_access(event_id="console-a_" + "0" * 32 + "-1")) == ()
