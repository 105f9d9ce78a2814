"""The audit of findings: each transition follows from its message at its position, whatever replaced it since."""

from __future__ import annotations

from typing import Any

import pytest

from sinks.ledger.rejudge import Rejudge
from tests.harness.outcome import untrue
from tests.unit.test_audit import HERE, NOON, POLICY, differences, findings_with, told


@pytest.mark.parametrize(
    "changed",
    [
        {"outcome": "late"},
        {"outcome": "explained"},
        {"staff": "w031"},
        {"staff": None},
        {"severity": "low"},
        {"flags": ("borderline",)},
        {"clause": "use-without-duty"},
        {"position": 2},
    ],
    ids=str,
)
def test_a_changed_finding_is_found(changed: dict[str, Any]) -> None:
    """Each standing state follows from its message at its position."""
    stored = told()
    found = differences(stored, **findings_with(stored, lambda f: f.access.event_id == "e3", **changed))
    [name] = {f.finding_id for f in stored.findings if f.access.event_id == "e3"}
    position = changed.get("position", stored.findings[-1].position)
    assert f"finding {name}: another verdict follows from its message at position {position}" in found


def test_what_was_true_at_no_position_is_counted() -> None:
    """For whoever compares a whole run with the truth."""
    stored = told()
    judge, appended_at = Rejudge(POLICY, stored.facts), {(HERE.partition, n): NOON for n in range(6)}
    assert untrue(judge, appended_at, stored.findings) == 0
    changed = [one.model_copy(update={"staff": "w031"}) for one in stored.findings[:2]]
    assert untrue(judge, appended_at, [*changed, *stored.findings[2:]]) == 2


@pytest.mark.parametrize("changed", [{"staff": "w031"}, {"outcome": "revoked", "severity": "high"}], ids=str)
def test_an_accusation_that_was_true_at_no_position_is_found(changed: dict[str, Any]) -> None:
    """Although another transition has replaced it since: whoever was accused for a minute was accused."""
    stored = told()
    first, *_, last = [f for f in stored.findings if f.access.event_id == "e1"]
    assert first.position <= last.position
    found = differences(stored, **findings_with(stored, lambda f: f is first, **changed))
    assert found == [
        f"finding {first.finding_id}: another verdict follows from its message at position {first.position}"
    ]


def test_a_certainty_that_no_mark_gives_is_found() -> None:
    """Provisional made final: the accused could no longer be cleared in time."""
    stored = told()
    stored.findings = stored.findings[:1]
    stored.cuts[HERE] = stored.cuts[HERE][:1]
    stored.messages[HERE] = stored.messages[HERE][:3]
    stored.notes = {}
    assert differences(stored) == []
    found = differences(stored, **findings_with(stored, lambda f: True, certainty="final"))
    assert found == [f"finding {stored.findings[0].finding_id}: its marks give it another certainty"]


def test_a_lower_certainty_than_the_log_gives_is_found() -> None:
    """Final made provisional, in every transition."""
    stored = told()
    changed = findings_with(stored, lambda f: f.access.event_id == "e1", certainty="provisional")
    assert differences(stored, **changed) == [
        f"finding {stored.findings[0].finding_id}: its marks give it another certainty",
        "access.ecms.v1/2/1: not as it must stand at position 5",
    ]


def test_a_finding_about_another_access_is_found() -> None:
    """The message at its place says something else."""
    stored = told()
    other = stored.findings[0].message.model_copy(update={"offset": 0})
    changed = findings_with(stored, lambda f: f.access.event_id == "e1", message=other)
    assert differences(stored, **changed) == [
        f"finding {stored.findings[0].finding_id}: its message says something else"
    ]
