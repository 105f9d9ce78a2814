"""Rules and dashboards against promtool, the metric catalogue, the settings, the commands and the runbooks."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.local.prometheus import COMMITTED, local_config, local_pages
from schemas.metrics import CATALOGUE, LABEL_VALUES, label_values
from schemas.settings import Settings
from sinks.cli.main import COMMANDS
from tests.harness.exporter import CLAUSES
from tests.harness.parts import require_part
from tests.harness.promql import Selector, all_selectors, rules, selectors

RUNBOOKS: Final = COMMITTED.parent / "runbooks"
RULE_TESTS: Final = sorted((COMMITTED / "tests").glob("*.yml"))
PAGES: Final = {rule["alert"]: rule for rule in rules() if "alert" in rule}
RECORDED: Final = {rule["record"] for rule in rules() if "record" in rule}
BY_PROMETHEUS: Final = {"instance", "job", "le"}
# What a page may name: parts of our own service and of those that feed it.
PAGE_MAY_NAME: Final = {"source", "feed", "stage", "instance", "obligation"}


def _promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    require_part("promtool", program, "apt-get install prometheus")
    assert program
    done = subprocess.run([program, *map(str, arguments)], check=False, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_configuration() -> None:
    """Prometheus would start with these files."""
    _promtool("check", "config", COMMITTED / "prometheus.yml")


def test_promtool_accepts_the_rules_and_finds_no_duplicate() -> None:
    """The linter of the rules has nothing to say."""
    _promtool("check", "rules", "--lint=all", "--lint-fatal", COMMITTED / "recording.yml", COMMITTED / "pages.yml")


@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda f: f.stem)
def test_rules_do_what_their_tests_say(file: Path) -> None:
    """promtool replays invented series and compares what fires and what is recorded."""
    _promtool("test", "rules", file)


RAISED: Final = "needtoknow_findings_total"
# Looked at every 7 s, so never on the edge of a minute. Raised: in the middle of the first minute; between the last
# look of the first and the first of the second; in the second by a worker started again, below and above its old count.
MINUTES: Final = {
    "middle": ("0x4 3x40", (3, 0, 0)),
    "edge": ("0x8 5x40", (0, 5, 0)),
    "restart": ("10x12 0 4x40", (0, 4, 0)),
    "busy restart": ("2x12 0 5x40", (0, 5, 0)),
    "gone": ("0x4 3x3 stale", (3, 0, 0)),
    "new": ("_x9 0 6x40", (None, 6, 0)),
}


@pytest.mark.parametrize("name", MINUTES)
def test_a_bar_is_the_difference_of_its_two_ends(name: str, tmp_path: Path) -> None:
    """What is raised is in one bar, also across the edge of a minute, and a restart takes nothing back."""
    values, minutes = MINUTES[name]
    page = (COMMITTED / "consoles" / "violations.html").read_text(encoding="utf-8")
    [expression] = re.findall(r"\$raised := `([^`]+)`", page)
    assert page.count("$raised }}") + page.count("$raised) }}") == 2  # the bars, and the line of the tile
    expression = f"round({expression.replace('$step', '60s').replace('$reach', '300s')})"
    cases = [
        {"expr": expression, "eval_time": f"{n}m", "exp_samples": _sample(grown)} for n, grown in enumerate(minutes, 1)
    ]
    series = [{"series": f'{RAISED}{{transition="raised",severity="high"}}', "values": values}]
    test = {"interval": "7s", "input_series": series, "promql_expr_test": cases}
    file = tmp_path / "bars.yml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "7s", "tests": [test]}))
    _promtool("test", "rules", file)


def _sample(value: int | None) -> list[dict[str, Any]]:
    return [] if value is None else [{"labels": '{severity="high",transition="raised"}', "value": value}]


def test_every_page_is_seen_firing_and_seen_quiet() -> None:
    """A page that cannot fire hides a fault; one that cannot be quiet is switched off by its readers."""
    fires: set[str] = set()
    quiet: set[str] = set()
    for file in RULE_TESTS:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for case in test.get("alert_rule_test", ()):
                (fires if case["exp_alerts"] else quiet).add(case["alertname"])
    assert fires == set(PAGES)
    assert quiet == set(PAGES)


def test_every_page_has_a_runbook_and_every_runbook_a_page() -> None:
    """Whoever is woken finds one file with the page's name."""
    assert {f.stem for f in RUNBOOKS.glob("*.md")} == set(PAGES)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_runbook_says_what_it_means_how_to_look_what_to_do_and_whom_to_tell(name: str) -> None:
    """All runbooks have the same four parts, so that a tired reader knows where to look; and the page's severity."""
    text = (RUNBOOKS / f"{name}.md").read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "What it means",
        "How to look",
        "What to do",
        "Whom to tell",
    ]
    assert text.startswith(f"# {name}: ")
    assert f"\nSeverity: {PAGES[name]['labels']['severity']}\n" in text


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_says_how_severe_it_is_and_names_its_runbook(name: str) -> None:
    """critical wakes somebody, warning waits for the morning; there is no third."""
    page: dict[str, Any] = PAGES[name]
    assert page["labels"].keys() == {"severity"}
    assert page["labels"]["severity"] in {"critical", "warning"}
    assert page["annotations"].keys() == {"summary", "description", "runbook"}
    assert page["annotations"]["runbook"] == f"deploy/runbooks/{name}.md"


