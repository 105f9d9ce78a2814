"""From a verdict to what a supervisor reads: one sentence for each outcome, the paths that clear, the near misses."""

from __future__ import annotations

import itertools

import pytest

from schemas.access import Access
from schemas.fact import Fact, RegisteredFact
from schemas.finding import FactRef
from schemas.policy import Policy
from streams.join.question import question_of
from streams.policy.decide import decide
from streams.policy.explain import Told, tell
from streams.policy.sentences import DID, clock, duration, exceeded, record_words
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
from tests.harness.judging import APPENDED, knowing
from tests.harness.verdicts import JDOE

MINE = assignment("w028")
OTHERS = assignment("w031")
LEAD = "w028 viewed case c0042 on 2026-01-05 at 14:00:00 UTC: "
LEAD_OVER_AN_HOUR = "w028 viewed case c0042 on 2026-01-05 between 14:00:00 and 15:00:00 UTC: "
NOTHING = LEAD + "no assignment, supervision or coverage explains it"


def told(
    *facts: Fact | RegisteredFact,
    access: Access | None = None,
    policy: Policy | None = None,
    appended_at: int = APPENDED,
) -> Told:
    """What is told of the access when these facts are known."""
    access, policy, knowledge = access or make_access(), policy or make_policy(), knowing(facts)
    question = question_of(access, appended_at)
    return tell(knowledge, policy, question, access, decide(knowledge, policy, question, access))


def misses(answer: Told) -> list[tuple[str, str]]:
    """Each path that failed, and why."""
    return [(miss.path, miss.why) for miss in answer.near_misses]


# --- one sentence for each outcome


def test_unexplained_says_who_did_what_to_what_and_when() -> None:
    """In words of the policy, with the instant in UTC."""
    answer = told(JDOE, OTHERS)
    assert answer == Told(NOTHING + ".", (), ())


def test_late_says_by_what_and_how_much_later() -> None:
    """From the access to when the last of the facts became known."""
    answer = told(JDOE, assignment("w028", recorded_at="17:30"))
    assert answer.reason == LEAD + "explained (own-assignment) only by what was recorded more than 3 hours afterwards."
    [explanation] = answer.explanations
    assert explanation.path == "own-assignment"
    assert explanation.facts == (FactRef(feed="assignments", fact_id="as-w028-case-c0042", revision=1),)
    assert answer.near_misses == ()


def test_late_by_a_millisecond_does_not_sound_as_if_it_were_within_the_grace() -> None:
    """The grace is an hour: "1 hour afterwards" would be a reproach that contradicts itself."""
    answer = told(JDOE, assignment("w028", recorded_at="15:00:00.001"))
    assert answer.reason.endswith("only by what was recorded more than 1 hour afterwards.")


def test_late_by_a_broken_promise_says_so() -> None:
    """It was written down in time, but its feed had called that time complete: "recorded afterwards" were untrue."""
    answer = told(JDOE, registered(assignment("w028", recorded_at="13:00"), known_from="2026-01-06T14:00:00Z"))
    words = "explained (own-assignment) only by what came after its feed had called that time complete."
    assert answer.reason == LEAD + words


def test_late_of_a_clock_that_is_ahead_breaks_no_promise() -> None:
    """Stored two hours after the access by a feed that says four, and no mark was broken."""
    answer = told(JDOE, registered(assignment("w028", recorded_at="18:00"), known_from="16:00"))
    assert answer.reason == LEAD + "explained (own-assignment) only by what was recorded 2 hours afterwards."


def test_late_counts_from_the_last_of_the_facts_it_rests_on() -> None:
    """The supervision was known at once, the assignment below it the day after."""
    answer = told(JDOE, supervision("w028", "w031"), assignment("w031", recorded_at="2026-01-06T14:00:00Z"))
    assert answer.reason == LEAD + "explained (supervises) only by what was recorded 1 day afterwards."
    assert [f.fact_id for f in answer.explanations[0].facts] == ["su-w028-w031", "as-w031-case-c0042"]


def test_late_over_an_interval_does_not_name_what_was_known_in_time() -> None:
    """At 14:00 a duty known in time holds; what explains the rest was recorded the day after."""
    in_time = assignment("w028", fact_id="x1", valid_to="14:30")
    rest = assignment("w028", fact_id="x2", valid_from="14:30", recorded_at="2026-01-06")
    answer = told(JDOE, in_time, rest, access=make_access(until="15:00"))
    assert answer.reason == LEAD_OVER_AN_HOUR + "explained only by what was recorded afterwards."


