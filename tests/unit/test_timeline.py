"""The language of stories: a clock that only the story moves, and the truth of what was told so far."""

from __future__ import annotations

import pytest

from schemas.access import Access, finding_id
from schemas.codec import decode, decode_access
from schemas.fact import Fact, Mark, Waiver
from tests.harness.builders import account, assignment, at, make_policy
from tests.harness.timeline import Story


def test_a_story_is_told_in_the_order_of_its_clock() -> None:
    """Each step arrives when it is told and reads as what it means."""
    story = Story("08:00")
    story.learn(account("jdoe12", "w028"), assignment("w031"))
    story.pass_to("14:00")
    access = story.see("w028", "print", "case:c0042", at="13:59:00.001")
    story.mark("cases", "13:30")
    assert [(s.at_ms, s.topic) for s in story.steps] == [
        (at("08:00"), ("feed", "staff")),
        (at("08:00"), ("feed", "assignments")),
        (at("14:00"), ("access", "ecms")),
        (at("14:00"), ("feed", "cases")),
    ]
    assert [decode(Fact, s.value) for s in story.steps[:2]] == [account("jdoe12", "w028"), assignment("w031")]
    assert decode_access(story.steps[2].value) == access
    assert (access.actor, access.occurred_at) == ("jdoe12", at("13:59:00.001"))
    assert decode(Mark, story.steps[3].value).complete_through == at("13:30")


def test_a_story_does_not_go_back_in_time() -> None:
    """Late things are told late."""
    with pytest.raises(ValueError, match="back in time"):
        Story("08:00").pass_to("07:59:59.999")


def test_the_truth_grows_with_the_story() -> None:
    """Pending while a feed is silent, found when all have spoken, late when the duty turns up."""
    story = Story()
    story.learn(account("jdoe12", "w028"), assignment("w031"))
    story.pass_to("14:00")
    key = finding_id(story.see("w028"))
    assert story.expected(make_policy()).accesses == {"pending": 1}
    assert story.expected(make_policy()).findings == {}
    story.pass_to("14:30")
    story.mark_all()
    found = story.expected(make_policy()).findings[key]
    assert (found.outcome, found.certainty) == ("unexplained", "provisional")
    story.pass_to("18:00")
    story.mark_all()
    story.learn(assignment("w028", valid_from="13:00", recorded_at="14:40"))
    late = story.expected(make_policy()).findings[key]
    assert (late.outcome, late.certainty) == ("late", "final")


def test_known_from_follows_the_order_of_the_feed() -> None:
    """At the mark, a millisecond after it, and before any mark; the highest mark counts, and only of that feed."""
    story = Story()
    story.learn(assignment("w1", recorded_at="07:00"))
    story.mark("assignments", "10:00")
    story.mark("assignments", "09:00")
    story.mark("staff", "23:00")
    story.learn(assignment("w2", recorded_at="10:00"), assignment("w3", recorded_at="10:00:00.001"))
    log = story.script().registered_log()
    assert [m.known_from for m in log if not isinstance(m, Waiver)] == [
        at("07:00"),
        at("10:00:00.001"),
        at("10:00:00.001"),
    ]
    assert story.script().final_marks() == {"assignments": at("10:00"), "staff": at("23:00")}


def test_a_waiver_can_be_part_of_the_truth() -> None:
    """Register writes it, not the story; so the one who asks says that it did."""
    story = Story()
    story.learn(account("jdoe12", "w028"), assignment("w031"))
    key = finding_id(story.see("jdoe12", at="14:00"))
    story.mark("staff", "20:00")
    story.mark("assignments", "20:00")
    waiver = Waiver(feed="cases", through=at("14:00"))
    assert story.expected(make_policy(), waivers=[waiver]).findings[key].certainty == "incomplete"


def test_repeats_and_spoilt_messages_are_counted() -> None:
    """A repeat is judged again under the same id; what is spoilt is one dead letter."""
    story = Story()
    access = story.see("ghost7")
    assert story.send(access) == finding_id(access)
    story.spoil(("access", "ecms"), b"{")
    story.learn(assignment("w028"), assignment("w028"), assignment("w028", role="support"))
    expected = story.expected(make_policy())
    assert (expected.accesses["pending"], len(expected.judged)) == (2, 1)
    assert (expected.dead_letters, expected.conflicts) == (1, 1)
    assert expected.messages == {"access": 3, "feed": 3}


def test_accesses_are_numbered_by_source() -> None:
    """Dense, and told apart."""
    story = Story()
    seen: list[Access] = [story.see("a"), story.see("a", source="irss"), story.see("a")]
    assert [(a.event_id, a.sequence) for a in seen] == [("ecms-000001", 1), ("irss-000001", 1), ("ecms-000002", 2)]
