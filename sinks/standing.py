"""Where the service stands, from Kafka alone: what is read, judged, pending, found. Pure but for what it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.finding import Certainty, Outcome
from schemas.ids import format_instant
from schemas.ledger import Note
from sinks.watch.report import Asked

Place = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was read from Kafka. Offsets by (topic, partition).

    `low`: by access topic the instant (UTC ms) through which the feeds are complete that its accesses wait for.
    """

    begins: Mapping[Place, int]
    ends: Mapping[Place, int]
    committed: Mapping[Place, int]
    notes: Mapping[Place, Note]
    access_topics: frozenset[str]
    feed_topics: frozenset[str]
    facts_topic: str
    marks: Mapping[str, int]
    low: Mapping[str, int]
    unregistered: tuple[str, ...]
    workers: int


@dataclass(kw_only=True)
class Standing:
    """The answer of `needtoknow status`. `why_not_idle` names the first thing that is still to do, or is None."""

    why_not_idle: str | None
    workers: int
    facts_position: int
    pending: int
    open: int
    lag: dict[str, int]
    messages: dict[str, int]
    marks: dict[str, str]
    unregistered: tuple[str, ...]
    findings: dict[Outcome, int] = field(default_factory=dict)
    certainty: dict[Certainty, int] = field(default_factory=dict)
    letters: dict[str, int] = field(default_factory=dict)  # dead letters of the last day, by source, feed or topic
    sources: Asked = field(default_factory=Asked)

    @property
    def is_healthy(self) -> bool | None:
        """Whether nothing is wrong; None: nothing that is known, and of the sources nobody knows."""
        return False if self.unregistered else self.sources.is_good

    @property
    def is_good(self) -> bool:
        """Idle, and nothing is wrong; and whoever has a watch wants its answer."""
        is_unknown_well = self.is_healthy is None and not self.sources.is_required
        return self.why_not_idle is None and (self.is_healthy is True or is_unknown_well)

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "idle": self.why_not_idle is None,
            "healthy": self.is_healthy,
            "why_not_idle": self.why_not_idle,
            "workers": self.workers,
            "facts_position": self.facts_position,
            "pending": self.pending,
            "open": self.open,
            "lag": self.lag,
            "messages": self.messages,
            "marks": self.marks,
            "findings": self.findings,
            "certainty": self.certainty,
            "dead_letters_last_day": self.letters,
            "unregistered": list(self.unregistered),
            "sources": [report.document() for report in self.sources.reports],
            "why_no_sources": self.sources.why_not,
        }


def standing(seen: Seen) -> Standing:
    """Judge what was seen."""
    notes = [note for place, note in seen.notes.items() if place[0] in seen.access_topics]
    return Standing(
        why_not_idle=next(_still_to_do(seen), None),
        workers=seen.workers,
        facts_position=seen.ends.get((seen.facts_topic, 0), 0),
        pending=sum(note.pending for note in notes),
        open=sum(note.open for note in notes),
        lag=_lag(seen),
        messages=_per_topic({place: end - seen.begins.get(place, 0) for place, end in seen.ends.items()}),
        marks={feed: format_instant(through) for feed, through in sorted(seen.marks.items())},
        unregistered=seen.unregistered,
    )


def _still_to_do(seen: Seen) -> Iterator[str]:
    if not seen.workers:
        yield "no worker runs, so nothing is judged; start one: needtoknow worker"
    for place in sorted(seen.ends):
        topic, end = place[0], seen.ends[place]
        if end == seen.begins.get(place, 0):
            continue
        committed = seen.committed.get(place, 0)
        if topic in seen.feed_topics and committed < end:
            yield f"{topic} is read up to {committed} of {end}"
        if topic in seen.access_topics and (reason := _unjudged(seen, place, committed, end)) is not None:
            yield f"{topic}/{place[1]}: {reason}"


def _unjudged(seen: Seen, place: Place, committed: int, end: int) -> str | None:
    note = seen.notes.get(place)
    if note is None:
        return "at work" if committed else f"judged up to 0 of {end}"
    if note.judged < end:
        return f"judged up to {note.judged} of {end}"
    facts = seen.ends.get((seen.facts_topic, 0), 0)
    if note.position < facts:
        return f"accesses judged at position {note.position} of {facts}"
    return None if note.open == 0 or note.low >= seen.low[place[0]] else "open accesses have not heard the newest marks"


def _lag(seen: Seen) -> dict[str, int]:
    behind: Counter[str] = Counter()
    for place, end in seen.ends.items():
        if place[0] in seen.feed_topics:
            behind[place[0]] += end - max(seen.committed.get(place, 0), seen.begins.get(place, 0))
        elif place[0] in seen.access_topics:
            note = seen.notes.get(place)
            judged = note.judged if note is not None else seen.committed.get(place, 0)
            behind[place[0]] += end - max(judged, seen.begins.get(place, 0))
    return dict(sorted(behind.items()))


def _per_topic(counts: Mapping[Place, int]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for place, count in counts.items():
        total[place[0]] += count
    return dict(sorted(total.items()))
