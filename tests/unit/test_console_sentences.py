"""What the console says of alerts and acts, in one sentence each."""

from __future__ import annotations

import pytest

from schemas.act import LookedBack
from schemas.fact import Fact
from schemas.finding import Finding, Flag
from sinks.console.sentences import alert_sentence, did_words, finding_words, near_words, why_words
from streams.join.question import question_of
from streams.policy.decide import decide
from streams.policy.explain import tell
from tests.harness.builders import account, assignment, make_access, make_policy
from tests.harness.desk import Desk
from tests.harness.findings import make_finding
from tests.harness.judging import APPENDED, knowing

NOBODY = "that login is no staff member known at ecms then"
SEVERAL = "that login is several people at ecms then, and no duty explains it for all of them"


def found(*facts: Fact) -> Finding:
    """As the judge finds it who knows these facts: jdoe12 viewed case c0042."""
    access, policy, knowledge = make_access(), make_policy(), knowing(facts)
    question = question_of(access, APPENDED)
    verdict = decide(knowledge, policy, question, access)
    told = tell(knowledge, policy, question, access, verdict)
    made = make_finding(
        staff=verdict.staff, access=access, outcome=verdict.outcome, reason=told.reason, flags=verdict.flags
    )
    return made.model_copy(update={"near_misses": told.near_misses})


@pytest.mark.parametrize(
    ("facts", "alert", "finding"),
    [
        ([], NOBODY, NOBODY),
        ([account("jdoe12", "w028")], "no recorded fact names that record", "no recorded fact names that record"),
        (
            [account("jdoe12", "w028"), account("jdoe12", "w029"), assignment("w028")],
            SEVERAL,
            SEVERAL.replace("several", "2"),
        ),
    ],
    ids=["nobody's login", "nobody knows the record", "two people's login"],
)
def test_what_is_not_known_is_named(facts: list[Fact], alert: str, finding: str) -> None:
    """Whoever must clear it up needs to know where to ask. Whose record it was is not said."""
    desk = Desk()
    unresolved = found(*facts)
    assert unresolved.outcome == "unresolved"
    [raised] = desk.hear(unresolved)
    assert (why_words(desk.only()), finding_words(unresolved)) == (alert, finding)
    assert finding in did_words(raised.body)
    assert "c0042" not in did_words(raised.body) + alert + finding


def test_who_is_named_as_who_asked_is_not_said_to_have_done_it() -> None:
    """Whoever typed in their login did it; that they had asked is what that one says."""
    desk = Desk()
    for number in range(3):
        sent = make_access("jdoe12", "print", event_id=f"e{number}", operator="snoop")
        [act] = desk.hear(make_finding(f"e{number}", access=sent))
    assert alert_sentence(desk.only(), "case #7f") == "w017 was named 3 times as who asked for case #7f"
    assert did_words(act.body).startswith("added that w017 was named as who asked for it: ")
    desk.hear(make_finding("own"))
    assert alert_sentence(desk.only(), "case #7f") == "w017 viewed case #7f, and was named 3 times as who asked for it"


def test_of_logins_that_were_nobodys_and_several_peoples_both_is_said() -> None:
    """One alert may have findings of both kinds."""
    desk = Desk()
    for name, flags in {"one": (), "two": ("shared-login",)}.items():
        shared: tuple[Flag, ...] = flags  # type: ignore[assignment] # a literal
        finding = make_finding(name, None, outcome="unresolved", flags=shared)
        desk.hear(finding.model_copy(update={"near_misses": ()}))
    assert why_words(desk.only()) == "that login is no staff member known, or several people, at ecms then"


def test_nothing_of_a_reason_is_taken_over_but_a_number() -> None:
    """Ids are chosen elsewhere, and may look like sentences."""
    access = make_access(name="case:that-login-is-9-people-at")
    reason = "login jdoe12 viewed case that-login-is-9-people-at: that login is c0042 people at ecms then."
    finding = make_finding(staff=None, outcome="unresolved", flags=("shared-login",), access=access, reason=reason)
    assert finding_words(finding) == SEVERAL


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "words"),
    [
        ("14:00:00.001", None, "assignment began less than a second after"),
        ("14:00:01", None, "assignment began 1 second after"),
        ("12:00", "13:59:59.999", "assignment ended less than a second before"),
        ("12:00", "14:00", "assignment ended at that very moment"),
    ],
)
def test_a_millisecond_is_no_time_that_people_count(valid_from: str, valid_to: str | None, words: str) -> None:
    """As the judge says it, and as it is shown; what is stored stays exact."""
    finding = found(account("jdoe12", "w028"), assignment("w028", valid_from=valid_from, valid_to=valid_to))
    assert near_words(finding.near_misses[0].why) == words
    desk = Desk()
    desk.hear(finding)
    assert why_words(desk.only()) == f"no recorded duty explains it: {words}"


@pytest.mark.parametrize(
    ("counted", "part", "parts", "words"),
    [
        (0, 1, 1, "looked back: no earlier access of that record"),
        (1, 1, 1, "looked back: 1 earlier access of that record"),
        (3, 1, 1, "looked back: 3 earlier accesses of that record"),
        (250, 2, 2, "looked back: 250 earlier accesses of that record (part 2 of 2)"),
    ],
)
def test_a_look_back_says_how_many_and_counts_its_parts_only_where_there_are_several(
    counted: int, part: int, parts: int, words: str
) -> None:
    """Of one part nobody needs to know that it is the first."""
    body = LookedBack(kind="looked_back", part=part, parts=parts, counted=counted, since=0, accesses=())
    assert did_words(body) == words
