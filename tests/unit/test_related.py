"""Who is a stranger to a record: may be said too rarely, never once too often."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.fact import Fact
from streams.join import related
from streams.join.facts import Facts
from streams.join.knowledge import Knowledge
from streams.join.open import Partition
from streams.join.related import Related
from tests.harness import chance
from tests.harness.builders import (
    account,
    assignment,
    coverage,
    make_policy,
    membership,
    registered,
    supervision,
    unit_member,
)
from tests.harness.judging import judging, knowing, messages

CASE, MEMBER = "case/c0042", "person/p7"
OWN = assignment("w028", fact_id="o")
OF_UNIT = assignment(unit="u1", fact_id="u")
APPENDED = chance.START + chance.STEPS * chance.STEP
PARTITION = Partition("access.ecms.v1", 0)


def may(*facts: Fact, staff: str = "w028", record: str = CASE) -> bool:
    """Whether something may explain an access of this person to the record."""
    return knowing(facts).related.may_explain(staff, record)


def hear(knowledge: Knowledge, fact: Fact) -> None:
    """One more fact, after questions have been asked."""
    knowledge.hear(knowledge.position, registered(fact))


def test_whom_nothing_leads_to_the_record_is_a_stranger() -> None:
    """Unknown people and records, duties of others, duties to other records."""
    assert not may()
    assert not may(OWN, staff="w031")
    assert not may(OWN, account("jroe", "w031"), staff="w031")
    assert not may(OWN, record="case/c0099")
    assert not may(OWN, assignment("w031", "case:c0099"), staff="w031")
    assert not may(OWN, supervision("w028", "s03"), staff="s03")  # below, not above
    assert not may(OWN, coverage("w028", "w031"), staff="w031")  # is stood in for
    assert not may(OF_UNIT, unit_member("w028", "u2"))
    assert not may(assignment("w028", MEMBER.replace("/", ":")), membership("person:p7", "case:c0042"))  # not downwards


@pytest.mark.parametrize(
    ("staff", "facts"),
    [
        ("w028", (OWN,)),
        ("w028", (OF_UNIT, unit_member("w028", "u1"))),
        ("s03", (OWN, supervision("s03", "w028"))),
        ("s01", (OWN, supervision("s03", "w028"), supervision("s02", "s03"), supervision("s01", "s02"))),
        ("s03", (OF_UNIT, unit_member("w028", "u1"), supervision("s03", "w028"))),
        ("w031", (OWN, coverage("w031", "w028"))),
        ("w031", (OF_UNIT, unit_member("w028", "u1"), coverage("w031", "w028"))),
        ("w031", (OWN, supervision("s03", "w028"), coverage("w031", "s03"))),
        ("s03", (OWN, supervision("s03", "w031"), supervision("w031", "s03"), supervision("w031", "w028"))),
    ],
)
def test_every_way_to_a_record_is_one(staff: str, facts: tuple[Fact, ...]) -> None:
    """And to what is within it."""
    assert may(*facts, staff=staff)
    assert may(*facts, membership("person:p7", "case:c0042"), staff=staff, record=MEMBER)
    assert not may(*facts, membership("person:p7", "case:c0042"), staff="w999", record=MEMBER)


@pytest.mark.parametrize(
    ("staff", "fact", "others"),
    [
        ("w028", OWN, ()),
        ("w031", coverage("w031", "w028"), (OWN,)),
        ("s03", supervision("s03", "w028"), (OWN,)),
        ("w031", unit_member("w031", "u1"), (OF_UNIT,)),
    ],
)
def test_what_was_corrected_still_leads_there(staff: str, fact: Fact, others: tuple[Fact, ...]) -> None:
    """Void by now, ended, or somebody else's: it may have explained *then*, or come close."""
    gone = fact.model_copy(update={"revision": 2, "void": True})
    ended = fact.model_copy(update={"revision": 2, "valid_to": fact.valid_from + 1})
    for corrected in (gone, ended):
        assert may(*others, fact, corrected, staff=staff)
        assert may(*others, corrected, staff=staff)


