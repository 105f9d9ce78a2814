"""Rules and dashboards against a real Prometheus that scrapes what really works, on a real Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.prometheus import HOW_TO_GET, LocalPrometheus, find_prometheus
from deploy.local.service import Service, Worker
from schemas.codec import encode
from schemas.topics import CONSOLE, Topics
from sinks.kafka import Broker, producer, run
from tests.faults.harness import until
from tests.harness.broker import SharedBroker
from tests.harness.builders import account, registered
from tests.harness.findings import make_finding
from tests.harness.intake import keys_file, receiver
from tests.harness.parts import require_part
from tests.harness.promql import all_selectors, rules
from tests.integration.test_watchers_watched import User

FIRING = "ALERTS"  # exists only while a page fires
PATIENCE = 30.0  # seconds, of what takes one


def a_day_at_the_console(service: Service) -> Worker:
    """Three alerts: one withdrawn, one confirmed by a person, one open. Ratios and times need something to be of."""
    broker, topics = Broker(service.bootstrap, PATIENCE), Topics(service.prefix)
    one, two, three = (make_finding(name, staff=f"w-{name}") for name in ("one", "two", "three"))
    gone = one.model_copy(update={"position": one.position + 1, "outcome": "explained"})

    async def find() -> None:
        async with producer(broker) as client:
            fact = registered(account("leo", "s23", source=CONSOLE, valid_from="2026-01-01"))
            await client.send(topics.facts, encode(fact))
            for finding in (one, two, three, gone):
                await client.send(topics.violations, encode(finding), key=finding.finding_id.encode())
            await client.flush()

    run(find(), broker)
    console = service.start_console("leo:law")
    leo = User(console, "leo")
    until(lambda: len(leo.alerts()) == 3, "the findings did not become alerts")
    [wanted] = [alert["alert_id"] for alert in leo.alerts() if alert["who"].get("staff") == "w-two"]
    assert leo.do(wanted, "acknowledge")[0] == 200
    assert leo.do(wanted, "close", disposition="confirmed", why="admitted", refer=True)[0] == 200
    return console


@pytest.mark.timeout(180)
def test_every_selector_gives_a_series_from_real_processes(kafka: SharedBroker, namespace: str, tmp_path: Path) -> None:
    """What the tests' exporter shows must be what they show, from their first scrape on."""
    require_part("prometheus", find_prometheus(), HOW_TO_GET)
    service = Service(kafka.bootstrap, tmp_path / "service", prefix=namespace)
    service.apply_topics()
    try:
        service.start_workers(1)
        targets, consoles = [worker.address for worker in service.workers], [a_day_at_the_console(service).address]
        watches, directory = [service.start_watch().address], tmp_path / "prometheus"
        with (
            receiver(service, keys_file(tmp_path / "keys.toml")) as (intake, _),
            LocalPrometheus(
                targets,
                directory,
                consoles=consoles,
                watches=watches,
                receivers=[intake.address],
                interval_seconds=0.5,
            ) as prometheus,
        ):
            for rule in rules():
                if "record" in rule:
                    prometheus.wait_for(rule["record"])
            missing = [str(s) for s in all_selectors() if FIRING not in str(s) and not prometheus.query(str(s))]
    finally:
        service.stop()
    assert missing == []
