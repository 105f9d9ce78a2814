"""The brute-force judge on cases worked out by hand: outcomes, the two clocks, revisions, logins, what facts name."""

from __future__ import annotations

import pytest

from tests.harness.builders import (
    account,
    assignment,
    at,
    coverage,
    make_access,
    make_policy,
    membership,
    registered,
    supervision,
    unit_member,
)
from tests.harness.verdicts import JDOE, verdict

NO_GRACE = make_policy(grace_seconds=0)
MINE = assignment("w028")  # the record and the person of make_access
FROM_NOON = assignment("w028", valid_from="12:00", recorded_at="12:30")


# --- the table of design section 5


def test_a_recorded_duty_explains() -> None:
    """Duty then and duty now: nothing to find."""
    answer = verdict(make_access(), JDOE, MINE)
    assert (answer.outcome, answer.staff, answer.certainty, answer.flags) == ("explained", "w028", None, ())


def test_a_duty_written_down_afterwards_is_late() -> None:
    """No duty was known then, one is now."""
    answer = verdict(make_access(when="14:00"), JDOE, assignment("w028", valid_from="12:00", recorded_at="16:00"))
    assert (answer.outcome, answer.staff, answer.certainty) == ("late", "w028", "final")


def test_a_duty_voided_afterwards_is_revoked() -> None:
    """A duty was known then, and was said to be an error two hours later."""
    void = assignment("w028", revision=2, void=True, recorded_at="16:00")
    assert verdict(make_access(when="14:00"), JDOE, MINE, void).outcome == "revoked"


def test_nobodys_duty_is_unexplained() -> None:
    """The record is known and belongs to somebody else."""
    answer = verdict(make_access(), JDOE, assignment("w031"))
    assert (answer.outcome, answer.staff, answer.certainty) == ("unexplained", "w028", "final")


def test_an_unknown_login_is_unresolved() -> None:
    """The record has a worker, but nobody knows who the login is."""
    answer = verdict(make_access("ghost7"), JDOE, MINE)
    assert (answer.outcome, answer.staff, answer.flags) == ("unresolved", None, ())


def test_a_record_that_no_fact_names_is_unresolved() -> None:
    """A question about data first, although the person is known."""
    answer = verdict(make_access(name="case:c9999"), JDOE, MINE)
    assert (answer.outcome, answer.staff) == ("unresolved", "w028")


# --- the two clocks


@pytest.mark.parametrize(
    ("grace", "recorded", "outcome"),
    [
        (3600, "15:00:00.000", "explained"),
        (3600, "15:00:00.001", "late"),
        (0, "14:00:00.000", "explained"),
        (0, "14:00:00.001", "late"),
        (60, "14:01:00.000", "explained"),
        (60, "14:01:00.001", "late"),
    ],
)
def test_grace_ends_to_the_millisecond(grace: int, recorded: str, outcome: str) -> None:
    """Known at t + grace still counts as known then; a millisecond later does not."""
    fact = assignment("w028", valid_from="12:00", recorded_at=recorded)
    answer = verdict(make_access(when="14:00"), JDOE, fact, policy=make_policy(grace_seconds=grace))
    assert answer.outcome == outcome


@pytest.mark.parametrize(
    ("when", "outcome"),
    [
        ("13:59:59.999", "unexplained"),
        ("14:00:00.000", "explained"),
        ("14:59:59.999", "explained"),
        ("15:00:00.000", "unexplained"),
    ],
)
def test_a_duty_holds_from_its_first_instant_to_before_its_last(when: str, outcome: str) -> None:
    """valid_from is within, valid_to is not."""
    fact = assignment("w028", valid_from="14:00", valid_to="15:00")
    assert verdict(make_access(when=when), JDOE, fact).outcome == outcome


def test_a_duty_of_no_length_explains_nothing() -> None:
    """valid_from = valid_to holds nowhere."""
    fact = assignment("w028", valid_from="14:00", valid_to="14:00")
    assert verdict(make_access(when="14:00"), JDOE, fact).outcome == "unexplained"