def test_another_revision_of_the_same_fact_leads_there_too() -> None:
    """A near miss is told by the highest revision of a fact that bore the name in any."""
    moved = membership("person:p7", "case:c0099", fact_id="m", revision=1)
    back = membership("person:p8", "case:c0042", fact_id="m", revision=2)
    assert may(OWN, moved, back, record=MEMBER)
    assert not may(OWN, moved, record=MEMBER)


@pytest.mark.parametrize(
    ("staff", "fact"),
    [("s03", supervision("s03", "w028")), ("w031", coverage("w031", "w028")), ("w031", unit_member("w031", "u1"))],
)
def test_facts_between_people_count_at_once(staff: str, fact: Fact) -> None:
    """What was answered before is forgotten."""
    knowledge = knowing((OWN, OF_UNIT, account("x", staff)))
    assert not knowledge.related.may_explain(staff, CASE)
    hear(knowledge, fact)
    assert knowledge.related.may_explain(staff, CASE)


def test_duties_and_memberships_count_at_once() -> None:
    """They are looked at anew each time, also for somebody whom no fact named before."""
    knowledge = knowing((assignment("w031", fact_id="first"),))
    assert not knowledge.related.may_explain("w028", CASE)
    hear(knowledge, OWN)
    assert knowledge.related.may_explain("w028", CASE)
    assert not knowledge.related.may_explain("w028", MEMBER)
    hear(knowledge, membership("person:p7", "case:c0042"))
    assert knowledge.related.may_explain("w028", MEMBER)


@pytest.mark.parametrize("other", [coverage("w031", "w099"), supervision("w031", "w099"), unit_member("w031", "u9")])
def test_whom_an_earlier_revision_named_leads_there_too(other: Fact) -> None:
    """It was known *then*: the access is revoked, and not by a stranger."""
    named = {"coverage": coverage("w031", "w028"), "supervision": supervision("w031", "w028")}
    first = named.get(other.body.kind, unit_member("w031", "u1")).model_copy(update={"fact_id": "f"})
    second = other.model_copy(update={"fact_id": "f", "revision": 2})
    for facts in ((first, second), (second, first)):
        assert may(OWN, OF_UNIT, *facts, staff="w031")
    assert not may(OWN, OF_UNIT, second, staff="w031")


@pytest.mark.parametrize("first", [coverage("w031", "w099"), supervision("w031", "w099"), unit_member("w031", "u9")])
def test_a_revision_that_names_somebody_else_counts_at_once(first: Fact) -> None:
    """Not only the first of each fact."""
    knowledge = knowing((OWN, OF_UNIT, first))
    assert not knowledge.related.may_explain("w031", CASE)
    to = {"coverage": {"covered": "w028"}, "supervision": {"staff": "w028"}, "unit_member": {"unit": "u1"}}
    body = first.body.model_copy(update=to[first.body.kind])
    hear(knowledge, first.model_copy(update={"revision": 2, "body": body}))
    assert knowledge.related.may_explain("w031", CASE)


@pytest.mark.parametrize("covering", [False, True])
@pytest.mark.parametrize("duty", [(OWN,), (OF_UNIT, unit_member("w028", "u1"))])
def test_however_far_below_and_whoever_of_them(duty: tuple[Fact, ...], *, covering: bool) -> None:
    """A policy may count ten steps; each has a team of ten, and whoever has the record is the last of the last."""
    chiefs = [*(f"s{number}" for number in range(12)), "w028"]
    line = [supervision(upper, lower) for upper, lower in pairwise(chiefs)]
    teams = [supervision(chief, f"{chief}-{number}") for chief in chiefs[:-1] for number in range(9)]
    cover = [coverage("w031", "s0")] if covering else []
    assert may(*duty, *teams, *line, *cover, staff="w031" if covering else "s0")
    assert not may(*duty, *teams, *line, *cover, staff="s0-1")


