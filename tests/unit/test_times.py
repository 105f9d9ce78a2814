"""By which times a source was judged is written down, and nobody goes on by others (ADR 29)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiokafka import TopicPartition

from schemas.codec import decode, encode
from schemas.ledger import AtWork, Cut, Hold, Note, Times, document
from schemas.registry import entries_in
from schemas.topics import SOURCES, Topics
from sinks.ledger.logs import Logs, StoredCut
from sinks.ledger.times_check import check_times
from streams.agents.cuts import cut_of
from streams.agents.lane import Job, Lane
from streams.errors import ChangedTimesError
from streams.join.open import Partition
from streams.store import Outgoing, Stored
from streams.times import refuse_other_times
from tests.harness.judging import PARTITION, judging, messages
from tests.unit.test_audit import HERE as AUDITED
from tests.unit.test_audit import differences, told
from tests.unit.test_judge_shell import broker, judge  # noqa: F401 - fixtures

KIOSK = entries_in(b"[sources.kiosk]\ntitle = 't'\nprecision_ms = 1000\nclock_error_ms = 2000")
TOPICS = Topics("t7.", {**SOURCES, **KIOSK})
HERE = TopicPartition("t7.access.kiosk.v1", 3)
SAID = Times(precision_ms=1_000, clock_error_ms=2_000)
OTHER = Times(precision_ms=1_000, clock_error_ms=0)


def note(times: Times | None) -> str:
    """What stands beside a committed offset."""
    return encode(AtWork(hold=Hold(is_open=True, run="run-1", times=times))).decode()


def cut(topic: str, times: Times | None = None) -> Cut:
    """One of nothing much."""
    made = judging().batch(PARTITION, "ecms", messages(b"{}"))
    found = cut_of(made, reconciled=0, source="ecms", policy_hash="hash7", run="run-1")
    return found.model_copy(update={"topic": topic, "times": times})


# --- what a worker refuses


@pytest.mark.parametrize("metadata", [note(SAID), note(None), "", "{}", "no JSON"])
def test_whoever_was_judged_by_the_same_times_or_by_none_goes_on(metadata: str) -> None:
    """A source of which nothing has been judged has no times yet."""
    refuse_other_times(TOPICS, {HERE: metadata})


def test_other_times_than_those_judged_by_are_refused() -> None:
    """With both places where the mistake may be; a later partition is as good as the first."""
    with pytest.raises(ChangedTimesError) as refused:
        refuse_other_times(TOPICS, {TopicPartition(HERE.topic, 0): note(SAID), HERE: note(OTHER)})
    assert str(refused.value) == (
        "sources.kiosk: its accesses have been judged with precision_ms = 1000 and clock_error_ms = 0; put these back "
        "into the registry, or register the system under a new name and have it send there"
    )


def test_a_source_that_became_one_of_ours_must_mean_the_same() -> None:
    """Code may take over what an entry said, as long as it says the same."""
    became = {**SOURCES, "kiosk": replace(KIOSK["kiosk"], title="ours")}
    refuse_other_times(Topics("t7.", became), {HERE: note(SAID)})
    with pytest.raises(ChangedTimesError):
        refuse_other_times(
            Topics("t7.", {**became, "kiosk": replace(KIOSK["kiosk"], precision_ms=1)}), {HERE: note(SAID)}
        )


def test_what_is_not_ours_to_judge_is_not_looked_at() -> None:
    """Topics of other installations and of feeds, and of a source that this worker does not know."""
    others = ("t8.access.kiosk.v1", "t7.feed.staff.v1", "t7.access.gate.v1")
    refuse_other_times(TOPICS, {TopicPartition(name, 0): note(OTHER) for name in others})


def test_a_worker_that_is_handed_what_was_judged_by_other_times_judges_none_of_it(judge: Any) -> None:  # noqa: F811
    """It raises, and goes down, before anything is begun."""
    judge._topics = TOPICS
    with pytest.raises(ChangedTimesError):
        judge.seek({HERE: 960}, {HERE: note(OTHER)}, {})
    assert judge.take_over.is_done(Partition(*HERE))


# --- what it writes


def test_the_times_stand_beside_the_offset_of_a_source_of_an_entry_only(judge: Any) -> None:  # noqa: F811
    """With an idle worker and with one at work; ours have none, and their notes no byte more."""
    judge._topics, judge._sources = TOPICS, {HERE.topic: "kiosk", PARTITION.topic: "ecms"}
    idle = decode(Note, judge.note(HERE, 960, is_open=False).encode())
    assert idle.hold is not None
    assert idle.hold.times == SAID
    judge.take_over.is_done = lambda partition: False
    assert decode(AtWork, judge.note(HERE, 960, is_open=True).encode()).hold.times == SAID
    assert "times" not in judge.note(PARTITION, 960, is_open=True)


@pytest.mark.parametrize(("topic", "times"), [(HERE.topic, SAID), ("t7.access.ecms.v1", None)])
async def test_each_cut_says_by_which_times(topic: str, times: Times | None) -> None:
    """So that it can be derived from what is written down; of ours as ever."""
    stored: list[Outgoing] = []

    class Storing:
        async def put(self, outgoing: list[Outgoing]) -> list[Stored]:
            stored.extend(outgoing)
            return []

    double: Any = Storing()
    errors: list[BaseException] = []
    lane = Lane(double, TOPICS, None, errors.append)
    lane.put(Job([], cut(topic), lambda: None))
    await lane.wait_idle()
    assert errors == []
    assert decode(Cut, stored[0].value).times == times
    assert (b"times" in (stored[0].value or b"")) == (times is not None)


def test_the_fast_spelling_of_a_cut_with_times_is_the_exact_one() -> None:
    """What `document` gives is what the model gives."""
    found = cut(HERE.topic, SAID)
    assert document(found) == found.model_dump()


# --- what verify says


def logs(*cuts: Cut) -> Logs:
    """These cuts, looked at with the kiosk's entry."""
    stored = {(one.topic, 0): [StoredCut(one, "digest"), StoredCut(one, "digest2")] for one in cuts}
    return Logs(
        messages={}, cuts=stored, findings=[], dead_letters=frozenset(), marks={}, position=0, sources=TOPICS.sources
    )


