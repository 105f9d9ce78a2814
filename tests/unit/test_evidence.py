"""What is shown of one access: then and now apart, why each path failed, and in time what concerns this person only."""

from __future__ import annotations

import pytest

from schemas.access import Access
from schemas.fact import Fact, RegisteredFact
from schemas.policy import Policy
from sinks.alerts.evidence import BARS_MAX, Bar, Evidence, Mark, OfPerson, evidence
from streams.join.knowledge import knowing
from tests.harness.builders import (
    account,
    assignment,
    at,
    coverage,
    make_access,
    make_policy,
    membership,
    registered,
    review,
    supervision,
    unit_member,
)
from tests.harness.verdicts import JDOE

POLICY = make_policy()


def shown(*facts: Fact | RegisteredFact, access: Access | None = None, policy: Policy = POLICY) -> Evidence:
    """All about a look at case c0042 at 14:00 by jdoe12, who is w028."""
    log = [fact if isinstance(fact, RegisteredFact) else registered(fact) for fact in facts]
    return evidence(knowing(log, policy.grace_ms), policy, access or make_access(), at("20:00"))


def person(*facts: Fact | RegisteredFact, access: Access | None = None, policy: Policy = POLICY) -> OfPerson:
    """What is shown of w028."""
    [found] = shown(JDOE, *facts, access=access, policy=policy).people
    assert found.staff == "w028"
    return found


def named(bars: tuple[Bar, ...]) -> dict[str, tuple[str, ...]]:
    """The facts of the bars, with their paths."""
    return {bar.ref.fact_id: bar.paths for bar in bars}


# --- the verdict and the paths


def test_the_verdict_then_and_now_are_apart() -> None:
    """By what was recorded within the hour, and by all there is."""
    seen = {
        name: (one.then, one.now, one.verdict.outcome)
        for name, one in {
            "in time": shown(JDOE, assignment("w028", recorded_at="15:00")),
            "late": shown(JDOE, assignment("w028", recorded_at="15:00:00.001")),
            "revoked": shown(
                JDOE, assignment("w028"), assignment("w028", revision=2, void=True, recorded_at="2026-01-06")
            ),
            "never": shown(JDOE, assignment("w031")),
        }.items()
    }
    assert seen == {
        "in time": ("all", "all", "explained"),
        "late": ("none", "all", "late"),
        "revoked": ("all", "none", "revoked"),
        "never": ("none", "none", "unexplained"),
    }


def test_an_imprecise_time_may_be_cleared_in_part() -> None:
    """Neither yes nor no."""
    one = shown(JDOE, assignment("w028", valid_to="14:30"), access=make_access(until="15:00"))
    assert (one.then, one.now, one.verdict.flags) == ("some", "some", ("borderline",))
    assert (one.start, one.end, one.known_by) == (at("14:00"), at("15:00"), at("16:00"))


def test_each_path_says_why_it_failed() -> None:
    """Then and now may fail for different reasons."""
    own, supervises, covers = person(
        assignment("w028", valid_to="2026-01-03", fact_id="own"),
        assignment("w031", fact_id="theirs"),
        coverage("w028", "w031", recorded_at="17:30", fact_id="cover"),
        policy=make_policy(supervises=False),
    ).paths
    assert (own.then, own.now, own.why_not_now) == (None, None, "assignment ended 2 days before")
    assert (own.why_not_then, [ref.fact_id for ref in own.closest]) == (own.why_not_now, ["own"])
    assert (supervises.is_enabled, supervises.why_not_now) == (False, "the policy does not count this path")
    assert [ref.fact_id for ref in covers.now or ()] == ["cover", "theirs"]
    assert (covers.then, covers.why_not_now) == (None, None)
    assert covers.why_not_then == "known only more than 2 hours after what counts as in time"


def test_what_was_taken_back_says_so() -> None:
    """It cleared the access then."""
    line = [assignment("w031", fact_id="theirs"), supervision("w028", "w031", fact_id="line")]
    gone = supervision("w028", "w031", fact_id="line", revision=2, void=True, recorded_at="2026-01-06")
    path = person(*line, gone).paths[1]
    assert [ref.fact_id for ref in path.then or ()] == ["line", "theirs"]
    assert (path.why_not_then, path.why_not_now) == (None, "what explained it was withdrawn or corrected since")
    nowhere = person().paths[1]
    assert (nowhere.why_not_now, nowhere.leads_nowhere) == ("no recorded fact leads there", True)
    assert not path.leads_nowhere