def test_many_ways_to_the_same_people_are_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody of a level has led everybody of the next, over the years: a trillion ways through forty levels."""
    levels = [[f"l{depth}-{number}" for number in range(2)] for depth in range(40)]
    edges = [supervision(a, b) for upper, lower in pairwise(levels) for a in upper for b in lower]
    knowledge, asked = knowing((assignment("l39-1"), assignment("w999", "case:c0099"), *edges)), list[int]()
    others = Related._others

    def counted(self: Related, kind: int, name: int) -> Any:
        asked.append(name)
        assert len(asked) < 1_000
        return others(self, kind, name)

    monkeypatch.setattr(Related, "_others", counted)
    assert knowledge.related.may_explain("l0-0", CASE)
    assert not knowledge.related.may_explain("l0-0", "case/c0099")


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        ([supervision("s03", f"w{number}") for number in range(4)], 5),
        ([coverage("s03", f"w{number}") for number in range(4)], 5),
        ([unit_member("s03", f"u{number}") for number in range(4)], 5),
        ([supervision(f"w{number}", f"w{number + 1}") for number in range(4)] + [coverage("s03", "w0")], 6),
    ],
)
def test_whoever_has_too_many_names_is_never_a_stranger(
    monkeypatch: pytest.MonkeyPatch, facts: list[Fact], names: int
) -> None:
    """Their paths are walked; memory has a bound."""
    for most, is_stranger in ((names, True), (names - 1, False), (1, False)):
        monkeypatch.setattr(related, "RELATED_MAX", most)
        assert may(OWN, *facts, staff="s03") is not is_stranger


def test_no_more_of_too_many_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A director with a thousand below is asked about after each fact between people, and must not stop the judge."""
    monkeypatch.setattr(related, "RELATED_MAX", 10)
    team = [supervision("s03", f"w{number}") for number in range(1_000)]
    knowledge = knowing((assignment("w999"), *team))
    looked, is_single = list[int](), Facts.is_single
    monkeypatch.setattr(Facts, "is_single", lambda facts, number: looked.append(number) or is_single(facts, number))
    assert knowledge.related.may_explain("s03", CASE)
    assert len(looked) <= 11


def test_no_more_names_are_kept_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who come after them take their place; as many as there is room for are not asked again."""
    monkeypatch.setattr(related, "KEPT_MAX", 6)
    people = [f"w{number}" for number in range(9)]
    facts = knowing((OWN, *(unit_member(person, f"u-{person}") for person in people))).facts
    asked, kept = Related(facts), list[int]()
    for person in people:  # each has two names, and takes a place
        assert not asked.may_explain(person, CASE)
        kept.append(len(asked._kept))
    assert kept == [1, 2, 1, 2, 1, 2, 1, 2, 1]
    walked = asked._related
    monkeypatch.setattr(asked, "_related", lambda person: kept.append(person) or walked(person))
    assert not asked.may_explain(people[-1], CASE)
    assert len(kept) == 9  # it was known
    asked.forget()
    assert [asked.may_explain(person, CASE) for person in people[:2]] == [False] * 2
    assert len(asked._kept) == 2
    assert asked.may_explain("w028", CASE)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(0, 40), grace=st.sampled_from((0, 600, 3600)))
def test_it_changes_no_word_of_any_finding(seed: int, length: int, grace: int) -> None:
    """With every path walked for everybody, each finding is the same to the byte."""
    rng = Random(seed)
    log, marks = chance.log(rng, length), chance.marks(rng)
    said = messages(*(chance.access(rng, n) for n in range(12)), appended_at=APPENDED)
    told = []
    for is_walked in (False, True):
        judge = judging(*log, policy=make_policy(grace_seconds=grace), marks=marks)
        if is_walked:
            judge.knowledge.related.may_explain = lambda *_: True  # type: ignore[method-assign]
        told.append([encode(finding) for finding in judge.batch(PARTITION, "ecms", said).findings])
    assert told[0] == told[1]
