"""What `facts.v1` has said up to a position: revisions in any order, what is known when."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from schemas.fact import Fact, Waiver
from streams.join import knowledge as knowledge_module
from streams.join.facts import History, Revision
from streams.join.knowledge import Knowledge, Learned, knowing, names
from streams.join.names import NONE
from streams.join.rows import FOR_EVER, row_of
from streams.join.view import View
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


def told(*facts: Fact) -> Knowledge:
    """Knowledge of these facts, at offsets 0, 1, 2, …"""
    knowledge = Knowledge()
    for offset, fact in enumerate(facts):
        knowledge.learn(offset, registered(fact))
    return knowledge


def history_of(knowledge: Knowledge, feed: str, fact_id: str) -> History:
    """The one history of this name."""
    number, is_new = knowledge.facts.ids.number(feed, fact_id)
    assert not is_new
    return History(knowledge.facts, number)


def as_of(history: History, known_by: int | None) -> Revision | None:
    """The highest revision known by then."""
    row = history._facts.row_as_of(history.number, known_by)
    return None if row == NONE else history._facts.made(row)


def everything(knowledge: Knowledge) -> list[History]:
    """All facts."""
    return [History(knowledge.facts, number) for number in range(len(knowledge.facts))]


def revisions(history: History) -> list[int]:
    """The numbers of all revisions, in the order they are kept."""
    return [r.revision for r in history.all()]


# --- the position


def test_the_position_is_the_next_offset_whatever_was_said() -> None:
    """A fact, a waiver, a repeat, a conflict and a message that says nothing all move it."""
    knowledge = Knowledge()
    seen = [knowledge.position]
    knowledge.learn(6, registered(assignment("w028")))
    seen.append(knowledge.position)
    knowledge.waive(7, Waiver(feed="cases", through=at("12:00")))
    seen.append(knowledge.position)
    knowledge.skip(8)
    seen.append(knowledge.position)
    knowledge.learn(11, registered(assignment("w028")))
    seen.append(knowledge.position)
    knowledge.learn(12, registered(assignment("w028", role="support")))
    seen.append(knowledge.position)
    assert seen == [0, 7, 8, 9, 12, 13]


@pytest.mark.parametrize("order", [("12:00", "13:00"), ("13:00", "12:00")])
def test_the_highest_waiver_of_a_feed_counts(order: tuple[str, str]) -> None:
    """Whichever comes first; other feeds are not waived."""
    knowledge = Knowledge()
    for offset, through in enumerate(order):
        knowledge.waive(offset, Waiver(feed="cases", through=at(through)))
    assert knowledge.waivers == {"cases": at("13:00")}


# --- revisions, repeats, conflicts


def test_what_says_nothing_counts_as_read() -> None:
    """What stands there is not ours; the position is behind it all the same."""
    assert knowing([registered(assignment("w028")), None], 0).position == 2


def test_the_same_fact_told_twice_is_a_repeat_whenever_it_was_stamped() -> None:
    """`known_from` is register's stamp and not content; the first stamp stands."""
    knowledge = Knowledge()
    assert knowledge.learn(0, registered(assignment("w028")))[0] is Learned.NEW
    again = knowledge.learn(1, registered(assignment("w028"), known_from="2026-01-04"))
    assert again == (Learned.REPEAT, None)
    assert history_of(knowledge, "assignments", "as-w028-case-c0042").top.known_from == at("2026-01-02")


@pytest.mark.parametrize(
    "other",
    [
        assignment("w028", role="support"),
        assignment("w028", valid_from="2026-01-02"),
        assignment("w028", valid_to="2026-01-09"),
        assignment("w028", void=True),
        assignment("w031", fact_id="as-w028-case-c0042"),
        assignment("w028", recorded_at="2026-01-01"),
        assignment("w028", recorded_by="w028"),
    ],
    ids=["body", "valid_from", "valid_to", "void", "staff", "recorded_at", "recorded_by"],
)
def test_a_revision_with_other_content_is_a_conflict_and_changes_nothing(other: Fact) -> None:
    """The first in the log stands."""
    knowledge = told(assignment("w028"))
    before = history_of(knowledge, "assignments", "as-w028-case-c0042").top
    assert knowledge.learn(1, registered(other)) == (Learned.CONFLICT, None)
    assert history_of(knowledge, "assignments", "as-w028-case-c0042").all() == [before]


