"""The columns of facts at their edges: chains, tops, what is kept as it was made, and who is the same fact."""

from __future__ import annotations

from schemas.fact import Fact
from streams.join.facts import _MADE_MAX, Facts, History
from streams.join.names import NONE
from streams.join.rows import NUMBER_OF, row_of
from tests.harness.builders import account, assignment, at, registered, supervision


def columns(*facts: Fact) -> Facts:
    """All of these, heard one after the other."""
    made = Facts()
    for fact in facts:
        made.add(row_of(registered(fact)))
    return made


def test_a_revision_says_who_wrote_it_down_if_anybody_did() -> None:
    """The first person there is, another, and nobody."""
    facts = columns(
        assignment("s03"), assignment("w031", recorded_by="w028"), assignment("w033", recorded_by=None, fact_id="x")
    )
    assert [facts.made(row).recorded_by for row in range(3)] == ["s03", "w028", None]


def test_what_was_made_is_made_once_and_no_more_is_kept_than_has_room() -> None:
    """Whoever asks again gets the same; a million facts that are asked for once do not stay."""
    facts = columns(*(assignment(f"w{n}") for n in range(_MADE_MAX + 10)))
    first = facts.made(0)
    assert facts.made(1) is facts.made(1)
    assert facts.made(0) is first
    for row in range(_MADE_MAX + 10):
        facts.made(row)
        assert len(facts._made) <= _MADE_MAX
    assert facts.made(0) == first


def test_the_top_is_the_highest_revision_whenever_it_came() -> None:
    """And the latest the one heard last."""
    facts = columns(*(assignment("w028", revision=revision) for revision in (2, 5, 3)))
    assert (facts.tops[0], facts.latest[0], facts.rows(0)) == (1, 2, [0, 2, 1])
    assert facts.row_as_of(0, None) == 1
    assert facts.row_as_of(0, 0) == NONE


def test_a_revision_counts_from_when_it_was_known_to_the_millisecond() -> None:
    """Of two known by then the higher one."""
    facts = columns(assignment("w028", recorded_at="10:00"), assignment("w028", revision=2, recorded_at="12:00"))
    asked = [at("10:00") - 1, at("10:00"), at("12:00") - 1, at("12:00")]
    assert [facts.row_as_of(0, known_by) for known_by in asked] == [NONE, 0, 0, 1]


def test_facts_are_found_by_each_name_and_each_once() -> None:
    """In the order in which they were heard; also by the first name there was, and by one that no fact has."""
    facts = columns(
        supervision("s03", "w028"),
        supervision("s03", "w031"),
        account("s03", "w031"),
        supervision("s03", "w033", fact_id="su-s03-w028", revision=2),
    )
    assert facts.bearing("supervision", 0, "s03") == [0, 1]
    assert facts.bearing("supervision", 1, "w028") == facts.bearing("supervision", 1, "w033") == [0]
    assert facts.bearing("account", 1, "w031") == [2]
    assert facts.bearing("account", 1, "w033") == facts.bearing("coverage", 0, "s03") == []
    assert facts.bearing("supervision", 0, "nobody") == []
    last = facts.people["w099"]
    assert facts.bearing("supervision", 0, "w099") == []
    kind = NUMBER_OF["supervision"]
    assert list(facts.chain(kind, 0, facts.people["s03"])) == [3, 1, 0]
    assert list(facts.chain(kind, 1, last)) == []


def test_asking_by_number_takes_no_more_room_than_there_are_names() -> None:
    """However often."""
    facts = columns(supervision("s03", "w028"))
    for name in ("a", "b", "c"):
        facts.people[name]
        for _ in range(3):
            assert len(facts.newest(NUMBER_OF["supervision"], 0)) == len(facts.people.all)


def test_a_fact_is_the_same_as_itself_only() -> None:
    """Not as one of the same number elsewhere, nor as anything else."""
    facts, others = columns(assignment("w028"), assignment("w031")), columns(assignment("w028"))
    assert History(facts, 0) == History(facts, 0)
    assert History(facts, 0) != History(facts, 1)
    assert History(facts, 0) != History(others, 0)
    assert History(facts, 0) != 0
    assert len({History(facts, 0), History(facts, 0), History(facts, 1)}) == 2
