"""A console's metrics: its own, as a worker has them, and what the store of alerts says when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from schemas import metrics
from schemas.metrics import CATALOGUE, OTHER_CLAUSE, label_values
from schemas.policy import Policy
from streams.telemetry import Telemetry

Labels = tuple[str, ...]


class Spread(NamedTuple):
    """A histogram as it stands: how many observations fell in each bucket, the last above all bounds; their sum."""

    counts: tuple[int, ...]
    total: float


Values = Mapping[Labels, float | Spread]


def clauses_of(policy: Policy) -> tuple[str, ...]:
    """What the label `clause` may say: the clauses of this policy, and one word for those of an earlier one."""
    return (*(clause.name for clause in policy.clauses), OTHER_CLAUSE)


class ConsoleTelemetry(Telemetry):
    """A console's metrics. Those that the store keeps are there from `show` until `hide`: nothing old is ever shown."""

    def __init__(self, clauses: tuple[str, ...]) -> None:
        given = {"clause": clauses}
        super().__init__("console", given)
        self.clauses: Final = clauses
        self._kept = {m.name: _Kept(m, tuple(label_values(m, given))) for m in CATALOGUE.values() if m.is_kept}
        for kept in self._kept.values():
            self.registry.register(kept)

    def show(self, found: Mapping[str, Values]) -> None:
        """Shows what the store says, by metric; what it does not name is zero. KeyError: the store keeps no such."""
        for name in found:
            self._kept[name]
        for name, kept in self._kept.items():
            kept.values = found.get(name, {})

    def hide(self) -> None:
        """The store does not answer: nobody knows."""
        for kept in self._kept.values():
            kept.values = None


class _Kept(Collector):
    """One metric whose values are kept elsewhere. prometheus_client's own counters cannot be set."""

    def __init__(self, metric: metrics.Metric, series: tuple[Labels, ...]) -> None:
        self._metric = metric
        self._series = series
        self.values: Values | None = None

    def describe(self) -> Iterator[Metric]:
        """Its name, without a value."""
        yield self._family()

    def collect(self) -> Iterator[Metric]:
        """Every series of it; none while nobody knows."""
        family = self._family()
        if self.values is not None:
            unknown = self.values.keys() - set(self._series)
            assert not unknown, f"{self._metric.name} has no series {unknown}"
            for labels in self._series:
                self._add(family, labels, self.values.get(labels))
        yield family

    def _family(self) -> Metric:
        name, question, labels = self._metric.name, self._metric.question, self._metric.labels
        match self._metric.kind:
            case "counter":
                return CounterMetricFamily(name, question, labels=labels)
            case "gauge":
                return GaugeMetricFamily(name, question, labels=labels)
            case "histogram":
                return HistogramMetricFamily(name, question, labels=labels)

    def _add(self, family: Metric, labels: Labels, value: float | Spread | None) -> None:
        if isinstance(family, HistogramMetricFamily):
            bounds = [floatToGoString(b) for b in (*self._metric.buckets, "+Inf")]  # type: ignore[no-untyped-call]
            spread = value if isinstance(value, Spread) else Spread((0,) * len(bounds), 0)
            family.add_metric(labels, list(zip(bounds, accumulate(spread.counts), strict=True)), spread.total)
        elif isinstance(family, CounterMetricFamily | GaugeMetricFamily):
            assert not isinstance(value, Spread)
            family.add_metric(labels, value or 0)
