"""The audit of the ledger: a clean one passes, and whatever was tampered with is found and named by its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schemas.codec import encode
from schemas.fact import Waiver
from schemas.finding import Finding
from schemas.heartbeat import Heartbeat
from schemas.ledger import Cut, MessageCounts, verdict_digest
from schemas.topics import FACTS_LINE, HEARTBEAT
from sinks.ledger.audit import audit
from sinks.ledger.logs import Logs, Read, StoredCut
from sinks.ledger.rejudge import Rejudge
from sinks.ledger.report import Report
from streams.join.open import Partition
from tests.harness.builders import FEED_OF, assignment, at, make_access, make_policy
from tests.harness.facts_file import audit_access, facts_file
from tests.harness.verdicts import JDOE
from tests.harness.worker import Stored, Worker

HERE = Partition("access.ecms.v1", 2)
POLICY = make_policy()
NOON, EVENING = at("16:00"), at("20:00")


def send(stored: Stored, *values: Any, partition: Partition = HERE) -> None:
    """Accesses or bytes are appended."""
    for value in values:
        stored.send(partition, value if isinstance(value, bytes) else encode(value), NOON)


def mark_all(stored: Stored, through: int) -> None:
    """Every feed promises the same."""
    for feed in ("assignments", "staff", "cases"):
        stored.promise(feed, through)


def told() -> Stored:
    """A small day: explained, found and then withdrawn, found, a dead letter, and two that were pending.

    Offsets of HERE: 0 explained, 1 unexplained, 2 dead letter, 3 pending then unexplained, 4 pending then explained,
    5 explained.
    """
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w028"), "assignments")
    stored.state(assignment("w031", "case:c0099"), "assignments")
    stored.state(assignment("w031", "case:c0077"), "assignments")
    mark_all(stored, at("14:00"))
    worker = Worker(stored, POLICY, run="run-1")
    send(stored, make_access(event_id="e0"), make_access(event_id="e1", name="case:c0099"), b"{nonsense")
    worker.take(HERE, 3)
    send(stored, make_access(event_id="e3", name="case:c0099", when="14:30"))
    send(stored, make_access(event_id="e4", name="case:c0077", when="14:40"), make_access(event_id="e5"))
    worker.take(HERE, 3)
    worker.store()
    stored.state(assignment("w028", "case:c0077", recorded_at="14:50"), "assignments")
    worker.hear()
    mark_all(stored, EVENING)
    worker.hear()
    worker.store()
    return stored


def report_on(stored: Stored, **changed: Any) -> Report:
    """The audit's last word."""
    return last_word(replace(stored.logs(), **changed), stored)


def last_word(logs: Logs, stored: Stored) -> Report:
    """The same report comes again and again, fuller each time."""
    *_, report = audit(logs, Rejudge(POLICY, stored.facts), POLICY.hash())
    return report


def differences(stored: Stored, **changed: Any) -> list[str]:
    """What the audit finds when these logs are not what they were."""
    return report_on(stored, **changed).differences


def cuts_with(stored: Stored, number: int, **changed: Any) -> dict[str, Any]:
    """The ledger with one cut changed, and its digest with it as a careful forger would."""
    cuts = list(stored.cuts[HERE])
    cuts[number] = StoredCut(cuts[number].cut.model_copy(update=changed), cuts[number].digest)
    return {"cuts": {HERE: cuts}}


def findings_with(stored: Stored, is_it: Callable[[Finding], bool], **changed: Any) -> dict[str, Any]:
    """The findings with some changed."""
    return {"findings": [f.model_copy(update=changed) if is_it(f) else f for f in stored.findings]}


FIRST, SECOND, SETTLEMENT = 0, 1, 2


# --- a clean ledger


def test_a_clean_ledger_passes() -> None:
    """Everything is counted: messages, accesses, cuts, settlements, findings."""
    report = report_on(told())
    assert report == Report(messages=6, accesses=5, cuts=2, settlements=1, findings=2)
    assert report.is_good


