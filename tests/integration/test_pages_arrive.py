"""From a metric to whoever is told: a real Prometheus, a real Alertmanager, and a webhook that remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from deploy.local.alertmanager import HOW_TO_GET as ALERTMANAGER
from deploy.local.alertmanager import LocalAlertmanager, find_alertmanager
from deploy.local.prometheus import HOW_TO_GET as PROMETHEUS
from deploy.local.prometheus import LocalPrometheus, find_prometheus
from tests.harness.exporter import Exporter, Values
from tests.harness.pager import Notification, Pager
from tests.harness.parts import require_part

INTERVAL_SECONDS: Final = 0.25
WAIT_SECONDS: Final = 2.0  # several evaluations: what explains a page is there before the page is sent
BAD: Final[Values] = {
    "needtoknow_ready": {(): 0.0},
    "needtoknow_refused_partitions": {(): 1.0},
    "needtoknow_oldest_pending_seconds": {(): 3600.0},
}
GOOD_AGAIN: Final[Values] = {"needtoknow_ready": {(): 1.0}, "needtoknow_refused_partitions": {(): 0.0}}
# From the start: nothing is counted, and each judges by a policy of its own.
STANDING: Final = {"NoAccesses", "PolicyDiverging"}
MAY_CARRY: Final = {"alertname", "severity", "job", "instance", "source", "feed", "stage"}


@pytest.fixture
def pager() -> Iterator[Pager]:
    """Who is told."""
    with Pager() as one:
        yield one


@pytest.fixture
def alertmanager(pager: Pager, tmp_path: Path) -> Iterator[LocalAlertmanager]:
    """It tells the pager."""
    require_part("Alertmanager", find_alertmanager(), ALERTMANAGER)
    with LocalAlertmanager(pager.url, tmp_path / "alertmanager", wait_seconds=WAIT_SECONDS) as one:
        yield one


@pytest.fixture
def workers(alertmanager: LocalAlertmanager, tmp_path: Path) -> Iterator[list[Exporter]]:
    """Two, watched by a Prometheus whose pages wait for nothing, once all that stands from the start has been told."""
    require_part("Prometheus", find_prometheus(), PROMETHEUS)
    with (
        Exporter() as first,
        Exporter(build=("0.2.0", "confidentiality v2", "another", "4f53cda18c2b")) as second,
        LocalPrometheus(
            [first.address, second.address],
            tmp_path / "prometheus",
            interval_seconds=INTERVAL_SECONDS,
            patience_seconds=0,
            alertmanagers=[alertmanager.address],
        ),
    ):
        alertmanager.wait_until(f"just {STANDING}", lambda: firing(alertmanager) == STANDING)
        yield [first, second]


def firing(alertmanager: LocalAlertmanager) -> set[str]:
    """The pages that it knows of."""
    return {page["labels"]["alertname"] for page in alertmanager.pages()}


def hidden(alertmanager: LocalAlertmanager) -> set[str]:
    """Those of them that are not sent."""
    return {page["labels"]["alertname"] for page in alertmanager.pages() if page["status"]["inhibitedBy"]}


def about(page: str, status: str, number: int | None = None) -> Callable[[Notification], bool]:
    """Whether a notification is about that page, and so many of it."""
    return lambda n: n.page == page and n.status == status and number in (None, len(n.labels))


def test_one_cause_is_told_once_and_what_outlasts_it_is_told_then(
    pager: Pager, alertmanager: LocalAlertmanager, workers: list[Exporter]
) -> None:
    """No worker is ready: told once, and not that each of two is not. Both refuse partitions: told together."""
    assert pager.wait_for(about("NoAccesses", "firing")).receiver == "on-call"
    assert pager.wait_for(about("PolicyDiverging", "firing")).receiver == "next-morning"
    before = len(pager.came())
    for worker in workers:
        worker.show(BAD)
    assert pager.wait_for(about("NoWorker", "firing")).receiver == "on-call"
    assert pager.wait_for(about("PartitionRefused", "firing", 2)).receiver == "on-call"
    expected = {"NoAccesses", "PendingTooLong", "WorkerNotReady"}
    alertmanager.wait_until(f"hidden: {expected}", lambda: hidden(alertmanager) == expected)
    for worker in workers:
        worker.show(GOOD_AGAIN)
    pager.wait_for(about("NoWorker", "resolved"))
    pager.wait_for(about("PartitionRefused", "resolved"))
    pager.wait_for(about("PendingTooLong", "firing"))
    earlier = {"NoAccesses", "PolicyDiverging"}  # on a busy machine they may end, and begin again
    assert sorted({(n.page, n.status) for n in pager.came()[before:] if n.page not in earlier}) == [
        ("NoWorker", "firing"),
        ("NoWorker", "resolved"),
        ("PartitionRefused", "firing"),
        ("PartitionRefused", "resolved"),
        ("PendingTooLong", "firing"),
    ]
    carry_nothing_personal(pager.came())


def carry_nothing_personal(came: list[Notification]) -> None:
    """Labels are of closed sets; the texts are those of pages.yml, which may name these labels only."""
    assert {label for n in came for labels in (n.body["commonLabels"], *n.labels) for label in labels} <= MAY_CARRY
    texts = {name for n in came for page in n.body["alerts"] for name in page["annotations"]}
    assert texts == {"summary", "description", "runbook"}


def test_an_alertmanager_listens_on_loopback_only_and_ends_when_asked(pager: Pager, tmp_path: Path) -> None:
    """One port and no cluster; after a stop no process is left, and a second stop does no harm."""
    require_part("Alertmanager", find_alertmanager(), ALERTMANAGER)
    with LocalAlertmanager(pager.url, tmp_path) as one, LocalAlertmanager(pager.url, tmp_path / "other") as other:
        assert one.url != other.url
        process = psutil.Process(one.pid)
        listens = [c.laddr for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
        assert [f"http://{ip}:{port}" for ip, port in listens] == [one.url]
        one.stop()
        assert not process.is_running()
        one.stop()
        assert other.pages() == []
