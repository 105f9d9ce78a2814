"""Whoever holds an alert may see its record at the alert console, and nowhere else; told by both judges."""

from __future__ import annotations

import pytest

from schemas.access import Access
from schemas.fact import Fact, RegisteredFact, Waiver
from schemas.finding import FactRef, Outcome
from schemas.policy import Policy
from schemas.topics import CONSOLE
from streams.join.question import question_of
from streams.policy.decide import decide
from streams.policy.every_path import every_path
from streams.policy.explain import Told, tell
from tests.harness.builders import (
    account,
    assignment,
    coverage,
    make_access,
    make_policy,
    membership,
    registered,
    review,
    supervision,
    unit_member,
)
from tests.harness.judging import APPENDED, knowing
from tests.harness.verdicts import verdict

AT_CONSOLE = make_access(source=CONSOLE, event_id="console-7")
ELSEWHERE = make_access()
LOGINS = (account("jdoe12", "w028", source=CONSOLE), account("jdoe12", "w028"))
NAMED = assignment("w031")  # makes the record one that somebody works on
MINE = review("w028", valid_from="13:50", valid_to="14:10", recorded_at="13:50")
Said = Fact | RegisteredFact | Waiver


def outcome(access: Access, *log: Said, policy: Policy | None = None) -> Outcome:
    """What both judges say of an access when this is known beside logins and a record; they say the same."""
    rules, question = policy or make_policy(), question_of(access, APPENDED)
    known = (*LOGINS, NAMED, *log)
    found = decide(knowing(known, rules.grace_ms), rules, question, access)
    brute = verdict(access, *known, policy=rules, appended_at=APPENDED)
    assert (found.outcome, found.staff, found.flags) == (brute.outcome, brute.staff, brute.flags)
    return found.outcome


def told(access: Access, *log: Fact) -> Told:
    """What is told of it."""
    policy, question, knowledge = make_policy(), question_of(access, APPENDED), knowing((*LOGINS, NAMED, *log))
    return tell(knowledge, policy, question, access, decide(knowledge, policy, question, access))


# --- what it explains


def test_an_alert_that_is_held_explains_a_look_at_its_record_at_the_console() -> None:
    """And without one it is a finding like any other."""
    assert outcome(AT_CONSOLE) == "unexplained"
    assert outcome(AT_CONSOLE, MINE) == "explained"


def test_taking_an_alert_is_no_leave_to_open_the_case_elsewhere() -> None:
    """The same person, record and moment in ECMS; also of whoever once had it, where every path is walked."""
    assert outcome(ELSEWHERE, MINE) == "unexplained"
    assert outcome(ELSEWHERE, MINE, assignment("w028", valid_to="09:00")) == "unexplained"


def test_any_alert_about_the_record_will_do() -> None:
    """Which of several it was nobody has to say."""
    assert outcome(AT_CONSOLE, review("w028", alert="al-8")) == "explained"


@pytest.mark.parametrize("other", [review("w031"), review("w028", "case:c0099"), review("w028", "person:c0042")])
def test_an_alert_of_somebody_else_or_about_something_else_explains_nothing(other: Fact) -> None:
    """It is about this person and this very record."""
    assert outcome(AT_CONSOLE, other) == "unexplained"


@pytest.mark.parametrize(
    "others",
    [
        (review("w028", "case:c0099"), membership("case:c0042", "case:c0099")),
        (review("w028", "person:p7"), membership("person:p7", "case:c0042")),
        (review("w055"), supervision("w028", "w055")),
        (review("w055"), coverage("w028", "w055")),
        (review("u5"), unit_member("w028", "u5")),
    ],
    ids=["of what it is within", "of what is within it", "of a subordinate", "of whom one covers", "of a unit"],
)
def test_an_alert_reaches_no_further_than_its_holder_and_its_record(others: tuple[Fact, ...]) -> None:
    """Neither through membership nor through anybody's line, coverage or unit."""
    assert outcome(AT_CONSOLE, *others) == "unexplained"


def test_one_candidate_that_the_alert_is_about_is_enough() -> None:
    """As with every path."""
    search = make_access(source=CONSOLE, name="criteria:q9", action="search", candidates=["person:p7", "case:c0042"])
    assert outcome(search, MINE) == "explained"


def test_all_other_paths_explain_at_the_console_too() -> None:
    """It is a system like every other: a worker who sees the alert about their own case needs no alert."""
    for facts in (
        (assignment("w028"),),
        (assignment("w040", fact_id="as-x"), supervision("w028", "w040")),
        (assignment("w041", fact_id="as-y"), coverage("w028", "w041")),
    ):
        assert outcome(AT_CONSOLE, *facts) == "explained"


def test_a_policy_without_the_path_does_not_ask() -> None:
    """Then nobody is cleared by an alert, and none comes close."""
    assert outcome(AT_CONSOLE, MINE, policy=make_policy(reviews=False)) == "unexplained"


# --- when


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (review("w028", valid_from="14:00"), "explained"),
        (review("w028", valid_from="14:00:00.001"), "unexplained"),
        (review("w028", valid_to="14:00:00.001"), "explained"),
        (review("w028", valid_to="14:00"), "unexplained"),
        (review("w028", recorded_at="15:00"), "explained"),
        (review("w028", recorded_at="15:00:00.001"), "late"),
        (review("w028", void=True), "unexplained"),
    ],
)
def test_an_alert_counts_while_it_is_held_and_known_by_the_grace(held: Fact, expected: Outcome) -> None:
    """The two clocks of every fact: valid at the instant, recorded within an hour of it."""
    assert outcome(AT_CONSOLE, held) == expected


