"""What the judge did, as the catalogue's counters."""

from __future__ import annotations

from collections import Counter
from typing import Final

from schemas.finding import Finding
from schemas.ledger import CODES
from schemas.metrics import Cause
from streams.policy.judged import JudgedBatch
from streams.telemetry import Telemetry

from .outgoing import FORBIDDEN, TAMPERING, reason_class

NAMES: Final = {letter: name for name, letter in CODES.items()}
MESSAGES: Final = ("control", "dead_letter")  # letters of messages that hold no access


def told(telemetry: Telemetry, finding: Finding, took_ms: float) -> None:
    """A transition was stored, so long after its access was appended."""
    telemetry.count(
        "needtoknow_findings_total",
        outcome=finding.outcome,
        severity=finding.severity,
        transition=finding.transition,
    )
    if finding.transition == "raised":
        if finding.outcome == "unresolved":
            telemetry.count("needtoknow_unresolved_total", source=finding.access.source, cause=cause_of(finding))
        telemetry.observe("needtoknow_access_to_finding_seconds", took_ms / 1000, certainty=finding.certainty)


def cause_of(finding: Finding) -> Cause:
    """Why this finding is unresolved: whose login it is comes before what was opened."""
    if "shared-login" in finding.flags:
        return "shared_login"
    if finding.staff is None:
        return "unknown_login"
    access = finding.access
    return "no_record" if access.record.kind == "criteria" and not access.candidates else "unknown_record"


def count_batch(telemetry: Telemetry, judged: JudgedBatch, source: str, seconds: float) -> None:
    """A batch was judged, in so many seconds."""
    telemetry.observe("needtoknow_judge_seconds", seconds)
    telemetry.observe("needtoknow_batch_messages", judged.next_offset - judged.first_offset)
    telemetry.count("needtoknow_messages_total", judged.translated, source=source, kind="translated")
    for code, number in Counter(judged.codes).items():
        name = NAMES[chr(code)]
        if name in MESSAGES:
            telemetry.count("needtoknow_messages_total", number, source=source, kind=name)
        else:
            telemetry.count("needtoknow_accesses_total", number, source=source, outcome=name)
    telemetry.count("needtoknow_repeats_total", judged.repeats)
    for rejected in judged.rejected:
        reason = reason_class(rejected.error)
        telemetry.count("needtoknow_dead_letters_total", stage=rejected.stage, reason=reason)
        if reason == FORBIDDEN:
            telemetry.count("needtoknow_spoke_for_another_total", source=source)
        if reason == TAMPERING:
            telemetry.count("needtoknow_tampering_total", source=source)
