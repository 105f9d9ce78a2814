"""The two relations that every path is made of, where facts were corrected: what is no longer said counts no more."""

from __future__ import annotations

import pytest

from schemas.fact import Fact
from streams.join.view import View
from streams.policy.reach import has, line
from tests.harness.builders import assignment, at, membership, supervision, unit_member
from tests.harness.judging import knowing

CASE, NOON = "case/c0042", at("12:00")
WITHIN = membership("person:p7", "case:c0042", fact_id="m")
OF_UNIT = assignment(unit="u1", fact_id="a")
MEMBER = unit_member("w028", "u1", fact_id="n")
LED = supervision("s03", "w028", fact_id="s")


def ids(*facts: Fact, staff: str = "w028", record: str = CASE) -> list[str] | None:
    """The facts by which this person has it."""
    grounds = has(View(knowing(facts)), staff, record, NOON)
    return None if grounds is None else [used.history.fact_id for used in grounds]


def led(*facts: Fact, staff: str = "s03", depth: int = 2) -> list[str] | None:
    """The facts by which somebody below this person has it."""
    grounds = line(View(knowing(facts)), staff, CASE, NOON, depth)
    return None if grounds is None else [used.history.fact_id for used in grounds]


def test_each_way_to_have_it_names_its_facts() -> None:
    """From the person to the record."""
    own = assignment("w028", fact_id="o")
    assert ids(own) == ["o"]
    assert ids(own, WITHIN, record="person/p7") == ["o", "m"]
    assert ids(OF_UNIT, MEMBER) == ["n", "a"]
    assert ids(OF_UNIT, MEMBER, WITHIN, record="person/p7") == ["n", "a", "m"]
    assert led(own, LED) == ["s", "o"]
    assert led(own, LED, supervision("s02", "s03", fact_id="t"), staff="s02") == ["t", "s", "o"]
    assert led(own, LED, supervision("s02", "s03", fact_id="t"), staff="s02", depth=1) is None
    assert led(own, staff="w028") is None  # oneself is nobody below


@pytest.mark.parametrize(
    "after",
    [
        assignment("w031", fact_id="o", revision=2),
        assignment("w028", "case:c0099", fact_id="o", revision=2),
        assignment(unit="w028", fact_id="o", revision=2),
    ],
)
def test_a_duty_that_was_corrected_to_another_is_not_had(after: Fact) -> None:
    """Another person, another record, a unit, also one that is called like the person."""
    own = assignment("w028", fact_id="o")
    assert ids(own) == ["o"]
    assert ids(own, after) is None


@pytest.mark.parametrize(
    "after",
    [
        membership("person:p8", "case:c0042", fact_id="m", revision=2),
        membership("person:p7", "case:c0099", fact_id="m", revision=2),
        membership("person:p7", "case:c0042", fact_id="m", revision=2, void=True),
    ],
)
def test_a_membership_that_was_corrected_leads_nowhere(after: Fact) -> None:
    """It is of another person, or within another case."""
    own = assignment("w028", fact_id="o")
    assert ids(own, WITHIN, record="person/p7") == ["o", "m"]
    assert ids(own, WITHIN, after, record="person/p7") is None


@pytest.mark.parametrize(
    "after",
    [
        assignment(unit="u2", fact_id="a", revision=2),
        assignment(unit="u1", name="case:c0099", fact_id="a", revision=2),
        assignment("w031", fact_id="a", revision=2),
        unit_member("w031", "u1", fact_id="n", revision=2),
        unit_member("w028", "u2", fact_id="n", revision=2),
    ],
)
def test_what_a_unit_has_no_longer_its_member_has_not(after: Fact) -> None:
    """Another unit, another record, a person; and somebody who left the unit."""
    assert ids(OF_UNIT, MEMBER) == ["n", "a"]
    assert ids(OF_UNIT, MEMBER, after) is None


@pytest.mark.parametrize("after", [supervision("s04", "w028", fact_id="s", revision=2),
                                   supervision("s03", "w031", fact_id="s", revision=2)])  # fmt: skip
def test_a_line_that_was_corrected_is_another_line(after: Fact) -> None:
    """Another supervisor, or another of the staff."""
    own = assignment("w028", fact_id="o")
    assert led(own, LED) == ["s", "o"]
    assert led(own, LED, after) is None


def test_a_line_ends_where_it_began() -> None:
    """Supervision may go in a circle."""
    back = supervision("w028", "s03", fact_id="b")
    assert led(LED, back, assignment("s03", fact_id="o")) is None
    assert led(LED, back, assignment("w028", fact_id="o"), depth=5) == ["s", "o"]
