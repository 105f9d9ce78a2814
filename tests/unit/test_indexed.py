"""What was judged before: what is read again of it, and that it is known as such."""

from __future__ import annotations

import pytest

from schemas.errors import QuarantinedError
from streams.join.index import Gap
from streams.join.reconcile import state_of
from streams.join.stretch import Place
from streams.policy.aside import set_aside
from streams.policy.indexed import accesses_of, in_doubt, look_back
from streams.policy.judging import Judging
from tests.harness.builders import assignment, make_access
from tests.harness.judging import APPENDED, PARTITION, Message, judging, messages
from tests.harness.verdicts import JDOE

MINE, OTHERS = assignment("w028"), assignment("w031", "case:c0099")
EXPLAINED, FOUND = make_access(event_id="e1"), make_access(event_id="e2", name="case:c0099")


def spoken(judge: Judging, *said: Message) -> Judging:
    """Another that has read what this one found in these messages."""
    other = judging(JDOE, MINE, OTHERS)
    for finding in judge.batch(PARTITION, "ecms", said).findings:
        other.published.read(finding.finding_id, state_of(finding), PARTITION, finding.message.offset)
    return other


@pytest.mark.parametrize("gap", [None, (955, 962)])
def test_looking_back_finds_what_nothing_explains_and_what_was_spoken_of(gap: Gap | None) -> None:
    """It goes the way of what was judged before; and all of it is indexed once where it fills a gap."""
    both = messages(EXPLAINED, FOUND)
    judge = judging(JDOE, MINE, OTHERS)
    assert [e.access.event_id for e in look_back(judge, PARTITION, "ecms", both, gap)] == ["e2"]
    assert len(judge.index) == (0 if gap is None else 2)
    said = spoken(judging(JDOE, OTHERS), *both)  # of both
    found = look_back(said, PARTITION, "ecms", both, gap)
    assert [(e.offset, e.access.event_id, e.is_reopened) for e in found] == [(960, "e1", True), (961, "e2", True)]
    assert len(said.index) == (0 if gap is None else 2)
    assert said.index.lacking(PARTITION, 955, 962) == ([(955, 962)] if gap is None else [])


def test_what_is_judged_for_the_first_time_is_not_open_again() -> None:
    """The committed offset holds it."""
    batch = judging(JDOE, OTHERS, marks={}).batch(PARTITION, "ecms", messages(FOUND))
    assert [entry.is_reopened for entry in batch.opened] == [False]


def test_what_was_set_aside_is_not_read_again() -> None:
    """Neither when it is looked back at nor when facts touch it; what lies beside it is."""
    judge = judging(JDOE, OTHERS)
    both = messages(make_access(event_id="e0"), FOUND)
    judge.aside = {PARTITION: frozenset({960})}
    looked = [set_aside(both[0], QuarantinedError("message", "ended two workers")), both[1]]
    assert [e.offset for e in look_back(judge, PARTITION, "ecms", looked, (960, 962))] == [961]
    assert accesses_of(judge, PARTITION, "ecms", both[0]) == []
    assert [e.offset for e in accesses_of(judge, PARTITION, "ecms", both[1])] == [961]
    assert accesses_of(judge, PARTITION, "ecms", messages(b"{nonsense")[0]) == []
    question = accesses_of(judge, PARTITION, "ecms", both[1])[0].question
    assert in_doubt(judge, PARTITION, {Place(960, 0): question, Place(961, 0): question}) == [Place(961, 0)]


def test_what_was_set_aside_later_is_not_indexed_either() -> None:
    """As it lies in the log it is as plain as its neighbour."""
    judge = judging(JDOE, MINE, OTHERS)
    judge.aside = {PARTITION: frozenset({960})}
    assert look_back(judge, PARTITION, "ecms", messages(EXPLAINED, make_access(event_id="e9")), (960, 962)) == []
    assert len(judge.index) == 1


def test_most_are_told_by_their_question_alone() -> None:
    """Not what nothing explains, nor what has been spoken of."""
    both = messages(EXPLAINED, FOUND)
    judge = judging(JDOE, MINE, OTHERS)
    questions = {Place(m.offset, 0): accesses_of(judge, PARTITION, "ecms", m)[0].question for m in both}
    assert in_doubt(judge, PARTITION, questions) == [Place(961, 0)]
    assert in_doubt(spoken(judging(JDOE, OTHERS), *both), PARTITION, questions) == [Place(960, 0), Place(961, 0)]


def test_a_batch_fills_the_index_from_where_the_last_one_ended() -> None:
    """Offsets that hold no message are no gap; without an end of another the batch begins with its first."""
    judge = judging(JDOE, MINE, OTHERS)
    judge.batch(PARTITION, "ecms", messages(EXPLAINED, FOUND), 950)
    assert judge.index.lacking(PARTITION, 940, 970) == [(940, 950), (962, 970)]
    assert judge.index.reach(PARTITION) == (950, APPENDED)
    later = messages(EXPLAINED, FOUND, first=980, appended_at=APPENDED + 5)
    judge.batch(PARTITION, "ecms", later, 990)
    assert judge.index.lacking(PARTITION, 970, 990) == [(970, 980), (982, 990)]


def test_a_batch_says_when_what_it_found_was_appended() -> None:
    """So that it is known how long people waited to be told."""
    both = [*messages(FOUND), *messages(EXPLAINED, first=961, appended_at=APPENDED + 5)]
    batch = judging(JDOE, OTHERS).batch(PARTITION, "ecms", both)
    assert batch.appended == {f.finding_id: APPENDED + 5 * (f.message.offset == 961) for f in batch.findings}
    assert len(batch.findings) == 2
    assert (batch.repeats, batch.translated) == (0, 2)
