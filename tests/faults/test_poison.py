"""A message that kills its worker is found and set aside; all others are judged, and the ledger tells it as it was."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from schemas.access import Access
from schemas.codec import decode, encode
from schemas.ledger import Cut
from tests.faults.harness import FAULTY, Running, running
from tests.faults.poison import KILLS, RAISES, READING, poison, supervise
from tests.harness.broker import SharedBroker
from tests.harness.builders import account
from tests.integration.test_worker_process import at_work

ACCESSES = 200
BATCH = 500
DEATHS = 5  # one unnamed, the batch, a part of it, the message alone, and again
SUPERVISED_SECONDS = 200.0  # five restarts of some 4 s, and the session of each dead worker


def strangers(one: Running, *, first: int = 0) -> list[Access]:
    """Accesses of people who had no business there, on all partitions, looked at closely every one."""
    story = at_work("jdoe12", "w028")
    known = len(story.steps)
    accesses = [story.see(f"stranger{n}", "view") for n in range(first, first + ACCESSES)]
    one.play(story.steps[known:] if first else story.steps)
    return accesses


def found(one: Running) -> set[str]:
    """The people of whom something was found."""
    return {finding.access.actor for finding in one.findings()}


def place_of(one: Running, access: Access) -> str:
    """Where its message lies."""
    topic = one.topics.access(access.source)
    [place] = [f"{topic}/{m.partition}/{m.offset}" for m in one.messages(topic) if m.value == encode(access)]
    return place


@pytest.mark.timeout(300)
def test_a_message_that_kills_is_found_and_set_aside(kafka: SharedBroker, namespace: str, tmp_path: Path) -> None:
    """Within few deaths, whatever else there is: one letter with the original bytes, everybody else is judged."""
    more = {"NTK_BATCH_MESSAGES": str(BATCH), "PYTHONPATH": str(tmp_path / "poison")}
    with running(kafka.bootstrap, tmp_path, namespace, **FAULTY, **more) as one:
        accesses = strangers(one)
        killer = accesses[ACCESSES // 2]
        poison(tmp_path / "poison", killer.actor, KILLS)
        one.service.launch()
        due = {a.actor for a in accesses} - {killer.actor}
        restarts = supervise(one, lambda: found(one) == due, SUPERVISED_SECONDS)
        assert 2 <= restarts <= DEATHS
        one.wait_idle()
        place = place_of(one, killer)
        [(key, letter)] = one.letters().items()
        assert (key, letter.value) == (place, encode(killer))
        assert dict(letter.headers)["needtoknow.errors.stage"] == b"quarantine"
        report = one.verify()
        assert (report["differences"], report["unjudged"], report["quarantined"]) == ([], 0, 1)
        assert one.document("dead-letters", "show", place)["stage"] == "quarantine"
        cuts = [decode(Cut, m.value) for m in one.messages(one.topics.ledger)]
        assert sum(c.messages.dead_letters for c in cuts) >= 1
        metrics = one.service.workers[-1].metrics()
        assert re.search(r'^needtoknow_dead_letters_total\{reason="kills",stage="quarantine"\} [1-9]', metrics, re.M)
        goes_on_after_another_death(one, due)


def goes_on_after_another_death(one: Running, due: set[str]) -> None:
    """What was set aside stays so: a successor, which looks back at everything, is not killed by it again."""
    [last] = one.service.workers
    last.process.kill()
    last.process.wait()
    one.service.workers.clear()
    one.service.launch()
    more = {a.actor for a in strangers(one, first=ACCESSES)}
    assert supervise(one, lambda: found(one) == due | more, SUPERVISED_SECONDS) == 0
    one.wait_idle()
    assert len(one.letters()) == 1
    assert one.verify()["differences"] == []


@pytest.mark.parametrize(
    ("module", "function", "reason"),
    [("sources", READING, "raises"), ("policy.decide", "decide", "kills")],
    ids=["reading", "deciding"],
)
def test_a_message_that_makes_us_fail_ends_no_worker(
    kafka: SharedBroker, namespace: str, tmp_path: Path, module: str, function: str, reason: str
) -> None:
    """A fault of ours, in the reader or in the judge: it is set aside, the others judged by the same process."""
    with running(kafka.bootstrap, tmp_path, namespace, PYTHONPATH=str(tmp_path / "poison")) as one:
        accesses = strangers(one)
        culprit = accesses[ACCESSES // 2]
        poison(tmp_path / "poison", culprit.actor, RAISES, module=module, function=function)
        one.service.launch()
        due = {a.actor for a in accesses} - {culprit.actor}
        assert supervise(one, lambda: found(one) == due, 60) == 0
        one.wait_idle()
        [(key, letter)] = one.letters().items()
        assert (key, letter.value) == (place_of(one, culprit), encode(culprit))
        assert b"w028" not in dict(letter.headers)["needtoknow.errors.message"]
        assert one.verify()["differences"] == []
        [worker] = one.service.workers
        assert f'reason="{reason}",stage="quarantine"}} 1.0' in worker.metrics()
        assert "a secret" not in worker.log_file.read_text()


@pytest.mark.parametrize("function", ["look_back", "in_doubt", "accesses_of"])
def test_a_message_that_makes_us_fail_when_it_is_looked_at_again_ends_no_worker(
    kafka: SharedBroker, namespace: str, tmp_path: Path, function: str
) -> None:
    """Judged well by a worker of before. It has its letter; what a fact changes about others is said all the same."""
    with running(kafka.bootstrap, tmp_path, namespace, PYTHONPATH=str(tmp_path / "poison")) as one:
        accesses = strangers(one)
        one.service.start_workers(1)
        one.wait_idle()
        one.service.stop()
        shutil.rmtree(tmp_path / "data")  # what it knew: everything is looked at again
        culprit, other = accesses[ACCESSES // 2], accesses[ACCESSES // 3]
        poison(tmp_path / "poison", culprit.actor, RAISES, module="policy.indexed", function=function)
        one.service.start_workers(1)
        one.wait_idle()  # it has looked back
        story = at_work("jdoe12", "w028")
        known = len(story.steps)
        changed = {"in_doubt": (culprit, other)}.get(function, (other,))
        story.learn(*(account(access.actor, "w028", recorded_at="2026-01-09") for access in changed))
        one.play(story.steps[known:])
        assert supervise(one, lambda: withdrawn(one) and one.letters(), 60) == 0
        one.wait_idle()
        assert withdrawn(one) == {other.actor}
        [(key, letter)] = one.letters().items()
        assert (key, letter.value) == (place_of(one, culprit), encode(culprit))
        assert dict(letter.headers)["needtoknow.errors.stage"] == b"quarantine"
        assert one.verify()["differences"] == []
        assert "a secret" not in one.service.workers[-1].log_file.read_text()


def withdrawn(one: Running) -> set[str]:
    """The people whom nobody accuses any more."""
    return {finding.access.actor for finding in one.findings() if finding.transition == "withdrawn"}
