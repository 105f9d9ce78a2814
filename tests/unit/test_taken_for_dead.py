"""A worker that others took for dead stores late what it had in hand; whoever took over has the last word."""

from __future__ import annotations

from schemas.codec import encode
from sinks.ledger.rejudge import joined
from streams.join.open import Partition
from tests.harness.builders import assignment, at, make_access, make_policy
from tests.harness.verdicts import JDOE
from tests.harness.worker import Stored, Worker

HERE = Partition("access.ecms.v1", 2)
POLICY = make_policy()


def test_an_accusation_that_comes_late_is_taken_back() -> None:
    """By what was known when it was judged it was right; its successor knew more and had said nothing."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w031"), "assignments")
    for feed in ("assignments", "staff", "cases"):
        stored.promise(feed, at("14:10"))
    dead = Worker(stored, POLICY, run="run-1")
    stored.send(HERE, encode(make_access()), at("14:05"))
    assert dead.take(HERE, 1) == ["u"]
    dead.is_zombie = True
    stored.state(assignment("w028", recorded_at="14:20"), "assignments")  # known within the grace
    heir = Worker(stored, POLICY, run="run-2")
    assert heir.take(HERE, 1) == ["e"]
    heir.store()
    assert (stored.findings, stored.committed) == ([], {HERE: 1})
    dead.store()
    heir.hear()
    heir.store()
    assert [(f.transition, f.position) for f in stored.findings] == [("raised", 2), ("withdrawn", 3)]
    assert [f.outcome for f in joined(stored.findings).values()] == ["explained"]
    heir.hear()
    assert heir.jobs == []


def test_a_late_word_about_what_is_still_open_is_corrected_too() -> None:
    """No fact and no mark follows it: a feed that never comes back would leave it standing for ever."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w031"), "assignments")
    for feed in ("assignments", "staff", "cases"):
        stored.promise(feed, at("14:10"))
    dead = Worker(stored, POLICY, run="run-1")
    stored.send(HERE, encode(make_access()), at("14:05"))
    assert dead.take(HERE, 1) == ["u"]
    dead.store()
    duty = assignment("w028", fact_id="as-9", recorded_at="15:30")
    stored.state(duty, "assignments")
    dead.hear()  # explained afterwards, it will say
    dead.is_zombie = True
    stored.state(duty.model_copy(update={"revision": 2, "void": True, "recorded_at": at("15:40")}), "assignments")
    heir = Worker(stored, POLICY, run="run-2")
    assert heir.take(HERE, 1) == ["u"]
    heir.store()
    assert [f.transition for f in stored.findings] == ["raised"]
    dead.store()
    heir.hear()
    heir.store()
    assert [(f.outcome, f.position) for f in stored.findings] == [("unexplained", 2), ("late", 3), ("unexplained", 4)]
    heir.hear()
    assert heir.jobs == []
