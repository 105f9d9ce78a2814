"""What the judge flags: doubt about the time, and a login of more than one person, and only where they matter."""

from __future__ import annotations

import pytest

from schemas.access import Action, Result
from schemas.fact import Fact
from schemas.finding import Flag, Outcome, Severity
from streams.join.question import question_of
from streams.policy.decide import decide, severity_of
from tests.harness.builders import account, assignment, make_access, make_policy
from tests.harness.judging import APPENDED, knowing
from tests.harness.verdicts import JDOE

OTHERS = assignment("w031")
LATE, VOID = "2026-01-06", assignment("w028", revision=2, void=True, recorded_at="2026-01-06")
FIRST_HALF = assignment("w028", fact_id="x1", valid_to="14:30")
SECOND_HALF = assignment("w028", fact_id="x2", valid_from="14:30")


def said(*facts: Fact, until: str | None = "15:00") -> tuple[Outcome, tuple[Flag, ...]]:
    """Of an access that happened at 14:00, or between then and `until`."""
    policy, access = make_policy(), make_access(until=until)
    verdict = decide(knowing(facts, policy.grace_ms), policy, question_of(access, APPENDED), access)
    return verdict.outcome, verdict.flags


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ((), "unexplained"),
        ((assignment("w028", recorded_at=LATE),), "late"),
        ((assignment("w028"), VOID), "revoked"),
        ((assignment("w028"),), "explained"),
        ((FIRST_HALF, SECOND_HALF), "explained"),
    ],
)
def test_what_is_so_at_each_instant_is_not_borderline(facts: tuple[Fact, ...], outcome: Outcome) -> None:
    """However long it may have taken."""
    assert said(JDOE, OTHERS, *facts) == (outcome, ())


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ((FIRST_HALF,), "unexplained"),
        ((SECOND_HALF,), "unexplained"),
        ((FIRST_HALF, assignment("w028", fact_id="x2", valid_from="14:30", recorded_at=LATE)), "late"),
        ((assignment("w028"), assignment("w028", revision=2, valid_to="14:30", recorded_at=LATE)), "revoked"),
    ],
)
def test_what_is_so_at_some_instants_is_borderline(facts: tuple[Fact, ...], outcome: Outcome) -> None:
    """Whether by what was known in time or by what is known now."""
    assert said(JDOE, OTHERS, *facts) == (outcome, ("borderline",))


def test_a_login_of_two_people_is_flagged_unless_each_of_them_is_explained() -> None:
    """Then it does not matter who of them it was."""
    both = JDOE, account("jdoe12", "w031")
    assert said(*both, OTHERS, until=None) == ("unresolved", ("shared-login",))
    assert said(*both, OTHERS, assignment("w028"), until=None) == ("explained", ())
    assert said(JDOE, OTHERS, until=None) == ("unexplained", ())
    assert said(OTHERS, until=None) == ("unresolved", ())


@pytest.mark.parametrize(
    ("action", "result", "is_borderline", "severity"),
    [
        ("disclose", "success", False, "critical"),
        ("disclose", "success", True, "medium"),
        ("disclose", "denied", False, "high"),
        ("disclose", "error", True, "medium"),
    ],
)
def test_an_attempt_weighs_a_step_less_and_doubt_about_the_time_at_most_medium(
    action: Action, result: Result, is_borderline: bool, severity: Severity
) -> None:
    """By the table of the policy."""
    assert severity_of(make_policy(), "unexplained", action, result, is_borderline) == severity
