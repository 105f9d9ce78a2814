"""The audit of what was stored since some instant: held to as much as all of it, and to nothing that was not read."""

from __future__ import annotations

from typing import Any

from schemas.finding import MessagePlace
from schemas.ledger import verdict_digest
from sinks.ledger.logs import StoredCut
from sinks.ledger.rejudge import Rejudge
from tests.unit.test_audit import HERE, NOON, POLICY, SETTLEMENT, Stored, differences, report_on, told

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


def about(stored: Stored, offset: int, **changed: Any) -> dict[str, Any]:
    """The findings, and one more, about a message at this offset."""
    forged = stored.findings[-1].model_copy(
        update={"finding_id": "f_" + 32 * "0", "message": MessagePlace(topic=HERE.topic, partition=2, offset=offset)}
    )
    return {"findings": [*stored.findings, forged.model_copy(update=changed)]}


def test_a_finding_about_a_message_that_never_was_is_found() -> None:
    """Beyond the end of the log, or on a topic of nobody: no retention took that."""
    stored = told()
    lie = f"finding f_{32 * '0'}: is about access.ecms.v1/2/6, which never was"
    assert differences(stored, **about(stored, 6)) == [lie]
    elsewhere = MessagePlace(topic="access.nobody.v1", partition=0, offset=0)
    assert differences(stored, **about(stored, 6, message=elsewhere)) == [
        lie.replace("access.ecms.v1/2/6", "access.nobody.v1/0/0")
    ]
    hole = [message for message in stored.logs().messages[HERE] if message.offset != 4]
    assert lie.replace("2/6", "2/4") in differences(stored, messages={HERE: hole}, **about(stored, 4))


def test_a_finding_about_a_message_that_came_meanwhile_is_no_difference() -> None:
    """Messages are read before findings are; where the log ends is asked after both."""
    stored = told()
    assert differences(stored, ends={HERE: 8}, **about(stored, 7)) == []
    assert len(differences(stored, ends={HERE: 8}, **about(stored, 8))) == 1


def test_a_finding_outlives_its_message() -> None:
    """What retention took, or was not read: also when nothing of the partition is left."""
    stored = told()
    assert differences(stored, **since(stored), **about(stored, BEGIN - 1)) == []
    nothing = {"messages": {}, "cuts": {HERE: stored.cuts[HERE]}, "begins": {HERE: 6}, "ends": {HERE: 6}}
    assert differences(stored, **nothing, is_whole=False, **about(stored, 5)) == []
    assert len(differences(stored, **nothing, is_whole=False, **about(stored, 6))) == 1


def test_what_nobody_can_read_is_a_difference_beside_all_others() -> None:
    """Somebody else wrote to our own topics. A fact that nobody can read keeps its place among the others."""
    stored = told()
    assert differences(stored, unreadable=["ledger.v1/0/3: is no cut: message: is empty"]) == [
        "ledger.v1/0/3: is no cut: message: is empty"
    ]
    nobodys = Rejudge(POLICY, [stored.facts[0], None, *stored.facts[1:]])
    plain = Rejudge(POLICY, stored.facts)
    access = stored.logs().messages[HERE][0].accesses[0]
    for position in range(len(stored.facts) + 1):
        before = plain.judge(access, NOON, position=position, marks=stored.promised())
        after = nobodys.judge(access, NOON, position=position + (position > 0), marks=stored.promised())
        assert before == after
