"""/live tells a worker that stands still from one that waits for others: only the first is to be started again."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from deploy.local.service import Worker
from tests.faults.harness import running, until
from tests.faults.poison import poison
from tests.harness.broker import Expendable, SharedBroker
from tests.harness.timeline import Story

PATIENCE: Final = 3.0
IMPATIENT: Final = {"NTK_STUCK_AFTER_SECONDS": str(PATIENCE)}
LITTLE: Final = {"NTK_PENDING_MAX": "100", "NTK_BATCH_MESSAGES": "50"}
WATCHED: Final = PATIENCE + 2.0  # a look a second may see it late
NEVER_ENDS: Final = "import asyncio; return asyncio.sleep(10 ** 6)"


def live(worker: Worker) -> tuple[int, str]:
    """What /live answers."""
    try:
        with build_opener(ProxyHandler({})).open(f"http://{worker.address}/live", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def strangers(number: int) -> Story:
    """So many accesses of people whom nobody knows; no feed has said anything."""
    story = Story("08:00")
    for n in range(number):
        story.see(f"stranger{n}", "view")
    return story


def stuck_seconds(worker: Worker, part: str) -> float:
    """What the worker says of a part of itself."""
    [seconds] = re.findall(rf'^needtoknow_stuck_seconds{{part="{part}"}} (\S+)$', worker.metrics(), re.M)
    return float(seconds)


@pytest.mark.parametrize(
    ("module", "function", "part"),
    [
        ("agents.last_cuts", "LastCuts.look", "judge"),
        ("agents.register", "Register._adopt", "register"),
        ("consumer_thread", "ConsumerThread._fetch_records", "fetching"),
    ],
    ids=["judge", "register", "fetching"],
)
def test_a_part_that_has_work_and_stands_still_is_told(
    kafka: SharedBroker, namespace: str, tmp_path: Path, module: str, function: str, part: str
) -> None:
    """By the answer of /live, and by a metric; before it has any work, nothing is wrong with it."""
    custom = poison(tmp_path / "poison", "", NEVER_ENDS, module=module, function=function)
    with running(kafka.bootstrap, tmp_path, namespace, PYTHONPATH=custom, **IMPATIENT) as one:
        one.service.start_workers(1)
        [worker] = one.service.workers
        assert live(worker) == (200, "live\n")
        story = strangers(8)
        story.mark_all()
        one.play(story.steps)
        until(lambda: live(worker)[0] == 503, "nobody notices", seconds=60)
        assert re.fullmatch(rf"not live: {part} has had work for \d+ s and got nothing done\n", live(worker)[1])
        until(lambda: stuck_seconds(worker, part) > PATIENCE, "the metric does not tell")


@pytest.mark.timeout(240)
def test_who_waits_for_a_feed_or_for_the_broker_is_alive(
    expendable: Expendable, tmp_path: Path, namespace: str
) -> None:
    """With all the accesses that it may keep open, then with a broker that does not answer, then at work again."""
    kafka = expendable.kafka
    with running(kafka.bootstrap, tmp_path, namespace, **LITTLE, **IMPATIENT) as one:
        one.service.start_workers(1)
        [worker] = one.service.workers
        story = strangers(1_000)
        one.play(story.steps)
        until(lambda: "needtoknow_paused_partitions 4.0" in worker.metrics(), "it goes on reading")
        stays_alive(worker)
        kafka.pause()
        stays_alive(worker)
        kafka.resume()
        stays_alive(worker)
        story.mark_all("2026-01-09")
        one.play(story.steps[1_000:])
        until(lambda: len(one.findings()) == 1_000, "somebody is missed", seconds=90)
        assert live(worker)[0] == 200


def stays_alive(worker: Worker) -> None:
    """For longer than it would be given if it were stuck."""
    began = time.monotonic()
    while time.monotonic() - began < WATCHED:
        assert live(worker) == (200, "live\n")
        time.sleep(0.2)  # between two questions