def test_a_duty_recorded_beforehand_waits_until_it_begins() -> None:
    """Being known is not being in force."""
    fact = assignment("w028", valid_from="15:00", recorded_at="2026-01-02")
    assert verdict(make_access(when="14:00"), JDOE, fact).outcome == "unexplained"


def test_a_fact_that_broke_its_feeds_mark_is_late() -> None:
    """known_from decides, not recorded_at: a feed cannot date knowledge back."""
    fact = registered(assignment("w028", recorded_at="13:00"), known_from="15:30:00.001")
    assert verdict(make_access(when="14:00"), JDOE, fact).outcome == "late"


def test_a_fact_of_a_clock_that_is_ahead_counts_from_when_it_was_stored() -> None:
    """known_from decides, not recorded_at (ADR 18): stored at 13:00 by a feed that says 18:00."""
    fact = registered(assignment("w028", recorded_at="18:00"), known_from="13:00")
    assert verdict(make_access(when="14:00"), JDOE, fact).outcome == "explained"


def test_a_duty_withdrawn_within_the_grace_was_never_known() -> None:
    """Both clocks see the void: an accusation, not a review."""
    void = assignment("w028", revision=2, void=True, recorded_at="14:30")
    assert verdict(make_access(when="14:00"), JDOE, MINE, void, assignment("w031")).outcome == "unexplained"


# --- revisions


def test_an_end_dated_back_revokes() -> None:
    """The correction shortens the duty to before the access."""
    ended = assignment("w028", revision=2, valid_to="13:00", recorded_at="18:00")
    assert verdict(make_access(when="14:00"), JDOE, MINE, ended).outcome == "revoked"


def test_a_correction_moves_the_duty_to_another_person() -> None:
    """Who held it on the record is revoked, who turns out to have held it is late."""
    log = (
        JDOE,
        account("asmith3", "w031"),
        assignment("w028", fact_id="as-7"),
        assignment("w031", fact_id="as-7", revision=2, recorded_at="16:00"),
    )
    assert verdict(make_access("jdoe12", when="14:00"), *log).outcome == "revoked"
    assert verdict(make_access("asmith3", when="14:00"), *log).outcome == "late"
    assert verdict(make_access("jdoe12", when="15:30"), *log).outcome == "unexplained"
    assert verdict(make_access("asmith3", when="15:30"), *log).outcome == "explained"


def test_the_highest_revision_stands_in_whatever_order() -> None:
    """Revision 2 arrives after revision 3 and changes nothing now."""
    first = assignment("w031", fact_id="as-7")
    second = assignment("w032", fact_id="as-7", revision=2, recorded_at="09:00")
    third = assignment("w028", fact_id="as-7", revision=3, recorded_at="10:00")
    for log in ((first, second, third), (third, second, first), (second, third, first)):
        assert verdict(make_access(), JDOE, *log).outcome == "explained"


def test_then_is_the_highest_revision_known_then() -> None:
    """Between two corrections the middle one was the knowledge of the day."""
    log = (
        JDOE,
        assignment("w028", fact_id="as-7", revision=3, recorded_at="18:00"),
        assignment("w031", fact_id="as-7", revision=2, recorded_at="12:00"),
        assignment("w028", fact_id="as-7", revision=1, recorded_at="08:00"),
    )
    assert verdict(make_access(when="09:00"), *log).outcome == "explained"
    assert verdict(make_access(when="14:00"), *log).outcome == "late"


def test_a_lower_revision_does_not_bring_a_void_fact_back() -> None:
    """Revision 1 arrives after the void of revision 2."""
    void = assignment("w028", revision=2, void=True, recorded_at="2026-01-03")
    assert verdict(make_access(), JDOE, void, MINE, assignment("w031")).outcome == "unexplained"


def test_a_higher_revision_brings_a_void_fact_back_late() -> None:
    """Voided in time, restored too late."""
    void = assignment("w028", revision=2, void=True, recorded_at="09:00")
    again = assignment("w028", revision=3, recorded_at="18:00")
    assert verdict(make_access(when="14:00"), JDOE, MINE, void, again).outcome == "late"


