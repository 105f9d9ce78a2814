"""Metric catalogue: every metric once, with the question it answers.

Labels are closed sets, never a person or record. Gauges are worked out when they are asked for: one that only moves
when something happens would show a hung worker as a healthy one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

from .fact import FactKind
from .finding import Certainty, Outcome, Severity, Transition
from .ledger import Judged
from .topics import FEEDS, SOURCES

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Metric:
    """`name` as Prometheus shows it; `buckets` in the unit that ends the name."""

    name: str
    kind: Kind
    question: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
SIZES: Final = (1, 10, 50, 100, 500, 1000, 2500, 5000, 10_000)

CATALOGUE: Final = {
    m.name: m
    for m in (
        Metric("needtoknow_build_info", "gauge", "Which version runs here?", ("version", "policy", "policy_hash")),
        Metric(
            "needtoknow_messages_total",
            "counter",
            "How many messages came, and what became of them?",
            ("source", "kind"),
        ),
        Metric(
            "needtoknow_accesses_total", "counter", "How many accesses were judged, and how?", ("source", "outcome")
        ),
        # Without it a silent feed would look like 100 % explained: nothing is raised while everything waits.
        Metric("needtoknow_settled_total", "counter", "How did pending accesses end?", ("source", "outcome")),
        Metric("needtoknow_findings_total", "counter", "What was published?", ("outcome", "severity", "transition")),
        Metric("needtoknow_pending_accesses", "gauge", "How many accesses wait for a feed?"),
        Metric(
            "needtoknow_open_accesses", "gauge", "How many accesses are pending or not yet final (memory, restart)?"
        ),
        Metric("needtoknow_oldest_pending_seconds", "gauge", "How long has the oldest pending access waited?"),
        Metric(
            "needtoknow_access_to_finding_seconds",
            "histogram",
            "How long from the append of an access to its first finding being stored?",
            ("certainty",),
            SECONDS,
        ),
        Metric(
            "needtoknow_lag_messages", "gauge", "How many messages of a source are stored but not read?", ("source",)
        ),
        Metric("needtoknow_lag_seconds", "gauge", "How far behind its source is the judge?", ("source",)),
        Metric(
            "needtoknow_mark_age_seconds",
            "gauge",
            "How old is what a feed last declared complete (+Inf: nothing yet)?",
            ("feed",),
        ),
        Metric(
            "needtoknow_mark_silence_seconds",
            "gauge",
            "How long has a feed's mark not risen (+Inf: it has none)?",
            ("feed",),
        ),
        Metric("needtoknow_facts_total", "counter", "How many facts were registered?", ("feed", "kind")),
        Metric(
            "needtoknow_broken_marks_total",
            "counter",
            "How many facts came after their feed called them complete?",
            ("feed",),
        ),
        Metric("needtoknow_waivers_total", "counter", "How often was it decided to judge without a feed?", ("feed",)),
        Metric("needtoknow_facts_position", "gauge", "How far into facts.v1 has this worker read?"),
        Metric("needtoknow_facts_held", "gauge", "How many facts does this worker hold?"),
        Metric("needtoknow_dead_letters_total", "counter", "What could not be read, where?", ("stage", "reason")),
        Metric("needtoknow_ledger_cuts_total", "counter", "How many cuts were stored?", ("kind",)),
        Metric(
            "needtoknow_corrections_total",
            "counter",
            "How many accesses judged before were judged again since a fact touches them?",
            ("source",),
        ),
        Metric("needtoknow_index_accesses", "gauge", "How many accesses can a fact of now still reach?"),
        Metric("needtoknow_index_bytes", "gauge", "How much memory do they take, without names?"),
        # A name stays once it was seen, whatever the bounds of the index: of records that are opened once, many.
        Metric("needtoknow_names", "gauge", "How many logins, people and records have names in memory?"),
        Metric("needtoknow_snapshots_total", "counter", "What became of snapshots?", ("result",)),
        Metric("needtoknow_snapshot_bytes", "gauge", "How large is the last snapshot?"),
        Metric("needtoknow_snapshot_age_seconds", "gauge", "How much would be read again after a crash now?"),
        Metric("needtoknow_backfill_messages", "gauge", "How many messages behind the index does a fact make us read?"),
        Metric("needtoknow_facts_to_bring", "gauge", "Of how many facts is it still to be found what they touch?"),
        Metric("needtoknow_look_back_messages", "gauge", "How many messages judged before are still to be indexed?"),
        Metric("needtoknow_repeats_total", "counter", "How many findings were judged again with nothing new?"),
        Metric("needtoknow_batch_messages", "histogram", "How large are the batches?", (), SIZES),
        Metric("needtoknow_judge_seconds", "histogram", "How long does judging a batch take?", (), SECONDS),
        Metric("needtoknow_store_retries_total", "counter", "How often did storing an output have to be tried again?"),
        Metric("needtoknow_paused_partitions", "gauge", "How many partitions are paused because their queue is full?"),
        Metric(
            "needtoknow_refused_partitions",
            "gauge",
            "How many partitions are judged no further, since no more of their messages can be set aside?",
        ),
        Metric(
            "needtoknow_stuck_seconds",
            "gauge",
            "For how long has this part of the worker had work, a broker, and got nothing done?",
            ("part",),
        ),
        Metric("needtoknow_ready", "gauge", "Is this worker ready (1) or not (0)?"),
    )
}

# What each label may say, by label or by "metric.label" where the same word has other values. `version`, `policy` and
# `policy_hash` are one value per process, so they are not here.
LABEL_VALUES: Final = MappingProxyType(
    {
        "source": tuple(SOURCES),
        "feed": tuple(FEEDS),
        "severity": get_args(Severity),
        "transition": get_args(Transition),
        "certainty": get_args(Certainty),
        "needtoknow_accesses_total.outcome": get_args(Judged),
        "needtoknow_settled_total.outcome": get_args(Outcome),
        "needtoknow_findings_total.outcome": get_args(Outcome),
        "needtoknow_messages_total.kind": ("translated", "control", "dead_letter"),
        "needtoknow_facts_total.kind": get_args(FactKind),
        "needtoknow_ledger_cuts_total.kind": ("batch", "settlement"),
        "result": ("written", "failed", "restored", "thrown_away"),
        # Where it was refused: reading an access, reading a fact or mark, reading what our own workers wrote, or the
        # same id with other content. Quarantine: looking at it ends a worker.
        "part": ("judge", "register", "fetching"),
        "stage": ("translate", "register", "broadcast", "conflict", "quarantine"),
        # unreadable: size, depth or not JSON; native: a line of a source's own format; field: the contract's models;
        # forbidden: a source or feed spoke for another; kills, raises, unpacks: what a quarantined message does to
        # a worker. A closed set, since texts and field names come from outside.
        "reason": (
            "unreadable",
            "content_type",
            "native",
            "field",
            "forbidden",
            "conflict",
            "kills",
            "raises",
            "unpacks",
        ),
    }
)


def label_values(metric: Metric) -> Iterator[tuple[str, ...]]:
    """Every combination of label values a metric can have, in the order of its labels.

    A worker makes each of them at its start: a counter that appears with its first count has no increase that
    Prometheus could see, so the first waiver, conflict or broken mark would page nobody.
    """
    names = (f"{metric.name}.{label}" for label in metric.labels)
    own = (LABEL_VALUES.get(name) for name in names)
    return itertools.product(*(v or LABEL_VALUES[label] for v, label in zip(own, metric.labels, strict=True)))
