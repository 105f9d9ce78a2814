"""An access dated past its append time: sent again later it asks something else, under an id of its own (ADR 17)."""

from __future__ import annotations

import hashlib

import pytest

from schemas.access import canonical, finding_id
from schemas.codec import encode
from schemas.ids import format_instant
from sinks.ledger.audit import audit
from sinks.ledger.rejudge import Rejudge, joined
from sinks.ledger.report import Report
from streams.join.open import Partition
from tests.harness.builders import assignment, at, make_access, make_policy
from tests.harness.verdicts import JDOE
from tests.harness.worker import Stored, Worker

HERE = Partition("access.ecms.v1", 2)
POLICY = make_policy()
AHEAD = make_access(when="14:00")


@pytest.mark.parametrize(
    ("until", "appended", "is_ahead"),
    [
        (None, "13:59:59.999", True),
        (None, "14:00", False),
        (None, "20:00", False),
        ("15:00", "14:30", True),
        ("15:00", "14:59:59.999", True),
        ("15:00", "15:00", False),
    ],
)
def test_the_append_time_is_part_of_the_id_of_what_is_dated_past_it(
    until: str | None, appended: str, is_ahead: bool
) -> None:
    """Also when only its end is; all other accesses have one id, whenever they were appended."""
    access = make_access(when="14:00", until=until)
    parts = [b"ecms", b"ecms-000123", canonical(access)]
    if is_ahead:
        parts.append(format_instant(at(appended)).encode())
    due = "f_" + hashlib.sha256(b"\x1f".join(parts)).hexdigest()[:32]
    assert finding_id(access, at(appended)) == due
    assert (finding_id(access) == due) is not is_ahead


def judged(*appended: str, duty_ends: str) -> Stored:
    """The access dated 14:00 appended at these times, by somebody whose duty ends at another; all is judged."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w028", valid_to=at(duty_ends)), "assignments")
    stored.state(assignment("w031"), "assignments")
    for feed in ("assignments", "staff", "cases"):
        stored.promise(feed, at("2026-01-09"))
    worker = Worker(stored, POLICY, run="run-1")
    for when in appended:
        stored.send(HERE, encode(AHEAD), at(when))
        worker.take(HERE, 1)
        worker.store()
        worker.hear()
    worker.store()
    return stored


def verified(stored: Stored) -> Report:
    """The audit's last word."""
    *_, report = audit(stored.logs(), Rejudge(POLICY, stored.facts), POLICY.hash())
    return report


@pytest.mark.parametrize("appended", [("13:00", "14:30"), ("14:30", "13:00")])
def test_a_repeat_that_is_explained_takes_back_nothing(appended: tuple[str, str]) -> None:
    """As of 13:00 a duty explains it, as of 14:00 none does: found once, whichever is judged first."""
    stored = judged(*appended, duty_ends="13:30")
    assert [(f.transition, f.message.offset) for f in stored.findings] == [("raised", appended.index("14:30"))]
    assert verified(stored).differences == []


def test_what_is_found_twice_is_two_findings() -> None:
    """As of 13:00 and as of 13:10; sent again at the same time it is the same one."""
    stored = judged("13:00", "13:10", "13:10", duty_ends="12:00")
    assert [f.message.offset for f in stored.findings] == [0, 1]
    assert [f.outcome for f in joined(stored.findings).values()] == ["unexplained", "unexplained"]
    report = verified(stored)
    assert (report.findings, report.differences) == (2, [])
