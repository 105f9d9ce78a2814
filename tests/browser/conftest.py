"""A real Prometheus that watches two workers and two consoles, a console, and a real browser that looks nowhere else.

The four are exporters.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from deploy.local.prometheus import HOW_TO_GET, LocalPrometheus, find_prometheus
from tests.browser import scene
from tests.browser.console_scene import Enter, Running, a_day, running_console
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
    with (
        Exporter() as first,
        Exporter() as second,
        Exporter("console") as third,
        Exporter("console") as fourth,
        Exporter("watch") as watch,
        Exporter("receiver") as receiver,
    ):
        workers, consoles = (first, second), (third, fourth)
        watch.show(scene.watched())
        targets = [w.address for w in workers]
        others = {
            "consoles": [c.address for c in consoles],
            "watches": [watch.address],
            "receivers": [receiver.address],
        }
        with LocalPrometheus(targets, directory, interval_seconds=0.5, **others) as prometheus:
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


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A console for all tests here."""
    with running_console(tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture(scope="module")
def day(running: Running) -> list[str]:
    """The alerts of a day."""
    return a_day(running)


@pytest.fixture
def enter(browser: Browser, running: Running) -> Iterator[Enter]:
    """Somebody comes in with a browser of their own. At the end no browser may have complained."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def entered(login: str, path: str = "/", *, may_fail: str = "nothing", **options: Any) -> Page:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
        contexts.append(context)
        token = running.run(running.scene.user(login)).token
        context.add_cookies([{"name": "needtoknow", "value": token, "url": running.scene.base}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: None if may_fail in m.text else complaints.append(f"{m.type}: {m.text}"))
        page.goto(running.scene.base + path)
        return page

    yield entered
    for context in contexts:
        context.close()
    assert complaints == []
