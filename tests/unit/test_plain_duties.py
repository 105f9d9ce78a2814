"""Duties in the shape in which most accesses ask for them: what stands there, and that it stays as small as that."""

from __future__ import annotations

from schemas.fact import Fact
from streams.join.bodies import plain_key
from streams.join.knowledge import Knowledge
from streams.join.moments import AFTER_ALL, moment_of
from streams.join.plain import WIDTH
from tests.harness.builders import account, assignment, at, registered

GRACE = 3_600_000
SINCE = "2026-01-01"


def known(*facts: Fact, grace: int = GRACE) -> Knowledge:
    """After these, one after the other."""
    knowledge = Knowledge(grace)
    for offset, fact in enumerate(facts):
        knowledge.learn(offset, registered(fact))
    return knowledge


def duties(knowledge: Knowledge, record: str = "case/c0042") -> list[tuple[str, int, int]]:
    """Who has the record from when to when; newest first, without those that never hold."""
    plain, facts = knowledge.plain, knowledge.facts
    found, place = [], plain.first()[facts.records[plain_key(record)]]
    while place:
        staff, begin, end, place = plain.duties[place : place + WIDTH]
        if begin < end:
            found.append((facts.people.all[staff], begin, end))
    return found


def test_a_duty_counts_from_when_it_began_and_was_known_less_the_grace() -> None:
    """Whichever is later; up to its end."""
    early = assignment("w028", valid_to="14:30", recorded_at="2026-01-01")
    late = assignment("w031", valid_from="08:00", recorded_at="12:00")
    knowledge = known(early, late)
    assert duties(knowledge) == [
        ("w031", moment_of(at("11:00")), AFTER_ALL),
        ("w028", moment_of(at(SINCE)), moment_of(at("14:30"))),
    ]
    assert duties(known(late, grace=0)) == [("w031", moment_of(at("12:00")), AFTER_ALL)]


def test_without_a_grace_there_is_none() -> None:
    """What is not said is nothing."""
    knowledge = Knowledge()
    knowledge.learn(0, registered(assignment("w028", recorded_at="12:00")))
    assert duties(knowledge) == [("w028", moment_of(at("12:00")), AFTER_ALL)]
    assert Knowledge().position == 0


def test_only_the_highest_revision_counts() -> None:
    """Whenever it comes; a void one takes it away, and a unit's is nobody's own."""
    first = assignment("w028", fact_id="x", recorded_at="10:00")
    passed_on = assignment("w031", fact_id="x", revision=3, recorded_at="12:00")
    between = assignment("w033", fact_id="x", revision=2, recorded_at="12:00")
    assert [who for who, _, _ in duties(known(first, passed_on, between))] == ["w031"]
    void = assignment("w031", fact_id="x", revision=4, recorded_at="13:00", void=True)
    assert duties(known(first, passed_on, void)) == []
    unit = assignment(unit="w028", fact_id="x", revision=5, recorded_at="13:00")
    assert duties(known(first, passed_on, unit)) == []
    assert duties(known(unit)) == []


def test_a_login_is_plain_while_it_has_one_account() -> None:
    """Not while two facts speak of it, nor once the only one is void, or is of another login."""
    one = account("jdoe12", "w028", fact_id="a", valid_from="08:00", valid_to="18:00")
    knowledge = known(one)
    [(number, staff, begin, end)] = knowledge.plain.logins["ecms"].values()
    assert (knowledge.facts.people.all[number], knowledge.facts.people.all[staff]) == ("ecms jdoe12", "w028")
    assert (begin, end) == (moment_of(at("08:00")), moment_of(at("18:00")))
    assert known(one, account("jdoe12", "w031", fact_id="b")).plain.logins["ecms"] == {}
    void = account("jdoe12", "w028", fact_id="a", revision=2, void=True)
    assert known(one, void).plain.logins["ecms"] == {}
    renamed = known(one, account("jd", "w028", fact_id="a", revision=2))
    assert list(renamed.plain.logins["ecms"]) == ["jd"]
    assert known(void, account("jdoe12", "w028", fact_id="c")).plain.logins == {}


def test_it_grows_with_the_records_and_not_with_the_questions() -> None:
    """Each record has one place."""
    knowledge = known(assignment("w028"), assignment("w028", "case:c0043"))
    for _ in range(3):
        assert len(knowledge.plain.first()) == len(knowledge.facts.records.all) == 2
    knowledge.facts.records["looked up"]
    assert len(knowledge.plain.first()) == 3
    assert len(knowledge.plain.duties) == 3 * WIDTH
