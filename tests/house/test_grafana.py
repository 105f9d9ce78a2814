"""The Grafana dashboard is generated, and shows what the console shows."""

from __future__ import annotations

import re
from typing import Final

import yaml

from deploy.grafana.generate import COLUMNS, DASHBOARD, DATASOURCE, dashboard, rendered
from deploy.grafana.panels import PANELS
from tests.harness.promql import CONSOLES

PROVISIONING: Final = DASHBOARD.parents[1] / "provisioning"


def test_the_committed_dashboard_is_the_generated_one() -> None:
    """After a change of panels.py: python -m deploy.grafana.generate."""
    assert DASHBOARD.read_text(encoding="utf-8") == rendered()


def test_both_dashboards_have_the_same_panels() -> None:
    """Nobody has to know which of the two answers a question."""
    console = "".join(f.read_text(encoding="utf-8") for f in CONSOLES.iterdir())
    assert {p.key for p in PANELS} == set(re.findall(r'data-panel="([\w-]+)"', console))


def test_panels_do_not_overlap_and_fit_the_grid() -> None:
    """Grafana would move them about in its own way."""
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])}
        assert max(x for x, _ in cells) < COLUMNS
        assert not cells & taken, panel["title"]
        taken |= cells


def test_grafana_finds_the_datasource_and_the_dashboard() -> None:
    """The provisioned names are those the dashboard and the compose file use."""
    source = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())["datasources"][0]
    assert {"type": source["type"], "uid": source["uid"]} == DATASOURCE
    provider = yaml.safe_load((PROVISIONING / "dashboards" / "needtoknow.yml").read_text())["providers"][0]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
