"""Facts that come late, are shortened or void, while accesses flow: what stands at the end, and how soon it did."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import orjson

from schemas.access import Access, finding_id
from schemas.codec import decode
from schemas.fact import RegisteredFact, RegisteredMark
from schemas.finding import Finding
from sinks.ledger.rejudge import Rejudge, Verdict
from streams.policies import load_policy
from tests.harness.outcome import Outcome, compare, untrue
from tests.harness.steps import Expected

from .broker import PARTITIONS, Broker, Stored
from .disorder_load import STORM_AT, Drawn, Duty, Load, draw, duties, known_before
from .disorder_times import Causes, Corrected, Told, Turn, corrections, storms
from .process import Process
from .programs import OURS, Run, fresh_run
from .reader import Reader
from .sending import Sender, Sent
from .spread import Spread, spread
from .status import wait_idle
from .workload import Plan, account_message, make_workload

BEFORE_MS: Final = 2 * 3_600_000  # how far in the past the last access lies: marks may speak of the grace after it
WARM_UP_SECONDS: Final = 5.0  # by the clock: delays before are not counted
SAY_EVERY: Final = 20_000  # accesses judged by the brute-force judge between two lines


@dataclass(frozen=True, kw_only=True)
class Disorder:
    """What one run gave. Delays in ms; `fresh` and `fresh_in_storm`: from intended send to receipt of the finding.

    `untrue`: transitions, whatever replaced them, that did not follow from their access at their position and marks.
    """

    load: Load
    kinds: dict[str, int]
    accesses: int
    transitions: dict[str, int]
    due: int
    false: int
    missed: int
    wrong: int
    untrue: int
    withdrawal: Spread | None
    raising: Spread | None
    storm: Spread | None
    storm_s: float
    fresh: Spread | None
    fresh_in_storm: Spread | None
    fresh_missed: int
    idle_s: float
    sent: Sent
    cpu_s: float
    rss_mb: float
    examples: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether what stands is the truth, and the sender did what it should."""
        verdicts = self.false, self.missed, self.wrong, self.untrue, self.fresh_missed
        return not (any(verdicts) or self.sent.kept.failed)

    @property
    def held_back_ms(self) -> float | None:
        """How much longer the slowest new access waited in the storm than an ordinary one before it."""
        if self.fresh is None or self.fresh_in_storm is None:
            return None
        return max(0.0, self.fresh_in_storm.max - self.fresh.p50)

    def as_json(self) -> dict[str, Any]:
        """All that is known."""
        spreads = ("withdrawal", "raising", "storm", "fresh", "fresh_in_storm")
        plain = {k: v for k, v in vars(self).items() if k not in ("load", "sent", *spreads)}
        rounded = {name: round(value, 2) if isinstance(value, float) else value for name, value in plain.items()}
        told = {name: value and value.as_json() for name in spreads for value in [getattr(self, name)]}
        late = self.sent.kept.late
        sender = {"late": late and late.as_json(), "is_kept": self.sent.kept.is_kept, "sent": self.sent.sent}
        held = {"held_back_ms": self.held_back_ms, "is_right": self.is_right}
        return {"load": asdict(self.load), **rounded, **told, "sender": sender, **held}


def disorder(load: Load, *, broker: Broker, scratch: Path) -> Disorder:
    """One run of our worker on fresh topics. Raises EndedEarlyError, SenderError, TimeoutError."""
    load = replace(load, begin=int(time.time() * 1000) - BEFORE_MS - int(load.span * 1000))
    accounts = [account_message(f"st{number}") for number in range(load.staff)]
    workload = replace(make_workload(Plan(accesses=0, subjects=1, staff=3)), accounts=accounts)
    workload = replace(workload, assignments=known_before(load))
    with fresh_run("disorder", workload, broker=broker, scratch=scratch) as run:
        OURS.prepare(run)
        return _measure(load, run)


def _measure(load: Load, run: Run) -> Disorder:
    plan = {
        "what": "disorder",
        "broker": run.broker.address,
        "topic_prefix": run.topics.prefix,
        "load": asdict(load),
    }
    with (
        Reader(run.broker, run.topics) as reader,
        Process(OURS.command(), OURS.environment(run), run.scratch / "measured.log") as process,
        Sender(plan) as sender,
    ):
        sender.wait_ready(process.check)
        wait_idle(run, process.check)  # the facts are known and the partitions held: what comes now is new
        cpu = process.cpu_s()
        sent = sender.run(load.planned_s, process.check)
        idle_s = wait_idle(run, process.check)
        cpu_s, rss_mb = process.cpu_s() - cpu, process.rss_mb()
    return _told(load, run, reader, sent, idle_s, cpu_s, rss_mb)