def test_the_story_of_this_file_has_all_that_can_be_tampered_with() -> None:
    """Otherwise the tests below would change nothing."""
    stored = told()
    said = [(c.cut.first_offset, c.cut.next_offset, dict(c.cut.accesses), c.cut.settled) for c in stored.cuts[HERE]]
    assert said == [
        (0, 3, {"explained": 1, "unexplained": 1}, None),
        (3, 6, {"pending": 2, "explained": 1}, None),
        (4, 4, {}, [(4, 0)]),
    ]
    assert [(f.access.event_id, f.transition, f.certainty) for f in stored.findings] == [
        ("e1", "raised", "provisional"),
        ("e1", "revised", "final"),
        ("e3", "raised", "final"),
    ]


def test_an_empty_ledger_of_an_empty_log_passes() -> None:
    """Nothing was sent, nothing was judged."""
    stored = Stored()
    assert report_on(stored) == Report()


def test_what_is_not_judged_yet_is_told_and_no_difference() -> None:
    """The worker is behind; that is lag, not tampering."""
    stored = told()
    send(stored, make_access(event_id="e6"), make_access(event_id="e7"))
    report = report_on(stored)
    assert (report.unjudged, report.differences) == (2, [])


def test_what_is_rightly_pending_is_told_and_no_difference() -> None:
    """A feed is silent."""
    stored = told()
    send(stored, make_access(event_id="e6", name="case:c0099", when="15:59"))
    given = stored.promised()
    stored.marks = [m for m in stored.marks if m.complete_through < EVENING]
    worker = Worker(stored, POLICY, run="run-2")
    worker.take(HERE, 1)
    worker.store()
    report = report_on(stored, promised=given)
    assert (report.pending, report.differences) == (1, [])


def test_progress_is_shown_while_it_goes_on() -> None:
    """The same report, fuller each time."""
    stored = told()
    words = list(audit(stored.logs(), Rejudge(POLICY, stored.facts), POLICY.hash()))
    assert len(words) >= 3
    assert all(word is words[0] for word in words)


def test_an_overlap_is_honest_when_each_cut_derives() -> None:
    """A crash before the commit: the same messages in two cuts of two runs, judged at two positions."""
    stored = told()
    stored.committed[HERE] = 0
    worker = Worker(stored, POLICY, run="run-2")
    worker.take(HERE, 6)
    worker.store()
    report = report_on(stored)
    assert (report.cuts, report.differences) == (3, [])


def test_a_pending_access_that_a_crash_let_be_judged_again_is_settled_by_the_later_cut() -> None:
    """Nobody writes a settlement for it: the second worker finds it explained at once."""
    stored = Stored()
    stored.state(JDOE, "staff")
    worker = Worker(stored, POLICY, run="run-1")
    send(stored, make_access())
    assert worker.take(HERE, 1) == ["p"]
    worker.store()
    stored.state(assignment("w028"), "assignments")
    again = Worker(stored, POLICY, run="run-2")
    assert again.take(HERE, 1) == ["e"]
    again.store()
    mark_all(stored, EVENING)
    report = report_on(stored)
    assert (report.pending, report.settlements, report.differences) == (0, 0, [])


def test_what_was_explained_and_is_pending_later_must_be_settled_after_that() -> None:
    """Its duty was voided while a feed is behind: an older verdict settles nothing."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w028"), "assignments")
    send(stored, make_access())
    worker = Worker(stored, POLICY, run="run-1")
    worker.take(HERE, 1)
    worker.store()
    stored.committed[HERE] = 0
    stored.state(assignment("w028", revision=2, void=True), "assignments")
    again = Worker(stored, POLICY, run="run-2")
    assert again.take(HERE, 1) == ["p"]
    again.store()
    mark_all(stored, EVENING)
    assert differences(stored) == ["access.ecms.v1/2/0: was pending and nothing was said of it since"]


def test_old_messages_that_retention_took_are_told_and_no_difference() -> None:
    """Their cuts can no longer be derived; the findings outlive them."""
    stored = told()
    kept = stored.logs().messages[HERE][4:]
    report = report_on(stored, messages={HERE: kept})
    assert (report.past, report.differences) == (2, [])


def test_a_waiver_counts_in_the_audit_as_it_did_in_the_judge() -> None:
    """Judged without a feed: incomplete, and rightly so."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w031"), "assignments")
    stored.facts += [Waiver(feed=feed, through=EVENING) for feed in ("assignments", "staff", "cases")]
    send(stored, make_access())
    worker = Worker(stored, POLICY, run="run-1")
    worker.take(HERE, 1)
    worker.store()
    assert [f.certainty for f in stored.findings] == ["incomplete"]
    assert differences(stored) == []


