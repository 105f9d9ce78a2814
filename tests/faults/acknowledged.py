"""A console that is killed right after it has said that an act is done: is what it said still there? By hand:

python -m tests.faults.acknowledged --acknowledgements 10000 --kills 100
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deploy.local.kafka import LocalKafka
from deploy.local.service import Service, Worker
from schemas.codec import encode
from schemas.topics import CONSOLE, Topics
from sinks.kafka import Broker, producer, run
from sinks.store.engine import sqlite_url
from sinks.store.reading import Filter
from sinks.store.store import Store
from tests.faults.harness import running
from tests.harness.broker import new_namespace
from tests.harness.builders import account, registered
from tests.harness.findings import make_finding

ALERTS: Final = 40
CLIENTS: Final = 3
KILL_MS: Final = (1, 20)  # after a reply
READ_SECONDS: Final = 60.0


@dataclass
class Told:
    """What the console has said to its clients. `lost`: said, and not there afterwards."""

    done: list[tuple[str, int, str]] = field(default_factory=list)  # alert, version, at
    kills: int = 0
    lost: int = 0
    seconds: float = 0.0

    def line(self) -> str:
        """For people."""
        return (
            f"{len(self.done)} acknowledgements were said to be done, {self.kills} times the console was killed within "
            f"{KILL_MS[0]} to {KILL_MS[1]} ms of a reply: {self.lost} lost ({self.seconds:.0f} s)"
        )


class Client:
    """Takes alerts and gives them back, over one connection, until the console is gone."""

    def __init__(self, console: Worker, alerts: Sequence[str], told: Told, replied: threading.Event) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=10)
        self._alerts, self._told, self._replied = alerts, told, replied
        self._token = self._ask("POST", "/sessions", {"login": "ana"})["token"]

    def run(self) -> None:
        """Until the connection breaks."""
        try:
            while True:
                for alert_id in self._alerts:
                    self._take(alert_id)
        except (OSError, http.client.HTTPException, ValueError):
            return

    def _take(self, alert_id: str) -> None:
        document = self._ask("POST", f"/alerts/{alert_id}/acknowledge", {})
        if "act" in document:  # else it is held from before the console was killed
            self._told.done.append((alert_id, document["act"]["version"], document["act"]["at"]))
            self._replied.set()
        self._ask("POST", f"/alerts/{alert_id}/release", {"why": "once more"})

    def _ask(self, method: str, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json"}
        if hasattr(self, "_token"):
            headers["Authorization"] = f"Bearer {self._token}"
        self._connection.request(method, f"/api/v1{path}", json.dumps(body), headers)
        return json.loads(self._connection.getresponse().read())


def hammer(service: Service, *, acknowledgements: int, kills: int, seed: int) -> Told:
    """So many acknowledgements in as many rounds as there are kills; the store is looked at after each."""
    chance, told, began = random.Random(seed), Told(), time.monotonic()
    _prepare(service)
    store = Store(sqlite_url(Path(service.environment()["NTK_DATA_DIR"])))
    store.upgrade()
    for number in range(1, kills + 1):
        console = service.start_console("ana:analyst", NTK_LOG_LEVEL="WARNING")
        ids = _alerts(store)
        _round(console, ids, told, acknowledgements * number // kills, chance)
        service.consoles.remove(console)
        told.kills += 1
        told.lost += _lost(store, told)
    store.close()
    told.seconds = time.monotonic() - began
    return told


def _round(console: Worker, ids: Sequence[str], told: Told, until: int, chance: random.Random) -> None:
    replied = threading.Event()
    clients = [Client(console, ids[n::CLIENTS], told, replied) for n in range(CLIENTS)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    while len(told.done) < until and any(thread.is_alive() for thread in threads):
        replied.clear()
        replied.wait(1)
    replied.clear()
    replied.wait(10)
    time.sleep(chance.uniform(*KILL_MS) / 1000)
    console.process.kill()
    console.process.wait()
    for thread in threads:
        thread.join(30)


def _lost(store: Store, told: Told) -> int:
    """Acknowledgements that were said to be done and are not in the history, each as it was said."""
    with store.reading() as reading:
        there = {
            (act.alert_id, act.version): act
            for alert_id in {alert_id for alert_id, _, _ in told.done}
            for act in reading.history(alert_id, count=100_000)
            if act.body.kind == "acknowledged"
        }
    said = {(alert_id, version): at for alert_id, version, at in told.done}
    return sum(key not in there or there[key].model_dump(mode="json")["at"] != at for key, at in said.items())


def _prepare(service: Service) -> None:
    """Alerts, and who the analyst is."""
    broker, topics = Broker(service.bootstrap, 30), Topics(service.prefix)

    async def work() -> None:
        async with producer(broker) as client:
            for n in range(ALERTS):
                finding = make_finding(f"look-{n}", staff=f"w{n}")
                await client.send(topics.violations, encode(finding), key=finding.finding_id.encode())
            fact = registered(account("ana", "s21", source=CONSOLE, valid_from="2026-01-01"))
            await client.send(topics.facts, encode(fact))
            await client.flush()

    run(work(), broker)


def _alerts(store: Store) -> list[str]:
    deadline = time.monotonic() + READ_SECONDS
    while True:
        with store.reading() as reading:
            found = [alert.alert_id for alert in reading.alerts(Filter(), 200)]
        if len(found) == ALERTS or time.monotonic() > deadline:
            assert len(found) == ALERTS
            return sorted(found)
        time.sleep(0.1)


def main() -> int:
    """The long form."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.acknowledged")
    parser.add_argument("--acknowledgements", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        LocalKafka.start(Path(name) / "kafka", say=print) as kafka,
        running(kafka.bootstrap, Path(name) / "service", new_namespace()) as one,
    ):
        told = hammer(one.service, acknowledgements=options.acknowledgements, kills=options.kills, seed=options.seed)
    print(told.line())
    return 1 if told.lost else 0


if __name__ == "__main__":
    sys.exit(main())