def _told(load: Load, run: Run, reader: Reader, sent: Sent, idle_s: float, cpu_s: float, rss_mb: float) -> Disorder:
    topics, read = run.topics.service, run.broker.read_all
    held, drawn = duties(load), list(draw(load))
    stored, facts = list(read(run.topics.accesses, PARTITIONS)), list(read(topics.facts, 1))
    transitions = [decode(Finding, one.value) for one in read(topics.violations, PARTITIONS)]
    judge = Rejudge(load_policy(), [decode(RegisteredFact, one.value) for one in facts])
    outcome, due = _outcome(judge, stored, list(read(topics.marks, 1)), transitions)
    fed = list(read(topics.feed("assignments"), 1))
    corrected = _corrections(drawn, stored, facts, fed, reader)
    storm = _storm(load, held, sent)
    windows = storms(corrected, storm)
    stormed = [one for one in corrected if one.fact_id in storm]
    strangers = {one.event: one.at for one in drawn if one.is_stranger}
    calm = {event: at for event, at in strangers.items() if WARM_UP_SECONDS <= at < load.seconds * STORM_AT}
    beside = {e: at for e, at in strangers.items() if any(w.holds(sent.start + at) for w in windows)}
    return Disorder(
        load=load,
        kinds=dict(Counter(duty.kind for duty in held)),
        accesses=len(stored),
        transitions=dict(Counter(one.transition for one in transitions)),
        due=due,
        false=len(outcome.false),
        missed=len(outcome.missed),
        wrong=len(outcome.wrong),
        untrue=untrue(judge, {(one.partition, one.offset): one.appended_at for one in stored}, transitions),
        withdrawal=spread(one.took_ms for one in corrected if one.transition == "withdrawn"),
        raising=spread(one.took_ms for one in corrected if one.transition != "withdrawn"),
        storm=spread(one.took_ms for one in stormed),
        storm_s=sum(window.end - window.start for window in windows),
        fresh=_delays(reader, sent, calm),
        fresh_in_storm=_delays(reader, sent, beside),
        fresh_missed=len(strangers.keys() - reader.first.keys()),
        idle_s=idle_s,
        sent=sent,
        cpu_s=cpu_s,
        rss_mb=rss_mb,
        examples=[*outcome.false[:5], *outcome.missed[:5], *outcome.wrong[:5]],
    )


def _outcome(
    judge: Rejudge, stored: Sequence[Stored], marks: Sequence[Stored], transitions: list[Finding]
) -> tuple[Outcome, int]:
    """What stands against the brute-force judge at the end of all logs, and how many findings are due."""
    highest: dict[str, int] = {}
    for mark in (decode(RegisteredMark, one.value) for one in marks):
        highest[mark.feed] = max(mark.complete_through, highest.get(mark.feed, mark.complete_through))
    findings: dict[str, Verdict] = {}
    for number, one in enumerate(stored, start=1):
        access = decode(Access, one.value)
        verdict = judge.judge(access, one.appended_at, position=judge.end, marks=highest)
        if verdict.certainty is not None:
            findings[finding_id(access, one.appended_at)] = verdict
        if number % SAY_EVERY == 0:
            print(f"  the brute-force judge: {number:,} of {len(stored):,} accesses", flush=True)
    expected = Expected(findings=findings, judged={}, accesses={}, messages={}, control=0, dead_letters=0, conflicts=0)
    return compare(expected, transitions), len(findings)


def _corrections(
    drawn: Sequence[Drawn], stored: Sequence[Stored], facts: Sequence[Stored], fed: Sequence[Stored], reader: Reader
) -> list[Corrected]:
    """Every correction, with how long it took from the feed's append to the transition's."""
    fed_at = {_name(one): one.appended_at for one in fed if b'"fact_id"' in one.value}
    told = [(name, one.offset) for one in facts if (name := _name(one)) in fed_at]
    causes = Causes((name[0], Told(offset, fed_at[name], name[1])) for name, offset in told)
    fact_of = {one.event: f"{one.record}/{one.staff}" for one in drawn}
    appended_at = {orjson.loads(one.value)["event_id"]: one.appended_at for one in stored}
    turns = [Turn(s.event, s.transition or "", s.position, s.stored_at) for s in reader.seen]
    return corrections(turns, causes, fact_of, appended_at)


def _name(stored: Stored) -> tuple[str, int]:
    fact = orjson.loads(stored.value)
    return fact.get("fact_id", ""), fact.get("revision", 0)


def _storm(load: Load, held: Sequence[Duty], sent: Sent) -> dict[str, dict[int, float]]:
    """When each revision of the storm was sent, by the clock."""
    return {
        duty.fact_id: {
            number: sent.start + said.sent / load.scale for number, said in enumerate(duty.said, 1) if number > 1
        }
        for duty in held
        if duty.kind == "storm"
    }


def _delays(reader: Reader, sent: Sent, measured: Mapping[str, float]) -> Spread | None:
    first = reader.first
    return spread((first[e].received - sent.start - at) * 1000 for e, at in measured.items() if e in first)
