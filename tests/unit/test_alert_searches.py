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


def test_one_person_looked_up_in_many_ways_is_one_case() -> None:
    """Twelve criteria that led to them alone, and a look at them: one alert, and many accesses (domain, T7)."""
    desk = Desk()
    for number in range(12):
        access = led_to("PA1", event_id=f"s{number}", criteria=f"q{number}")
        desk.hear(make_finding(f"s{number}", access=access))
    desk.hear(make_finding("seen", access=make_access(name="person:PA1", event_id="seen")))
    alert = desk.only()
    assert (alert.record.kind, alert.record.id, alert.standing) == ("person", "PA1", 13)
    assert (alert.circumstances, alert.severity) == (("many-accesses",), "high")
    words = alert_sentence(alert, record_words(alert.record, "#a"))
    assert words == "w017 searched for 12 times and viewed person #a"


@pytest.mark.parametrize("names", [["person:p1", "person:p2"], ["person:p1", "case:p1"]])
def test_a_search_that_led_to_more_is_about_its_criteria(names: list[str]) -> None:
    """Nobody knows which of them was meant. The same one named twice is one."""
    several = make_access(action="search", name="criteria:q1", candidates=names)
    assert record_of(several) == several.record
    twice = make_access(action="search", name="criteria:q1", candidates=[names[0]] * 2)
    assert record_of(twice).id == "p1"
    at_console = make_access(action="search", name="criteria:q-1", candidates=["criteria:nobody-named"])
    assert record_of(at_console) == at_console.record


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


def earlier_than(search: Finding, *accesses: Access) -> list[str]:
    """What a look-back from a confirmed search lists."""
    desk = Desk()
    desk.hear(search)
    found = LookBack([sought_for(desk.only(), [search])])
    knowledge = knowing([account("jdoe12", "w017"), account("jdoe12", "w017", source="clean")])
    for access in accesses:
        found.take(knowledge, access, APPENDED, search.message)
    [(_, [body])] = found.bodies(since=7)
    assert isinstance(body, LookedBack)
    return [one.event_id for one in body.accesses]


def led_to(*names: str, event_id: str = "q", criteria: str = "q1", when: str = "14:00") -> Access:
    """A search in CLEAN whose criteria led to these people."""
    found, name = [f"person:{one}" for one in names], f"criteria:{criteria}"
    return make_access("jdoe12", "search", name, source="clean", event_id=event_id, candidates=found, when=when)


def test_a_look_back_from_a_search_seeks_whom_it_led_to() -> None:
    """Whoever is confirmed to have searched for somebody may have viewed and printed them before, and searched so."""
    earlier = [
        make_access(name="person:PA1", event_id="viewed", when="08:00"),
        make_access(name="person:PA1", action="print", event_id="printed", when="09:00"),
        led_to("PA1", event_id="searched", criteria="q2", when="10:00"),
        make_access(name="person:PA2", event_id="another", when="11:00"),
        led_to("PA2", event_id="for-another", criteria="q3", when="12:00"),
    ]
    search = make_finding("q", access=led_to("PA1"))
    assert earlier_than(search, *earlier) == ["viewed", "printed", "searched"]


def test_a_look_back_from_a_long_list_leaves_out_whom_nobody_was_looking_for() -> None:
    """The same criteria are sought, and a few namesakes; a hundred who bear the name are bystanders."""
    few, many = [f"n{n}" for n in range(3)], [f"n{n}" for n in range(4)]
    earlier = [
        led_to(*many, event_id="same", when="08:00"),
        make_access(name="person:n1", event_id="namesake", when="09:00"),
    ]
    assert earlier_than(make_finding("q", access=led_to(*few)), *earlier) == ["same", "namesake"]
    assert earlier_than(make_finding("q", access=led_to(*many)), *earlier) == ["same"]
