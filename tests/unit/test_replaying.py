"""Judging once more without publishing: every difference to what was said is found, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from schemas.access import Access, finding_id
from schemas.codec import encode
from schemas.fact import Fact, Waiver
from schemas.finding import Certainty, Flag, Outcome, Transition
from schemas.policy import Policy
from sinks.cli.replay_lines import Replayed, difference_document, difference_line, summary_document, summary_lines
from sinks.cli.replaying import Difference, Said, World
from sinks.kafka import Message
from streams.join.open import Partition
from streams.join.reconcile import State
from streams.sources import BUILT_IN
from tests.harness.builders import (
    account,
    assignment,
    at,
    make_access,
    make_policy,
    membership,
    registered,
    supervision,
)
from tests.harness.verdicts import COMPLETE, JDOE

HERE = Partition("access.ecms.v1", 2)
POLICY = make_policy()
OTHERS = assignment("w031")  # names case c0042, and explains nothing of w028
OFFSET = 960


def message(access: Access | bytes, offset: int = OFFSET) -> Message:
    """As it lies in the log."""
    value = access if isinstance(access, bytes) else encode(access)
    return Message(HERE.topic, HERE.partition, offset, at("2026-01-06"), b"k", value, ())


def world(
    *facts: Fact | bytes | None, policy: Policy = POLICY, live: Policy = POLICY, said: Sequence[Said] = ()
) -> World:
    """Everything is known and has been said; all feeds have said all they have to say."""
    made = World(policy, live, BUILT_IN)
    for offset, fact in enumerate(facts):
        made.learn(offset, encode(registered(fact)) if isinstance(fact, Fact) else fact)
    for one in said:
        made.hear(one)
    made.promise(COMPLETE)
    return made


def said(
    outcome: Outcome = "unexplained",
    certainty: Certainty = "final",
    *,
    access: Access | None = None,
    position: int = 2,
    offset: int = OFFSET,
    staff: str | None = "w028",
    severity: str = "medium",
    flags: tuple[Flag, ...] = (),
) -> Said:
    """What was published of the access of make_access, at a position, by some policy."""
    access = access or make_access()
    state = State(position, outcome, certainty, staff, "search-without-duty", severity, "hash", flags, 3)  # type: ignore[arg-type]
    return Said(finding_id(access), state, HERE, offset, COMPLETE)


def differences(made: World, *messages: Message) -> list[Difference]:
    """What is found in these messages, or in the one of make_access."""
    found = made.judge(HERE, "ecms", messages or [message(make_access())])
    return [one.difference for one in found if one.difference is not None]


def changes(made: World, *messages: Message) -> list[tuple[Transition, Outcome]]:
    """The same in short."""
    return [(one.change, one.after.outcome) for one in differences(made, *messages)]


# --- what differs


def test_what_stands_and_would_be_said_is_no_difference() -> None:
    """Whatever policy said it; positions differ, since facts have come that changed nothing."""
    more = assignment("w031", "case:c0099")
    assert differences(world(JDOE, OTHERS, more, said=[said()])) == []
    assert differences(world(JDOE, assignment("w028"), OTHERS)) == []


def test_a_finding_with_a_flag_that_stands_is_no_difference() -> None:
    """Two people behind one login; one whose flag is gone, or was never said, is told with both."""
    people = (JDOE, account("jdoe12", "w099"), OTHERS)
    shared = said("unresolved", staff=None, severity="low", flags=("shared-login",))
    assert differences(world(*people, said=[shared])) == []
    plain = said("unresolved", staff=None, severity="low")
    [one] = differences(world(*people, said=[plain]))
    assert (one.change, one.after.flags) == ("revised", ("shared-login",))
    assert "(flags from none to shared-login)" in difference_line(one, "now")
    document = difference_document(one)
    assert (document["before"]["flags"], document["after"]["flags"]) == ((), ("shared-login",))


def test_a_finding_that_is_missing_would_be_raised() -> None:
    """With its reason, where it lies, and the position it was judged at."""
    [one] = differences(world(JDOE, OTHERS))
    assert (one.change, one.before, one.is_complete) == ("raised", None, True)
    assert (one.after.outcome, one.after.certainty, one.after.staff) == ("unexplained", "final", "w028")
    assert (one.place, one.after.position) == ("access.ecms.v1/2/960", 2)
    assert "no assignment, supervision or coverage explains it" in one.reason


@pytest.mark.parametrize(
    ("published", "facts", "expected"),
    [
        ([said()], [assignment("w028")], ("withdrawn", "explained")),
        ([said()], [OTHERS, assignment("w028", recorded_at="2026-01-05T18:00:00Z")], ("revised", "late")),
        ([said(severity="high")], [OTHERS], ("revised", "unexplained")),
        ([said(staff="w077")], [OTHERS], ("revised", "unexplained")),
        ([said(certainty="provisional")], [OTHERS], ("revised", "unexplained")),
        ([said("explained")], [OTHERS], ("reinstated", "unexplained")),
    ],
)
def test_what_stands_otherwise_is_told(published: list[Said], facts: list[Fact], expected: tuple[str, str]) -> None:
    """Withdrawn, revised in any of what readers see, or raised again."""
    assert changes(world(JDOE, *facts, said=published)) == [expected]


def test_what_was_withdrawn_and_is_explained_is_no_difference() -> None:
    """The newest transition counts, in whatever order they were read."""
    both = [said("explained", position=4), said(position=2)]
    for order in (both, both[::-1]):
        assert differences(world(JDOE, assignment("w028"), OTHERS, OTHERS, said=order)) == []


def test_a_plainly_explained_access_is_still_held_to_what_was_said_of_it() -> None:
    """It needs no closer look, but a finding stands."""
    made = world(JDOE, assignment("w028"), said=[said()])
    assert changes(made, message(make_access()), message(make_access(event_id="other"), OFFSET + 1)) == [
        ("withdrawn", "explained")
    ]
    assert made.accesses == 2


def test_a_repeat_is_looked_at_where_the_finding_says_it_lies() -> None:
    """Once, and only there; the newest transition says where."""
    repeats = [message(make_access(), OFFSET), message(make_access(), OFFSET + 7)]
    published = [said(offset=OFFSET), said(position=3, severity="high", offset=OFFSET + 7)]
    made = world(JDOE, OTHERS, OTHERS, said=published)
    assert [one.place for one in differences(made, *repeats)] == ["access.ecms.v1/2/967"]


def test_what_cannot_be_read_names_no_access() -> None:
    """Neither as a message nor as a fact; a worker passes over both."""
    made = world(JDOE, b"{nonsense", None, assignment("w028"))
    assert (made.position, differences(made, message(b"{nonsense"))) == (4, [])
    assert made.accesses == 0
    assert changes(made) == []  # the facts on either side count


# --- waiting for feeds


def test_an_access_whose_feeds_have_not_spoken_waits() -> None:
    """Nothing would be said of it yet, and it is not decided."""
    made = world(JDOE, OTHERS)
    made.promise({**COMPLETE, "assignments": at("13:00")})
    [one] = made.judge(HERE, "ecms", [message(make_access())])
    assert (one.difference, one.is_decided) == (None, False)
    assert made.never_had_to_wait(one.entry) is None  # nor by the policy of this installation
    made.promise(COMPLETE)
    assert made.judge_one(one.entry).difference is not None


def test_a_waiver_ends_the_wait() -> None:
    """As it did for the worker."""
    waiver = encode(Waiver(feed="assignments", through=at("15:00")))
    made = world(JDOE, OTHERS, waiver)
    made.promise({**COMPLETE, "assignments": at("13:00")})
    [one] = differences(made)
    assert (one.after.certainty, one.is_complete) == ("incomplete", True)


def test_an_access_that_waits_only_by_the_other_policy_is_a_difference() -> None:
    """The installation explained it at once, so nobody ever waited for it: the other policy would have had to."""
    line = (OTHERS, supervision("w028", "w031"))
    made = world(JDOE, *line, policy=make_policy(supervises=False), live=POLICY)
    made.promise({**COMPLETE, "assignments": at("13:00")})
    [one] = made.judge(HERE, "ecms", [message(make_access())])
    would = made.never_had_to_wait(one.entry)
    assert would is not None
    assert (would.change, would.is_complete, would.waiting_for) == ("raised", False, ("assignments",))
    assert difference_document(would)["after"]["certainty"] is None
    assert "RAISED as unexplained, after waiting for assignments: " in difference_line(would, "then")


# --- another policy


def test_another_policy_is_compared_by_what_it_says() -> None:
    """A stricter one would raise what a supervisor's line explains; a laxer one withdraws."""
    facts = (JDOE, OTHERS, supervision("w028", "w031"))
    strict = make_policy(supervises=False)
    assert changes(world(*facts, policy=strict)) == [("raised", "unexplained")]
    assert changes(world(*facts, policy=POLICY, live=strict, said=[said(position=3)])) == [("withdrawn", "explained")]


