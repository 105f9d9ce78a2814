"""Which accesses a fact asks to be judged again: the table of design section 7, by hand."""

from __future__ import annotations

import pytest

from schemas.fact import Fact
from schemas.topics import CONSOLE
from streams.join.rows import FOR_EVER
from streams.join.touched import Query, earliest_since, touched, touched_since
from tests.harness.builders import (
    account,
    assignment,
    at,
    coverage,
    membership,
    registered,
    review,
    supervision,
    unit_member,
)
from tests.harness.judging import knowing

ALL = Query(None, None)
FROM, TO = at("09:00"), at("17:00")


def asked(fact: Fact, *before: Fact, depth: int = 2, known_from: str | None = None) -> set[Query]:
    """What learning this fact after those asks for."""
    found = asked_for_said(fact, *before, depth=depth, known_from=known_from)
    return {query._replace(is_about_said=False) for query in found}


def asked_for_said(fact: Fact, *before: Fact, depth: int = 2, known_from: str | None = None) -> list[Query]:
    """The same, with whether only what has been said is asked for."""
    knowledge = knowing(before)
    _, change = knowledge.learn(len(before), registered(fact, known_from=known_from))
    assert change is not None
    return touched(knowledge, *change, depth)


def asked_for_late(*facts: Fact) -> list[Query]:
    """What each touches, asked when all have been learned."""
    knowledge = knowing(())
    changes = [
        change for n, fact in enumerate(facts) if (change := knowledge.learn(n, registered(fact))[1]) is not None
    ]
    return [query for change in changes for query in touched(knowledge, *change, 2)]


def query(records: str | None, logins: str | None, start: int = FROM, end: int = TO) -> Query:
    """Names separated by commas."""
    named = [None if names is None else frozenset(filter(None, names.split(","))) for names in (records, logins)]
    return Query(named[0], named[1], start, end)


def naming(*records: str) -> Query:
    """Named now and not before: unresolved or not, whenever."""
    return ALL._replace(records=frozenset(records))


def day(fact: Fact, **changes: object) -> Fact:
    """The same, from nine to five unless it says otherwise."""
    return fact.model_copy(update={"valid_from": FROM, "valid_to": TO, **changes})


LOGINS = (
    account("la", "w1", fact_id="a1"),
    account("lb", "w2", fact_id="a2"),
    account("lc", "w3", fact_id="a3"),
    account("ld", "w4", fact_id="a4"),
)
LINE = (
    supervision("w2", "w1", fact_id="s1"),
    supervision("w3", "w2", fact_id="s2"),
    coverage("w4", "w3", fact_id="c1"),
)
NAMED = (assignment("w9", fact_id="x9"), assignment("w9", "case:c0099", fact_id="x8"))


@pytest.mark.parametrize(
    ("fact", "wanted"),
    [
        (assignment("w1"), query("case/c0042", "ecms la,ecms lb,ecms lc,ecms ld")),
        (assignment("w2"), query("case/c0042", "ecms lb,ecms lc,ecms ld")),
        (assignment("w4"), query("case/c0042", "ecms ld")),
        (assignment(None, unit="u5"), query("case/c0042", None)),
        (membership("person:p7"), query("person/p7", None)),
        (unit_member("w2", "u5"), query(None, "ecms lb,ecms lc,ecms ld")),
        (supervision("w2", "w9"), query(None, "ecms lb,ecms lc,ecms ld")),
        (supervision("w1", "w9"), query(None, "ecms la,ecms lb")),
        (coverage("w1", "w2"), query(None, "ecms la")),
        (account("le", "w1"), query(None, "ecms le")),
    ],
)
def test_a_fact_asks_for_whom_it_may_explain(fact: Fact, wanted: Query) -> None:
    """The line above within the policy's depth, and whoever stands in for any of them."""
    found = {q for q in asked(day(fact), *LOGINS, *LINE, *NAMED) if q.start == FROM}
    assert found == {wanted}


def test_an_alert_asks_for_looks_of_its_holder_at_its_record_at_the_console() -> None:
    """By the logins there, whatever they are called elsewhere; what is within the record is not asked for, nor anybody
    above. It names no record, so that nothing is unresolved or not for it."""
    logins = (*LOGINS, account("le", "w1", source=CONSOLE), account("lf", "w2", source=CONSOLE))
    found = asked(day(review("w1", "case:c0077")), *logins, *LINE, membership("person:p7", "case:c0077"))
    assert found == {query("case/c0077", "console le")}


def test_an_alert_given_back_asks_for_what_came_after() -> None:
    """The same interval rules as of every fact: the symmetric difference where it says the same."""
    taken, login = review("w1", valid_from=FROM), account("le", "w1", source=CONSOLE)
    given_back = review("w1", valid_from=FROM, valid_to=TO, revision=2)
    assert asked(given_back, login, taken) == {query("case/c0042", "console le", TO, FOR_EVER)}
    void = given_back.model_copy(update={"void": True, "valid_to": None})
    assert asked(void, login, taken) == {query("case/c0042", "console le", FROM, FOR_EVER)}


