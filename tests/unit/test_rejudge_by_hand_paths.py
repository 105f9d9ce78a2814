"""The brute-force judge by hand: membership, units, supervision, coverage, and imprecise times."""

from __future__ import annotations

import pytest

from schemas.fact import Fact
from tests.harness.builders import (
    account,
    assignment,
    coverage,
    make_access,
    make_policy,
    membership,
    supervision,
    unit_member,
)
from tests.harness.verdicts import JDOE, verdict


def outcome_of(*log: Fact, name: str = "case:c0042", when: str = "14:00", **policy: object) -> str:
    """What the judge says about w028 looking at `name` at 14:00."""
    access = make_access(name=name, when=when)
    return verdict(access, JDOE, *log, policy=make_policy(**policy)).outcome  # type: ignore[arg-type]


# --- membership


@pytest.mark.parametrize("name", ["person:p5", "intake:i5", "document:d5"])
def test_a_duty_towards_a_case_reaches_what_belongs_to_it(name: str) -> None:
    """People, intakes and documents of the case."""
    assert outcome_of(assignment("w028"), membership(name), name=name) == "explained"


def test_a_duty_towards_one_member_does_not_reach_the_case() -> None:
    """Membership is read in one direction."""
    assert outcome_of(assignment("w028", "person:p5"), membership("person:p5")) == "unexplained"


def test_a_duty_towards_one_member_does_not_reach_the_others() -> None:
    """Two people of one case are two records."""
    log = (assignment("w028", "person:p5"), membership("person:p5"), membership("person:p6"))
    assert outcome_of(*log, name="person:p5") == "explained"
    assert outcome_of(*log, name="person:p6") == "unexplained"


def test_membership_is_one_step() -> None:
    """A document of an intake of a case is not a document of the case."""
    log = (assignment("w028"), membership("document:d5", "intake:i5"), membership("intake:i5", "case:c0042"))
    assert outcome_of(*log, name="intake:i5") == "explained"
    assert outcome_of(*log, name="document:d5") == "unexplained"


def test_a_person_in_two_cases_is_reached_from_either() -> None:
    """One of the two is enough."""
    log = (
        assignment("w028", "case:c0043"),
        membership("person:p5", "case:c0042"),
        membership("person:p5", "case:c0043"),
    )
    assert outcome_of(*log, name="person:p5") == "explained"


def test_a_membership_has_its_own_interval() -> None:
    """The person left the case at noon."""
    log = (assignment("w028"), membership("person:p5", valid_to="12:00"))
    assert outcome_of(*log, name="person:p5", when="11:59:59.999") == "explained"
    assert outcome_of(*log, name="person:p5", when="12:00") == "unexplained"


def test_a_membership_written_down_late_makes_the_duty_late() -> None:
    """Every fact of a path must have been known then."""
    log = (assignment("w028"), membership("person:p5", recorded_at="18:00"))
    assert outcome_of(*log, name="person:p5") == "late"


def test_then_does_not_mix_with_now() -> None:
    """One half of the path known only then, the other only now: neither clock is satisfied."""
    log = (
        assignment("w028"),
        assignment("w028", revision=2, void=True, recorded_at="18:00"),
        membership("person:p5", recorded_at="19:00"),
    )
    assert outcome_of(*log, name="person:p5") == "unexplained"


# --- units


def test_a_units_duty_is_everybodys_in_it() -> None:
    """Also for what belongs to the case."""
    log = (assignment(unit="u02"), unit_member("w028", "u02"), membership("person:p5"))
    assert outcome_of(*log) == "explained"
    assert outcome_of(*log, name="person:p5") == "explained"


def test_another_units_duty_is_not() -> None:
    """Being in a unit is not being in that unit, and a unit is not a person of the same name."""
    assert outcome_of(assignment(unit="u02"), unit_member("w028", "u03")) == "unexplained"
    assert outcome_of(assignment(unit="w028")) == "unexplained"


def test_who_left_the_unit_lost_its_duties() -> None:
    """Unit membership has its own interval."""
    log = (assignment(unit="u02"), unit_member("w028", "u02", valid_to="14:00"))
    assert outcome_of(*log, when="13:59:59.999") == "explained"
    assert outcome_of(*log, when="14:00") == "unexplained"


# --- supervision


def test_supervision_reaches_as_deep_as_the_policy_says() -> None:
    """Three steps down the line, at depths 1 to 3."""
    line = (supervision("w028", "s1"), supervision("s1", "s2"), supervision("s2", "s3"))
    reached = {
        depth: [outcome_of(*line, assignment(who), depth=depth) for who in ("s1", "s2", "s3")] for depth in (1, 2, 3)
    }
    assert reached[1] == ["explained", "unexplained", "unexplained"]
    assert reached[2] == ["explained", "explained", "unexplained"]
    assert reached[3] == ["explained", "explained", "explained"]


def test_supervision_does_not_reach_upwards_or_sideways() -> None:
    """A worker is not cleared by a supervisor's or a colleague's duty."""
    line = (supervision("s1", "w028"), supervision("s1", "w031"))
    assert outcome_of(*line, assignment("s1")) == "unexplained"
    assert outcome_of(*line, assignment("w031")) == "unexplained"


