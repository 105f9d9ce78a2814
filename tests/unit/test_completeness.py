"""How complete the feeds are, and how certain a verdict may be: complete before accusing (design section 6)."""

from __future__ import annotations

import pytest

from schemas.fact import RegisteredMark
from schemas.finding import Certainty
from streams.join.completeness import Completeness
from tests.harness.builders import at

END = at("14:00")  # the end of the access asked about
GRACE = 3_600_000
GATING = ("staff", "cases", "assignments")


def heard(feed: str, through: str, position: int = 0) -> RegisteredMark:
    """A mark as register wrote it."""
    return RegisteredMark(feed=feed, complete_through=at(through), sequence=4711, position=position)


def complete(**through: str) -> Completeness:
    """Every gating feed complete for long, but for those named; "never" is a feed that has promised nothing."""
    completeness = Completeness(GATING)
    for feed in GATING:
        if (when := through.get(feed, "2026-01-09")) != "never":
            completeness.learn(heard(feed, when), 0)
    return completeness


@pytest.mark.parametrize(
    ("through", "certainty", "waiting"),
    [
        ("15:00:00.000", "final", ()),
        ("14:59:59.999", "provisional", ("cases",)),
        ("14:00:00.000", "provisional", ("cases",)),
        ("13:59:59.999", None, ("cases",)),
        ("never", None, ("cases",)),
    ],
)
def test_the_slowest_feed_decides_to_the_millisecond(
    through: str, certainty: Certainty | None, waiting: tuple[str, ...]
) -> None:
    """Complete through t + grace is final, through t provisional, else pending; and the feed is named."""
    completeness = complete(cases=through)
    assert completeness.certainty(END, GRACE) == certainty
    assert completeness.waiting_for(END, GRACE) == waiting


def test_without_grace_complete_is_final() -> None:
    """Nothing lies between."""
    completeness = complete(cases="14:00", staff="14:00")
    assert completeness.certainty(END, 0) == "final"
    assert completeness.waiting_for(END, 0) == ()


def test_all_the_feeds_that_keep_it_open_are_named_in_order() -> None:
    """Whoever reads the finding sees for whom it waits."""
    completeness = complete(staff="14:30", cases="never")
    assert completeness.waiting_for(END, GRACE) == ("cases", "staff")


def test_a_feed_that_does_not_gate_decides_nothing() -> None:
    """Its marks are heard and shown nowhere."""
    completeness = complete()
    completeness.learn(heard("console", "2026-01-01"), 0)
    assert completeness.certainty(END, GRACE) == "final"
    assert set(completeness.marks()) == set(GATING)


def test_a_mark_never_falls() -> None:
    """Merged by maximum, whatever order the marks come in."""
    completeness = complete(cases="15:00")
    completeness.learn(heard("cases", "11:00"), 0)
    assert completeness.marks()["cases"] == at("15:00")
    assert completeness.certainty(END, GRACE) == "final"


def test_a_mark_counts_once_the_facts_before_it_are_applied() -> None:
    """Not a message earlier: a fact it promised may still be on its way."""
    completeness = complete(cases="never")
    completeness.learn(heard("cases", "16:00", position=318), position=317)
    assert completeness.certainty(END, GRACE) is None
    completeness.advance(317, {})
    assert completeness.certainty(END, GRACE) is None
    completeness.advance(318, {})
    assert completeness.certainty(END, GRACE) == "final"


def test_a_mark_whose_facts_are_there_counts_at_once() -> None:
    """Its position is the next offset, so being there is enough."""
    completeness = complete(cases="never")
    completeness.learn(heard("cases", "16:00", position=318), position=318)
    assert completeness.certainty(END, GRACE) == "final"


def test_marks_that_wait_are_forgotten_by_nobody() -> None:
    """Several wait for different positions; each counts in its turn."""
    completeness = complete(cases="never")
    completeness.learn(heard("cases", "14:30", position=7), position=3)
    completeness.learn(heard("cases", "15:30", position=9), position=3)
    seen = []
    for position in (6, 7, 8, 9):
        completeness.advance(position, {})
        seen.append(completeness.certainty(END, GRACE))
    assert seen == [None, "provisional", "provisional", "final"]
    assert completeness._waiting == []  # what counts waits no more


# --- waivers


def test_a_waiver_stands_for_a_mark_but_says_incomplete() -> None:
    """Judged without the feed: a finding, named for what it is."""
    completeness = complete(cases="never")
    completeness.advance(1, {"cases": END})
    assert completeness.certainty(END, GRACE) == "incomplete"
    assert completeness.waiting_for(END, GRACE) == ("cases",)


def test_a_waiver_that_ends_before_the_access_waives_nothing() -> None:
    """By one millisecond."""
    completeness = complete(cases="never")
    completeness.advance(1, {"cases": END - 1})
    assert completeness.certainty(END, GRACE) is None


def test_a_waiver_of_one_feed_does_not_speak_for_another() -> None:
    """The other must have promised or be waived itself."""
    completeness = complete(cases="never", staff="13:00")
    completeness.advance(1, {"cases": at("2026-01-06")})
    assert completeness.certainty(END, GRACE) is None
    completeness.advance(2, {"cases": at("2026-01-06"), "staff": at("2026-01-06")})
    assert completeness.certainty(END, GRACE) == "incomplete"


def test_a_mark_that_comes_after_a_waiver_counts_for_what_it_is() -> None:
    """The feed is back: no longer incomplete."""
    completeness = complete(cases="13:00")
    completeness.advance(1, {"cases": at("2026-01-06")})
    completeness.learn(heard("cases", "14:00"), 1)
    assert completeness.certainty(END, GRACE) == "provisional"


def test_an_old_waiver_does_not_lower_a_mark() -> None:
    """Of mark and waiver the higher counts."""
    completeness = complete(cases="14:10")
    completeness.advance(1, {"cases": at("11:00")})
    assert completeness.low == (at("14:10"), at("14:10"))


def test_a_policy_that_reads_no_feed_waits_for_none() -> None:
    """Nothing is still to come."""
    completeness = Completeness(())
    completeness.advance(0, {})
    assert completeness.certainty(END, GRACE) == "final"


def test_nothing_promised_is_nothing_complete() -> None:
    """A worker that has heard no mark accuses nobody."""
    completeness = Completeness(GATING)
    assert completeness.certainty(END, GRACE) is None
    assert completeness.marks() == {}