def test_an_alert_that_is_taken_takes_no_explanation_away() -> None:
    """So only of what something was said is asked; once it is revised, of everything."""
    login = account("le", "w1", source=CONSOLE)
    assert [query.is_about_said for query in asked_for_said(review("w1"), login)] == [True]
    assert [q.is_about_said for q in asked_for_said(review("w1", revision=2, void=True), login, review("w1"))] == [
        False
    ]


def test_depth_is_the_policys() -> None:
    """With a depth of 1 the second line up is not asked for."""
    found = asked(day(assignment("w1")), *LOGINS, *LINE, *NAMED, depth=1)
    assert found == {query("case/c0042", "ecms la,ecms lb")}


def test_an_assignment_asks_for_all_that_was_ever_within_its_record() -> None:
    """Also for a member that has left the case: its accesses from before may be asked about."""
    known = (
        membership("person:p7", fact_id="m1"),
        membership("person:p7", "case:c0099", fact_id="m1", revision=2),
        membership("intake:i8", fact_id="m2"),
        membership("person:p9", "case:c0099", fact_id="m3"),
    )
    [found] = asked(day(assignment("w1")), *LOGINS[:1], *NAMED, *known)
    assert found == query("case/c0042,person/p7,intake/i8", "ecms la")


def test_a_longer_duty_asks_for_what_it_adds_only() -> None:
    """And a shorter one for what it takes away."""
    first = day(assignment("w1", fact_id="x7"))
    longer = day(assignment("w1", fact_id="x7", revision=2), valid_to=at("19:00"))
    shorter = day(assignment("w1", fact_id="x7", revision=2), valid_from=at("11:00"))
    assert asked(longer, *LOGINS, *NAMED, first) == {query("case/c0042", "ecms la", TO, at("19:00"))}
    assert asked(shorter, *LOGINS, *NAMED, first) == {query("case/c0042", "ecms la", FROM, at("11:00"))}


def test_a_duty_that_moves_in_time_asks_for_both_spans_when_they_do_not_meet() -> None:
    """The instants between are the same before and after."""
    first = day(assignment("w1", fact_id="x7"), valid_to=at("10:00"))
    later = day(assignment("w1", fact_id="x7", revision=2), valid_from=at("15:00"))
    spans = {(q.start, q.end) for q in asked(later, *LOGINS, *NAMED, first)}
    assert spans == {(FROM, at("10:00")), (at("15:00"), TO)}


def test_a_duty_that_moves_to_another_asks_for_both() -> None:
    """It may take the first one's explanation away."""
    first = day(assignment("w1", fact_id="x7"))
    moved = day(assignment("w2", "case:c0099", fact_id="x7", revision=2))
    wanted = {query("case/c0042", "ecms la"), query("case/c0099", "ecms lb")}
    assert asked(moved, *LOGINS, *NAMED, first) == wanted


@pytest.mark.parametrize("is_void", [True, False])
def test_a_void_fact_and_its_restoring_ask_for_the_whole_span(is_void: bool) -> None:
    """Void is nowhere."""
    first = day(assignment("w1", fact_id="x7"), void=not is_void)
    then = day(assignment("w1", fact_id="x7", revision=2), void=is_void)
    assert asked(then, *LOGINS, *NAMED, first) == {query("case/c0042", "ecms la")}


def test_a_lower_revision_that_comes_late_asks_for_what_only_then_knew() -> None:
    """Known before the higher one, it was all that was known for a while: its whole span."""
    second = day(assignment("w1", fact_id="x7", revision=2, recorded_at="12:00"))
    first = day(assignment("w1", fact_id="x7", recorded_at="08:00"))
    assert asked(first, *LOGINS, *NAMED, second) == {query("case/c0042", "ecms la")}


def test_a_revision_known_before_all_lower_ones_asks_for_its_whole_span() -> None:
    """Until the lower one was known, nothing was."""
    first = day(assignment("w1", fact_id="x7", recorded_at="12:00"))
    second = day(assignment("w1", fact_id="x7", revision=2, recorded_at="08:00"))
    assert asked(second, *LOGINS, *NAMED, first) == {query("case/c0042", "ecms la")}


def test_the_same_again_in_a_higher_revision_asks_for_nothing() -> None:
    """Nothing that judging asks about is different."""
    first = day(assignment("w1", fact_id="x7", recorded_at="08:00"))
    second = day(assignment("w1", fact_id="x7", revision=2, recorded_at="12:00"))
    assert asked(second, *LOGINS, *NAMED, first) == set()


@pytest.mark.parametrize(("known", "wanted"), [("09:00", set()), ("07:00", {query("case/c0042", "ecms la")})])
def test_what_any_lower_revision_had_said_before_is_asked_for_when_it_was_known_earlier_only(
    known: str, wanted: set[Query]
) -> None:
    """Between the two that say the same; or before both, when nothing was known then."""
    first, second, third = (day(assignment("w1", fact_id="x7", revision=revision)) for revision in (1, 2, 3))
    knowledge = knowing(LOGINS + NAMED)
    for fact, known_from in ((first, "08:00"), (second, "10:00")):
        knowledge.learn(len(knowledge.facts), registered(fact, known_from=known_from))
    _, change = knowledge.learn(len(knowledge.facts) + 1, registered(third, known_from=known))
    assert change is not None
    assert {found._replace(is_about_said=False) for found in touched(knowledge, *change, 2)} == wanted