def test_loops_of_supervision_end() -> None:
    """Two who supervise each other reach each other, and nobody reaches himself."""
    loop = (supervision("w028", "s1"), supervision("s1", "w028"), supervision("w028", "w028"))
    assert outcome_of(*loop, assignment("s1"), depth=10) == "explained"
    assert outcome_of(*loop, assignment("w028"), own=False, depth=10) == "unexplained"


def test_the_shortest_way_down_counts() -> None:
    """Three steps one way, two the other."""
    edges = [("w028", "s1"), ("s1", "s2"), ("s2", "s4"), ("w028", "s3"), ("s3", "s4")]
    assert outcome_of(*(supervision(a, b) for a, b in edges), assignment("s4"), depth=2) == "explained"


def test_a_supervisor_sees_what_a_unit_below_has() -> None:
    """has(m, r) includes the unit of m and what belongs to the case."""
    log = (supervision("w028", "s1"), unit_member("s1", "u02"), assignment(unit="u02"), membership("person:p5"))
    assert outcome_of(*log, name="person:p5") == "explained"


def test_a_supervisor_does_not_see_what_somebody_below_covers() -> None:
    """Standing in does not lift a duty up the line."""
    log = (supervision("w028", "s1"), coverage("s1", "w031"), assignment("w031"))
    assert outcome_of(*log) == "unexplained"


def test_supervision_has_its_own_interval() -> None:
    """The team changed hands at 14:00."""
    log = (supervision("w028", "s1", valid_from="14:00"), assignment("s1"))
    assert outcome_of(*log, when="13:59:59.999") == "unexplained"
    assert outcome_of(*log, when="14:00") == "explained"


# --- coverage


def test_who_stands_in_has_the_duty() -> None:
    """Covering clears, while it lasts."""
    log = (coverage("w028", "w031", valid_from="12:00", valid_to="14:00"), assignment("w031"))
    times = ("11:59:59.999", "12:00", "13:59:59.999", "14:00")
    assert [outcome_of(*log, when=t) for t in times] == ["unexplained", "explained", "explained", "unexplained"]


def test_coverage_is_one_way() -> None:
    """Being covered gives nothing."""
    assert outcome_of(coverage("w031", "w028"), assignment("w031")) == "unexplained"


def test_coverage_does_not_pass_on() -> None:
    """A stand-in of a stand-in."""
    assert outcome_of(coverage("w028", "w031"), coverage("w031", "w032"), assignment("w032")) == "unexplained"


def test_covering_oneself_clears_nothing() -> None:
    """c is not s."""
    assert outcome_of(coverage("w028", "w028"), assignment("w028"), own=False) == "unexplained"


def test_coverage_carries_the_line_when_the_policy_says_so() -> None:
    """Standing in for a supervisor, as deep as the policy lets a supervisor see."""
    log = (coverage("w028", "s1"), supervision("s1", "s2"), supervision("s2", "s3"))
    assert outcome_of(*log, assignment("s3")) == "explained"
    assert outcome_of(*log, assignment("s3"), depth=1) == "unexplained"
    assert outcome_of(*log, assignment("s2"), depth=1) == "explained"
    assert outcome_of(*log, assignment("s2"), carries_line=False) == "unexplained"
    assert outcome_of(*log, assignment("s1"), carries_line=False) == "explained"


def test_coverage_carries_the_line_also_where_supervision_itself_clears_nothing() -> None:
    """The line is a relation; only the path `supervises` is switched off."""
    log = (coverage("w028", "s1"), supervision("s1", "s2"), assignment("s2"))
    assert outcome_of(*log, supervises=False) == "explained"


def test_a_coverage_written_down_late_is_late() -> None:
    """The verbal stand-in that reached paper in the evening."""
    assert outcome_of(coverage("w028", "w031", recorded_at="19:00"), assignment("w031")) == "late"


def test_a_path_that_is_not_enabled_clears_nothing() -> None:
    """Each of the three, alone."""
    own = (assignment("w028"),)
    above = (supervision("w028", "s1"), assignment("s1"))
    beside = (coverage("w028", "w031"), assignment("w031"))
    assert [outcome_of(*log, own=False) for log in (own, above, beside)] == ["unexplained", "explained", "explained"]
    assert [outcome_of(*log, supervises=False) for log in (own, above, beside)] == [
        "explained",
        "unexplained",
        "explained",
    ]
    assert [outcome_of(*log, covers=False) for log in (own, above, beside)] == ["explained", "explained", "unexplained"]


# --- imprecise times: 14:00 to 15:00, both included