def test_a_correction_that_came_late_is_no_lateness_of_the_duty() -> None:
    """The duty itself was known in time; that it did not hold then was known, too."""
    own = person(
        registered(assignment("w028", valid_to="2026-01-03", recorded_at="2026-01-02", revision=2)),
        registered(assignment("w028", recorded_at="2026-01-01", revision=3), known_from="2026-01-06"),
    ).paths[0]
    assert own.why_not_then == "known only 9 hours after what counts as in time"


def test_everybody_whose_login_it_was_is_shown() -> None:
    """Two people, or nobody."""
    both = shown(JDOE, account("jdoe12", "w031", fact_id="b"), assignment("w031"))
    assert [(one.staff, len(one.bars)) for one in both.people] == [("w028", 0), ("w031", 1)]
    nobody = shown(assignment("w028"))
    assert (nobody.people, nobody.verdict.outcome) == ((), "unresolved")


# --- bars


@pytest.mark.parametrize(
    ("fact", "mark"),
    [
        (assignment("w028"), "holds"),
        (assignment("w028", valid_to="14:00"), "ended"),
        (assignment("w028", valid_to="14:00:00.001"), "holds"),
        (assignment("w028", valid_from="14:00:00.001"), "later"),
        (assignment("w028", void=True), "void"),
    ],
)
def test_a_bar_says_what_it_is_to_the_access(fact: Fact, mark: Mark) -> None:
    """To the millisecond."""
    [bar] = person(fact).bars
    assert bar.mark == mark


def test_a_bar_has_what_a_time_line_needs() -> None:
    """Two revisions of one fact beside each other, the lower one replaced."""
    first, second = person(
        assignment("w028", fact_id="own", recorded_by="w003"),
        registered(
            assignment("w028", fact_id="own", revision=2, valid_to="2026-01-04", recorded_at="13:00"),
            known_from="19:00",
        ),
    ).bars
    assert (first.mark, first.begins, first.ends, first.recorded_by) == ("replaced", at("2026-01-01"), None, "w003")
    assert (second.mark, second.ends, second.recorded_at) == ("ended", at("2026-01-04"), at("13:00"))
    assert (second.known_from, first.is_in_time, second.is_in_time) == (at("19:00"), True, False)
    assert (first.is_used, second.is_used) == (True, True)  # it cleared the access then, and comes closest now
    assert (second.ref.feed, second.ref.fact_id, second.ref.revision) == ("assignments", "own", 2)
    assert second.paths == ("own-assignment",)


def test_all_ways_to_the_record_are_there_whenever_they_held() -> None:
    """Their own, their unit's, by the case it belongs to, of those below, and of those they stood in for."""
    over = "2026-01-03"
    found = person(
        assignment("w028", "case:c9", fact_id="own", valid_to=over),
        membership("person:p1", "case:c9", fact_id="part"),
        assignment(unit="u1", name="person:p1", fact_id="units"),
        unit_member("w028", "u1", fact_id="member", valid_to=over),
        assignment("w031", "person:p1", fact_id="below"),
        supervision("s2", "w031", fact_id="step"),
        supervision("w028", "s2", fact_id="line", valid_to=over),
        coverage("w028", "s3", fact_id="cover", valid_to=over),
        supervision("s3", "w032", fact_id="their-line"),
        assignment("w032", "case:c9", fact_id="of-theirs"),
        access=make_access(name="person:p1"),
    )
    assert named(found.bars) == {
        "own": ("own-assignment",),
        "part": ("own-assignment", "covers"),
        "units": ("own-assignment",),
        "member": ("own-assignment",),
        "below": ("supervises",),
        "step": ("supervises",),
        "line": ("supervises",),
        "cover": ("covers",),
        "their-line": ("covers",),
        "of-theirs": ("covers",),
    }
    assert [bar.paths[0] for bar in found.bars] == ["own-assignment"] * 4 + ["supervises"] * 3 + ["covers"] * 3


def test_an_alert_they_took_is_told_at_the_console_only() -> None:
    """Elsewhere it explains nothing, and is nobody's business."""
    facts = (
        account("jdoe12", "w028", source="console", fact_id="there"),
        review("w028", fact_id="held", valid_to="13:00"),
        review("w031", fact_id="held-by-another", alert="al-8"),
    )
    there = person(*facts, access=make_access(source="console"))
    assert [(path.path, path.why_not_now) for path in there.paths][-1] == ("reviews", "review ended 1 hour before")
    assert named(there.bars) == {"held": ("reviews",)}
    elsewhere = person(*facts)
    assert named(elsewhere.bars) == {}
    assert [path.path for path in elsewhere.paths] == ["own-assignment", "supervises", "covers"]


