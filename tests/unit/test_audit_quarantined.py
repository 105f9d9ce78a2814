"""Messages that were quarantined: the audit accepts them where the ledger says so, and nowhere else, without a look."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.errors import QuarantinedError
from schemas.ledger import Cut, Note
from sinks.ledger.logs import Logs, Read
from sinks.ledger.report import Report
from streams.policy.aside import set_aside
from tests.harness.builders import account, assignment, at, make_access
from tests.harness.worker import Stored, Worker
from tests.unit.test_audit import HERE, POLICY, last_word, mark_all, send

KEY = "access.ecms.v1/2/1"


class LookedError(Exception):
    """Somebody looked."""


def look() -> Read:
    """Nobody may."""
    raise LookedError


def told(*, aside: bool) -> Stored:
    """Three accesses by strangers, the middle one set aside by the judge or not."""
    stored = Stored()
    mark_all(stored, at("2026-01-07"))
    send(stored, *(make_access(f"ghost{n}", event_id=f"e{n}") for n in range(3)))
    log = stored.messages[HERE]
    genuine = log[1]
    if aside:
        error = QuarantinedError("kills", "ends a worker that looks at it")
        log[1] = set_aside(genuine, error)  # type: ignore[call-overload] # as it is handed to the judge
    worker = Worker(stored, POLICY, run="run-1")
    worker.take(HERE, 3)
    worker.store()
    log[1] = genuine
    return stored


def audited(stored: Stored, *, letter: bool, may_look: bool = False) -> Report:
    """The audit when there is a letter of stage quarantine for the message, or not."""
    logs: Logs = stored.logs()
    messages = list(logs.messages[HERE])
    genuine = messages[1]
    if letter:
        messages[1] = Read(1, genuine.appended_at, (), "dead_letter", (lambda: genuine) if may_look else look)
    dead = (logs.dead_letters - {KEY}) | ({KEY} if letter else set())
    return last_word(replace(logs, messages={HERE: messages}, dead_letters=frozenset(dead)), stored)


def test_what_was_set_aside_is_accepted_and_counted_without_a_look() -> None:
    """The letter says so and the cut counts it as one: two accesses are left."""
    report = audited(told(aside=True), letter=True)
    assert (report.differences, report.quarantined, report.accesses) == ([], 1, 2)


def test_a_message_passed_over_without_a_letter_is_found() -> None:
    """A judge that sets accesses aside on its own is one that lets people off."""
    report = audited(told(aside=True), letter=False)
    assert "cut access.ecms.v1/2 [0, 3) of run run-1: counts other messages than the log has" in report.differences
    assert report.quarantined == 0


def test_a_letter_does_not_hide_what_was_judged() -> None:
    """Written by somebody else, or after the message was judged and before it killed: the cut is held to it."""
    report = audited(told(aside=False), letter=True, may_look=True)
    assert (report.differences, report.quarantined, report.accesses) == ([], 0, 3)
    with pytest.raises(LookedError):
        audited(told(aside=False), letter=True)


def test_of_two_cuts_each_is_held_to_what_it_says() -> None:
    """Judged by one worker, it killed the next, which judged all of it again from the committed offset."""
    stored, again = told(aside=False), told(aside=True)
    first = stored.cuts[HERE][0]
    later: Cut = again.cuts[HERE][0].cut.model_copy(update={"run": "run-2", "previous": first.digest})
    stored.cuts[HERE].append(first._replace(cut=later, digest="digest2"))
    report = audited(stored, letter=True, may_look=True)
    assert (report.differences, report.quarantined) == ([], 1)
    stored.cuts[HERE][1] = first._replace(cut=later.model_copy(update={"digest": "x"}), digest="digest2")
    assert audited(stored, letter=True, may_look=True).differences


def test_nobody_is_held_to_facts_about_what_was_set_aside_later() -> None:
    """It made the judge fail when its login became known: what was found of it stands, and its letter says so."""
    stored = told(aside=False)
    worker = Worker(stored, POLICY, run="run-2")
    stored.state(account("ghost1", "w028", recorded_at="2026-01-07"), "staff")
    stored.state(assignment("w028", recorded_at="2026-01-07"), "assignments")
    worker.hear()
    worker.jobs.clear()
    worker.store()
    stored.notes[HERE] = Note(
        judged=3, position=len(stored.facts), reconciled=len(stored.facts), low=at("2026-01-07"),
        low_waived=at("2026-01-07"), open=0, pending=0,
    )  # fmt: skip
    assert audited(stored, letter=False).differences == [
        f"access.ecms.v1/2/1: not as it must stand at position {len(stored.facts)}"
    ]
    assert audited(stored, letter=True, may_look=True).differences == []
