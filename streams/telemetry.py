"""The metric catalogue as live Prometheus metrics. Counted per batch, with label children kept: 0.5 µs each.

A leaf, which a console shares: it knows neither Faust nor the broker, and an import rule keeps it so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from schemas.metrics import CATALOGUE, NOTHING_GIVEN, Metric, Process, label_values
from schemas.topics import FEEDS

NEVER_MARKED: Final = ("needtoknow_mark_age_seconds", "needtoknow_mark_silence_seconds")
"""Infinite until a feed sends its first mark: never is the longest silence."""


class Telemetry:
    """The metrics of one kind of process on one registry (one per process, so that tests can have several).

    `given`: the values of labels that are known only now. What is kept in a store is not among them: it is read there.
    """

    def __init__(self, process: Process = "worker", given: Mapping[str, tuple[str, ...]] = NOTHING_GIVEN) -> None:
        self.registry = CollectorRegistry()
        self._given = given
        mine = [m for m in CATALOGUE.values() if m.process == process and not m.is_kept]
        self._metrics = {metric.name: self._make(metric) for metric in mine}
        self.of = cache(self._of)
        for metric in mine:
            self._make_series(metric)

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter; KeyError when the catalogue has no such metric for this process."""
        if amount:
            self.of(name, **labels).inc(amount)

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        self.of(name, **labels).set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Observe in a histogram."""
        self.of(name, **labels).observe(value)

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _of(self, name: str, **labels: str) -> Any:
        metric = self._metrics[name]
        return metric.labels(**labels) if labels else metric

    def _make_series(self, metric: Metric) -> None:
        """Every series at the start: one that appeared with its first count would show Prometheus no increase."""
        if not metric.labels or "version" in metric.labels:
            return
        for values in label_values(metric, self._given):
            labels = dict(zip(metric.labels, values, strict=True))
            if metric.name in NEVER_MARKED:
                if FEEDS[labels["feed"]].explains is None:  # one of a source of its own need not be there (gauges.py)
                    self.set(metric.name, math.inf, **labels)
            else:
                self.of(metric.name, **labels)

    def _make(self, metric: Metric) -> Any:
        name = metric.name
        match metric.kind:
            case "counter":
                return Counter(name.removesuffix("_total"), metric.question, metric.labels, registry=self.registry)
            case "gauge":
                return Gauge(name, metric.question, metric.labels, registry=self.registry)
            case "histogram":
                return Histogram(name, metric.question, metric.labels, registry=self.registry, buckets=metric.buckets)
