"""Rules and dashboards against a real Prometheus that scrapes a real worker on a real Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.prometheus import HOW_TO_GET, LocalPrometheus, find_prometheus
from deploy.local.service import Service
from tests.harness.broker import SharedBroker
from tests.harness.parts import require_part
from tests.harness.promql import all_selectors, rules

FIRING = "ALERTS"  # exists only while a page fires


@pytest.mark.timeout(180)
def test_every_selector_gives_a_series_from_a_real_worker(kafka: SharedBroker, namespace: str, tmp_path: Path) -> None:
    """What the tests' exporter shows must be what a worker shows, from its first scrape on."""
    require_part("prometheus", find_prometheus(), HOW_TO_GET)
    service = Service(kafka.bootstrap, tmp_path / "service", prefix=namespace)
    service.apply_topics()
    try:
        service.start_workers(1)
        targets = [worker.address for worker in service.workers]
        with LocalPrometheus(targets, tmp_path / "prometheus", interval_seconds=0.5) as prometheus:
            for rule in rules():
                if "record" in rule:
                    prometheus.wait_for(rule["record"])
            missing = [str(s) for s in all_selectors() if FIRING not in str(s) and not prometheus.query(str(s))]
    finally:
        service.stop()
    assert missing == []