HOUR = make_access(when="14:00", until="15:00", source="ecms")


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "outcome", "flags"),
    [
        ("14:00", "15:00:00.001", "explained", ()),
        ("14:00", "15:00", "unexplained", ("borderline",)),
        ("14:00:00.001", None, "unexplained", ("borderline",)),
        ("14:20", "14:40", "unexplained", ("borderline",)),
        ("15:00", None, "unexplained", ("borderline",)),
        ("15:00:00.001", None, "unexplained", ()),
        ("12:00", "14:00", "unexplained", ()),
        ("12:00", "14:00:00.001", "unexplained", ("borderline",)),
    ],
)
def test_an_imprecise_time_is_asked_over_its_whole_interval(
    valid_from: str, valid_to: str | None, outcome: str, flags: tuple[str, ...]
) -> None:
    """Both ends count."""
    answer = verdict(HOUR, JDOE, assignment("w028", valid_from=valid_from, valid_to=valid_to))
    assert (answer.outcome, answer.flags, answer.staff) == (outcome, flags, "w028")


def test_two_duties_that_touch_cover_the_interval() -> None:
    """There is no instant between them; with a gap of a millisecond there is one."""
    early = assignment("w028", fact_id="early", valid_to="14:30")
    late = assignment("w028", fact_id="late", valid_from="14:30")
    gap = assignment("w028", fact_id="late", valid_from="14:30:00.001")
    assert verdict(HOUR, JDOE, early, late).outcome == "explained"
    assert verdict(HOUR, JDOE, early, gap).flags == ("borderline",)


def test_knowledge_counts_from_the_end_of_the_interval() -> None:
    """Recorded at 16:00 is within an hour of 15:00; a millisecond later is late, and not borderline."""
    in_time = assignment("w028", valid_from="12:00", recorded_at="16:00")
    too_late = assignment("w028", valid_from="12:00", recorded_at="16:00:00.001")
    assert verdict(HOUR, JDOE, in_time).outcome == "explained"
    answer = verdict(HOUR, JDOE, too_late)
    assert (answer.outcome, answer.flags) == ("late", ())


def test_late_over_all_of_it_is_borderline_when_part_was_known_then() -> None:
    """Then: explained to 14:30. Now: explained throughout."""
    known = assignment("w028", valid_to="14:30")
    longer = assignment("w028", revision=2, recorded_at="19:00")
    answer = verdict(HOUR, JDOE, known, longer)
    assert (answer.outcome, answer.flags) == ("late", ("borderline",))


def test_revoked_for_part_of_it_is_borderline() -> None:
    """Then: explained throughout. Now: explained to 14:30."""
    shorter = assignment("w028", revision=2, valid_to="14:30", recorded_at="19:00")
    answer = verdict(HOUR, JDOE, assignment("w028"), shorter)
    assert (answer.outcome, answer.flags) == ("revoked", ("borderline",))


def test_a_login_handed_on_within_the_interval_is_shared() -> None:
    """Two people over the interval, and only the first has the duty."""
    log = (account("jdoe12", "w028", valid_to="14:30"), account("jdoe12", "w031", valid_from="14:30"))
    answer = verdict(HOUR, *log, assignment("w028"))
    assert (answer.outcome, answer.staff, answer.flags) == ("unresolved", None, ("borderline", "shared-login"))
    assert verdict(HOUR, *log, assignment("w028"), assignment("w031")).outcome == "explained"
    assert verdict(HOUR, *log, assignment("w077")).flags == ("shared-login",)


def test_a_login_nobody_had_for_part_of_the_interval_is_borderline() -> None:
    """Somebody at some instant: the one person, explained only while they had it."""
    answer = verdict(HOUR, account("jdoe12", "w028", valid_from="14:30"), assignment("w028"))
    assert (answer.outcome, answer.staff, answer.flags) == ("unexplained", "w028", ("borderline",))


def test_a_login_nobody_had_at_any_instant_is_unresolved() -> None:
    """It begins right after the interval."""
    answer = verdict(HOUR, account("jdoe12", "w028", valid_from="15:00:00.001"), assignment("w028"))
    assert (answer.outcome, answer.staff, answer.flags) == ("unresolved", None, ())


def test_different_paths_may_clear_different_parts() -> None:
    """Own duty to 14:30, standing in from then on."""
    log = (assignment("w028", valid_to="14:30"), coverage("w028", "w031", valid_from="14:30"), assignment("w031"))
    assert verdict(HOUR, JDOE, *log).outcome == "explained"


def test_an_interval_is_the_same_whenever_it_was_stored() -> None:
    """Or two appends would ask two questions under one id. One dated ahead, or without end, ends when it was stored."""
    ended = assignment("w028", valid_to="14:45")
    assert verdict(HOUR, JDOE, ended, appended_at="14:30") == verdict(HOUR, JDOE, ended, appended_at="15:30")
    assert verdict(HOUR, JDOE, ended, appended_at="15:30").flags == ("borderline",)
    assert verdict(HOUR, JDOE, ended, appended_at="13:30").outcome == "explained"
    endless = make_access(when="14:00", until="2026-02-01")
    assert verdict(endless, JDOE, ended, appended_at="14:30").outcome == "explained"
    assert verdict(endless, JDOE, ended, appended_at="14:50").flags == ("borderline",)


def test_a_fact_of_other_people_does_not_split_the_answer() -> None:
    """Boundaries of unrelated facts change nothing."""
    noise = assignment("w031", "case:c0099", valid_from="14:10", valid_to="14:20")
    assert verdict(HOUR, JDOE, noise, assignment("w028")).outcome == "explained"