def test_an_alert_that_turns_out_never_to_have_been_taken_is_revoked() -> None:
    """It explained the look when it happened."""
    taken = review("w028", recorded_at="13:50")
    assert outcome(AT_CONSOLE, taken, review("w028", revision=2, void=True, recorded_at="18:00")) == "revoked"


def test_an_alert_given_back_explains_what_was_seen_before() -> None:
    """Its end is a higher revision."""
    taken = review("w028", recorded_at="13:50", valid_from="13:50")
    for given_back, expected in (("14:00", "revoked"), ("14:00:00.001", "explained")):
        ended = review("w028", revision=2, valid_from="13:50", valid_to=given_back, recorded_at="18:00")
        assert outcome(AT_CONSOLE, taken, ended) == expected


# --- what it names


def test_taking_an_alert_makes_no_record_known() -> None:
    """It says after an access what it was about: whoever takes it must not turn bad data into an accusation."""
    for source in ("ecms", CONSOLE):
        access = make_access(source=source, name="case:unheard")
        assert outcome(access) == outcome(access, review("w031", "case:unheard")) == "unresolved"
    colleague = make_access(name="staff:w099")
    assert outcome(colleague) == outcome(colleague, review("w099")) == "unresolved"


# --- what is told of it


def test_a_look_without_an_alert_says_that_none_was_held() -> None:
    """In the words of the place where it happened."""
    assert told(AT_CONSOLE).reason.endswith(": no assignment, supervision, coverage or review explains it.")
    assert told(ELSEWHERE).reason.endswith(": no assignment, supervision or coverage explains it.")


def test_a_late_alert_is_named_with_its_fact() -> None:
    """As the duty that a late assignment is."""
    [explanation] = told(AT_CONSOLE, review("w028", recorded_at="18:00")).explanations
    assert (explanation.path, [ref.feed for ref in explanation.facts]) == ("reviews", ["console"])


@pytest.mark.parametrize(
    ("near", "why"),
    [
        (review("w028", valid_to="11:00"), "review ended 3 hours before"),
        (review("w028", valid_to="14:00"), "review ended at that very moment"),
        (review("w028", valid_from="14:02"), "review began 2 minutes after"),
        (review("w028", void=True), "review was entered in error"),
    ],
)
def test_the_alert_that_came_closest_is_told(near: Fact, why: str) -> None:
    """With the fact by which whoever looks into it finds it."""
    [miss] = told(AT_CONSOLE, near).near_misses
    assert (miss.path, miss.why) == ("reviews", why)
    assert miss.facts == (FactRef(feed="console", fact_id="re-al-7-w028", revision=1),)


def test_the_closest_of_several_alerts_is_told() -> None:
    """The one that ended an hour before, not that of the morning; those of others are nobody's business."""
    others = (review("w028", alert="a1", valid_to="09:00"), review("w031", alert="a2", valid_to="13:59"))
    [miss] = told(AT_CONSOLE, *others, review("w028", alert="a3", valid_to="13:00")).near_misses
    assert miss.why == "review ended 1 hour before"


def test_an_alert_that_was_handed_on_is_told_as_such() -> None:
    """The highest revision names somebody else, or another record."""
    for other in (review("w031", revision=2), review("w028", "case:c0099", revision=2)):
        again = other.model_copy(update={"fact_id": "re-al-7-w028"})
        [miss] = told(AT_CONSOLE, review("w028"), again, assignment("w031", "case:c0042", fact_id="x")).near_misses
        assert (miss.path, miss.why) == ("reviews", "review no longer names this person and record")


def test_elsewhere_no_alert_comes_close() -> None:
    """It would not have helped: nobody must read that it nearly did."""
    assert told(ELSEWHERE, review("w028", valid_to="11:00")).near_misses == ()


def test_an_imprecise_look_over_the_end_of_the_alert_is_borderline() -> None:
    """Held at first and not all of the time; and told as that."""
    access = make_access(source=CONSOLE, until="14:30")
    question, knowledge = question_of(access, APPENDED), knowing((*LOGINS, NAMED, MINE))
    found = decide(knowledge, make_policy(), question, access)
    assert (found.outcome, found.flags) == ("unexplained", ("borderline",))
    assert outcome(access, MINE) == "unexplained"
    [miss] = tell(knowledge, make_policy(), question, access, found).near_misses
    assert miss.why == "review ended within that time"


def test_explain_shows_the_path_at_the_console_only() -> None:
    """Elsewhere it is none that could have cleared anybody."""
    knowledge = knowing((*LOGINS, NAMED, MINE))
    tried = {
        access.source: every_path(knowledge, make_policy(), question_of(access, APPENDED), "w028")
        for access in (AT_CONSOLE, ELSEWHERE)
    }
    assert [one.path for one in tried[CONSOLE]] == ["own-assignment", "supervises", "covers", "reviews"]
    assert [one.path for one in tried["ecms"]] == ["own-assignment", "supervises", "covers"]
    assert [ref.fact_id for ref in tried[CONSOLE][-1].now or ()] == ["re-al-7-w028"]
    assert tried[CONSOLE][-1].then == tried[CONSOLE][-1].now


def test_the_same_revision_with_another_alert_is_a_conflict() -> None:
    """Nobody judges by the alert, but stating it twice differently is one, as of every fact."""
    knowledge = knowing((MINE,))
    learned = [knowledge.learn(1 + n, registered(fact))[0].value for n, fact in enumerate((MINE, _other_alert(MINE)))]
    assert learned == ["repeat", "conflict"]


def _other_alert(fact: Fact) -> Fact:
    return fact.model_copy(update={"body": fact.body.model_copy(update={"alert": "al-9"})})