def test_what_was_recorded_as_the_grace_ended_was_known_in_time() -> None:
    """It is not what made the access late."""
    in_time = assignment("w028", fact_id="x1", valid_to="14:30", recorded_at="16:00")
    rest = assignment("w028", fact_id="x2", valid_from="14:30", recorded_at="2026-01-06")
    answer = told(JDOE, in_time, rest, access=make_access(until="15:00"))
    assert answer.reason == LEAD_OVER_AN_HOUR + "explained only by what was recorded afterwards."


def test_what_explains_a_part_of_the_time_is_no_explanation() -> None:
    """The duty ended while it may still have happened: also at its last instant."""
    for ends, until in (("15:00", "16:00"), ("16:00", "16:00")):
        answer = told(JDOE, assignment("w028", valid_to=ends), access=make_access(until=until))
        assert answer.explanations == ()
        assert misses(answer) == [("own-assignment", "assignment ended within that time")]


def test_revoked_is_for_review_and_shows_what_explained_it_then() -> None:
    """The revision that was known, not the one that took it away."""
    answer = told(JDOE, MINE, assignment("w028", revision=2, void=True, recorded_at="18:00"))
    assert answer.reason == (
        LEAD + "a duty explained it when it happened, and was withdrawn or corrected since: for review."
    )
    assert [(e.path, e.facts[0].revision) for e in answer.explanations] == [("own-assignment", 1)]


def test_revoked_shows_what_was_recorded_within_the_grace_too() -> None:
    """Half an hour after the access is in time."""
    mine = assignment("w028", recorded_at="14:30")
    answer = told(JDOE, mine, assignment("w028", revision=2, void=True, recorded_at="18:00"))
    assert [(e.path, e.facts[0].revision) for e in answer.explanations] == [("own-assignment", 1)]


def test_explained_names_the_most_direct_path() -> None:
    """Also supervision would explain it; the own duty comes first."""
    answer = told(JDOE, supervision("w028", "w031"), OTHERS, MINE)
    assert answer.reason == LEAD + "a recorded duty explains it."
    assert [e.path for e in answer.explanations] == ["own-assignment"]


def test_an_unknown_record_is_said_to_be_unknown() -> None:
    """A question about data first."""
    answer = told(JDOE, MINE, access=make_access(name="case:c9999"))
    assert answer.reason == "w028 viewed case c9999 on 2026-01-05 at 14:00:00 UTC: no recorded fact names that record."


def test_an_unknown_login_is_named_as_a_login() -> None:
    """Nobody is accused; near misses would be somebody's."""
    answer = told(MINE, access=make_access("ghost7", source="irss"))
    assert answer == Told(
        "login ghost7 viewed case c0042 on 2026-01-05 at 14:00:00 UTC: "
        "that login is no staff member known at irss then.",
        (),
        (),
    )


def test_a_login_of_two_people_is_said_to_be_two() -> None:
    """Neither is named."""
    answer = told(JDOE, account("jdoe12", "w031"), MINE)
    assert answer.reason == (
        "login jdoe12 viewed case c0042 on 2026-01-05 at 14:00:00 UTC: "
        "that login is 2 people at ecms then, and no duty explains it for all of them."
    )


def test_a_login_handed_on_within_the_time_is_not_called_unknown() -> None:
    """One person at each instant, two over the interval: nobody knows which of them it was."""
    first, second = account("jdoe12", "w028", valid_to="14:30"), account("jdoe12", "w031", valid_from="14:30")
    answer = told(first, second, MINE, access=make_access(until="15:00"))
    assert answer.reason == (
        "login jdoe12 viewed case c0042 on 2026-01-05 between 14:00:00 and 15:00:00 UTC: "
        "that login is 2 people at ecms then, and no duty explains it for all of them."
    )


def test_a_login_of_two_people_that_is_explained_for_both_says_so() -> None:
    """What is told when such a finding is withdrawn."""
    answer = told(JDOE, account("jdoe12", "w031"), MINE, OTHERS)
    assert answer.reason == (
        "login jdoe12 viewed case c0042 on 2026-01-05 at 14:00:00 UTC: "
        "a recorded duty explains it, whoever of them it was."
    )


