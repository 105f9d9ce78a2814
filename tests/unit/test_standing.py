"""Where the service stands: every reason why it is not idle, and no reason when it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.ledger import Note
from sinks.standing import Seen, standing
from sinks.watch.report import Asked, SourceReport
from tests.harness.builders import at

ECMS, IRSS = "access.ecms.v1", "access.irss.v1"
FEED = "feed.staff.v1"
FACTS = "facts.v1"
LOW = at("15:00")


def note(**said: Any) -> Note:
    """A worker has judged all 40 messages at the newest knowledge; two accesses are open, one of them pending."""
    everything = {
        "judged": 40,
        "position": 318,
        "reconciled": 318,
        "low": LOW,
        "low_waived": LOW + 7,
        "open": 2,
        "pending": 1,
    }
    return Note(**{**everything, **said})


IDLE = Seen(
    begins={(ECMS, 0): 0, (ECMS, 1): 5, (FEED, 0): 3, (FACTS, 0): 0},
    ends={(ECMS, 0): 40, (ECMS, 1): 5, (IRSS, 0): 0, (FEED, 0): 9, (FACTS, 0): 318},
    committed={(ECMS, 0): 31, (FEED, 0): 9},
    notes={(ECMS, 0): note()},
    access_topics=frozenset({ECMS, IRSS}),
    feed_topics=frozenset({FEED}),
    facts_topic=FACTS,
    marks={"staff": LOW, "cases": at("16:00")},
    low={ECMS: LOW, IRSS: LOW},
    unregistered=(),
    workers=2,
)


def why_not(**seen: Any) -> str | None:
    """Why the service is not idle, if this is seen in place of the idle one."""
    return standing(replace(IDLE, **seen)).why_not_idle


# --- idle


def test_where_nobody_works_nothing_is_well() -> None:
    """Also when everything sent so far has been judged: the next access would not be."""
    answer = standing(replace(IDLE, workers=0))
    assert answer.why_not_idle == "no worker runs, so nothing is judged; start one: needtoknow worker"
    assert not answer.is_good


def test_a_service_that_has_judged_everything_at_the_newest_knowledge_is_idle() -> None:
    """Open accesses that wait for feeds do not make it busy."""
    answer = standing(IDLE)
    assert answer.why_not_idle is None
    assert answer.is_good


def test_nothing_ever_sent_is_idle() -> None:
    """Empty topics, no worker yet."""
    nothing = {(ECMS, 0): 0, (FEED, 0): 0, (FACTS, 0): 0}
    assert why_not(begins=nothing, ends=nothing, committed={}, notes={}) is None


def test_a_partition_whose_messages_are_all_past_their_retention_is_idle() -> None:
    """Nothing is left to read, though nothing was ever committed."""
    assert why_not(ends={**IDLE.ends, (IRSS, 0): 7}, begins={**IDLE.begins, (IRSS, 0): 7}) is None


def test_where_nothing_is_open_marks_are_nobodys_business() -> None:
    """No access is left that they could decide."""
    settled = note(open=0, pending=0, low=0)
    assert why_not(committed={**IDLE.committed, (ECMS, 0): 40}, notes={(ECMS, 0): settled}) is None


# --- each reason


@pytest.mark.parametrize(("committed", "said"), [({}, 0), ({(FEED, 0): 8}, 8)])
def test_a_feed_that_is_not_read_to_its_end(committed: dict[tuple[str, int], int], said: int) -> None:
    """Register has facts or marks to come."""
    assert why_not(committed={(ECMS, 0): 31, **committed}) == f"feed.staff.v1 is read up to {said} of 9"


def test_an_access_partition_that_nobody_has_begun() -> None:
    """No worker, or not yet."""
    assert why_not(committed={(FEED, 0): 9}, notes={}) == "access.ecms.v1/0: judged up to 0 of 40"


def test_a_partition_whose_worker_says_nothing_is_at_work() -> None:
    """The note is empty while something is under way."""
    assert why_not(notes={}) == "access.ecms.v1/0: at work"


def test_messages_that_are_not_judged_yet() -> None:
    """By one."""
    assert why_not(notes={(ECMS, 0): note(judged=39)}) == "access.ecms.v1/0: judged up to 39 of 40"


def test_messages_not_judged_yet_although_all_before_are_settled() -> None:
    """The committed offset has come to the judged one; the log goes on."""
    some = note(judged=31, open=0, pending=0)
    assert why_not(notes={(ECMS, 0): some}) == "access.ecms.v1/0: judged up to 31 of 40"


def test_accesses_that_have_not_been_judged_by_the_newest_facts() -> None:
    """Those that were explained, too, may be decided otherwise."""
    assert why_not(notes={(ECMS, 0): note(position=317)}) == (
        "access.ecms.v1/0: accesses judged at position 317 of 318"
    )


def test_open_accesses_that_have_not_heard_the_newest_marks() -> None:
    """They may be raised, or become final."""
    assert why_not(notes={(ECMS, 0): note(low=LOW - 1)}) == (
        "access.ecms.v1/0: open accesses have not heard the newest marks"
    )


def test_each_source_is_held_to_the_feeds_it_waits_for() -> None:
    """The alert console waits for one feed more: where that is behind, nobody need have heard more than it has said."""
    there = ("access.console.v1", 1)
    seen = {
        "ends": {**IDLE.ends, there: 40},
        "notes": {(ECMS, 0): note(), there: note(low=LOW - 5)},
        "access_topics": frozenset({*IDLE.access_topics, there[0]}),
    }
    assert why_not(**seen, low={**IDLE.low, there[0]: LOW - 5}) is None
    assert why_not(**seen, low={**IDLE.low, there[0]: LOW}) == (
        "access.console.v1/1: open accesses have not heard the newest marks"
    )


def test_everything_committed_but_something_open_is_looked_at() -> None:
    """What was explained, and what is open while it is being stored."""
    moved = note(position=317, open=0, pending=0)
    assert why_not(committed={**IDLE.committed, (ECMS, 0): 40}, notes={(ECMS, 0): moved}) == (
        "access.ecms.v1/0: accesses judged at position 317 of 318"
    )


def test_the_first_reason_is_told_by_name_of_topic_and_partition() -> None:
    """One at a time, always the same one."""
    ends = {**IDLE.ends, (IRSS, 2): 6, (IRSS, 1): 8}
    assert why_not(ends=ends, committed={(ECMS, 0): 31}) == "access.irss.v1/1: judged up to 0 of 8"


def test_topics_of_others_are_nobodys_business() -> None:
    """Findings, cuts and dead letters need nobody to read them for the service to be idle."""
    assert why_not(ends={**IDLE.ends, ("violations.v1", 0): 12}) is None


def test_a_topic_that_nobody_reads_is_not_healthy() -> None:
    """Idle, but accesses may be lost to us."""
    answer = standing(replace(IDLE, unregistered=("access.clean.v1",)))
    assert (answer.why_not_idle, answer.is_good) == (None, False)
    assert answer.document()["healthy"] is False
    assert answer.document()["idle"] is True


@pytest.mark.parametrize(
    ("asked", "is_healthy", "is_good"),
    [
        (Asked((SourceReport(name="ecms"),)), True, True),
        (Asked((SourceReport(name="ecms"), SourceReport(name="irss", missing=1))), False, False),
        (Asked(why_not="nothing watches them"), None, True),  # nobody said that there is a watch
        (Asked(why_not="nothing watches them", is_required=True), None, False),
    ],
)
def test_what_nobody_watches_is_not_said_to_be_well(asked: Asked, is_healthy: bool | None, is_good: bool) -> None:
    """Not known is neither well nor ill; whoever named a watch wants to hear it."""
    answer = standing(IDLE)
    answer.sources = asked
    assert (answer.document()["healthy"], answer.is_good) == (is_healthy, is_good)
    answer.unregistered = ("access.clean.v1",)
    assert (answer.document()["healthy"], answer.is_good) == (False, False)


# --- the numbers


def test_open_and_pending_are_added_up_over_the_access_partitions() -> None:
    """A note beside a feed's offset is no access partition's."""
    notes = {(ECMS, 0): note(), (ECMS, 1): note(open=30, pending=20), (FEED, 0): note(open=500, pending=400)}
    answer = standing(replace(IDLE, notes=notes))
    assert (answer.open, answer.pending) == (32, 21)


def test_lag_is_what_is_not_read_or_judged() -> None:
    """By topic: judged counts, since open accesses hold the committed offset back; retention counts nothing."""
    seen = replace(
        IDLE,
        ends={(ECMS, 0): 40, (ECMS, 1): 9, (IRSS, 0): 6, (FEED, 0): 9, (FACTS, 0): 318},
        begins={(ECMS, 0): 0, (ECMS, 1): 5, (IRSS, 0): 2, (FEED, 0): 3},
        committed={(ECMS, 0): 31, (FEED, 0): 1},
        notes={(ECMS, 0): note(judged=37)},
    )
    assert standing(seen).lag == {ECMS: 3 + 4, FEED: 6, IRSS: 4}


def test_a_partition_without_a_note_lags_by_what_is_not_committed() -> None:
    """At work: nobody says how far."""
    assert standing(replace(IDLE, notes={})).lag[ECMS] == 9


def test_messages_are_what_is_there() -> None:
    """Retention has taken the rest."""
    assert standing(IDLE).messages == {ECMS: 40, IRSS: 0, FACTS: 318, FEED: 6}


def test_the_document_says_it_all() -> None:
    """For `--json`; marks as instants, in order of the feeds."""
    document = standing(IDLE).document()
    assert document == {
        "idle": True,
        "healthy": True,
        "why_not_idle": None,
        "workers": 2,
        "facts_position": 318,
        "pending": 1,
        "open": 2,
        "lag": {ECMS: 0, FEED: 0, IRSS: 0},
        "messages": {ECMS: 40, FACTS: 318, FEED: 6, IRSS: 0},
        "marks": {"cases": "2026-01-05T16:00:00.000Z", "staff": "2026-01-05T15:00:00.000Z"},
        "findings": {},
        "certainty": {},
        "dead_letters_last_day": {},
        "unregistered": [],
        "sources": [],
        "why_no_sources": None,
    }
    assert list(document["marks"]) == ["cases", "staff"]
