"""What looks like tampering and is none: another policy since, marks of transactions, the same cut stored twice."""

from __future__ import annotations

from dataclasses import replace

from schemas.fact import FactKind
from schemas.ledger import Note
from schemas.policy import Policy
from sinks.cli.verify_lines import lines
from sinks.ledger.audit import audit
from sinks.ledger.logs import Logs, StoredCut
from sinks.ledger.rejudge import Rejudge
from sinks.ledger.report import Report
from tests.harness.builders import FEED_OF, assignment, make_access, make_policy, supervision
from tests.harness.verdicts import JDOE
from tests.harness.worker import Stored, Worker
from tests.unit.test_audit import EVENING, HERE, NOON, differences, last_word, mark_all, report_on, send, told

STRICT = make_policy(supervises=False)  # version 3
LAX = make_policy().model_copy(update={"version": 4})
STRICTER = STRICT.model_copy(update={"version": 5})


def under(stored: Stored, policy: Policy, *others: Policy, logs: Logs | None = None) -> Report:
    """The audit's last word, where this policy is in force and others were."""
    *_, report = audit(logs or stored.logs(), Rejudge(policy, stored.facts), policy.hash(), others)
    return report


def changed(first: Policy = STRICT, second: Policy = LAX) -> Stored:
    """Found by the strict policy; then the lax one, under which a supervisor may look, and another message."""
    stored = Stored()
    kinds: tuple[FactKind, ...] = ("account", "assignment", "supervision")
    facts = (JDOE, assignment("w031"), supervision("w028", "w031"))
    for kind, fact in zip(kinds, facts, strict=True):
        stored.state(fact, FEED_OF[kind])
    mark_all(stored, EVENING)
    send(stored, make_access(event_id="e0"))
    worker = Worker(stored, first, run="first")
    worker.take(HERE, 1)
    worker.store()
    stored.state(assignment("w077", "case:c0077"), FEED_OF["assignment"])
    worker = Worker(stored, second, run="second")
    while worker.look_back(9):
        worker.hear()
    send(stored, make_access(event_id="e1"))
    worker.take(HERE, 1)
    worker.store()
    return stored


def test_what_an_older_policy_judged_is_held_to_that_one() -> None:
    """Its cut and its finding derive from it, and what is published since from the newer one."""
    stored = changed()
    assert [(f.outcome, f.policy.version) for f in stored.findings] == [("unexplained", 3), ("explained", 4)]
    assert under(stored, LAX, STRICT) == Report(messages=2, accesses=2, cuts=2)
    assert under(stored, STRICT, LAX).differences == []


def test_a_policy_that_nobody_passed_is_named_once() -> None:
    """Whatever was judged under it cannot be checked; that is not one difference for each cut."""
    stored = told()
    report = under(stored, LAX)
    [said] = report.differences
    assert said == f"policy {stored.cuts[HERE][0].cut.policy} is not known; pass its file with --policy"
    assert len(stored.cuts[HERE]) > 1


def test_a_cut_of_an_older_policy_is_checked_no_less() -> None:
    """With that policy at hand a forged cut is found."""
    stored = changed()
    [first, *rest] = stored.cuts[HERE]
    forged = StoredCut(first.cut.model_copy(update={"accesses": {"explained": 1}}), first.digest)
    report = under(stored, LAX, STRICT, logs=replace(stored.logs(), cuts={HERE: [forged, *rest]}))
    [said] = report.differences
    assert said.endswith("of run first: counts other verdicts than follow from the log")


def test_within_the_index_the_policy_in_force_must_have_been_brought_to_all() -> None:
    """Behind it what was judged under an older one stands as it was judged."""
    stored = changed(LAX, STRICTER)
    stored.findings = [f for f in stored.findings if f.access.event_id != "e0"]  # as if nobody had looked back
    note = Note(judged=2, position=4, reconciled=4, low=EVENING, low_waived=EVENING, open=0, pending=0)
    logs = replace(stored.logs(), notes={HERE: note})
    assert under(stored, STRICTER, LAX, logs=logs).differences == [
        "access.ecms.v1/2/0: not as it must stand at position 4"
    ]
    assert under(stored, STRICTER, LAX, logs=replace(logs, indexed_since=NOON + 1)).differences == []


def test_a_finding_that_gives_its_policy_another_version_is_found() -> None:
    """Of two words at one position that of the later policy stands: a forger would win."""
    stored = told()
    for finding in stored.findings:
        assert finding.policy.version == 3
    ref = stored.findings[0].policy.model_copy(update={"version": 9})
    forged = [f.model_copy(update={"policy": ref}) if f.transition == "revised" else f for f in stored.findings]
    [name] = {f.finding_id for f in forged if f.transition == "revised"}
    assert differences(stored, findings=forged) == [f"finding {name}: gives its policy another name or version"]


def test_the_mark_of_a_transaction_is_no_hole_and_shifts_nothing() -> None:
    """It takes an offset and nobody reads it: between two cuts, within one, and before what is settled."""
    for mark in (3, 4, 1):
        stored = told()
        logs = stored.logs()

        def moved(offset: int, mark: int = mark) -> int:
            return offset + (offset >= mark)

        def cut_moved(one: StoredCut) -> StoredCut:
            first, end = moved(one.cut.first_offset), moved(one.cut.next_offset - 1) + 1
            settled = None if one.cut.settled is None else [(moved(o), i) for o, i in one.cut.settled]
            place = {"first_offset": first, "next_offset": first if settled else end, "settled": settled}
            return one._replace(cut=one.cut.model_copy(update=place))

        findings = [
            f.model_copy(update={"message": f.message.model_copy(update={"offset": moved(f.message.offset)})})
            for f in logs.findings
        ]
        letters = frozenset(f"{HERE.topic}/{HERE.partition}/{moved(2)}" for _ in logs.dead_letters)
        notes = {HERE: logs.notes[HERE].model_copy(update={"judged": 7})}
        messages = {HERE: [m._replace(offset=moved(m.offset)) for m in logs.messages[HERE]]}
        shifted = replace(logs, messages=messages, findings=findings, dead_letters=letters, notes=notes)
        shifted = replace(shifted, cuts={HERE: [cut_moved(one) for one in logs.cuts[HERE]]})
        assert last_word(shifted, stored) == Report(messages=6, accesses=5, cuts=2, settlements=1, findings=2)


def test_what_nobody_judged_is_counted_by_its_messages() -> None:
    """Not by its offsets."""
    stored = told()
    send(stored, make_access(event_id="e6"), make_access(event_id="e7"))
    messages = stored.logs().messages[HERE]
    messages[-1] = messages[-1]._replace(offset=9)
    assert report_on(stored, messages={HERE: messages}).unjudged == 2


def test_the_same_cut_stored_twice_is_counted_and_no_difference() -> None:
    """A producer that was not answered sends again, at once or after the next one."""
    stored = told()
    [first, second, third] = stored.cuts[HERE]
    for cuts in ([first, second, second, third], [first, second, third, second], [first, first, second, third]):
        report = report_on(stored, cuts={HERE: cuts})
        assert report == Report(messages=6, accesses=5, cuts=2, settlements=1, findings=2, repeated=1)
    assert "cuts stored more than once: 1\n" in lines(report, None)
    other = second._replace(digest="digest-of-other-bytes")
    assert differences(stored, cuts={HERE: [first, second, other, third]}) != []
