"""Findings for the tests of alerts: one with everything filled in, so that a test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from typing_extensions import Unpack

from schemas.access import Access, finding_id
from schemas.finding import Certainty, Finding, Flag, MessagePlace, NearMiss, Outcome, PolicyRef, Severity
from tests.harness.builders import at, make_access


class FindingFields(TypedDict, total=False):
    """The rarer fields of a finding."""

    outcome: Outcome
    certainty: Certainty
    severity: Severity
    clause: str
    reason: str
    flags: Sequence[Flag]
    access: Access
    near: str


def make_finding(
    name: str = "one", staff: str | None = "w017", position: int = 318, **rest: Unpack[FindingFields]
) -> Finding:
    """The finding called `name`, about w017, who is jdoe12 at ecms and viewed case c0042; found at position 318."""
    access = rest.get("access") or make_access(event_id=f"ecms-{name}")
    return Finding(
        finding_id=finding_id(access),
        position=position,
        transition="raised",
        outcome=rest.get("outcome", "unexplained"),
        certainty=rest.get("certainty", "provisional"),
        severity=rest.get("severity", "medium"),
        clause=rest.get("clause", "search-without-duty"),
        reason=rest.get("reason", f"{staff} viewed case c0042: no recorded duty."),
        staff=staff,
        flags=tuple(rest.get("flags", ())),
        access=access,
        message=MessagePlace(topic="access.ecms.v1", partition=2, offset=991),
        explanations=(),
        near_misses=(
            NearMiss(path="own-assignment", why=rest.get("near", "assignment ended 9 days before"), facts=()),
        ),
        policy=PolicyRef(name="confidentiality", version=1, hash="9f2c"),
        marks={"assignments": at("14:05")},
        waiting_for=("assignments",),
    )


def place(offset: int = 0, partition: int = 1) -> MessagePlace:
    """Where a transition lies on `violations.v1`."""
    return MessagePlace(topic="violations.v1", partition=partition, offset=offset)