def test_a_fact_never_changes_its_kind() -> None:
    """A higher revision of another kind is a conflict too."""
    knowledge = told(coverage("w028", "w031", fact_id="x7"))
    learned = knowledge.learn(1, registered(supervision("w028", "w031", fact_id="x7", revision=2)))
    assert learned == (Learned.CONFLICT, None)
    assert not knowledge.below("s03")
    assert revisions(history_of(knowledge, "staff", "x7")) == [1]


def test_feeds_name_their_facts_without_asking_each_other() -> None:
    """The same fact_id from two feeds is two facts."""
    knowledge = told(assignment("w028", fact_id="x7"), membership("person:p7", fact_id="x7"))
    assert [(h.feed, h.fact_id) for h in everything(knowledge)] == [("assignments", "x7"), ("cases", "x7")]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1), (3, 2, 1)])
def test_revisions_are_kept_in_order_however_they_come(order: tuple[int, int, int]) -> None:
    """The highest is what is known now; each is new once."""
    knowledge = Knowledge()
    learned = [
        knowledge.learn(n, registered(assignment("w028", revision=r, recorded_at=f"0{r}:00")))[0]
        for n, r in enumerate(order)
    ]
    history = history_of(knowledge, "assignments", "as-w028-case-c0042")
    assert learned == [Learned.NEW] * 3
    assert revisions(history) == [1, 2, 3]
    assert (history.top.revision, history.top.known_from) == (3, at("03:00"))


# --- what is known when


def three_revisions() -> History:
    """Revision 1 known at 09:00, 2 at 11:00, 3 (void) already at 10:00."""
    knowledge = told(
        assignment("w028", revision=1, recorded_at="09:00"),
        assignment("w028", revision=3, recorded_at="10:00", void=True),
        assignment("w028", revision=2, recorded_at="11:00"),
    )
    return history_of(knowledge, "assignments", "as-w028-case-c0042")


@pytest.mark.parametrize(
    ("known_by", "revision"),
    [(at("09:00") - 1, None), (at("09:00"), 1), (at("10:00") - 1, 1), (at("10:00"), 3), (at("23:00"), 3), (None, 3)],
)
def test_the_highest_revision_known_by_then_counts_also_a_void_one(known_by: int | None, revision: int | None) -> None:
    """Known to the millisecond; a higher revision hides a lower one that came later."""
    found = as_of(three_revisions(), known_by)
    assert (None if found is None else found.revision) == revision


def test_a_late_top_revision_leaves_the_one_before_to_then() -> None:
    """What was known by noon is the first revision, although there is a second."""
    knowledge = told(
        assignment("w028", recorded_at="09:00"), assignment("w028", revision=2, recorded_at="15:00", void=True)
    )
    history = history_of(knowledge, "assignments", "as-w028-case-c0042")
    noon = as_of(history, at("12:00"))
    assert noon is not None
    assert (noon.revision, noon.is_void) == (1, False)


def test_a_fact_with_one_revision_is_unknown_before_it_was_known() -> None:
    """Also when there is nothing else to look through."""
    history = history_of(told(assignment("w028", recorded_at="09:00")), "assignments", "as-w028-case-c0042")
    assert as_of(history, at("09:00") - 1) is None
    assert as_of(history, at("09:00")) == history.top


@pytest.mark.parametrize(
    ("instant", "holds"),
    [(at("09:00") - 1, False), (at("09:00"), True), (at("17:00") - 1, True), (at("17:00"), False)],
)
def test_a_fact_holds_from_its_beginning_up_to_its_end(instant: int, holds: bool) -> None:
    """Half-open, to the millisecond."""
    knowledge = told(assignment("w028", valid_from="09:00", valid_to="17:00"))
    history = history_of(knowledge, "assignments", "as-w028-case-c0042")
    assert [u.history for u in View(knowledge).holding([history], instant)] == [history] * holds


def test_a_void_fact_holds_never() -> None:
    """It was entered in error: the fact is absent."""
    knowledge = told(assignment("w028", void=True))
    history = history_of(knowledge, "assignments", "as-w028-case-c0042")
    assert list(View(knowledge).holding([history], at("12:00"))) == []


