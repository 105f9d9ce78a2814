"""Which searches at the console are searches for somebody, and what they are then."""

from __future__ import annotations

import pytest

from schemas.access import Record
from schemas.act import Actor
from sinks.alerts.searching import named, search_of
from tests.harness.builders import make_access
from tests.harness.desk import Desk
from tests.harness.findings import make_finding

CASE = Record(kind="case", id="c0042")


@pytest.fixture
def desk() -> Desk:
    """w017 and case c0042; w018 and person p7; a login that is nobody's, and case c9."""
    made = Desk()
    made.hear(make_finding("one", "w017"))
    made.hear(make_finding("two", "w018", access=make_access("kroe", name="person:p7", event_id="two")))
    made.hear(make_finding("three", None, access=make_access("ghost1", name="case:c9", event_id="three")))
    return made


@pytest.mark.parametrize(
    ("words", "records"),
    [
        (["c0042"], ["c0042"]),
        (["C0042", "whatever"], ["c0042"]),
        (["w018"], ["p7"]),
        (["ghost1"], ["c9"]),
        (["c00"], []),
        (["printed"], []),
        (["w017", "c9"], ["c0042", "c9"]),
    ],
)
def test_what_is_named_and_found_was_searched_for(desk: Desk, words: list[str], records: list[str]) -> None:
    """By a record's id, or by whom it is about; a part of a name, or a word, names nobody."""
    assert [record.id for record in named(words, desk.alerts)] == records


def test_a_search_is_an_access_that_does_not_tell_what_was_typed() -> None:
    """Of the searcher, at the console, with what it resolved to; the same words have the same digest."""
    actor = Actor(staff="s21", login="ana", role="analyst")
    one, other = (
        search_of(actor, words, (CASE,), event_id=f"console-search-{n}", at=7)
        for n, words in enumerate((["c0042", "jane-roe"], ["jane-roe", "c0042"]))
    )
    assert (one.source, one.actor, one.action, one.candidates) == ("console", "ana", "search", (CASE,))
    assert one.record == other.record
    assert "jane-roe" not in one.model_dump_json()