def test_without_the_path_of_own_assignments_nothing_is_plain() -> None:
    """The fast way must not explain what this policy does not."""
    made = world(JDOE, assignment("w028"), OTHERS, policy=make_policy(own=False))
    assert changes(made) == [("raised", "unexplained")]


# --- what people read


def line(made: World, as_known: str = "now") -> str:
    """The one difference as a line, without the finding's id."""
    [one] = differences(made)
    return difference_line(one, as_known).removesuffix(f"  {one.finding_id}")


def test_a_difference_is_one_line_that_an_analyst_understands() -> None:
    """When, how grave, what would become of it, and why."""
    what = "w028 viewed case c0042 on 2026-01-05 at 14:00:00 UTC: "
    nothing = "no assignment, supervision or coverage explains it."
    assert line(world(JDOE, OTHERS)) == (
        f"2026-01-05 14:00:00Z  MEDIUM    WOULD BE RAISED as unexplained, final: {what}{nothing}"
    )
    assert line(world(JDOE, assignment("w028"), said=[said()]), "then") == (
        "2026-01-05 14:00:00Z  MEDIUM    WOULD HAVE BEEN WITHDRAWN (stands as unexplained, final): "
        f"{what}a recorded duty explains it."
    )
    assert line(world(JDOE, OTHERS, said=[said(staff=None, severity="high")])) == (
        "2026-01-05 14:00:00Z  MEDIUM    WOULD BE REVISED (staff from nobody to w028, severity from high to medium): "
        f"{what}{nothing}"
    )