def test_an_open_fact_holds_for_ever() -> None:
    """null `valid_to` is later than any instant."""
    assert row_of(registered(assignment("w028"))).valid_to == FOR_EVER


@pytest.mark.parametrize(
    ("asked", "changes_at"),
    [("08:00", "09:00"), ("09:00", "17:00"), ("16:59:59.999", "17:00")],
)
def test_a_view_remembers_when_its_answer_changes(asked: str, changes_at: str) -> None:
    """The next beginning or end among what it was asked about."""
    knowledge = told(assignment("w028", valid_from="09:00", valid_to="17:00"), assignment("w031", valid_to="22:00"))
    view = View(knowledge)
    list(view.holding(everything(knowledge), at(asked)))
    assert view.changes_at == at(changes_at)


def test_a_view_knows_of_no_change_after_the_last_end() -> None:
    """What is over, void, or begins and ends at one instant changes no answer."""
    knowledge = told(
        assignment("w028", valid_from="09:00", valid_to="17:00"),
        assignment("w031", valid_from="19:00", valid_to="19:00"),
        assignment("w033", valid_from="20:00", void=True),
    )
    view = View(knowledge)
    assert list(view.holding(everything(knowledge), at("18:00"))) == []
    assert view.changes_at == FOR_EVER


def test_a_view_of_then_does_not_hear_what_was_known_later() -> None:
    """Neither as holding nor as a change to come."""
    knowledge = told(assignment("w028", valid_from="09:00", valid_to="17:00", recorded_at="15:00"))
    view = View(knowledge, at("14:59:59.999"))
    assert list(view.holding(everything(knowledge), at("12:00"))) == []
    assert view.changes_at == FOR_EVER


# --- where a fact is looked up

EVERYBODY = ("case/c0042", "person/p7", "staff/w028", "staff/s03", "staff/w031", "staff/u5")
LookUp = Callable[[Knowledge], Sequence[History]]


@pytest.mark.parametrize(
    ("fact", "look_up"),
    [
        (assignment("w028"), lambda k: k.assigned("case/c0042", "w028")[0]),
        (assignment(unit="u5"), lambda k: k.assigned("case/c0042", "nobody")[1]),
        (membership("person:p7"), lambda k: k.memberships("person/p7")),
        (membership("person:p7"), lambda k: k.members("case/c0042")),
        (unit_member("w028", "u5"), lambda k: k.units("w028")),
        (review("w028"), lambda k: k.reviews("case/c0042")),
        (supervision("s03", "w028"), lambda k: k.below("s03")),
        (coverage("w031", "w028"), lambda k: k.stands_in("w031")),
        (account("jdoe12", "w028"), lambda k: k.accounts("ecms jdoe12")),
    ],
)
def test_each_kind_of_fact_is_found_where_judging_looks(fact: Fact, look_up: LookUp) -> None:
    """One look-up, once, however often it was revised without a change of body."""
    knowledge = told(fact, fact.model_copy(update={"revision": 2, "valid_to": at("2026-01-09")}))
    assert [h.fact_id for h in look_up(knowledge)] == [fact.fact_id]


def test_what_was_asked_before_is_found_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are kept until somebody's place changes, and only so many of them."""
    monkeypatch.setattr(knowledge_module, "BORNE_MAX", 2)
    knowledge, held = told(supervision("s03", "w028")), []
    for upper, lower in (("s03", 1), ("s04", 0), ("s05", 0), ("s03", 1)):
        assert len(knowledge.below(upper)) == lower
        held.append(len(knowledge._borne))
    assert held == [1, 2, 1, 2]
    knowledge.learn(1, registered(assignment("w031")))
    assert len(knowledge.below("s03")) == 1
    knowledge.learn(2, registered(supervision("s03", "w031")))
    assert [history.top.body for history in knowledge.below("s03")] == [
        supervision("s03", "w028").body,
        supervision("s03", "w031").body,
    ]


