"""A /metrics endpoint that shows every metric of a worker or a console, with values the test chose.

It stands in for one where a dashboard or a rule is tested: what a page shows is compared with what was exposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.metrics import MetricWrapperBase

from schemas.metrics import CATALOGUE, Metric, Process, label_values
from sinks.telemetry import clauses_of
from streams.policies import load_policy

Labels = tuple[str, ...]
Values = Mapping[str, Mapping[Labels, float]]
CLAUSES: Final = {"clause": clauses_of(load_policy())}
WELL: Final[Mapping[Process, Mapping[str, float]]] = {
    "worker": {"needtoknow_ready": 1},
    "console": {"needtoknow_store_answers": 1, "needtoknow_chain_holds": 1},
    "watch": {"needtoknow_watch_ready": 1},
    "receiver": {"needtoknow_intake_ready": 1, "needtoknow_intake_keys_read": 1},
}
Observations = Mapping[str, Mapping[Labels, Iterable[float]]]


class Exporter:
    """Serves a process' metrics on a free loopback port between `with` and its end: all well, all else at zero."""

    def __init__(
        self,
        process: Process = "worker",
        build: Labels = ("0.1.0", "confidentiality v1", "5f0c9a2e7d41", "4f53cda18c2b"),
    ) -> None:
        self.registry = CollectorRegistry()
        self._build = build
        mine = [m for m in CATALOGUE.values() if m.process == process]
        self._metrics = {metric.name: _create(metric, self.registry) for metric in mine}
        for metric in mine:
            for labels in self._combinations(metric):
                self._child(metric.name, labels)
        self.show({name: {(): value} for name, value in WELL[process].items()})
        if process == "worker":
            self.show({"needtoknow_build_info": {build: 1}})

    def show(self, values: Values) -> None:
        """Sets gauges to, and raises counters by, these values."""
        for name, by_labels in values.items():
            for labels, value in by_labels.items():
                child = self._child(name, labels)
                if CATALOGUE[name].kind == "gauge":
                    child.set(value)
                else:
                    child.inc(value)

    def observe(self, observations: Observations) -> None:
        """Adds these to the histograms."""
        for name, by_labels in observations.items():
            for labels, seen in by_labels.items():
                for value in seen:
                    self._child(name, labels).observe(value)

    @property
    def address(self) -> str:
        """host:port, as a scrape target."""
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Exporter:
        self._server, self._thread = start_http_server(0, "127.0.0.1", registry=self.registry)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _combinations(self, metric: Metric) -> Iterable[Labels]:
        if metric.name.endswith("_info"):  # one series a process
            known = dict(zip(CATALOGUE["needtoknow_build_info"].labels, self._build, strict=True))
            return (tuple(known[label] for label in metric.labels),)
        return label_values(metric, CLAUSES)

    def _child(self, name: str, labels: Labels) -> Any:
        metric = self._metrics[name]
        return metric.labels(*labels) if labels else metric


def _create(metric: Metric, registry: CollectorRegistry) -> MetricWrapperBase:
    name, labels = metric.name, metric.labels
    match metric.kind:
        case "counter":
            return Counter(name.removesuffix("_total"), metric.question, labels, registry=registry)
        case "gauge":
            return Gauge(name, metric.question, labels, registry=registry)
        case "histogram":
            return Histogram(name, metric.question, labels, registry=registry, buckets=metric.buckets)