def test_cuts_by_the_times_of_the_registry_are_no_difference() -> None:
    """Ours say none; an entry's say what it says."""
    assert list(check_times(logs(cut(HERE.topic, SAID), cut("t7.access.ecms.v1")))) == []


@pytest.mark.parametrize(
    ("topic", "times", "difference"),
    [
        (
            HERE.topic,
            OTHER,
            "t7.access.kiosk.v1: 2 cuts were judged with precision_ms = 1000 and clock_error_ms = 0; the registry here "
            "says with precision_ms = 1000 and clock_error_ms = 2000",
        ),
        (
            HERE.topic,
            None,
            "t7.access.kiosk.v1: 2 cuts were judged without a word of precision and clock error; the registry here "
            "says with precision_ms = 1000 and clock_error_ms = 2000",
        ),
        (
            "t7.access.ecms.v1",
            SAID,
            "t7.access.ecms.v1: 2 cuts were judged with precision_ms = 1000 and clock_error_ms = 2000; the registry "
            "here says with precision_ms = 1 and clock_error_ms = 0",
        ),
        (
            "t7.access.gate.v1",
            SAID,
            "t7.access.gate.v1: 2 cuts are of a source that is not registered here (NTK_SOURCES_FILE)",
        ),
    ],
)
def test_cuts_by_other_times_are_a_difference_once(topic: str, times: Times | None, difference: str) -> None:
    """Whoever verifies with another registry, or after somebody wrote into the ledger, is told where to look."""
    assert list(check_times(logs(cut(topic, times)))) == [difference]


def test_the_audit_tells_them() -> None:
    """Beside what else it finds."""
    stored = told()
    other = [one._replace(cut=one.cut.model_copy(update={"times": SAID})) for one in stored.cuts[AUDITED]]
    assert "3 cuts were judged with precision_ms" in differences(stored, cuts={AUDITED: other})[0]
    assert differences(stored) == []