def test_who_named_a_record_is_remembered_of_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a storm about one person all newer rows are in doubt: whoever was found to name it is asked first."""
    monkeypatch.setattr(knowledge_module, "BORNE_MAX", 2)
    knowledge = told(*(assignment("w028", f"case:c{n}") for n in range(3)))
    held = []
    for n in (0, 1, 2, 9):
        assert knowledge.is_named(f"case/c{n}") == (n < 3)
        held.append(len(knowledge._witnesses))
    assert held == [1, 2, 1, 1]
    monkeypatch.setattr(knowledge, "_naming", lambda side, name: iter(()))
    assert knowledge.is_named("case/c2")
    assert not knowledge.is_named("case/c1")


def test_a_duty_passed_on_is_found_under_both() -> None:
    """Whoever had it may be asked about then, whoever has it now about now; back again is not found twice."""
    knowledge = told(
        assignment("w028", fact_id="x7"),
        assignment("w031", fact_id="x7", revision=2),
        assignment("w028", fact_id="x7", revision=3),
    )
    both = knowledge.assigned("case/c0042", "w028")[0], knowledge.assigned("case/c0042", "w031")[0]
    assert [[h.fact_id for h in found] for found in both] == [["x7"], ["x7"]]


@pytest.mark.parametrize(
    ("fact", "named"),
    [
        (assignment("w028"), {"case/c0042", "staff/w028"}),
        (assignment(unit="u5"), {"case/c0042"}),
        (membership("person:p7"), {"person/p7", "case/c0042"}),
        (unit_member("w028", "u5"), {"staff/w028"}),
        (review("w028"), set()),
        (supervision("s03", "w028"), {"staff/s03", "staff/w028"}),
        (coverage("w031", "w028"), {"staff/w031", "staff/w028"}),
        (account("jdoe12", "w028"), {"staff/w028"}),
    ],
)
def test_facts_name_records_and_colleagues(fact: Fact, named: set[str]) -> None:
    """Somebody may look a colleague up; a unit is no record."""
    assert names(fact.body) == named
    knowledge = told(fact)
    assert {key for key in EVERYBODY if knowledge.is_named(key)} == named


def test_whoever_named_it_last_time_may_do_so_no_more() -> None:
    """What was found once is remembered, and asked again whether it still holds."""
    knowledge = knowing([registered(assignment("w028", fact_id=fact_id)) for fact_id in ("a", "b")], 0)
    assert knowledge.is_named("case/c0042")
    for fact_id in ("b", "a"):
        assert knowledge.is_named("case/c0042")
        knowledge.learn(knowledge.position, registered(assignment("w028", fact_id=fact_id, revision=2, void=True)))
    assert not knowledge.is_named("case/c0042")
    knowledge.learn(knowledge.position, registered(assignment("w028", fact_id="a", revision=3)))
    assert knowledge.is_named("case/c0042")
    assert not knowledge.is_named("case/c0042", before=4)  # the row of that revision


def test_what_was_heard_from_a_row_on_names_nobody_before_it() -> None:
    """Neither a fact that was new there, nor one of which a revision was."""
    knowledge = told(assignment("w028", fact_id="a"), assignment("w031", "case:c0099", fact_id="b"))
    named = ["case/c0042", "case/c0099"]
    assert [[knowledge.is_named(name, before=row) for name in named] for row in range(3)] == [
        [False, False],
        [True, False],
        [True, True],
    ]
    knowledge.learn(2, registered(assignment("w028", fact_id="a", revision=2)))
    assert [knowledge.is_named(name, before=2) for name in named] == [False, True]


def test_nobody_is_named_by_facts_that_there_are_not() -> None:
    """A plain no, also of a name that only an access has."""
    knowledge = Knowledge()
    knowledge.learn(0, registered(assignment("w028")))
    knowledge.facts.records["case/c0099"]
    assert [knowledge.is_named(name) for name in ("case/c0042", "case/c0099", "case/c0001")] == [True, False, False]


def test_a_revision_says_what_its_fact_says() -> None:
    """Each field in its place."""
    fact = assignment("w028", revision=4, valid_from="09:00", valid_to="17:00", recorded_at="10:00", void=True)
    knowledge = Knowledge()
    knowledge.learn(0, registered(fact, known_from="11:00"))
    assert everything(knowledge)[0].top == Revision(
        revision=4,
        valid_from=at("09:00"),
        valid_to=at("17:00"),
        known_from=at("11:00"),
        is_void=True,
        body=fact.body,
        recorded_at=fact.recorded_at,
        recorded_by=fact.recorded_by,
    )
