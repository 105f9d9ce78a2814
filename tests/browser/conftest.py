"""A real Prometheus that watches two workers and two consoles, and a real browser that may look at nothing else.

The four are exporters.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.local.prometheus import HOW_TO_GET, LocalPrometheus, find_prometheus
from tests.browser import scene
from tests.harness.exporter import Exporter
from tests.harness.parts import require_part

POSITIONS: Final = (9_001, 8_990)  # the second worker is eleven facts behind
CHROMIUM_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# The test that nothing leaves the machine must not depend on the page alone: other names cannot even be resolved.
NOTHING_ELSE: Final = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass(frozen=True)
class Watched:
    """What is watched, and by whom."""

    prometheus: LocalPrometheus
    workers: tuple[Exporter, Exporter]
    consoles: tuple[Exporter, Exporter]


@pytest.fixture(
    scope="module"
)  # not the session: while it is open an event loop runs in this thread, and others want one
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    require_part("Chromium", program, "apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=[*CHROMIUM_ARGUMENTS, NOTHING_ELSE])
        yield found
        found.close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The scene, scraped. Everything starts at zero first: what a counter shows at its first scrape is no growth."""
    require_part("Prometheus", find_prometheus(), HOW_TO_GET)
    directory = tmp_path_factory.mktemp("prometheus")
    with Exporter() as first, Exporter() as second, Exporter("console") as third, Exporter("console") as fourth:
        workers, consoles = (first, second), (third, fourth)
        addresses = [w.address for w in workers], [c.address for c in consoles]
        with LocalPrometheus(addresses[0], directory, consoles=addresses[1], interval_seconds=0.5) as prometheus:
            prometheus.wait_for(
                "count(needtoknow_ready) == 2 and on () needtoknow:workers:ready == 2"
                " and on () needtoknow:consoles:up == 2"
            )
            for console in consoles:
                console.show(scene.alerts())
                console.observe(scene.taken())
            for worker, position in zip(workers, POSITIONS, strict=True):
                worker.show(scene.gauges(position))
                worker.show(scene.growth())
                worker.observe(scene.seen())
            told = len(workers) * sum(scene.growth()["needtoknow_findings_total"].values())
            prometheus.wait_for(
                f"sum(needtoknow_findings_total) == {told:g}"
                f" and on () count(needtoknow_facts_position > 0) == {len(workers)}"
                f" and on () count(needtoknow_reveals_total > 0) == {len(consoles)}"
            )
            _let_rules_follow(prometheus)
            prometheus.wait_for('count(ALERTS{alertstate="firing"}) >= 3')
            yield Watched(prometheus, workers, consoles)


def _let_rules_follow(prometheus: LocalPrometheus) -> None:
    """Each group of rules has a moment of its own: wait until all have been worked out from what is there now.

    Twice, since one group reads what another recorded.
    """
    for _ in range(2):
        now = datetime.now(UTC)
        prometheus.wait_until("rules worked out", partial(_are_rules_of_after, prometheus, now))


def _are_rules_of_after(prometheus: LocalPrometheus, instant: datetime) -> bool:
    groups = prometheus.api("rules")["groups"]
    return all(datetime.fromisoformat(group["lastEvaluation"]) > instant for group in groups)
