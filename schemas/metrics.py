"""Metric catalogue: every metric once, with the question it answers.

Labels are closed sets, never a person or record. Gauges are worked out when they are asked for: one that only moves
when something happens would show a hung worker as a healthy one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

from .act import Disposition, Obligation
from .alert import Status
from .fact import FactKind
from .finding import Certainty, Outcome, Severity, Transition
from .ledger import Judged
from .topics import FEEDS, SOURCES

Kind = Literal["counter", "gauge", "histogram"]
Process = Literal["worker", "console", "watch", "receiver"]


@dataclass(frozen=True)
class Metric:
    """`name` as Prometheus shows it; `buckets` in the unit that ends the name; `process` is the one that shows it.

    `is_kept`: its values are kept in the store of alerts. Every console shows the same, none begins at zero, and when
    the store does not answer nobody shows any: so the highest counts, never the sum.
    """

    name: str
    kind: Kind
    question: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    process: Process = "worker"
    is_kept: bool = False


SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
SIZES: Final = (1, 10, 50, 100, 500, 1000, 2500, 5000, 10_000)

WORKER: Final = (
    Metric(
        "needtoknow_build_info",
        "gauge",
        "Which version runs here, with which policy and registry?",
        ("version", "policy", "policy_hash", "sources_hash"),
    ),
    Metric(
        "needtoknow_messages_total",
        "counter",
        "How many messages came, and what became of them?",
        ("source", "kind"),
    ),
    Metric("needtoknow_accesses_total", "counter", "How many accesses were judged, and how?", ("source", "outcome")),
    # Without it a silent feed would look like 100 % explained: nothing is raised while everything waits.
    Metric("needtoknow_settled_total", "counter", "How did pending accesses end?", ("source", "outcome")),
    Metric("needtoknow_findings_total", "counter", "What was published?", ("outcome", "severity", "transition")),
    # One number would drown a feed that lost a system's accounts in searches that name nobody.
    Metric(
        "needtoknow_unresolved_total",
        "counter",
        "Why was it not resolved, when first found, whom or what an access is about?",
        ("source", "cause"),
    ),
    Metric("needtoknow_pending_accesses", "gauge", "How many accesses wait for a feed?"),
    Metric("needtoknow_open_accesses", "gauge", "How many accesses are pending or not yet final (memory, restart)?"),
    Metric("needtoknow_oldest_pending_seconds", "gauge", "How long has the oldest pending access waited?"),
    Metric(
        "needtoknow_access_to_finding_seconds",
        "histogram",
        "How long from the append of an access to its first finding being stored?",
        ("certainty",),
        SECONDS,
    ),
    Metric("needtoknow_lag_messages", "gauge", "How many messages of a source are stored but not read?", ("source",)),
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
    Metric(
        "needtoknow_spoke_for_another_total", "counter", "On whose topic did somebody speak for another?", ("source",)
    ),
    Metric(
        "needtoknow_feed_spoke_for_another_total",
        "counter",
        "On whose feed did somebody state what only another may?",
        ("feed",),
    ),
    Metric("needtoknow_tampering_total", "counter", "On whose topic lay what its source did not sign?", ("source",)),
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
    Metric(
        "needtoknow_unregistered_topics",
        "gauge",
        "How many access topics are there that no source is registered for (NaN: not known now)?",
    ),
    Metric("needtoknow_ready", "gauge", "Is this worker ready (1) or not (0)?"),
)

# What people take time for: a minute to 30 days, with the limits of the pages among them.
WAITS: Final = (60, 300, 900, 3600, 14_400, 86_400, 259_200, 604_800, 2_592_000)


def _console(
    name: str,
    kind: Kind,
    question: str,
    labels: tuple[str, ...] = (),
    *,
    buckets: tuple[float, ...] = (),
    is_kept: bool = True,
) -> Metric:
    return Metric(name, kind, question, labels, buckets, "console", is_kept)


CONSOLE: Final = (
    _console("needtoknow_unclosed_alerts", "gauge", "How many alerts has nobody decided yet?", ("status", "severity")),
    _console(
        "needtoknow_oldest_unacknowledged_seconds",
        "gauge",
        "How long has the oldest alert that nobody holds waited for somebody to take it (0: there is none)?",
        ("severity",),
    ),
    _console(
        "needtoknow_acknowledge_seconds",
        "histogram",
        "How long from an alert being raised to somebody taking it for the first time?",
        ("severity",),
        buckets=WAITS,
    ),
    _console(
        "needtoknow_close_seconds",
        "histogram",
        "How long from an alert being raised to each time that a person closed it?",
        ("severity",),
        buckets=WAITS,
    ),
    _console(
        "needtoknow_closed_alerts",
        "gauge",
        "As what are alerts closed (withdrawn: by the service, since no finding stands)?",
        ("clause", "disposition"),
    ),
    _console("needtoknow_reveals_total", "counter", "How often was somebody shown what is behind the masks?"),
    _console("needtoknow_exports_total", "counter", "How often did somebody take a copy away?"),
    _console("needtoknow_open_obligations", "gauge", "How much is owed on confirmed alerts?", ("obligation",)),
    _console(
        "needtoknow_oldest_obligation_seconds",
        "gauge",
        "How long has the oldest of it been owed (0: nothing is)?",
        ("obligation",),
    ),
    _console("needtoknow_unmirrored_acts", "gauge", "How many acts does their topic not have yet?"),
    _console("needtoknow_oldest_unmirrored_seconds", "gauge", "How old is the oldest of them (0: there is none)?"),
    _console("needtoknow_unreadable_findings", "gauge", "How many findings are kept that no console could read yet?"),
    _console("needtoknow_acts_ahead_seconds", "gauge", "How far is the newest act ahead of this console's clock?"),
    _console(
        "needtoknow_clock_ahead_seconds",
        "gauge",
        "How far, at the least, is this console's clock ahead of the broker's (0: not known to be)?",
        is_kept=False,
    ),
    _console("needtoknow_unread_findings", "gauge", "How many findings are stored but not read?", is_kept=False),
    _console(
        "needtoknow_unread_findings_seconds",
        "gauge",
        "How long ago had this console read every finding there was?",
        is_kept=False,
    ),
    _console(
        "needtoknow_chain_holds",
        "gauge",
        "Do the acts in the store follow each other, and are they those of their topic (1), or not (0)?",
        is_kept=False,
    ),
    _console(
        "needtoknow_chain_checked_seconds",
        "gauge",
        "How long ago was the whole chain last walked to its end?",
        is_kept=False,
    ),
    _console("needtoknow_store_answers", "gauge", "Does the store of alerts answer (1) or not (0)?", is_kept=False),
)


def _watch(name: str, question: str, labels: tuple[str, ...] = ("source",), kind: Kind = "gauge") -> Metric:
    return Metric(name, kind, question, labels, process="watch")


# Each process that watches works all of it out for itself, so the highest counts, never the sum.
WATCH: Final = (
    _watch("needtoknow_missing_accesses", "How many sequence numbers of a source never came, though they had time to?"),
    _watch(
        "needtoknow_more_missing_total",
        "How many went missing while others of the source already were?",
        kind="counter",
    ),
    _watch("needtoknow_oldest_missing_seconds", "How long has the oldest of them been missing (0: none is)?"),
    _watch("needtoknow_forgotten_numbers", "How many missing numbers were let go of, since there are too many gaps?"),
    _watch("needtoknow_repeated_numbers", "How many numbers came more than once, or were judged again?"),
    _watch("needtoknow_short_files", "How many files of a source have no end, or lack some of their numbers?"),
    _watch("needtoknow_heard_seconds", "How long ago was the newest message of a source stored (+Inf: never)?"),
    _watch("needtoknow_silent_seconds", "For how long past its promise has nothing been heard of a source?"),
    _watch("needtoknow_overdue_seconds", "For how long is what a source brings by a time of day overdue?"),
    _watch("needtoknow_clock_off_seconds", "How far is a source's clock ahead (below 0: behind), at the least?"),
    _watch("needtoknow_clock_allowed_seconds", "How far may it be off?"),
    _watch("needtoknow_compared_seconds", "How long ago had all that was stored been judged and compared?"),
    _watch("needtoknow_watch_info", "Which version watches here, with which registry?", ("version", "sources_hash")),
    _watch(
        "needtoknow_watch_ready", "Does it get on with the ledger and with looking at the topics (1) or not (0)?", ()
    ),
)


def _receiver(
    name: str, kind: Kind, question: str, labels: tuple[str, ...] = (), buckets: tuple[float, ...] = ()
) -> Metric:
    return Metric(name, kind, question, labels, buckets, "receiver")


RECEIVER: Final = (
    _receiver(
        "needtoknow_intake_requests_total",
        "counter",
        "How many requests came by HTTP, for whom, and what were they answered?",
        ("source", "answer"),
    ),
    _receiver("needtoknow_intake_refusals_total", "counter", "Why were requests not stored?", ("refusal",)),
    _receiver("needtoknow_intake_messages_total", "counter", "How many messages of them were stored?", ("source",)),
    _receiver(
        "needtoknow_intake_seconds",
        "histogram",
        "How long from the headers of a request to the answer that all of it is stored?",
        (),
        SECONDS,
    ),
    _receiver(
        "needtoknow_intake_info",
        "gauge",
        "Which version receives here, with which registry?",
        ("version", "sources_hash"),
    ),
    _receiver("needtoknow_intake_in_flight", "gauge", "How many requests are being read or stored?"),
    _receiver("needtoknow_intake_turned_away_total", "counter", "How many connections were more than may be open?"),
    _receiver("needtoknow_intake_keys_read", "gauge", "Are the keys those of their file (1), or older ones (0)?"),
    _receiver("needtoknow_intake_ready", "gauge", "Does the broker answer this receiver (1) or not (0)?"),
)

CATALOGUE: Final = {metric.name: metric for metric in (*WORKER, *CONSOLE, *WATCH, *RECEIVER)}

Answer = Literal["stored", "refused", "later", "not_stored"]
"""What became of a request by HTTP. Refused: whoever sent it must act; later: a limit, it may be sent again; not
stored: ours to mend, the broker first."""
Refusal = Literal[
    "wrong",
    "no_key",
    "not_yours",
    "not_there",
    "too_slow",
    "too_large",
    "not_this_type",
    "too_often",
    "busy",
    "not_stored",
    "ours",
]
"""Why a request was not stored (streams/intake/refusing.py has the status of each)."""
NOBODY: Final = "nobody"
"""In place of a source: the request names none that there is."""

Cause = Literal["unknown_login", "shared_login", "no_record", "unknown_record"]
"""Why a finding is unresolved: no account has the login; several people have it; criteria were searched for, and led to
nobody whom the source names; no fact names the record."""

OTHER_CLAUSE: Final = "other"
"""A clause of an earlier policy: what a finding says, and so what a label could say, must not be an open set."""
WITHDRAWN: Final = "withdrawn"
"""In place of a disposition: the service closed it."""

# What each label may say, by label or by "metric.label" where the same word has other values. `version`, `policy` and
# the hashes are one value per process, so they are not here; `clause` is in the policy, so it is given at the start,
# and so is `source` where there is a registry.
LABEL_VALUES: Final = MappingProxyType(
    {
        "source": tuple(SOURCES),
        "feed": tuple(FEEDS),
        "severity": get_args(Severity),
        "transition": get_args(Transition),
        "certainty": get_args(Certainty),
        "needtoknow_intake_requests_total.source": (*SOURCES, NOBODY),
        "cause": get_args(Cause),
        "answer": get_args(Answer),
        "refusal": get_args(Refusal),
        "needtoknow_accesses_total.outcome": get_args(Judged),
        "needtoknow_settled_total.outcome": get_args(Outcome),
        "needtoknow_findings_total.outcome": get_args(Outcome),
        "needtoknow_messages_total.kind": ("translated", "control", "dead_letter"),
        "needtoknow_facts_total.kind": get_args(FactKind),
        "needtoknow_ledger_cuts_total.kind": ("batch", "settlement"),
        "status": tuple(s for s in get_args(Status) if s != "closed"),
        "disposition": (*get_args(Disposition), WITHDRAWN),
        "obligation": get_args(Obligation),
        "result": ("written", "failed", "restored", "thrown_away"),
        # Where it was refused: reading an access, reading a fact or mark, reading what our own workers wrote, or the
        # same id with other content. Quarantine: looking at it ends a worker.
        "part": ("judge", "register", "fetching"),
        "stage": ("translate", "register", "broadcast", "conflict", "quarantine"),
        # unreadable: size, depth or not JSON; native: a line of a source's own format; field: the contract's models;
        # forbidden: a source or feed spoke for another; tampering: it is not what its source signed; kills, raises,
        # unpacks: what a quarantined message does to a worker. A closed set, since texts and names come from outside.
        "reason": (
            "unreadable",
            "content_type",
            "native",
            "field",
            "forbidden",
            "tampering",
            "conflict",
            "kills",
            "raises",
            "unpacks",
        ),
    }
)


NOTHING_GIVEN: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})


def label_values(metric: Metric, given: Mapping[str, tuple[str, ...]] = NOTHING_GIVEN) -> Iterator[tuple[str, ...]]:
    """Every combination of label values a metric can have, in the order of its labels.

    `given`: the values of labels that are known only when a process starts, whatever is said above of a metric's own.
    Raises KeyError when they are missing.

    A worker makes each of them at its start: a counter that appears with its first count has no increase that
    Prometheus could see, so the first waiver, conflict or broken mark would page nobody.
    """
    own = (given.get(label) or LABEL_VALUES.get(f"{metric.name}.{label}") for label in metric.labels)
    return itertools.product(*(v or LABEL_VALUES[label] for v, label in zip(own, metric.labels, strict=True)))