def test_a_duty_of_no_time_asks_for_nothing() -> None:
    """It begins and ends at once."""
    assert asked(day(assignment("w1"), valid_to=FROM), *LOGINS, *NAMED, assignment("w1", fact_id="x1")) == set()


def test_a_record_named_for_the_first_time_is_asked_for_at_any_instant() -> None:
    """Accesses to it were unresolved, whenever the fact holds; the colleague it names was a record already."""
    wanted = {query("case/c0042", "ecms la"), naming("case/c0042")}
    assert asked(day(assignment("w1")), *LOGINS) == wanted


def test_the_last_fact_that_names_a_record_makes_it_unresolved_again() -> None:
    """Void, or about another record."""
    first = assignment("w1", fact_id="x7")
    void = assignment("w1", fact_id="x7", revision=2, void=True)
    moved = assignment("w1", "case:c0099", fact_id="x7", revision=2)
    assert naming("case/c0042") in asked(void, *LOGINS, first)
    assert naming("case/c0042", "case/c0099") in asked(moved, *LOGINS, first)


def test_a_lower_revision_names_nothing_now() -> None:
    """Records are named by what is known now."""
    second = day(assignment("w1", "case:c0099", fact_id="x7", revision=2))
    late = day(assignment("w1", "case:c0042", fact_id="x7"))
    assert all(q.start == FROM for q in asked(late, *LOGINS, second))


FIRST = assignment("w1", fact_id="x7")


@pytest.mark.parametrize(
    ("fact", "before", "is_about_said"),
    [
        (FIRST, (), True),
        (coverage("w1", "w2"), (), True),
        (account("le", "w1"), (), False),
        (assignment("w1", fact_id="x7", revision=2, valid_to="2026-02-01"), (FIRST,), False),
        (assignment("w1", fact_id="x7", revision=2, void=True), (FIRST,), False),
        (FIRST, (assignment("w1", fact_id="x7", revision=2),), False),
    ],
)
def test_one_more_duty_takes_no_explanation_away(fact: Fact, before: tuple[Fact, ...], is_about_said: bool) -> None:
    """What was explained need not be asked; a second revision, or another's login, may take something away."""
    found = asked_for_said(fact, *LOGINS, *NAMED, *before)
    assert [query.is_about_said for query in found if query.end > TO] == [is_about_said]


def test_a_record_that_was_named_by_nobody_is_asked_about_where_something_was_said() -> None:
    """It was unresolved, and is not any more; what was explained stays so."""
    found = asked_for_said(day(assignment("w2", "case:c0001")), *LOGINS)
    assert naming("case/c0001")._replace(is_about_said=True) in found
    assert naming("case/c0001") not in found


def test_whoever_was_away_asks_for_all_that_the_facts_since_ever_said() -> None:
    """Each span of each revision, whichever was known before; and records that nothing named before them."""
    shorter = day(assignment("w1", fact_id="x7", revision=2), valid_to=at("11:00"))
    log = [*LOGINS, *NAMED, day(FIRST), shorter, day(assignment("w2", "case:c0001", fact_id="x6"))]
    position = len(LOGINS) + len(NAMED) + 1
    assert set(touched_since(knowing(log), position, 2)) == {
        query("case/c0042", "ecms la"),
        query("case/c0042", "ecms la", FROM, at("11:00")),
        query("case/c0001", "ecms lb")._replace(is_about_said=True),
        naming("case/c0001")._replace(is_about_said=True),
    }
    assert list(touched_since(knowing(log), len(log), 2)) == []


def test_what_was_explained_is_asked_about_from_the_earliest_change_on() -> None:
    """One more duty changes nothing of it."""
    shorter = day(assignment("w1", fact_id="x7", revision=2), valid_to=at("11:00"))
    log = [*LOGINS, day(FIRST), shorter, assignment("w2", "case:c0001", fact_id="x6", valid_from="2020-01-01")]
    assert earliest_since(knowing(log), len(LOGINS) + 1) == FROM
    assert earliest_since(knowing(log), len(LOGINS) + 2) is None


@pytest.mark.parametrize(
    "facts",
    [
        (day(assignment("w2")), day(assignment("w2", revision=2, void=True))),
        (day(assignment("w2", revision=2, void=True)), day(assignment("w2"))),
        (day(assignment("w2")), day(assignment("w2", fact_id="other"))),
        (day(assignment("w2")), day(assignment("w2", revision=2, role="support")), day(assignment("w2", revision=3))),
    ],
)
def test_in_a_storm_a_record_is_asked_for_that_one_fact_names_and_the_next_hides(facts: tuple[Fact, ...]) -> None:
    """Named for a moment, or first by one fact and then by another: unresolved before, and perhaps not now."""
    named = {name for query in asked_for_late(*facts) if query.logins is None for name in query.records or ()}
    assert named == {"case/c0042", "staff/w2"}
