"""The alert console's feed keeps accesses at the console waiting, and nobody else's: a console that is down, or that a
department never had, changes nothing at any other source."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.fact import RegisteredMark, Waiver
from schemas.settings import Settings
from schemas.topics import CONSOLE, source_of
from streams.join.completeness import Completeness
from streams.join.open import OpenAccess, OpenAccesses, Partition
from streams.join.question import question_of
from streams.policies import load_policy
from tests.harness.builders import DUTY_FEEDS, SYSTEMS, account, assignment, at, make_access, make_policy, review
from tests.harness.judging import APPENDED, judging, messages
from tests.harness.verdicts import COMPLETE, JDOE, verdict
from tests.harness.worker import Stored, Worker
from tests.unit.test_audit import EVENING, HERE, POLICY, differences, mark_all, send

THERE = Partition("access.console.v1", 1)
END, GRACE = at("14:00"), 3_600_000
ELSEWHERE, AT_CONSOLE = make_access(), make_access(source=CONSOLE, event_id="console-7")
LOG = (JDOE, account("jdoe12", "w028", source=CONSOLE), assignment("w031"))
ALL = COMPLETE | {"console": at("2026-01-09")}


def opened(access: Any, partition: Partition) -> OpenAccess:
    """Nothing has been said of it."""
    return OpenAccess(
        partition=partition,
        offset=3,
        index=0,
        appended_at=APPENDED,
        access=access,
        question=question_of(access, APPENDED),
        finding_id="f_0",
        published=None,
    )


# --- policy and completeness


def test_the_console_gates_its_own_source_only() -> None:
    """By the policy, which says which feeds an access waits for; without the path not even that one."""
    policy = load_policy()
    assert all(policy.gating_feeds(source) == policy.gating_feeds() == set(DUTY_FEEDS) for source in SYSTEMS)
    assert policy.gating_feeds(CONSOLE) == {*DUTY_FEEDS, "console"}
    assert make_policy(reviews=False).gating_feeds(CONSOLE) == set(DUTY_FEEDS)


def complete(**through: str) -> Completeness:
    """The feeds of duties are complete for long, the console through then."""
    completeness = Completeness.under(load_policy())
    for feed, until in {**ALL, **{feed: at(when) for feed, when in through.items()}}.items():
        if until != at("2026-01-01"):
            completeness.learn(RegisteredMark(feed=feed, complete_through=until, sequence=1, position=0), 0)
    completeness.advance(0, {})
    return completeness


@pytest.mark.parametrize(
    ("through", "certainty", "waiting"),
    [
        ("15:00", "final", ()),
        ("14:59:59.999", "provisional", ("console",)),
        ("14:00", "provisional", ("console",)),
        ("13:59:59.999", None, ("console",)),
    ],
)
def test_how_far_the_console_has_come_counts_at_the_console(
    through: str, certainty: str | None, waiting: tuple[str, ...]
) -> None:
    """To the millisecond, as of every feed; elsewhere all is final whatever it has said. Both judges say so."""
    completeness, marks = complete(console=through), ALL | {"console": at(through)}
    assert completeness.certainty(END, GRACE, is_at_console=True) == certainty
    assert completeness.waiting_for(END, GRACE, is_at_console=True) == waiting
    assert (completeness.certainty(END, GRACE), completeness.waiting_for(END, GRACE)) == ("final", ())
    brute = verdict(AT_CONSOLE, *LOG, marks=marks)
    assert (brute.certainty, brute.waiting_for) == (certainty, waiting)
    brute = verdict(ELSEWHERE, *LOG, marks=marks)
    assert (brute.certainty, brute.waiting_for) == ("final", ())


def test_each_has_a_low_of_its_own() -> None:
    """The console is behind; then the slowest of the others is."""
    behind, ahead = complete(console="12:00"), complete(staff="12:00")
    assert (behind.low.marked, behind.low_at_console.marked) == (at("2026-01-09"), at("12:00"))
    assert ahead.low == ahead.low_at_console == (at("12:00"), at("12:00"))
    assert (behind.low_of(False), behind.low_of(True)) == (behind.low, behind.low_at_console)


def test_a_waiver_of_the_console_lets_its_accesses_go() -> None:
    """As incomplete, naming it."""
    completeness = complete(console="2026-01-01")
    completeness.advance(1, {"console": END})
    assert completeness.certainty(END, GRACE, is_at_console=True) == "incomplete"
    brute = verdict(AT_CONSOLE, *LOG, Waiver(feed="console", through=END), marks=COMPLETE)
    assert (brute.certainty, brute.waiting_for) == ("incomplete", ("console",))


# --- judging


@pytest.mark.parametrize("marks", [COMPLETE, ALL], ids=["a console that never ran", "one that has spoken"])
def test_a_finding_elsewhere_is_the_same_whatever_the_console_says(marks: dict[str, int]) -> None:
    """Marks and waiting feeds included: nobody must read that it hung on the console."""
    judge = judging(*LOG, marks=marks)
    batch = judge.batch(HERE, "ecms", messages(ELSEWHERE))
    [finding] = batch.findings
    assert (finding.certainty, finding.waiting_for) == ("final", ())
    assert set(finding.marks) == set(batch.marks) == set(DUTY_FEEDS)


def test_a_look_at_the_console_waits_for_the_console() -> None:
    """It is pending: who holds which alert is still to come. What an alert explains waits for nothing."""
    judge = judging(*LOG, marks=COMPLETE)
    batch = judge.batch(THERE, CONSOLE, messages(AT_CONSOLE))
    assert (batch.codes.decode(), batch.findings, [e.access for e in batch.opened]) == ("p", [], [AT_CONSOLE])
    assert judge.waiting_for(batch.opened[0]) == ("console",)
    judge = judging(*LOG, review("w028"), marks=COMPLETE)
    batch = judge.batch(THERE, CONSOLE, messages(AT_CONSOLE))
    assert (batch.codes.decode(), batch.opened) == ("e", [])


def test_a_finding_at_the_console_says_how_far_the_console_had_come() -> None:
    """Beside the other feeds."""
    [finding] = judging(*LOG, marks=ALL).batch(THERE, CONSOLE, messages(AT_CONSOLE)).findings
    assert (finding.outcome, set(finding.marks)) == ("unexplained", set(ALL))


# --- what waits


def test_what_waits_is_due_by_the_feeds_it_waits_for() -> None:
    """Each by its own low, whichever comes first."""
    accesses, there, elsewhere = OpenAccesses(GRACE), opened(AT_CONSOLE, THERE), opened(ELSEWHERE, HERE)
    accesses.keep(there)
    accesses.keep(elsewhere)
    assert accesses.due(END - 1, END - 1, is_at_console=True) == set()
    assert accesses.due(END, END) == {elsewhere}
    assert accesses.due(END, END) == set()
    assert accesses.due(END, END, is_at_console=True) == {there}


def test_the_longest_wait_is_looked_for_at_the_console_too() -> None:
    """Whoever is paged asks how long the oldest has waited, wherever it lies."""
    accesses, there, elsewhere = OpenAccesses(GRACE), opened(AT_CONSOLE, THERE), opened(ELSEWHERE, HERE)
    there.appended_at, there.question = 7, there.question._replace(end=END - 1)
    accesses.keep(elsewhere)
    assert accesses.oldest_pending() == APPENDED
    accesses.keep(there)
    assert accesses.oldest_pending() == 7


# --- the ledger and what stands beside offsets


def played(*, console_through: int | None) -> tuple[Stored, Worker]:
    """One look in ECMS and one at the console, nothing explains either, and the other feeds have spoken."""
    stored = Stored()
    for fact, feed in zip(LOG, ("staff", "staff", "assignments"), strict=True):
        stored.state(fact, feed)
    mark_all(stored, EVENING)
    if console_through is not None:
        stored.promise("console", console_through)
    worker = Worker(stored, POLICY, run="run-1")
    send(stored, ELSEWHERE)
    send(stored, AT_CONSOLE, partition=THERE)
    worker.take(HERE, 1)
    worker.take(THERE, 1)
    worker.store()
    return stored, worker


def test_a_day_without_the_console_verifies() -> None:
    """The look in ECMS is final, the one at the console waits, and the audit holds both to that."""
    stored, _ = played(console_through=None)
    assert [(f.access.source, f.certainty) for f in stored.findings] == [("ecms", "final")]
    assert (stored.notes[HERE].open, stored.notes[THERE].open, differences(stored)) == (0, 1, [])


def test_once_the_console_speaks_what_waited_for_it_is_found() -> None:
    """By its mark alone; nothing is said again of what lies elsewhere."""
    stored, worker = played(console_through=at("13:00"))
    assert len(stored.findings) == 1
    stored.promise("console", EVENING)
    worker.hear()
    worker.store()
    assert [f.access.source for f in stored.findings] == ["ecms", CONSOLE]
    assert differences(stored) == []


def test_what_stands_beside_an_offset_is_of_the_feeds_of_that_source() -> None:
    """`status` and the audit compare it with what such an access waits for."""
    stored, _ = played(console_through=at("13:00"))
    assert (stored.notes[HERE].low, stored.notes[THERE].low) == (EVENING, at("13:00"))
    stored.promise("console", EVENING)  # whoever wrote the note had not heard it
    assert differences(stored) == ["access.console.v1/1/0: was pending and nothing was said of it since"]


def test_what_was_found_without_the_console_is_held_to_its_waiver() -> None:
    """By the note alone, which speaks of what an access at the console waits for: the finding is gone, and told so."""
    stored, worker = played(console_through=None)
    stored.facts.append(Waiver(feed="console", through=EVENING))
    worker.hear()
    worker.store()
    worker.hear()
    worker.store()
    assert [(f.access.source, f.certainty) for f in stored.findings] == [("ecms", "final"), (CONSOLE, "incomplete")]
    assert differences(stored) == []
    assert differences(stored, findings=stored.findings[:1]) == [
        "access.console.v1/1/0: not as it must stand at position 4",
        "access.console.v1/1/0: was pending and nothing was said of it since",
    ]


@pytest.mark.parametrize("prefix", ["", "a.b-", "access.ecms.v1."])
def test_a_topic_tells_its_source(prefix: str) -> None:
    """Whatever is before its name."""
    assert source_of(Settings().model_copy(update={"topic_prefix": prefix}).topics.access("facts2")) == "facts2"