def test_a_withdrawn_finding_keeps_the_certainty_it_had_a_right_to() -> None:
    """Provisional when it was raised; its withdrawal claims no more."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w031"), "assignments")
    mark_all(stored, at("14:10"))
    send(stored, make_access())
    worker = Worker(stored, POLICY, run="run-1")
    worker.take(HERE, 1)
    worker.store()
    stored.state(assignment("w028", recorded_at="14:20"), FEED_OF["assignment"])
    worker.hear()
    worker.store()
    assert [(f.transition, f.certainty) for f in stored.findings] == [
        ("raised", "provisional"),
        ("withdrawn", "provisional"),
    ]
    assert differences(stored) == []
    assert differences(stored, **findings_with(stored, lambda f: f.transition == "withdrawn", certainty="final")) != []


# --- tampering with cuts


def test_a_hole_is_found() -> None:
    """Messages that no cut speaks of."""
    stored = told()
    found = differences(stored, cuts={HERE: stored.cuts[HERE][1:]})
    assert "access.ecms.v1/2: offsets 0 to 2 are in no cut" in found


def test_a_cut_beyond_the_end_of_the_log_is_found() -> None:
    """Messages were taken away at the end."""
    stored = told()
    found = differences(stored, messages={HERE: stored.logs().messages[HERE][:5]})
    assert "access.ecms.v1/2: a cut ends at 6, the log at 5" in found


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"accesses": {"explained": 2}}, "counts other verdicts than follow from the log"),
        ({"accesses": {"explained": 1, "late": 1}}, "counts other verdicts than follow from the log"),
        ({"accesses": {"explained": 1}}, "counts other verdicts than follow from the log"),
        ({"digest": verdict_digest("edu")}, "has the digest of other verdicts"),
        (
            {"messages": MessageCounts(translated=3, control=0, dead_letters=0)},
            "counts other messages than the log has",
        ),
        (
            {"messages": MessageCounts(translated=2, control=1, dead_letters=0)},
            "counts other messages than the log has",
        ),
        ({"position": 1}, "counts other verdicts than follow from the log"),
        ({"marks": {}}, "counts other verdicts than follow from the log"),
        ({"marks": {"staff": EVENING + 1}}, "rests on a mark that staff never gave"),
        ({"marks": {"nobody": NOON}}, "rests on a mark that nobody never gave"),
        ({"position": 1_000_000}, "judged at position 1000000, facts end at 5"),
        ({"reconciled": 6}, "reconciled at position 6, facts end at 5"),
        ({"sequences": {}}, "has other sequence numbers than the log"),
        ({"sequences": {"ecms": [(1, 99_999)]}}, "has other sequence numbers than the log"),
        ({"sequences": {"facts": [(11, 11)]}}, "has other sequence numbers than the log"),
        ({"given": {"ecms": 12}}, "has another highest number given than the log"),
        ({"files": {"ecms": [("000007", 1, 2)]}}, "has other headers and trailers of files than the log"),
    ],
)
def test_a_changed_cut_is_found(changed: dict[str, Any], said: str) -> None:
    """Counts, order of the verdicts, policy, position, marks and numbers: a cut follows from the logs or is wrong."""
    stored = told()
    found = differences(stored, **cuts_with(stored, FIRST, **changed))
    assert f"cut access.ecms.v1/2 [0, 3) of run run-1: {said}" in found


def test_what_a_source_says_it_has_given_is_derived_again() -> None:
    """From its heartbeats: of nobody else, and neither more nor less."""
    stored = told()
    for given in (41, 40):
        beat = encode(Heartbeat(source="ecms", at=EVENING, sequence=given))
        stored.send(HERE, beat, EVENING, (("content-type", HEARTBEAT.encode()),))
    worker = Worker(stored, POLICY, run="run-2")
    worker.take(HERE, 2)
    worker.store()
    assert differences(stored) == []
    last = len(stored.cuts[HERE]) - 1
    for given in (None, {"ecms": 40}, {"ecms": 42}, {"jnet": 41}):
        found = differences(stored, **cuts_with(stored, last, given=given))
        assert any("has another highest number given than the log" in one for one in found)


def test_headers_and_trailers_of_files_are_derived_again() -> None:
    """Whoever took one out would hide that a file came short."""
    there, stored = Partition("access.facts.v1", 0), told()
    lines = facts_file("20260105", 7, [audit_access(n, make_access("JDOE")) for n in (501, 502)]).lines
    for line in lines:
        stored.send(there, line, EVENING, (("content-type", FACTS_LINE.encode()),))
    worker = Worker(stored, POLICY, run="run-2")
    worker.take(there, len(lines))
    worker.store()
    assert differences(stored) == []
    [(cut, digest)] = stored.cuts[there]
    assert cut.files == {"facts": [("000007", None, None), ("000007", 501, 502)]}
    for parts in (None, [("000007", None, None)], [("000007", 501, 502)], [("000007", 501, 501), *cut.files["facts"]]):
        changed = cut.model_copy(update={"files": parts and {"facts": parts}})
        found = differences(stored, cuts={**stored.cuts, there: [StoredCut(changed, digest)]})
        assert any("has other headers and trailers of files than the log" in one for one in found)


def test_a_cut_that_claims_an_explanation_is_found() -> None:
    """With counts and digest made to fit each other."""
    stored = told()
    forged = cuts_with(stored, FIRST, accesses={"explained": 2}, digest=verdict_digest("eed"))
    found = differences(stored, findings=[f for f in stored.findings if f.access.event_id != "e1"], **forged)
    assert "cut access.ecms.v1/2 [0, 3) of run run-1: counts other verdicts than follow from the log" in found


# --- tampering with the chain


def test_a_cut_taken_out_of_the_chain_is_found() -> None:
    """Even a settlement, whose absence leaves no hole."""
    stored = told()
    cuts = [*stored.cuts[HERE]]
    follower = cuts[SETTLEMENT].cut.model_copy(update={"previous": cuts[SETTLEMENT].digest})
    cuts.append(StoredCut(follower, "digest-of-the-last"))
    assert differences(stored, cuts={HERE: cuts}) == []
    del cuts[SETTLEMENT]
    assert differences(stored, cuts={HERE: cuts}) == [
        "cut access.ecms.v1/2 [4, 4) of run run-1: does not name the cut before it"
    ]


def test_a_cut_whose_bytes_were_changed_breaks_the_chain() -> None:
    """Its digest is no longer the one that the next cut names."""
    stored = told()
    cuts = [*stored.cuts[HERE]]
    cuts[FIRST] = StoredCut(cuts[FIRST].cut, "digest-of-other-bytes")
    assert differences(stored, cuts={HERE: cuts}) == [
        "cut access.ecms.v1/2 [3, 6) of run run-1: does not name the cut before it"
    ]


def test_a_run_that_names_a_cut_which_is_not_there_is_found() -> None:
    """A run's first cut names the last one before it, if there is one."""
    stored = told()
    stored.committed[HERE] = 0
    worker = Worker(stored, POLICY, run="run-2")
    worker.take(HERE, 6)
    worker.store()
    assert differences(stored) == []
    forged = cuts_with(stored, 3, previous="digest-of-nothing")
    assert differences(stored, **forged) == ["cut access.ecms.v1/2 [0, 6) of run run-2: names a cut that is not there"]


