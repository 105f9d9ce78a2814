"""The audit holds each access to the facts that came after it was judged, as far as a cut says that was done."""

from __future__ import annotations

import pytest

from tests.harness.builders import assignment, make_access
from tests.harness.verdicts import JDOE
from tests.harness.worker import Stored, Worker
from tests.unit.test_audit import EVENING, HERE, NOON, POLICY, cuts_with, differences, mark_all, send


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


def test_corrections_verify() -> None:
    """What was said before the facts, and since."""
    stored = corrected()
    assert differences(stored) == []
    said = [(f.access.event_id, f.transition, f.outcome) for f in stored.findings]
    assert said[0] == ("e1", "raised", "unexplained")
    assert sorted(said[1:]) == [("e0", "raised", "revoked"), ("e1", "revised", "late"), ("e2", "raised", "late")]


@pytest.mark.parametrize(("outcome", "offset"), [("revoked", 0), ("late", 1)])
def test_a_correction_that_is_gone_is_found(outcome: str, offset: int) -> None:
    """A later cut says that everything due at its position had been said."""
    stored = corrected()
    kept = [f for f in stored.findings if (f.outcome, f.access.event_id) != (outcome, f"e{offset}")]
    assert differences(stored, findings=kept) == [f"access.ecms.v1/2/{offset}: not as it must stand at position 5"]
    assert differences(stored, findings=kept, since=NOON + 1) == []  # older than a worker's index


def test_a_cut_that_claims_less_is_held_to_less() -> None:
    """A worker that has not looked back yet does not say that all was said."""
    stored = corrected()
    kept = [f for f in stored.findings if f.outcome != "revoked"]
    assert differences(stored, findings=kept, **cuts_with(stored, 1, reconciled=3)) == []