# --- the words around it


def test_an_attempt_is_said_to_be_one() -> None:
    """Denied is not done."""
    assert (
        told(JDOE, OTHERS, access=make_access(result="denied")).reason
        == NOTHING.replace("UTC:", "UTC (attempt denied):") + "."
    )


def test_candidates_are_counted() -> None:
    """What a search resolved to."""
    access = make_access(action="search", name="criteria:q9", candidates=["case:c0042", "person:p7"])
    assert told(JDOE, OTHERS, access=access).reason.startswith("w028 searched for criteria q9 (2 candidates) on ")


def test_doubt_about_the_time_is_said() -> None:
    """Explained for a part of the interval only."""
    answer = told(JDOE, assignment("w028", valid_to="14:30"), access=make_access(until="15:00"))
    doubt = " over all of the time it may have happened; nearest: assignment ended within that time."
    assert answer.reason == NOTHING.replace(LEAD, LEAD_OVER_AN_HOUR) + doubt


def test_doubt_about_the_time_names_the_duty_that_began_within_it() -> None:
    """Counted from the first instant at which it may have happened."""
    answer = told(JDOE, assignment("w028", valid_from="14:30"), access=make_access(until="15:00"))
    assert answer.reason.endswith("; nearest: assignment began 30 minutes after.")


def test_an_access_from_the_future_is_told_by_its_append_time() -> None:
    """It cannot have happened later than it was stored."""
    answer = told(JDOE, OTHERS, appended_at=at("13:00"))
    assert answer.reason.startswith("w028 viewed case c0042 on 2026-01-05 at 13:00:00 UTC: ")


def test_every_action_has_its_word() -> None:
    """No sentence says "returned" of a search."""
    assert len(set(DID.values())) == len(DID)
    for action, word in DID.items():
        assert f"w028 {word} case c0042 on" in told(JDOE, OTHERS, access=make_access(action=action)).reason


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (-5, "no time"),
        (0, "no time"),
        (1, "1 millisecond"),
        (999, "999 milliseconds"),
        (1_000, "1 second"),
        (59_999, "59 seconds"),
        (60_000, "1 minute"),
        (3_599_999, "59 minutes"),
        (3_600_000, "1 hour"),
        (7_200_000, "2 hours"),
        (86_399_999, "23 hours"),
        (86_400_000, "1 day"),
        (9 * 86_400_000 + 7, "9 days"),
    ],
)
def test_a_span_is_told_in_its_largest_whole_unit(ms: int, words: str) -> None:
    """Cut off, not rounded: "9 days" has been at least nine days."""
    assert duration(ms) == words


@pytest.mark.parametrize(
    ("ms", "words"),
    [(3_599_999, "more than 59 minutes"), (3_600_000, "1 hour"), (3_600_001, "more than 1 hour"), (0, "no time")],
)
def test_a_span_that_is_held_against_a_limit_says_what_was_cut_off(ms: int, words: str) -> None:
    """Nobody is reproached with an hour who had one."""
    assert exceeded(ms) == words


def test_an_instant_and_a_record_are_told_as_people_write_them() -> None:
    """To the second; a record id may have a slash of its own."""
    assert clock(at("14:14:03.120")) == "2026-01-05 at 14:14:03 UTC"
    assert record_words("document/d/7") == "document d/7"


# --- near misses: own assignment


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (
            assignment("w028", valid_from="2025-12-01", valid_to="2025-12-27T14:00:00Z"),
            "assignment ended 9 days before",
        ),
        (assignment("w028", valid_to="14:00"), "assignment ended at that very moment"),
        (assignment("w028", valid_from="14:00:00.040"), "assignment began 40 milliseconds after"),
        (assignment("w028", valid_from="2026-01-07T15:00:00Z"), "assignment began 2 days after"),
        (assignment("w028", void=True), "assignment was entered in error"),
    ],
)
def test_an_assignment_that_does_not_hold_then_is_a_near_miss(fact: Fact, why: str) -> None:
    """With the fact, so that anybody can look it up; the sentence names the nearest."""
    answer = told(JDOE, OTHERS, fact)
    assert misses(answer) == [("own-assignment", why)]
    assert answer.near_misses[0].facts == (FactRef(feed="assignments", fact_id="as-w028-case-c0042", revision=1),)
    assert answer.reason == f"{NOTHING}; nearest: {why}."