# --- tampering with findings (more: test_audit_findings.py)


@pytest.mark.parametrize(("event", "offset"), [("e1", 1), ("e3", 3)])
def test_a_finding_that_is_gone_is_found(event: str, offset: int) -> None:
    """No lost finding: a cut counts it, or it was pending, and nothing stands in `violations.v1`."""
    stored = told()
    found = differences(stored, findings=[f for f in stored.findings if f.access.event_id != event])
    [was] = [one for one in found if "not as it must stand" not in one]
    assert was.startswith(f"access.ecms.v1/2/{offset}: was ")
    assert f"access.ecms.v1/2/{offset}: not as it must stand at position 5" in found


# --- tampering with what was pending


def test_a_pending_access_that_was_never_settled_is_found() -> None:
    """The settlement is gone."""
    stored = told()
    found = differences(stored, cuts={HERE: stored.cuts[HERE][:SETTLEMENT]})
    assert found == ["access.ecms.v1/2/4: was pending and nothing was said of it since"]


def test_a_settlement_of_what_nothing_explains_is_found() -> None:
    """A finding cannot be made to vanish by calling it settled."""
    stored = told()
    forged = cuts_with(stored, SETTLEMENT, settled=[(3, 0), (4, 0)], digest=verdict_digest("ee"))
    found = differences(stored, findings=[f for f in stored.findings if f.access.event_id != "e3"], **forged)
    assert "cut access.ecms.v1/2 [4, 4) of run run-1: settles an access that nothing explains" in found


