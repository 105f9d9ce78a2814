"""The dashboard when there is nothing, or nothing more, to show: it says so instead of showing zeros or old numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.local.prometheus import HOW_TO_GET, LocalPrometheus, find_prometheus
from tests.harness.exporter import Exporter
from tests.harness.parts import require_part

MARKS = ("needtoknow_mark_age_seconds", "needtoknow_mark_silence_seconds")
LIVE_MS = 20_000  # it looks again every 5 s; the rest is for a busy machine


@pytest.fixture(autouse=True)
def _prometheus() -> None:
    require_part("Prometheus", find_prometheus(), HOW_TO_GET)


def _open(browser: Browser, prometheus: LocalPrometheus) -> Page:
    page = browser.new_page()
    page.goto(prometheus.console_url)
    page.wait_for_function("document.documentElement.dataset.drawn === 'yes'")
    return page


def test_an_empty_prometheus_says_what_is_missing(browser: Browser, tmp_path: Path) -> None:
    """Nothing is scraped: that is not the same as nothing found."""
    with LocalPrometheus([], tmp_path, interval_seconds=0.5) as prometheus:
        page = _open(browser, prometheus)
        expect(page.locator(".state")).to_contain_text("Nothing is being watched")
        expect(page.locator(".empty")).to_contain_text("deploy/prometheus/prometheus.yml")
        expect(page.locator("[data-panel=findings-last-hour]")).to_have_count(0)
        page.close()


def test_workers_that_do_not_answer_are_named(browser: Browser, tmp_path: Path) -> None:
    """All down: red, and which ones."""
    with LocalPrometheus(["127.0.0.1:1", "127.0.0.1:2"], tmp_path, interval_seconds=0.5) as prometheus:
        prometheus.wait_for("needtoknow:workers:known == 2")
        page = _open(browser, prometheus)
        expect(page.locator(".state")).to_contain_text("No worker is ready: nothing is being judged")
        assert page.locator("[data-worker] .pill").all_inner_texts() == ["down", "down"]
        expect(page.locator(".empty")).to_contain_text("No worker answers")
        page.close()


def test_it_follows_what_happens_and_says_when_it_cannot(browser: Browser, tmp_path: Path) -> None:
    """All well, then a finding, then a feed that never spoke, then Prometheus itself gone: all without a reload."""
    with Exporter() as worker, LocalPrometheus([worker.address], tmp_path, interval_seconds=0.5) as prometheus:
        prometheus.wait_for("needtoknow:findings:raised == 0 and on () needtoknow:workers:ready == 1")
        page = _open(browser, prometheus)
        expect(page.locator(".state")).to_contain_text("Watching, and all is well")
        big = page.locator("[data-panel=findings-last-hour] .big")
        expect(big).to_have_text("0")
        expect(page.locator("[data-panel=access-to-finding] .big .none")).to_have_count(1)
        worker.show({"needtoknow_findings_total": {("unexplained", "high", "raised"): 1_234}})
        expect(big).to_have_text("1,234", timeout=LIVE_MS)
        worker.show({name: {("cases",): float("inf")} for name in MARKS})
        feed = page.locator("[data-feed=cases].feed")
        expect(feed.locator(".pill")).to_have_text("silent", timeout=LIVE_MS)
        expect(feed).to_contain_text("has never said that it is complete")
        expect(page.locator(".state")).to_contain_text("not every feed is up to date")
        prometheus.stop()
        expect(page.locator("#fresh")).to_contain_text("what you see is old", timeout=LIVE_MS)
        page.close()