def test_the_first_content_of_a_revision_stands() -> None:
    """The same revision with other content is a conflict and counts for nothing."""
    other = assignment("w031", fact_id="as-7")
    mine = assignment("w028", fact_id="as-7")
    assert verdict(make_access(), JDOE, other, mine).outcome == "unexplained"
    assert verdict(make_access(), JDOE, mine, other).outcome == "explained"


def test_a_repeat_does_not_change_when_a_fact_was_known() -> None:
    """The same fact registered again, later, is no news; the first place in the log stands."""
    repeat = registered(MINE, known_from="20:00")
    assert verdict(make_access(), JDOE, MINE, repeat).outcome == "explained"
    assert verdict(make_access(), JDOE, repeat, MINE).outcome == "late"


def test_the_first_message_fixes_the_kind() -> None:
    """A fact that becomes another kind is a conflict, whatever its revision."""
    first = registered(coverage("w040", "w041", fact_id="x-1"), feed="staff")
    other = registered(account("jdoe12", "w028", fact_id="x-1", revision=2), feed="staff")
    assert verdict(make_access(), first, other, MINE).outcome == "unresolved"
    assert verdict(make_access(), other, first, MINE).outcome == "explained"


def test_two_feeds_may_use_the_same_fact_id() -> None:
    """A fact is (feed, fact_id)."""
    mine = assignment("w028", fact_id="x-1")
    person = account("jdoe12", "w028", fact_id="x-1", revision=2)
    assert verdict(make_access(), mine, person).outcome == "explained"


# --- the position


def test_only_facts_below_the_position_are_known() -> None:
    """The same log read to three places."""
    log = (JDOE, assignment("w031"), MINE)
    outcomes = [verdict(make_access(), *log, position=p).outcome for p in range(4)]
    assert outcomes == ["unresolved", "unresolved", "unexplained", "explained"]


def test_a_correction_beyond_the_position_is_not_known() -> None:
    """The void at offset 2 is seen from position 3 on."""
    void = assignment("w028", revision=2, void=True, recorded_at="16:00")
    log = (JDOE, MINE, void)
    assert verdict(make_access(), *log, position=2).outcome == "explained"
    assert verdict(make_access(), *log, position=3).outcome == "revoked"


@pytest.mark.parametrize("position", [-1, 3])
def test_a_position_outside_the_log_is_refused(position: int) -> None:
    """A log read too short must not look like a department without facts."""
    with pytest.raises(ValueError, match="position"):
        verdict(make_access(), JDOE, MINE, position=position)


# --- logins


def test_a_late_login_does_not_flood() -> None:
    """Who a login is counts as known now, for both questions."""
    assert verdict(make_access(), account("jdoe12", "w028", recorded_at="20:00"), MINE).outcome == "explained"


def test_a_login_is_of_one_source() -> None:
    """The same letters at another system are somebody else, or nobody."""
    log = (account("jdoe12", "w031", source="irss"), account("jdoe12", "w028", source="ecms"), MINE)
    assert verdict(make_access(source="ecms"), *log).staff == "w028"
    assert verdict(make_access(source="irss"), *log).staff == "w031"
    assert verdict(make_access(source="clean"), *log).staff is None


def test_logins_are_compared_as_they_are() -> None:
    """No folding of case."""
    assert verdict(make_access("JDOE12"), JDOE, MINE).outcome == "unresolved"


@pytest.mark.parametrize(("when", "staff"), [("11:59:59.999", "w028"), ("12:00:00.000", "w031")])
def test_a_login_handed_on_is_one_person_at_a_time(when: str, staff: str) -> None:
    """Two accounts that touch at noon do not overlap."""
    log = (account("temp01", "w028", valid_to="12:00"), account("temp01", "w031", valid_from="12:00"), MINE)
    answer = verdict(make_access("temp01", when=when), *log)
    assert (answer.staff, answer.flags) == (staff, ())


def test_a_void_account_is_nobody() -> None:
    """A login entered in error resolves to nobody, also for then."""
    void = account("jdoe12", "w028", revision=2, void=True, recorded_at="20:00")
    assert verdict(make_access(), JDOE, void, MINE).outcome == "unresolved"