@pytest.mark.parametrize("place", [(4, 1), (99, 0)])
def test_a_settlement_of_what_was_never_sent_is_found(place: tuple[int, int]) -> None:
    """Neither that message nor that access of it exists."""
    stored = told()
    forged = cuts_with(stored, SETTLEMENT, settled=[(4, 0), place], digest=verdict_digest("ee"))
    assert differences(stored, **forged) == ["cut access.ecms.v1/2 [4, 4) of run run-1: settles what is not in the log"]


def test_a_settlement_that_names_an_access_twice_is_found() -> None:
    """One ended, and its digest is over two."""
    stored = told()
    forged = cuts_with(stored, SETTLEMENT, settled=[(4, 0), (4, 0)], digest=verdict_digest("ee"))
    assert differences(stored, **forged) == ["cut access.ecms.v1/2 [4, 4) of run run-1: settles an access twice"]


def test_a_settlement_with_another_digest_is_found() -> None:
    """Its verdicts are all explained, as many as it lists."""
    stored = told()
    forged = cuts_with(stored, SETTLEMENT, digest=verdict_digest("ee"))
    assert differences(stored, **forged) == [
        "cut access.ecms.v1/2 [4, 4) of run run-1: has the digest of other verdicts"
    ]


def test_a_settlement_under_another_policy_settles_nothing() -> None:
    """It is told, and so is what it leaves open."""
    stored = told()
    assert differences(stored, **cuts_with(stored, SETTLEMENT, policy="hash7")) == [
        "access.ecms.v1/2/4: was pending and nothing was said of it since",
        "policy hash7 is not known; pass its file with --policy",
    ]


# --- tampering with messages and dead letters


def test_a_missing_dead_letter_is_found() -> None:
    """A message that cannot be read was judged past, and nobody can see it."""
    assert differences(told(), dead_letters=frozenset()) == [
        "access.ecms.v1/2/2: cannot be read and has no dead letter"
    ]


def test_a_bad_message_that_is_not_judged_yet_needs_no_dead_letter() -> None:
    """It will get one."""
    stored = told()
    send(stored, b"{worse")
    assert differences(stored) == []


def test_a_changed_message_is_found() -> None:
    """Somebody rewrote what was done: the cut and the finding of old no longer follow from it."""
    stored = told()
    messages = list(stored.logs().messages[HERE])
    old = messages[1]
    messages[1] = Read(old.offset, old.appended_at, (make_access(event_id="e1"),), old.kind)
    found = differences(stored, messages={HERE: messages})
    assert len(found) == 2
    assert "its message says something else" in found[0]
    assert "counts other verdicts than follow from the log" in found[1]


def test_partitions_are_checked_apart() -> None:
    """The same offsets of another partition prove nothing."""
    stored = told()
    send(stored, make_access(event_id="f0"), partition=Partition("access.ecms.v1", 0))
    forged: Cut = stored.cuts[HERE][FIRST].cut
    report = report_on(stored, cuts={HERE: stored.cuts[HERE], Partition("access.irss.v1", 0): [StoredCut(forged, "x")]})
    assert report.unjudged == 1
    assert report.messages == 7
    assert report.differences[:1] == [
        "cut access.irss.v1/0 [0, 3) of run run-1: counts other messages than the log has"
    ]
