"""What makes a run of faults valid and good, what is sent in one, and how it is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from schemas.access import Access
from schemas.fact import Fact, Mark
from tests.faults.__main__ import table
from tests.faults.catalogue import FAULTS, make
from tests.faults.day import make_sent
from tests.faults.fault import Fault
from tests.faults.in_feeds import FeedDelayed, FeedRestarted, FeedSilent
from tests.faults.in_sources import HOT
from tests.faults.on_files import snapshots
from tests.faults.run import Order, Result
from tests.harness.department import make_day
from tests.harness.department_plan import DAY_START

ORDER = Order(faults="worker-killed", seed=7, seconds=60, accesses=300)


def test_a_fault_that_never_struck_did_not_happen() -> None:
    """Nor one of whose strikes a single one is not proved."""
    fault = Fault()
    assert fault.proof == (False, "it never struck")
    fault.note(True, "worker 2 killed")
    assert fault.proof == (True, "worker 2 killed")
    fault.note(False, "worker 3 killed")
    assert fault.proof == (False, "worker 2 killed; NOT PROVED: worker 3 killed")


@pytest.mark.parametrize(
    ("is_valid", "wrong", "is_good", "word"),
    [(True, [], True, "good"), (False, [], False, "INVALID"), (True, ["lost: f_1"], False, "WRONG")],
)
def test_only_a_valid_run_in_which_nothing_is_wrong_is_good(
    is_valid: bool, wrong: list[str], is_good: bool, word: str
) -> None:
    """A fault that did not happen shows nothing, however right everything is."""
    result = Result(ORDER, "worker 2 killed", is_valid, wrong=wrong)
    assert result.is_good == is_good
    assert result.line().startswith(f"{word}: worker-killed, seed 7: worker 2 killed")


def test_the_table_adds_up_by_fault_and_over_all() -> None:
    """Runs that broke off have no numbers, and count as runs."""
    killed = Result(ORDER, "", True, numbers={"accesses": 300, "due": 40, "verified": True})
    broken = Result(Order(faults="disk-full", seed=8, seconds=60, accesses=300), wrong=["broke off"])
    rows = [line.split() for line in table([killed, killed, broken]).splitlines()]
    assert rows[0][:4] == ["fault", "runs", "valid", "good"]
    assert [row[:6] for row in rows[1:]] == [
        ["worker-killed", "2", "2", "2", "600", "80"],
        ["disk-full", "1", "0", "0", "0", "0"],
        ["all", "3", "2", "2", "600", "80"],
    ]
    assert [row[-3:] for row in rows[1:]] == [["2", "of", "2"], ["0", "of", "1"], ["2", "of", "3"]]


def test_only_a_whole_snapshot_counts_as_one(tmp_path: Path) -> None:
    """Not what is being written, and not the lock beside it: a directory without a snapshot shows nothing by going."""
    for name in ("snapshot-1.lock", "snapshot-1.begun", "other"):
        (tmp_path / name).write_bytes(b"x")
    assert snapshots(tmp_path) == []
    (tmp_path / "snapshot-2").write_bytes(b"x")
    assert snapshots(tmp_path) == [tmp_path / "snapshot-2"]


def test_every_fault_is_known_by_its_name() -> None:
    """Several may strike in one run; what is none is refused."""
    assert [fault.name for fault in make("worker-killed+hot-key")] == ["worker-killed", "hot-key"]
    assert all(fault().name == name for name, fault in FAULTS.items())
    with pytest.raises(KeyError):
        make("earthquake")


def test_a_silent_feed_leaves_out_marks_and_nothing_else() -> None:
    """Its facts still come, and so does its last mark."""
    day, fault = make_day(3, accesses=300), FeedSilent()
    sent = fault.sent(day.steps, Random(1))
    missing = Counter(day.steps) - Counter(sent)
    assert missing
    assert all(isinstance(s.means, Mark) and s.means.feed == fault.feed for s in missing)
    assert not Counter(sent) - Counter(day.steps)
    assert sent[-3:] == list(day.steps[-3:])


def test_a_delayed_feed_keeps_its_order_and_comes_after_all_else() -> None:
    """Nothing is left out."""
    day, fault = make_day(3, accesses=300), FeedDelayed()
    sent = fault.sent(day.steps, Random(1))
    assert [s.means for s in sent if fault.is_ours(s)] == [s.means for s in day.steps if fault.is_ours(s)]
    assert [s for s in sent if not fault.is_ours(s)] == [s for s in day.steps if not fault.is_ours(s)]
    assert fault.is_ours(sent[-1])


def test_a_feed_that_restarts_sends_everything_again() -> None:
    """Twice, from what was known before the day on; what others send stays as it is."""
    day, fault = make_day(3, accesses=300), FeedRestarted()
    sent = fault.sent(day.steps, Random(1))
    before = [s.means for s in day.steps if fault.is_ours(s) and s.at_ms < DAY_START and isinstance(s.means, Fact)]
    counts = Counter(s.means for s in sent if fault.is_ours(s))
    assert before
    assert all(counts[fact] >= 3 for fact in before)
    assert [s for s in sent if not fault.is_ours(s)] == [s for s in day.steps if not fault.is_ours(s)]


@pytest.mark.parametrize("name", ["worker-killed", "feed-silent+hot-key", "feed-restarted+source-replayed"])
def test_a_run_of_one_seed_sends_the_same_each_time(name: str) -> None:
    """A run that went wrong can be played again; there is something to find, and the steps flow evenly."""
    one, other = (make_sent(5, 300, make(name), Random(name)) for _ in range(2))
    assert one == other
    assert one.expected.findings
    assert [step.at_ms for step in one.flowing] == list(range(len(one.flowing)))


def test_half_of_all_accesses_are_to_a_hot_record() -> None:
    """By different people, explained and not."""
    sent = make_sent(5, 300, make("hot-key"), Random(1))
    accesses = [s.means for s in (*sent.beforehand, *sent.flowing) if isinstance(s.means, Access)]
    hot = [a for a in accesses if a.record == HOT]
    assert len(hot) / len(accesses) == pytest.approx(0.5, abs=0.05)  # the FACTS file comes when all is over
    outcomes = {v.outcome for a, v in sent.expected.judged.values() if a.record == HOT}
    assert {"explained", "unexplained", "revoked"} <= outcomes