def test_other_peoples_duties_are_not_shown() -> None:
    """Only what lies on a way from this person to this record."""
    strangers = (
        assignment("w099", fact_id="a-strangers"),
        assignment(unit="u9", fact_id="another-units"),
        unit_member("w028", "u1", fact_id="unit-without-it"),
        assignment("w028", "case:c7", fact_id="other-record"),
        supervision("w028", "w031", fact_id="below-without-it"),
        assignment("w031", "case:c7", fact_id="of-below-elsewhere"),
        coverage("w028", "w032", fact_id="cover-without-it"),
        coverage("w033", "w028", fact_id="covered-by"),
        supervision("s1", "w028", fact_id="above"),
        assignment("s1", fact_id="of-above"),
        supervision("s9", "w099", fact_id="strangers-line"),
        membership("person:p1", fact_id="another-part"),
    )
    assert named(person(*strangers).bars) == {}
    assert named(person(*strangers, assignment("w028", fact_id="own")).bars) == {"own": ("own-assignment",)}


def test_a_line_longer_than_the_policy_counts_is_shown_where_a_path_names_it() -> None:
    """The near miss names it, so its facts are there; where depth is less, and nothing is close, they are not."""
    long = (
        assignment("w031", fact_id="theirs"),
        supervision("s2", "w031", fact_id="one"),
        supervision("s1", "s2", fact_id="two"),
        supervision("w028", "s1", fact_id="three"),
    )
    found = person(*long)
    assert found.paths[1].why_not_now == "somebody 3 steps of supervision below is assigned; the policy counts 2"
    assert not found.paths[1].leads_nowhere
    assert set(named(found.bars)) == {"theirs", "one", "two", "three"}
    assert named(person(*long[:3], supervision("w028", "s1", fact_id="three", valid_to="2026-01-02")).bars) == {}


def test_a_cover_without_a_line_counts_only_the_covered_persons_own() -> None:
    """As the policy says."""
    facts = (
        coverage("w028", "s3", fact_id="cover"),
        supervision("s3", "w031", fact_id="line"),
        assignment("w031", fact_id="x"),
    )
    assert set(named(person(*facts).bars)) == {"cover", "line", "x"}
    assert named(person(*facts, policy=make_policy(carries_line=False)).bars) == {}


def test_supervision_that_goes_round_ends() -> None:
    """Both answer for each other."""
    found = person(
        supervision("w028", "w031", fact_id="down"),
        supervision("w031", "w028", fact_id="up"),
        assignment("w031", fact_id="theirs"),
        assignment("w028", fact_id="own"),
    )
    assert named(found.bars) == {"own": ("own-assignment",), "down": ("supervises",), "theirs": ("supervises",)}


def test_too_many_bars_are_counted_and_what_is_used_is_kept() -> None:
    """The nearest in time stay; what a path rests on stays however old it is."""
    many = [
        assignment("w028", fact_id=f"as-{n}", valid_from=at("2026-01-01") + n, valid_to=at("2026-01-02") + n)
        for n in range(BARS_MAX + 5)
    ]
    old = assignment("w028", fact_id="old", valid_from="2020-01-01")
    found = person(*many, old)
    assert (len(found.bars), found.left_out) == (BARS_MAX, 6)
    kept = set(named(found.bars))
    assert {"old", f"as-{BARS_MAX + 4}"} <= kept
    assert "as-0" not in kept
    assert [bar.begins for bar in found.bars] == sorted(bar.begins for bar in found.bars)


def test_a_reassigned_record_shows_to_whom_it_went() -> None:
    """The revision that took it from them names somebody else: that is why they have it no longer."""
    first, second = person(
        assignment("w028", fact_id="own"), assignment("w031", fact_id="own", revision=2, recorded_at="2026-01-03")
    ).bars
    assert (first.mark, second.mark, second.body.staff) == ("replaced", "holds", "w031")  # type: ignore[union-attr]


def test_every_fact_that_a_path_names_has_its_bar() -> None:
    """Whoever reads a path finds each of its facts on the time line."""
    found = person(
        assignment("w031", "case:c9", fact_id="theirs"),
        membership("person:p1", "case:c9", fact_id="part"),
        supervision("w028", "w031", fact_id="line"),
        coverage("w028", "w031", fact_id="cover"),
        access=make_access(name="criteria:q", candidates=["person:p2", "person:p1"], action="search"),
    )
    bars = {bar.ref for bar in found.bars if bar.is_used}
    assert bars == {ref for path in found.paths for ref in (*(path.then or ()), *(path.now or ()), *path.closest)}
    assert len(bars) == 4
