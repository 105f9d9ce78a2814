"""Writes the Grafana dashboard from the table of panels: `python -m deploy.grafana.generate`. Deterministic."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from deploy.grafana.panels import PANELS, SEVERITY_COLOURS, Panel

DASHBOARD: Final = Path(__file__).parent / "dashboards" / "violations.json"
DATASOURCE: Final = {"type": "prometheus", "uid": "needtoknow"}
COLUMNS: Final = 24  # Grafana's own grid
Json = dict[str, Any]


def dashboard() -> Json:
    """The whole dashboard as Grafana's provisioning reads it."""
    return {
        "uid": "needtoknow-violations",
        "title": "Need to Know: violations",
        "description": "A finding is an access that no recorded duty explains. No person and no record is named here.",
        "tags": ["needtoknow"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "graphTooltip": 1,
        "panels": [_panel(number, panel, place) for number, (panel, place) in enumerate(_placed(PANELS), 1)],
    }


def rendered() -> str:
    """The dashboard as it is committed."""
    return json.dumps(dashboard(), indent=2) + "\n"


def _placed(panels: Iterable[Panel]) -> Iterator[tuple[Panel, Json]]:
    """Each panel with its place: left to right, then the next row below the tallest."""
    x = y = tallest = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        yield panel, {"x": x, "y": y, "w": panel.width, "h": panel.height}
        x, tallest = x + panel.width, max(tallest, panel.height)


def _panel(number: int, panel: Panel, place: Json) -> Json:
    defaults: Json = {"unit": panel.unit, "custom": _custom(panel)}
    return {
        "id": number,
        "title": panel.title,
        "description": panel.question,
        "type": {"stat": "stat", "table": "table"}.get(panel.shape, "timeseries"),
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": [_target(panel, chr(ord("A") + n), *ask) for n, ask in enumerate(panel.asks)],
        "fieldConfig": {"defaults": defaults, "overrides": [*_severities(panel), *_words(panel)]},
        "options": _options(panel),
        "transformations": _columns(panel) if panel.shape == "table" else [],
    }


def _target(panel: Panel, ref: str, legend: str, expression: str) -> Json:
    is_table = panel.shape == "table"
    instant = is_table or panel.shape == "stat"
    target = {"refId": ref, "datasource": DATASOURCE, "expr": expression, "instant": instant, "range": not instant}
    return target | ({"format": "table"} if is_table else {"legendFormat": legend or "__auto"})


def _custom(panel: Panel) -> Json:
    match panel.shape:
        case "bars":
            return {"drawStyle": "bars", "fillOpacity": 90, "lineWidth": 0, "stacking": {"mode": "normal"}}
        case "lines":
            return {"drawStyle": "line", "fillOpacity": 10, "lineWidth": 1, "showPoints": "never"}
        case _:
            return {}


def _options(panel: Panel) -> Json:
    if panel.shape == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"}
    return {} if panel.shape == "table" else {"legend": {"displayMode": "list", "placement": "bottom"}}


def _severities(panel: Panel) -> list[Json]:
    """The colours of the four severities, where a series is named after one."""
    if not any("{{severity}}" in legend for legend, _ in panel.asks):
        return []
    return [
        _override(severity, "color", {"mode": "fixed", "fixedColor": colour})
        for severity, colour in SEVERITY_COLOURS.items()
    ]


def _words(panel: Panel) -> list[Json]:
    """The words for the values of one column: a state is read, not decoded."""
    if not panel.words:
        return []
    options = {f"{value:g}": {"text": text, "color": colour} for value, text, colour in panel.words}
    words = _override(panel.words_in, "mappings", [{"type": "value", "options": options}])
    words["properties"].append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    return [words]


def _override(name: str, key: str, value: Any) -> Json:
    return {"matcher": {"id": "byName", "options": name}, "properties": [{"id": key, "value": value}]}


def _columns(panel: Panel) -> list[Json]:
    """One row for each label set; values under their names. Grafana calls them "Value #A" when there are several."""
    several = len(panel.asks) > 1
    names = {
        (f"Value #{chr(ord('A') + n)}" if several else "Value"): legend for n, (legend, _) in enumerate(panel.asks)
    }
    hidden = {"Time": True, "__name__": True} | {value: True for value, legend in names.items() if not legend}
    hidden |= {
        f"{column} {n}": True for n in range(1, len(panel.asks) + 1) for column in ("Time", "__name__") if several
    }
    renamed = {value: legend for value, legend in names.items() if legend}
    joined = [{"id": "joinByField", "options": {"byField": panel.join_by, "mode": "outer"}}] if panel.join_by else []
    return [*joined, {"id": "organize", "options": {"excludeByName": hidden, "renameByName": renamed}}]


if __name__ == "__main__":
    DASHBOARD.parent.mkdir(exist_ok=True)
    DASHBOARD.write_text(rendered(), encoding="utf-8")
