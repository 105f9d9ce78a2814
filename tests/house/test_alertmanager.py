"""Routes and inhibitions against amtool, the pages and each other."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.local.alertmanager import COMMITTED, local_config
from tests.harness.parts import require_part
from tests.harness.promql import rules

CONFIG: Final[dict[str, Any]] = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
PAGES: Final = {rule["alert"]: rule for rule in rules() if "alert" in rule}
RECEIVERS: Final = {"critical": "on-call", "warning": "next-morning"}
ALSO: Final = {"SpokeForAnother": "owner", "Tampering": "owner"}
"""Pages that go to somebody else as well, and first."""


def _amtool(*arguments: str | Path) -> str:
    program = shutil.which("amtool")
    require_part("amtool", program, "apt-get install prometheus-alertmanager")
    assert program
    done = subprocess.run([program, *map(str, arguments)], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _names(matchers: list[str]) -> list[str]:
    """The pages that these matchers mean."""
    [matcher] = matchers
    found = re.fullmatch(r'alertname=~?"([\w|]+)"', matcher)
    assert found, matcher
    return found[1].split("|")


def _labels(page: str) -> set[str]:
    """What its texts name, and so carry."""
    return set(re.findall(r"\$labels\.(\w+)", " ".join(PAGES[page]["annotations"].values())))


# (what explains, what is explained, labels that must be equal)
HIDES: Final = [
    (source, target, set(rule.get("equal", ())))
    for rule in CONFIG["inhibit_rules"]
    for source, target in product(_names(rule["source_matchers"]), _names(rule["target_matchers"]))
]


def test_amtool_accepts_the_configuration(tmp_path: Path) -> None:
    """Alertmanager would start with it, and with what a local run makes of it."""
    _amtool("check-config", COMMITTED)
    local = tmp_path / "alertmanager.yml"
    local.write_text(local_config("http://127.0.0.1:1", 0.5))
    _amtool("check-config", local)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        *(((f"alertname={name}", f"severity={p['labels']['severity']}"), None) for name, p in PAGES.items()),
        (("alertname=SourceSilent", "severity=warning", "source=facts"), "next-morning"),
        (("alertname=JudgeBehind", "severity=critical", "source=ecms"), "on-call"),
        (("alertname=Misspelt", "severity=waring"), "on-call"),
        (("alertname=Forgotten",), "on-call"),
    ],
    ids=str,
)
def test_who_is_told_depends_on_the_severity(labels: tuple[str, ...], receiver: str | None) -> None:
    """critical wakes somebody, warning waits for the morning, and a mistake wakes somebody."""
    severity = dict(label.split("=") for label in labels).get("severity", "")
    also = ALSO.get(dict(label.split("=") for label in labels)["alertname"])
    expected = ",".join(filter(None, (also, receiver or RECEIVERS[severity])))
    told = _amtool("config", "routes", "test", f"--config.file={COMMITTED}", f"--verify.receivers={expected}", *labels)
    assert told.split() == [expected]


def test_one_cause_makes_one_notification() -> None:
    """However many workers, sources or feeds a page is about; and it waits for whatever explains it."""
    routes = [CONFIG["route"], *CONFIG["route"]["routes"]]
    by_name, by_owner = [route["group_by"] for route in routes if "group_by" in route]
    assert (by_name, by_owner) == (
        ["alertname"],
        ["alertname", "source", "feed"],
    )  # each owner hears of their own topic
    for route in routes:
        assert route.keys() >= {"receiver", "group_wait", "group_interval", "repeat_interval"}


@pytest.mark.parametrize(("source", "target", "equal"), HIDES, ids=str)
def test_what_hides_a_page_is_a_page_as_severe_that_is_about_the_same(
    source: str, target: str, equal: set[str]
) -> None:
    """Names are real; nobody sleeps through what would have woken them; a label that neither has is always equal."""
    assert source != target
    assert (PAGES[source]["labels"]["severity"], PAGES[target]["labels"]["severity"]) != ("warning", "critical")
    assert equal <= _labels(source) & _labels(target)


@pytest.mark.parametrize("page", ["Worker", "Console"])
def test_when_all_are_down_nobody_is_told_that_each_is(page: str) -> None:
    """Whatever there are several of has a page for none, which hides the page for one."""
    assert {f"No{page}", f"{page}Down"} <= PAGES.keys()
    assert (f"No{page}", f"{page}Down", set()) in HIDES


def test_no_two_pages_hide_each_other() -> None:
    """Nor three in a circle: nobody would be told anything."""
    left = {(source, target) for source, target, _ in HIDES}
    while left:
        sources = {source for source, _ in left}
        ends = {(source, target) for source, target in left if target not in sources}
        assert ends, left
        left -= ends


def test_evidence_is_never_hidden() -> None:
    """What may be tampering, touches the proof, or is told to others than the on-call."""
    never = {"DeadLetters", "DeadLetterFlood", "IdConflict", "BrokenMarks", "WaiverUsed", "LedgerStopped"}
    never |= {"PartitionRefused", "PolicyDiverging", "OutboxBehind", "ChainBroken", "ChainUnchecked"}
    never |= {"FindingsUnreadable", "ClockWrong", "FactsRefused", "MissingAccess", "ShortFile", "NumbersAgain"}
    never |= {"SpokeForAnother", "Tampering", "CriticalAlertWaiting", "ObligationOverdue"}
    assert never <= PAGES.keys()
    assert never & {target for _, target, _ in HIDES} == set()


def test_nothing_in_it_is_a_secret_or_leaves_by_another_way() -> None:
    """Every receiver is a webhook to the relay, by an address that nobody minds being read; each is told of the end."""
    for receiver in CONFIG["receivers"]:
        assert receiver.keys() == {"name", "webhook_configs"}
        [webhook] = receiver["webhook_configs"]
        assert webhook == {"url": f"http://pager:8080/{receiver['name']}", "send_resolved": True}
    assert {receiver["name"] for receiver in CONFIG["receivers"]} == {*RECEIVERS.values(), *ALSO.values()}
    assert CONFIG.keys() == {"route", "inhibit_rules", "receivers"}


def test_a_local_alertmanager_differs_in_waits_and_addresses_only() -> None:
    """What the tests run is what is committed."""
    local = yaml.safe_load(local_config("http://127.0.0.1:1", 0.5))
    for route in (local["route"], *local["route"]["routes"]):
        assert (route.pop("group_wait"), route.pop("group_interval")) == ("500ms", "500ms")
    addresses = [webhook.pop("url") for receiver in local["receivers"] for webhook in receiver["webhook_configs"]]
    assert addresses == [f"http://127.0.0.1:1/{name}" for name in ("on-call", "owner", "next-morning")]
    committed = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    for route in (committed["route"], *committed["route"]["routes"]):
        del route["group_wait"], route["group_interval"]
    for receiver in committed["receivers"]:
        for webhook in receiver["webhook_configs"]:
            del webhook["url"]
    assert local == committed
