"""One access that several findings tell of: it is counted once, and its alert says so."""

from __future__ import annotations

from itertools import combinations, product
from typing import get_args

import pytest

from schemas.access import Action, Result
from schemas.act import Disposition
from schemas.finding import Certainty, Finding, Flag, Outcome, Severity
from sinks.alerts.telling import counted, telling_of
from sinks.cli.alert_lines import alert_page
from sinks.console.masks import Masks
from sinks.console.sentences import extra_words, told_again_words
from sinks.console.showing import Showing
from streams.sources.requested import parties
from tests.harness.acts import TAKE, close
from tests.harness.builders import make_access
from tests.harness.desk import Desk
from tests.harness.findings import FindingFields, make_finding


def told(event: int, content: str, position: int = 318, **rest: object) -> Finding:
    """A report on one person, of a night's export: with the same id and other content it is another finding."""
    access = make_access(
        "jdoe12", "view", "person:p1", event_id=f"irss-{event}", source="irss", device=content, object_count=21
    )
    fields: FindingFields = {"access": access, **rest}  # type: ignore[typeddict-item]
    return make_finding(f"{event}-{content}", position=position, **fields)


def exported_twice(count: int) -> Desk:
    """A night of so many looks, exported, and exported once more with one more column."""
    desk = Desk()
    for content in ("first", "second"):
        for event in range(count):
            desk.hear(told(event, content))
    return desk


def test_an_export_that_came_twice_makes_nothing_graver() -> None:
    """Five looks are five looks, however often the source tells of them; ten are many."""
    alert = exported_twice(5).only()
    assert (alert.findings, alert.standing, alert.severity, alert.circumstances) == (10, 10, "medium", ())
    assert sum(tally.count for tally in alert.tallies) == 5
    assert exported_twice(10).only().circumstances == ("many-accesses",)


def test_who_was_shown_is_counted_once() -> None:
    """The list was looked at once, and showed twenty others."""
    assert sum(tally.shown for tally in exported_twice(5).only().tallies) == 5 * 20


def test_the_alert_says_that_an_access_was_told_of_more_than_once() -> None:
    """In its sentence there are as many as there were, and whoever counts the findings reads why these are more."""
    shown = Showing(Masks(b"k")).alert(exported_twice(5).only())
    assert shown.sentence.endswith(" 5 times")
    assert extra_words(shown).startswith("10 findings of 5 accesses · ")
    assert told_again_words(shown).startswith("10 findings tell of 5 accesses: an event came again with other content")
    page = alert_page(shown.model_dump(mode="json", exclude_none=True), "look", [], [])
    assert "findings   10 stand of 10 and tell of 5 accesses, of irss" in page
    once = Desk()
    once.hear(told(1, "first"))
    assert told_again_words(Showing(Masks(b"k")).alert(once.only())) == ""


def test_the_finding_that_weighs_most_counts_while_it_stands() -> None:
    """What the other tells remains when it is withdrawn, and gives way when it is reinstated."""
    desk = Desk()
    desk.hear(told(1, "first", severity="low"))
    desk.hear(told(1, "second", severity="high"))
    assert [(t.severity, t.count) for t in desk.only().tallies] == [("high", 1)]
    desk.hear(told(1, "second", 319, severity="high", outcome="explained"))
    assert ([(t.severity, t.count) for t in desk.only().tallies], desk.only().standing) == ([("low", 1)], 1)
    assert desk.only().status == "open"
    desk.hear(told(1, "second", 320, severity="high"))
    assert [(t.severity, t.count) for t in desk.only().tallies] == [("high", 1)]
    for content in ("first", "second"):
        desk.hear(told(1, content, 321, outcome="explained"))
    assert (desk.only().tallies, desk.only().standing, desk.only().status) == ((), 0, "closed")


def test_a_finding_that_leaves_takes_its_count_along() -> None:
    """It names somebody else now: the other finding of the access is still counted, and theirs is counted there."""
    desk = Desk()
    desk.hear(told(1, "first"))
    desk.hear(told(1, "second"))
    desk.act("w002", TAKE)
    leaving = told(1, "second", 319)
    desk.hear(leaving.model_copy(update={"staff": "w031"}))
    assert [(a.who.staff, a.standing, sum(t.count for t in a.tallies)) for a in desk.alerts] == [
        ("w017", 1, 1),
        ("w031", 1, 1),
    ]


