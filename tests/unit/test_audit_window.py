"""The audit of what was stored since some instant: held to as much as all of it, and to nothing that was not read."""

from __future__ import annotations

from typing import Any

from schemas.ledger import verdict_digest
from sinks.ledger.logs import StoredCut
from tests.unit.test_audit import HERE, SETTLEMENT, Stored, differences, report_on, told

BEGIN = 3  # of the story's six messages the last three, and their cuts


def since(stored: Stored, **changed: Any) -> dict[str, Any]:
    """The second half of the story, as it is read on its own."""
    half = {
        "messages": {HERE: stored.logs().messages[HERE][BEGIN:]},
        "cuts": {HERE: stored.cuts[HERE][1:]},
        "begins": {HERE: BEGIN},
        "is_whole": False,
    }
    return half | changed


def settling(stored: Stored, *places: tuple[int, int]) -> dict[str, Any]:
    """The second half with a settlement of these accesses, and a digest that fits."""
    cut, digest = stored.cuts[HERE][SETTLEMENT]
    changed = {"settled": list(places), "first_offset": places[0][0], "next_offset": places[0][0]}
    other = cut.model_copy(update=changed | {"digest": verdict_digest("e" * len(places))})
    return since(stored, cuts={HERE: [stored.cuts[HERE][1], StoredCut(other, digest)]})


def test_what_was_stored_since_passes_on_its_own() -> None:
    """Its first cut names one that was not read; read as the whole ledger, that would be a difference."""
    stored = told()
    report = report_on(stored, **since(stored))
    assert (report.messages, report.cuts, report.settlements, report.past, report.differences) == (3, 1, 1, 0, [])
    assert differences(stored, **since(stored, is_whole=True)) == [
        "cut access.ecms.v1/2 [3, 6) of run run-1: names a cut that is not there"
    ]


def test_a_hole_since_then_is_found() -> None:
    """As in the whole: messages that were read, and no cut speaks of them."""
    stored = told()
    everything = {"messages": stored.logs().messages, "begins": {HERE: 0}}
    assert "access.ecms.v1/2: offsets 0 to 2 are in no cut" in differences(stored, **since(stored, **everything))


def test_a_cut_of_earlier_messages_is_told_and_not_derived() -> None:
    """They were not read, so nothing can be said of it."""
    stored = told()
    report = report_on(stored, **since(stored, cuts={HERE: stored.cuts[HERE]}))
    assert (report.past, report.differences) == (1, [])
    nothing = report_on(stored, messages={}, cuts={HERE: stored.cuts[HERE]}, begins={HERE: 6}, is_whole=False)
    assert (nothing.past, nothing.differences) == (3, [])


def test_a_settlement_of_earlier_and_later_accesses_is_held_to_the_later() -> None:
    """One settlement may end the wait of accesses of many days."""
    stored = told()
    assert report_on(stored, **settling(stored, (1, 0), (4, 0))).differences == []
    assert differences(stored, **settling(stored, (1, 0))) == [
        "access.ecms.v1/2/4: was pending and nothing was said of it since"
    ]
    assert any(
        "settles an access that nothing explains" in d for d in differences(stored, **settling(stored, (1, 0), (3, 0)))
    )