def test_the_assignment_that_came_closest_is_told() -> None:
    """In time, before or after; one that was entered in error only if there is no other."""
    facts = (
        assignment("w028", fact_id="x1", valid_to="2026-01-03T14:00:00Z"),
        assignment("w028", fact_id="x2", valid_from="2026-01-06T14:00:00Z"),
        assignment("w028", fact_id="x3", void=True),
    )
    answer = told(JDOE, OTHERS, *facts)
    assert misses(answer) == [("own-assignment", "assignment began 1 day after")]
    assert answer.near_misses[0].facts[0].fact_id == "x2"
    answer = told(JDOE, OTHERS, *facts, assignment("w028", fact_id="x4", valid_to="13:00"))
    assert misses(answer) == [("own-assignment", "assignment ended 1 hour before")]


def test_an_assignment_to_the_case_of_the_record_is_a_near_miss_too() -> None:
    """The person belongs to the case; the duty towards the case has ended."""
    ended = assignment("w028", valid_to="2026-01-05T13:00:00Z")
    answer = told(JDOE, ended, membership("person:p7"), access=make_access(name="person:p7"))
    assert misses(answer) == [("own-assignment", "assignment ended 1 hour before")]


def test_a_duty_passed_on_is_told_as_such() -> None:
    """It holds, but no longer for this person."""
    answer = told(
        JDOE, assignment("w028", fact_id="x7"), assignment("w031", fact_id="x7", revision=2, recorded_at="2026-01-03")
    )
    assert misses(answer) == [
        ("own-assignment", "assignment no longer names this person and record, or its membership does not hold then")
    ]
    assert answer.near_misses[0].facts[0].revision == 2


def test_somebody_elses_assignment_is_no_near_miss() -> None:
    """Nor is one's own to another record."""
    assert misses(told(JDOE, OTHERS, assignment("w028", "case:c0099", valid_to="13:00"))) == []


def test_a_path_that_is_switched_off_has_no_near_miss() -> None:
    """It would not have cleared anyway."""
    policy = make_policy(own=False, supervises=False, covers=False)
    ended = coverage("w028", "w031", valid_to="13:00")
    deep = (supervision("w028", "w040"), supervision("w040", "w041"), supervision("w041", "w031"))
    assert misses(told(JDOE, OTHERS, MINE, ended, *deep, policy=policy)) == []


# --- near misses: supervision and coverage


@pytest.mark.parametrize(
    ("between", "depth", "expected"),
    [
        (["w040", "w041"], 2, 3),
        (["w040", "w041", "w042"], 2, 4),
        (["w040"], 1, 2),
        (["w040", "w041", "w042", "w043"], 2, 5),
        (["w040", "w041", "w042", "w043", "w044"], 2, None),
    ],
)
def test_supervision_that_is_too_deep_is_a_near_miss(between: list[str], depth: int, expected: int | None) -> None:
    """Up to five steps; deeper is nobody's line any more."""
    chain = ["w028", *between, "w031"]
    lines = [supervision(upper, lower) for upper, lower in itertools.pairwise(chain)]
    answer = told(JDOE, OTHERS, *lines, policy=make_policy(depth=depth))
    why = f"somebody {expected} steps of supervision below is assigned; the policy counts {depth}"
    assert misses(answer) == ([] if expected is None else [("supervises", why)])
    if expected is not None:
        refs = [f.fact_id for f in answer.near_misses[0].facts]
        assert refs == [*(line.fact_id for line in lines), "as-w031-case-c0042"]


@pytest.mark.parametrize("depth", [1, 2, 5, 6, 10])
def test_a_line_that_ended_within_the_time_is_not_told_as_too_long(depth: int) -> None:
    """The policy counts it; but the access may have happened after it."""
    ended = supervision("w028", "w031", valid_to="15:00")
    answer = told(JDOE, OTHERS, ended, access=make_access(until="16:00"), policy=make_policy(depth=depth))
    assert misses(answer) == [("supervises", "somebody below is assigned, but not all of that time")]
    assert [f.fact_id for f in answer.near_misses[0].facts] == [ended.fact_id, "as-w031-case-c0042"]


