"""What nobody can have known or counted: marks never given, positions beyond the log, numbers of other accesses."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.fact import RegisteredMark
from schemas.ledger import MessageCounts
from tests.harness.builders import assignment, at, make_access
from tests.harness.verdicts import JDOE
from tests.harness.worker import Stored, Worker
from tests.unit.test_audit import (
    EVENING,
    FIRST,
    HERE,
    POLICY,
    SETTLEMENT,
    cuts_with,
    differences,
    findings_with,
    mark_all,
    send,
    told,
)


def test_the_numbers_of_a_source_are_ranges_whatever_their_order() -> None:
    """As the judge writes them."""
    stored = Stored()
    stored.state(JDOE, "staff")
    send(stored, *(make_access(event_id=f"e{n}", sequence=n) for n in (7, 3, 4, 4, 8, 5, 12)))
    worker = Worker(stored, POLICY, run="run-1")
    worker.take(HERE, 7)
    worker.store()
    assert stored.cuts[HERE][0].cut.sequences == {"ecms": [(3, 5), (7, 8), (12, 12)]}
    assert differences(stored) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"accesses": {"explained": 1}},
        {"sequences": {"ecms": [(7, 7)]}},
        {"given": {"ecms": 7}},
        {"files": {"ecms": [("000412", None, None)]}},
        {"messages": MessageCounts(translated=0, control=0, dead_letters=1)},
    ],
    ids=str,
)
def test_a_settlement_that_counts_anything_is_found(changed: dict[str, Any]) -> None:
    """It judges no message, so its counts would be added to those of the batches for nothing."""
    stored = told()
    found = differences(stored, **cuts_with(stored, SETTLEMENT, **changed))
    assert found == ["cut access.ecms.v1/2 [4, 4) of run run-1: counts what a settlement does not judge"]


def test_marks_that_nobody_gave_make_no_finding() -> None:
    """A judge that takes the feeds for complete accuses too early; its cut and its finding derive from each other."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w031"), "assignments")
    mark_all(stored, at("13:00"))
    send(stored, make_access())
    liar = Worker(stored, POLICY, run="liar")
    liar.judging.completeness.learn(RegisteredMark(feed="staff", complete_through=EVENING, sequence=1, position=0), 9)
    for feed in ("assignments", "cases"):
        through = RegisteredMark(feed=feed, complete_through=at("13:00") + 1, sequence=1, position=0)
        liar.judging.completeness.learn(through, 9)
    assert liar.take(HERE, 1) == ["p"]
    liar.store()
    assert differences(stored) == [
        f"cut access.ecms.v1/2 [0, 1) of run liar: rests on a mark that {feed} never gave"
        for feed in ("assignments", "cases", "staff")
    ]
    mark_all(stored, EVENING)
    assert liar.take(HERE, 1) == []
    assert not [
        one for one in differences(stored) if "never gave" in one
    ]  # given since: a busy service is not at fault


def test_what_came_while_the_logs_were_read_is_not_held_against_a_cut() -> None:
    """Marks are read first and last."""
    stored = told()
    early = {feed: at("13:00") for feed in stored.promised()}
    assert [d for d in differences(stored, marks=early, promised=stored.promised()) if "never gave" in d] == []
    assert [d for d in differences(stored, marks=early) if "never gave" in d] != []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"position": 1_000_000}, "judged at position 1000000, facts end at 5"),
        ({"marks": {"staff": EVENING + 1}}, "rests on a mark that staff never gave"),
    ],
)
@pytest.mark.parametrize("transition", ["raised", "revised"])
def test_a_finding_that_rests_on_what_never_was_is_found(changed: dict[str, Any], said: str, transition: str) -> None:
    """Whether it stands or another transition stands before it."""
    stored = told()
    [name] = {f.finding_id for f in stored.findings if f.access.event_id == "e1"}
    forged = findings_with(stored, lambda f: f.finding_id == name and f.transition == transition, **changed)
    assert f"finding {name}: {said}" in differences(stored, **forged)


def test_nobody_is_held_to_a_position_that_is_none() -> None:
    """The cut says so aloud; a note beside an offset is no evidence, and is passed over."""
    stored = told()
    notes = {HERE: stored.notes[HERE].model_copy(update={"position": 1_000_000})}
    assert differences(stored, notes=notes) == []
    found = differences(stored, notes=notes, **cuts_with(stored, FIRST, position=1_000_000, reconciled=1_000_000))
    assert [one.split("run-1: ")[1] for one in found] == [
        "judged at position 1000000, facts end at 5",
        "reconciled at position 1000000, facts end at 5",
    ]
