"""The audit holds each access to the facts that came after it was judged, as far as anybody claims that was done."""

from __future__ import annotations

import pytest

from schemas.finding import Finding
from sinks.cli.verify_lines import lines
from sinks.ledger.logs import StoredCut
from sinks.ledger.report import Partly
from tests.harness.builders import assignment, at, make_access
from tests.harness.verdicts import JDOE
from tests.harness.worker import Stored, Worker
from tests.unit.test_audit import EVENING, HERE, POLICY, cuts_with, differences, mark_all, report_on, send


def corrected() -> Stored:
    """One explained and one found; then a fact takes the first one's duty away, and a new message says so in its cut.

    Offsets: 0 explained then revoked, 1 unexplained then late, 2 explained.
    """
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w028", fact_id="x7"), "assignments")
    stored.state(assignment("w031", "case:c0099"), "assignments")
    mark_all(stored, EVENING)
    worker = Worker(stored, POLICY, run="run-1")
    send(stored, make_access(event_id="e0"), make_access(event_id="e1", name="case:c0099"))
    worker.take(HERE, 2)
    worker.store()
    stored.state(assignment("w028", fact_id="x7", revision=2, void=True, recorded_at=EVENING), "assignments")
    stored.state(assignment("w028", "case:c0099", recorded_at=EVENING), "assignments")
    worker.hear()
    worker.store()
    worker.hear()
    send(stored, make_access(event_id="e2", name="case:c0099", when="15:00"))
    worker.take(HERE, 1)
    worker.store()
    return stored


def quiet(*, is_heard: bool = True) -> Stored:
    """One access, explained; then its duty is voided, and nothing else comes."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w028", fact_id="x7"), "assignments")
    mark_all(stored, EVENING)
    worker = Worker(stored, POLICY, run="run-1")
    send(stored, make_access(event_id="e0"))
    worker.take(HERE, 1)
    worker.store()
    stored.state(assignment("w028", fact_id="x7", revision=2, void=True, recorded_at=EVENING), "assignments")
    if is_heard:
        worker.hear()
        worker.store()
    return stored


def test_corrections_verify() -> None:
    """What was said before the facts, and since."""
    stored = corrected()
    assert differences(stored) == []
    said = [(f.access.event_id, f.transition, f.outcome) for f in stored.findings]
    assert said[0] == ("e1", "raised", "unexplained")
    assert sorted(said[1:]) == [("e0", "raised", "revoked"), ("e1", "revised", "late"), ("e2", "raised", "late")]


def without(stored: Stored, outcome: str) -> list[Finding]:
    """The findings as they are when one of the corrections has not been stored."""
    return [f for f in stored.findings if f.outcome != outcome or f.access.event_id == "e2"]


@pytest.mark.parametrize("has_note", [True, False])
@pytest.mark.parametrize(("outcome", "offset"), [("revoked", 0), ("late", 1)])
def test_a_correction_that_is_gone_is_found(outcome: str, offset: int, has_note: bool) -> None:
    """A later cut says that everything due at its position had been said, and so does the note; each is enough."""
    stored = corrected()
    notes = stored.notes if has_note else {}
    changed = cuts_with(stored, 1, reconciled=3) if has_note else {}
    found = differences(stored, findings=without(stored, outcome), notes=notes, **changed)
    assert found == [f"access.ecms.v1/2/{offset}: not as it must stand at position 5"]


def test_a_quiet_partition_is_held_to_what_was_learned_since() -> None:
    """No message comes, so no cut: the note beside the committed offset claims what was said."""
    stored = quiet()
    assert [(f.outcome, f.position) for f in stored.findings] == [("revoked", 3)]
    assert (report_on(stored).differences, report_on(stored).partly) == ([], {})
    assert differences(stored, findings=[]) == ["access.ecms.v1/2/0: not as it must stand at position 3"]


def test_claiming_nothing_in_the_cuts_silences_nothing() -> None:
    """As of a partition that was never reconciled."""
    stored = corrected()
    cuts = [StoredCut(c.cut.model_copy(update={"reconciled": 0}), c.digest) for c in stored.cuts[HERE]]
    assert differences(stored, cuts={HERE: cuts}) == []
    found = differences(stored, cuts={HERE: cuts}, findings=without(stored, "revoked"))
    assert found == ["access.ecms.v1/2/0: not as it must stand at position 5"]


def test_a_correction_that_may_still_change_lets_nobody_off() -> None:
    """An access that was judged before is open again, so the cuts claim no more than before; the note does."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w028", fact_id="x7"), "assignments")
    mark_all(stored, at("14:30"))
    worker = Worker(stored, POLICY, run="run-1")
    send(stored, make_access(event_id="e0"))
    worker.take(HERE, 1)
    worker.store()
    stored.state(assignment("w028", fact_id="x7", revision=2, void=True, recorded_at=EVENING), "assignments")
    worker.hear()
    worker.store()
    send(stored, make_access(event_id="e1", when="14:05"))
    worker.take(HERE, 1)
    worker.store()
    assert [(f.access.event_id, f.certainty) for f in stored.findings] == [("e0", "provisional"), ("e1", "provisional")]
    assert (stored.cuts[HERE][-1].cut.reconciled, stored.notes[HERE].position) == (2, 3)
    assert differences(stored) == []
    assert "access.ecms.v1/2/0: not as it must stand at position 3" in differences(stored, findings=stored.findings[1:])


def test_the_note_of_a_worker_that_waits_claims_no_more_than_it_had_heard() -> None:
    """The feeds have spoken since: what waits is told as waiting, not as a finding that is gone."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w031"), "assignments")
    mark_all(stored, at("13:00"))
    worker = Worker(stored, POLICY, run="run-1")
    send(stored, make_access())
    worker.take(HERE, 1)
    worker.store()
    assert (stored.notes[HERE].open, differences(stored)) == (1, [])
    mark_all(stored, EVENING)
    assert differences(stored) == ["access.ecms.v1/2/0: was pending and nothing was said of it since"]


def test_how_far_nobody_claims_anything_is_said() -> None:
    """A fact came and no worker has said that it brought it to what was judged; or none ever said anything."""
    stored = quiet(is_heard=False)
    report = report_on(stored)
    assert (report.differences, report.partly) == ([], {"access.ecms.v1/2": Partly(2, 3, 0)})
    assert "access.ecms.v1/2: held to position 2 of 3\n" in lines(report, None)
    assert lines(report, None).endswith("\nverified as far as somebody claims: nothing differs")
    assert lines(report_on(quiet()), None).endswith("\nverified: nothing differs")
    cuts = [StoredCut(c.cut.model_copy(update={"reconciled": 0}), c.digest) for c in stored.cuts[HERE]]
    report = report_on(stored, notes={}, cuts={HERE: cuts})
    assert report.partly == {"access.ecms.v1/2": Partly(0, 3, 1)}
    assert "access.ecms.v1/2: held to position 0 of 3, messages held to none: 1\n" in lines(report, None)


def test_a_cut_that_claims_less_is_held_to_less() -> None:
    """A worker that has not looked back yet does not say that all was said, and leaves no note."""
    stored = corrected()
    assert (
        differences(stored, findings=without(stored, "revoked"), notes={}, **cuts_with(stored, 1, reconciled=3)) == []
    )