@pytest.mark.parametrize("holder", ["w028", "w031"])
def test_a_login_shared_by_two_is_unresolved(holder: str) -> None:
    """Only one of the two has the duty, whichever, so we cannot say who did it."""
    log = (account("DOEJANE0", "w028"), account("DOEJANE0", "w031"), assignment(holder))
    answer = verdict(make_access("DOEJANE0"), *log)
    assert (answer.outcome, answer.staff, answer.flags) == ("unresolved", None, ("shared-login",))


def test_a_shared_login_is_explained_when_both_have_the_duty() -> None:
    """Whoever it was, it was their work."""
    log = (account("DOEJANE0", "w028"), account("DOEJANE0", "w031"), MINE, assignment("w031"))
    answer = verdict(make_access("DOEJANE0"), *log)
    assert (answer.outcome, answer.staff, answer.flags) == ("explained", None, ())


def test_a_shared_login_is_never_late_or_revoked() -> None:
    """One of the two duties came late: still nobody in particular."""
    late = assignment("w031", recorded_at="20:00")
    log = (account("DOEJANE0", "w028"), account("DOEJANE0", "w031"), MINE, late)
    assert verdict(make_access("DOEJANE0"), *log).outcome == "unresolved"


def test_the_same_person_twice_is_not_a_shared_login() -> None:
    """Two accounts for one login and one person."""
    answer = verdict(make_access(), JDOE, account("jdoe12", "w028", fact_id="again"), assignment("w031"))
    assert (answer.outcome, answer.staff, answer.flags) == ("unexplained", "w028", ())


# --- candidates


def test_a_search_is_explained_by_any_candidate() -> None:
    """One of the people found is a client."""
    access = make_access(action="search", name="criteria:q-77", candidates=["person:p1", "person:p2"])
    assert verdict(access, JDOE, assignment("w028", "person:p2")).outcome == "explained"


def test_a_search_with_strangers_only_is_unexplained() -> None:
    """A candidate that is named is enough to ask the person, not the data."""
    access = make_access(action="search", name="criteria:q-77", candidates=["person:p1", "person:p2"])
    assert verdict(access, JDOE, assignment("w031", "person:p1")).outcome == "unexplained"


def test_a_search_that_hit_nothing_is_unresolved() -> None:
    """Criteria are named by no fact."""
    assert verdict(make_access(action="search", name="criteria:q-77"), JDOE, MINE).outcome == "unresolved"


def test_two_people_behind_a_login_may_be_cleared_by_different_candidates() -> None:
    """Each of them has a duty towards one of the people found."""
    access = make_access("DOEJANE0", name="criteria:q-77", candidates=["person:p1", "person:p2"])
    log = (
        account("DOEJANE0", "w028"),
        account("DOEJANE0", "w031"),
        assignment("w028", "person:p1"),
        assignment("w031", "person:p2"),
    )
    assert verdict(access, *log).outcome == "explained"


# --- what facts name


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("person:p5", "unexplained"), ("case:c0007", "unexplained"), ("document:p5", "unresolved")],
)
def test_either_side_of_a_membership_is_named(name: str, outcome: str) -> None:
    """A record is its kind and its id."""
    assert verdict(make_access(name=name), JDOE, membership("person:p5", "case:c0007")).outcome == outcome


@pytest.mark.parametrize(
    "fact",
    [
        account("bmoor4", "w017"),
        supervision("w017", "w050"),
        supervision("w050", "w017"),
        coverage("w017", "w050"),
        coverage("w050", "w017"),
        unit_member("w017", "u02"),
        assignment("w017", "case:c0009"),
    ],
    ids=lambda fact: fact.fact_id,
)
def test_looking_up_a_colleague_is_about_a_person(fact: object) -> None:
    """A staff record is named by any fact that speaks of that colleague."""
    assert verdict(make_access(name="staff:w017"), JDOE, fact).outcome == "unexplained"  # type: ignore[arg-type]


