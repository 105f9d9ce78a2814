"""Searches as alerts: files of people, criteria that led to nobody, and people whom nobody was looking for."""

from __future__ import annotations

import pytest

from schemas.access import Access, finding_id
from schemas.act import LookedBack
from schemas.fact import Fact
from schemas.finding import Finding
from sinks.alerts import severity
from sinks.alerts.grouping import NOBODY_NAMED, group_of, is_file, record_of
from sinks.alerts.looking_back import LookBack, sought_for
from sinks.console.masks import Masks
from sinks.console.sentences import alert_sentence, extra_words, finding_words, record_words, why_words
from sinks.console.showing import Showing
from streams.join.question import question_of
from streams.policy.decide import decide
from streams.policy.explain import tell
from tests.harness.builders import account, make_access, make_policy
from tests.harness.desk import Desk
from tests.harness.findings import make_finding
from tests.harness.judging import APPENDED, knowing


def line(number: int, job: str = "J7", source: str = "accurint") -> Finding:
    """A line of a file of 200,000 people."""
    one = make_access(
        "jdoe12",
        "search",
        f"person:p{number}",
        source=source,
        event_id=f"{job}-{number}",
        batch_id=job,
        object_count=200_000,
    )
    return make_finding(f"{source}-{job}-{number}", access=one)


def no_hit(number: int, **fields: object) -> Finding:
    """A search whose criteria led to no record."""
    one = make_access("jdoe12", "search", f"criteria:q{number}", event_id=f"n{number}", object_count=0, **fields)  # type: ignore[arg-type]
    return make_finding(f"n{number}", access=one, outcome="unresolved", severity="low")


def test_a_file_of_people_is_one_alert() -> None:
    """Whoever hands in 200,000 names has searched once, and whoever is on call looks once."""
    desk = Desk()
    for number in range(12):
        desk.hear(line(number))
    alert = desk.only()
    assert (alert.standing, alert.circumstances) == (12, ("bulk",))
    assert is_file(alert.record)
    assert "J7" not in alert.record.id


@pytest.mark.parametrize("other", [line(9, "J8"), line(9, source="ecms"), make_finding("own", access=make_access())])
def test_another_file_is_another_alert(other: Finding) -> None:
    """So is a file of another system, and what was no line of one."""
    assert group_of(other) != group_of(line(9))


def test_what_is_handed_in_for_another_use_stays_with_its_record() -> None:
    """Printing a pile of cases is a use of each."""
    printed = [make_access(action="print", name=f"case:c{n}", batch_id="pile", event_id=f"e{n}") for n in range(2)]
    assert len({group_of(make_finding(a.event_id, access=a)) for a in printed}) == 2


def test_searches_that_led_to_nobody_are_one_alert() -> None:
    """They accuse nobody of a record: one line for somebody to look at, and not one for each misspelled name."""
    desk = Desk()
    for number in range(12):
        desk.hear(no_hit(number, result="denied" if number else "success"))
    alert = desk.only()
    assert (alert.record, alert.standing, alert.severity) == (NOBODY_NAMED, 12, "low")
    assert alert.circumstances == ()
    desk.hear(make_finding("c", access=make_access(action="search", name="criteria:q1", candidates=["person:p1"])))
    assert len(desk.alerts) == 2


@pytest.mark.parametrize(
    ("access", "others"),
    [
        (make_access(action="search", name="criteria:q", object_count=40), 40),
        (make_access(action="search", name="criteria:q", object_count=40, candidates=["person:p1", "person:p2"]), 38),
        (make_access(action="search", name="criteria:q", object_count=1, candidates=["person:p1", "person:p2"]), 0),
        (make_access(action="view", name="person:p1", object_count=30), 29),
        (make_access(action="search", name="person:p1", object_count=200_000, batch_id="J7"), 0),
        (make_access(action="print", object_count=300), 0),
        (make_access(action="search"), 0),
    ],
)
def test_bystanders_are_counted(access: Access, others: int) -> None:
    """Those whom a list or report showed beside those it names; what is used or handed in is no list."""
    assert severity.shown(access) == others


def test_a_long_list_is_no_bulk_and_a_large_copy_is() -> None:
    """Whoever searches for a common name did not ask for all who bear it."""
    found = [make_access(action=action, object_count=300) for action in ("search", "view", "print", "export")]
    assert [severity.is_bulk(access) for access in found] == [False, False, True, True]


def test_an_alert_tells_how_many_others_were_shown() -> None:
    """Of what stands: what is withdrawn showed nobody."""
    desk = Desk()
    accesses = [
        make_access("jdoe12", "view", "person:p1", event_id=f"e{number}", object_count=11 + number)
        for number in range(3)
    ]
    for access in accesses:
        desk.hear(make_finding(access=access))
    assert sum(tally.shown for tally in desk.only().tallies) == 10 + 11 + 12
    desk.hear(make_finding(position=319, access=accesses[0], outcome="explained"))
    shown = Showing(Masks(b"k")).alert(desk.only())
    assert shown.shown == 11 + 12
    assert "23 others shown" in extra_words(shown)


def test_what_is_said_of_them() -> None:
    """In the words of a supervisor; no id of the criteria where they mean nothing."""
    desk = Desk()
    desk.hear(no_hit(1))
    alert = desk.only()
    assert alert_sentence(alert, record_words(alert.record, "#a")) == "w017 searched for criteria that led to nobody"
    assert why_words(alert).startswith("no record was named, so no duty can be compared with it")
    assert finding_words(no_hit(1)) == "no record was named, so no duty can be compared with it"
    assert record_words(record_of(line(1).access), "#7f") == "a file of people #7f"


def reason(access: Access, *facts: Fact) -> str:
    """What the judge says."""
    knowledge, question, policy = knowing(facts), question_of(access, APPENDED), make_policy()
    return tell(knowledge, policy, question, access, decide(knowledge, policy, question, access)).reason


def test_a_finding_says_what_a_search_named_and_showed() -> None:
    """How many, and none of them."""
    who, found = account("jdoe12", "w028"), ["person:p1", "person:p2"]
    none = reason(make_access(action="search", name="criteria:q1", object_count=0), who)
    some = reason(make_access(action="search", name="criteria:q1", object_count=40, candidates=found), who)
    assert "criteria q1 (nobody named of 0 shown) on 2026" in none
    assert none.endswith(": no record was named, so no duty can be compared with it.")
    assert "criteria q1 (2 candidates of 40 shown) on 2026" in some
    assert not any(name in some for name in ("p1", "p2"))


def test_a_look_back_from_a_file_seeks_all_its_people() -> None:
    """And from searches that led to nobody the same criteria."""
    desk = Desk()
    for finding in (line(1), line(2)):
        desk.hear(finding)
    found = LookBack([sought_for(desk.only(), [line(1), line(2)])])
    knowledge = knowing([account("jdoe12", "w017"), account("jdoe12", "w017", source="accurint")])
    earlier = [make_access(name=f"person:p{n}", event_id=f"x{n}", when="08:00") for n in (1, 2, 3)]
    for access in earlier:
        assert finding_id(access) not in {line(1).finding_id, line(2).finding_id}
        found.take(knowledge, access, APPENDED, line(1).message)
    [(_, [body])] = found.bodies(since=7)
    assert isinstance(body, LookedBack)
    assert [one.event_id for one in body.accesses] == ["x1", "x2"]