def test_supervision_that_does_not_hold_then_is_no_line() -> None:
    """Too deep and over: nothing to tell."""
    chain = ["w028", "w040", "w041", "w031"]
    lines = [supervision(u, s, valid_to="13:00") for u, s in itertools.pairwise(chain)]
    assert misses(told(JDOE, OTHERS, *lines)) == []


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (coverage("w028", "w031", valid_to="2026-01-02T14:00:00Z"), "coverage ended 3 days before"),
        (coverage("w028", "w031", valid_from="14:05"), "coverage began 5 minutes after"),
        (coverage("w028", "w031", void=True), "coverage was entered in error"),
    ],
)
def test_coverage_that_is_over_or_to_come_is_a_near_miss(fact: Fact, why: str) -> None:
    """Of somebody who is assigned to the record then."""
    answer = told(JDOE, OTHERS, fact)
    assert misses(answer) == [("covers", why)]
    assert answer.reason == f"{NOTHING}; nearest: {why}."


def test_coverage_that_was_passed_on_is_told_as_such() -> None:
    """It holds, but another stands in now."""
    first = coverage("w028", "w031", fact_id="x7")
    answer = told(JDOE, OTHERS, first, coverage("w040", "w031", fact_id="x7", revision=2, recorded_at="2026-01-02"))
    assert misses(answer) == [
        ("covers", "coverage no longer names this person, or does not lead to the record all of that time")
    ]


def test_coverage_of_somebody_with_one_of_the_candidates_is_a_near_miss() -> None:
    """Any of them would have done."""
    search = make_access(action="search", name="criteria:q9", candidates=["case:c0042", "person:p7"])
    ended = coverage("w028", "w031", valid_to="13:00")
    assert misses(told(JDOE, OTHERS, ended, access=search)) == [("covers", "coverage ended 1 hour before")]


def test_coverage_of_somebody_without_the_record_is_no_near_miss() -> None:
    """It would not have helped when it held."""
    assert misses(told(JDOE, OTHERS, coverage("w028", "w033", valid_to="13:00"))) == []


def test_near_misses_come_in_the_order_of_the_paths() -> None:
    """Directness first, one for each path; the first is the one in the sentence."""
    chain = ["w028", "w040", "w041", "w031"]
    lines = [supervision(u, s) for u, s in itertools.pairwise(chain)]
    ended, over = assignment("w028", valid_to="13:00"), coverage("w028", "w031", valid_to="12:00")
    answer = told(JDOE, over, *lines, OTHERS, ended)
    assert [path for path, _ in misses(answer)] == ["own-assignment", "supervises", "covers"]
    assert answer.reason.endswith("; nearest: assignment ended 1 hour before.")


# --- what an explanation rests on


@pytest.mark.parametrize(
    ("facts", "path", "used"),
    [
        ([MINE], "own-assignment", ["as-w028-case-c0042"]),
        (
            [assignment(unit="u5"), unit_member("w028", "u5")],
            "own-assignment",
            ["un-u5-w028", "as-u5-case-c0042"],
        ),
        ([OTHERS, supervision("w028", "w031")], "supervises", ["su-w028-w031", "as-w031-case-c0042"]),
        ([OTHERS, coverage("w028", "w031")], "covers", ["co-w028-w031", "as-w031-case-c0042"]),
        (
            [OTHERS, coverage("w028", "w040"), supervision("w040", "w031")],
            "covers",
            ["co-w028-w040", "su-w040-w031", "as-w031-case-c0042"],
        ),
    ],
)
def test_an_explanation_leads_from_the_person_to_the_record(facts: list[Fact], path: str, used: list[str]) -> None:
    """Every fact on the way, in order."""
    [explanation] = told(JDOE, *facts).explanations
    assert (explanation.path, [f.fact_id for f in explanation.facts]) == (path, used)


def test_a_membership_is_named_after_the_assignment_it_completes() -> None:
    """The duty is towards the case; the membership brings the person in."""
    [explanation] = told(JDOE, MINE, membership("person:p7"), access=make_access(name="person:p7")).explanations
    assert [f.fact_id for f in explanation.facts] == ["as-w028-case-c0042", "me-person-p7-c0042"]
    assert [f.feed for f in explanation.facts] == ["assignments", "cases"]
