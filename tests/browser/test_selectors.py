"""Every selector of rules and dashboards gives a series from a real Prometheus. It needs the scene, not the browser."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Watched
from tests.harness.promql import Selector, all_selectors, grafana_expressions, rules


@pytest.mark.parametrize(
    ("selector", "files"), [pytest.param(s, f, id=str(s)) for s, f in sorted(all_selectors().items(), key=str)]
)
def test_a_selector_gives_a_series(watched: Watched, selector: Selector, files: set[str]) -> None:
    """A selector that matches nothing is a panel that stays empty, or a page that never fires."""
    assert watched.prometheus.query(str(selector)), f"{selector} matches nothing; it stands in {sorted(files)}"


def test_every_recorded_series_has_the_labels_it_is_grouped_by(watched: Watched) -> None:
    """`by (source)` over something without a source would give one series without labels."""
    for rule in rules():
        if "record" in rule and rule["expr"].startswith("sum by ("):
            labels = {name.strip() for name in rule["expr"].split("(", 1)[1].split(")", 1)[0].split(",")}
            for shown, _ in watched.prometheus.query(rule["record"]):
                assert set(shown) - {"__name__"} == labels, rule["record"]


def test_prometheus_works_out_every_rule_and_every_panel(watched: Watched) -> None:
    """No rule is in error, and Grafana's expressions are understood."""
    groups = watched.prometheus.api("rules")["groups"]
    assert {r["health"] for group in groups for r in group["rules"]} == {"ok"}
    for expression in grafana_expressions():
        watched.prometheus.query(expression)