def test_a_login_or_unit_does_not_name_a_staff_record() -> None:
    """Only the person's own id does."""
    log = (JDOE, unit_member("w050", "u02"), assignment(unit="u03"))
    assert verdict(make_access(name="staff:jdoe12"), *log).outcome == "unresolved"
    assert verdict(make_access(name="staff:u02"), *log).outcome == "unresolved"
    assert verdict(make_access(name="staff:u03"), *log).outcome == "unresolved"


def test_a_staff_id_does_not_name_another_kind_of_record() -> None:
    """A case that happens to have a colleague's id is unknown."""
    assert verdict(make_access(name="case:w017"), JDOE, supervision("w050", "w017")).outcome == "unresolved"


def test_a_void_fact_names_nothing() -> None:
    """What was entered in error may have been a typing error in the record."""
    void = assignment("w031", revision=2, void=True, recorded_at="20:00")
    assert verdict(make_access(), JDOE, assignment("w031"), void).outcome == "unresolved"


def test_a_corrected_fact_no_longer_names_the_old_record() -> None:
    """Only the highest revision speaks."""
    wrong = assignment("w031", "case:c0042", fact_id="as-7")
    right = assignment("w031", "case:c0043", fact_id="as-7", revision=2)
    assert verdict(make_access(), JDOE, wrong, right).outcome == "unresolved"


def test_a_fact_that_is_over_or_late_still_names() -> None:
    """Whenever valid, whenever known."""
    over = assignment("w031", valid_to="2026-01-02")
    late = assignment("w031", valid_from="2026-02-01", recorded_at="2026-02-01")
    assert verdict(make_access(), JDOE, over).outcome == "unexplained"
    assert verdict(make_access(), JDOE, late).outcome == "unexplained"


def test_a_fact_beyond_the_position_names_nothing() -> None:
    """Not known is not known."""
    assert verdict(make_access(), JDOE, assignment("w031"), position=1).outcome == "unresolved"


def test_a_late_duty_is_late_and_not_unresolved_although_nothing_was_named_then() -> None:
    """The question whether a record is named is asked only when neither clock explains."""
    fact = assignment("w028", recorded_at="20:00")
    assert verdict(make_access(when="14:00"), JDOE, fact, policy=NO_GRACE).outcome == "late"


def test_a_duty_revoked_by_void_stays_revoked_although_nothing_names_the_record_now() -> None:
    """The same on the other side."""
    void = assignment("w028", revision=2, void=True, recorded_at="20:00")
    assert verdict(make_access(when="14:00"), JDOE, MINE, void, policy=NO_GRACE).outcome == "revoked"


# --- the clock of the source


@pytest.mark.parametrize(
    ("when", "flags"), [("14:05:00.000", ()), ("14:05:00.001", ("clock-ahead",)), ("13:00:00.000", ())]
)
def test_a_source_more_than_five_minutes_ahead_is_flagged(when: str, flags: tuple[str, ...]) -> None:
    """Appended at 14:00; flagged also when all is explained."""
    answer = verdict(make_access(when=when), JDOE, MINE, appended_at="14:00")
    assert (answer.outcome, answer.flags) == ("explained", flags)


def test_an_access_dated_ahead_is_judged_when_it_was_stored() -> None:
    """A duty from noon on does not explain what was stored at 11:00 and dated 13:00."""
    assert verdict(make_access(when="13:00"), JDOE, FROM_NOON, appended_at="11:00").outcome == "unexplained"
    assert verdict(make_access(when="13:00"), JDOE, FROM_NOON, appended_at="12:00").outcome == "explained"


def test_grace_runs_from_when_it_was_stored() -> None:
    """Dated 13:00, stored 12:00: what is known by 13:00 counts, not what is known by 14:00."""
    fact = assignment("w028", valid_from="11:00", recorded_at="13:30")
    assert verdict(make_access(when="13:00"), JDOE, fact, appended_at="12:00").outcome == "late"
    assert verdict(make_access(when="13:00"), JDOE, fact, appended_at="13:00").outcome == "explained"


def test_the_stories_clock_reads_as_it_says() -> None:
    """The readable instants of these tests are the milliseconds they look like."""
    assert at("14:00:00.001") - at("2026-01-05T09:00:00-05:00") == 1