def test_what_came_from_outside_moves_no_cursor() -> None:
    """A name may be anything that was once accepted; the line shows it, and obeys nothing."""
    [one] = differences(world(JDOE, OTHERS, said=[said(staff="w\x1b[2J")]))
    assert "w\\x1b[2J" in difference_line(one, "now")


def test_the_summary_says_what_was_judged_and_that_nothing_was_published() -> None:
    """Counts of each kind, or that there is no difference."""
    done = Replayed(policy=POLICY.ref(), as_known="then", first=at("08:00"), end=at("09:00"), source="ecms", cuts=3)
    assert list(summary_lines(done)) == [
        "source ecms, messages stored from 2026-01-05T08:00:00.000Z to 2026-01-05T09:00:00.000Z",
        f"policy test-policy version 3 ({POLICY.hash()[:12]})",
        "as known then: at the positions and marks of 3 cuts",
        "messages: 0, accesses: 0",
        "nothing was judged: no message was stored in that range (when an access happened is another matter)",
    ]
    assert summary_document(done)["is_the_same"] is False
    done.messages = done.accesses = 7
    assert list(summary_lines(done))[3:] == [
        "messages: 7, accesses: 7",
        "no difference: what was said then is what would be said",
    ]
    assert summary_document(done)["is_the_same"] is True
    done.differences.update(["raised", "raised", "withdrawn"])
    done.waiting, done.unjudged, done.quarantined = 4, 5, 6
    assert list(summary_lines(done))[4:] == [
        "accesses that wait for feeds: 4",
        "messages that no worker has judged yet, left out: 5",
        "messages that were set aside, left out: 6",
        "3 differences: 2 raised, 0 raised again, 0 revised, 1 withdrawn; nothing was published",
    ]


def test_programs_get_every_field_of_a_difference() -> None:
    """Where it lies, what stands and what would be said; a case behind a person is looked at too."""
    access = make_access(name="person:p7")
    made = world(JDOE, OTHERS, membership("person:p7"), said=[said(access=access, severity="high")])
    [one] = differences(made, message(access))
    document = difference_document(one)
    assert (document["message"], document["event_id"]) == ("access.ecms.v1/2/960", "ecms-000123")
    assert (document["record"], document["actor"]) == ({"kind": "person", "id": "p7"}, "jdoe12")
    assert (document["before"]["severity"], document["after"]["severity"]) == ("high", "medium")