def test_no_page_can_name_a_person_or_a_record() -> None:
    """Promise 15: what a page says comes from closed sets."""
    said = " ".join(text for page in PAGES.values() for text in page["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", said)) <= PAGE_MAY_NAME


def _known_labels(metric: str) -> set[str]:
    base = re.sub(r"_(bucket|sum|count)$", "", metric)
    name = metric if metric in CATALOGUE else base
    return set(CATALOGUE[name].labels) | BY_PROMETHEUS


@pytest.mark.parametrize(
    ("selector", "files"), [pytest.param(s, f, id=str(s)) for s, f in sorted(all_selectors().items(), key=str)]
)
def test_whatever_is_asked_for_is_in_the_catalogue(selector: Selector, files: set[str]) -> None:
    """A misspelt metric, label or value would be a panel that is empty, or a page that never fires."""
    if selector.metric in {"up", "ALERTS"}:
        return
    if selector.metric.startswith("needtoknow:"):
        assert selector.metric in RECORDED, files
        return
    assert selector.labels.keys() <= _known_labels(selector.metric), files
    for label, text in selector.labels.items():
        values = LABEL_VALUES.get(f"{selector.metric}.{label}") or LABEL_VALUES.get(label)
        if values and text != ".+":
            assert set(text.split("|")) <= set(values), files


def test_whatever_is_recorded_is_used() -> None:
    """A recording rule that nobody asks for is work for nothing, and nobody would notice that it is wrong."""
    asked = {s.metric for s in all_selectors()}
    assert asked >= RECORDED


def test_groupings_name_labels_of_the_catalogue() -> None:
    """`by (sorce)` is silently one big group."""
    known = BY_PROMETHEUS | {label for metric in CATALOGUE.values() for label in metric.labels}
    for rule in rules():
        for names in re.findall(r"\b(?:by|on|group_left)\s*\(([^)]*)\)", rule["expr"]):
            assert {n.strip() for n in names.split(",") if n.strip()} <= known, rule


def test_every_label_of_the_catalogue_is_a_closed_set() -> None:
    """Open sets are how people and records get into labels; one value for each process is the only exception."""
    for metric in CATALOGUE.values():
        if not metric.name.endswith("_info"):
            assert len(list(label_values(metric, CLAUSES))) <= 100, metric


def test_runbooks_name_only_what_exists() -> None:
    """Metrics, settings, commands and other pages that a runbook mentions are real."""
    for file in RUNBOOKS.glob("*.md"):
        text = file.read_text()
        assert {s.metric for s in selectors(text)} <= set(CATALOGUE), file
        settings = {f"NTK_{name.upper()}" for name in Settings.model_fields}
        assert set(re.findall(r"\bNTK_\w+", text)) <= settings, file
        assert set(re.findall(r"`needtoknow ([\w-]+)", text)) <= set(COMMANDS), file
        assert {w for w in re.findall(r"\b[A-Z][a-z]+[A-Z]\w+\b", text) if not w.endswith("Error")} <= set(PAGES), file


def test_a_local_prometheus_differs_in_targets_and_intervals_only() -> None:
    """What the demo and the tests run is what is committed; pages go to a local Alertmanager."""
    committed = yaml.safe_load((COMMITTED / "prometheus.yml").read_text())
    local = yaml.safe_load(
        local_config(["127.0.0.1:1"], 0.5, ["127.0.0.1:2"], ["127.0.0.1:3"], ["127.0.0.1:4"], ["127.0.0.1:5"])
    )
    alertmanagers = [{"static_configs": [{"targets": ["127.0.0.1:2"]}]}]
    assert local.pop("alerting") == {"alertmanagers": alertmanagers}
    assert committed.pop("alerting").keys() == {"alertmanagers"}
    found = ("127.0.0.1:1", "127.0.0.1:4", "127.0.0.1:3", "127.0.0.1:5")
    for job, target in zip(local["scrape_configs"], found, strict=True):
        assert job.pop("static_configs") == [{"targets": [target]}]
    assert local["global"] == {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    for job in committed["scrape_configs"]:
        del job["static_configs"]
    assert local | {"global": None} == committed | {"global": None}


def test_a_local_prometheus_tells_nobody_unless_asked_to() -> None:
    """The demo on a laptop must not call a host that happens to have the committed name."""
    local = yaml.safe_load(local_config([], 0.5))
    assert local["alerting"] == {"alertmanagers": [{"static_configs": [{"targets": []}]}]}


def test_an_impatient_local_prometheus_differs_in_patience_only() -> None:
    """A test need not wait for minutes, and asks for what is asked for there."""
    assert local_pages(None) == (COMMITTED / "pages.yml").read_text()
    for rule, page in zip(_page_rules(local_pages(0.5)), PAGES.values(), strict=True):
        assert rule == page | ({"for": "500ms"} if "for" in page else {})


def _page_rules(text: str) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_the_dashboard_asks_no_other_host() -> None:
    """Self-contained: no script, style, font or picture from elsewhere."""
    for file in (COMMITTED / "consoles").iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//[a-z]|@import|<script src|<link rel=\"stylesheet", text), file