@pytest.mark.parametrize("disposition", ["justified", "confirmed", "data_error"])
def test_what_was_decided_is_not_raised_anew_by_the_next_export(disposition: Disposition) -> None:
    """The person answered for it once; the other telling is filed where that was decided."""
    desk = Desk()
    desk.hear(told(1, "first"))
    desk.act("w002", TAKE, close(disposition))
    desk.hear(told(1, "second"))
    alert = desk.only()
    assert (alert.status, alert.standing, sum(t.count for t in alert.tallies)) == ("closed", 2, 1)
    assert desk.kinds() == ["raised", "acknowledged", "closed", "supplemented"]


def test_what_says_more_than_was_decided_on_is_opened_again() -> None:
    """Somebody let a look be, and now it was a grave one. Whoever is confirmed already answers for it."""
    for disposition, after in (("justified", ["supplemented", "reopened"]), ("confirmed", ["closed", "supplemented"])):
        desk = Desk()
        desk.hear(told(1, "first", severity="low"))
        desk.act("w002", TAKE, close(disposition))
        desk.hear(told(1, "second", severity="high"))
        assert desk.kinds()[-2:] == after


def test_another_access_is_raised_anew() -> None:
    """Of another moment, whatever id its source gives it; and what nobody has decided on decides nothing."""
    desk = Desk()
    desk.hear(told(1, "first"))
    desk.act("w002", TAKE, close("justified"))
    later = make_access("jdoe12", "view", "person:p1", event_id="irss-1", source="irss", when="16:00")
    desk.hear(make_finding("later", access=later))
    assert [(a.status, a.standing) for a in desk.alerts] == [("closed", 1), ("open", 1)]
    untouched = Desk()
    untouched.hear(told(1, "first"))
    untouched.hear(told(1, "first", 319, outcome="explained"))
    untouched.hear(told(1, "second"))
    assert [a.status for a in untouched.alerts] == ["closed", "open"]


def test_an_event_of_another_source_is_another() -> None:
    """Ids are unique within a source only."""
    desk = Desk()
    for source in ("irss", "ecms"):
        desk.hear(make_finding(source, access=make_access(event_id="e1", source=source)))
    assert sum(tally.count for tally in desk.only().tallies) == 2


def test_who_did_it_and_is_named_as_who_asked_has_done_one_thing() -> None:
    """Through two logins of theirs: the judge sees two accesses, a supervisor one."""
    desk = Desk()
    for number in range(5):
        sent = make_access("oper7", "print", requested_for="jdoe12", event_id=f"e{number}")
        for one in parties(sent):
            desk.hear(make_finding(f"{number}-{one.actor}", access=one))
    alert = desk.only()
    assert (alert.standing, sum(t.count for t in alert.tallies)) == (10, 5)
    assert alert.circumstances == ()


@pytest.mark.parametrize(("outcome", "certainty"), [*product(get_args(Outcome), get_args(Certainty))])
def test_what_is_told_is_counted_as_it_was_told(outcome: Outcome, certainty: Certainty) -> None:
    """Every kind of finding there is, with the most that a list may show."""
    flags = [f for number in range(len(get_args(Flag)) + 1) for f in combinations(get_args(Flag), number)]
    seen = set()
    for severity, action, result, flag in product(get_args(Severity), get_args(Action), get_args(Result), flags):
        access = make_access(action=action, result=result, object_count=1_000_000_000)
        finding = make_finding(access=access, outcome=outcome, severity=severity, flags=flag)
        telling = telling_of(finding, certainty)
        [tally] = counted((), telling, 1)
        assert (tally.outcome, tally.certainty, tally.severity) == (outcome, certainty, severity)
        assert (tally.action, tally.result, tally.flags, tally.count) == (action, result, flag, 1)
        assert (tally.is_bulk, tally.shown) == ((True, 0) if action not in {"view", "search"} else (False, 999_999_999))
        assert counted((tally,), telling, -1) == ()
        assert len(telling) <= 40
        seen.add(telling)
    claimed = make_finding(access=make_access(operator="oper7"), outcome=outcome)
    assert [tally.is_claimed for tally in counted((), telling_of(claimed, certainty), 1)] == [True]
    assert len(seen) == 4 * len(get_args(Action)) * 3 * len(flags)
