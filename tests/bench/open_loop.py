"""From the moment an access happens to its finding, at one steady rate after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from schemas.ids import format_instant
from schemas.topics import FEEDS

from .broker import Broker
from .open_load import Load, draw
from .process import EndedEarlyError, OtherCpu, Process
from .programs import Program, Run, fresh_run
from .reader import Reader
from .schedule import GOAL_P99_MS, Kept, Tried, next_rate
from .sending import Sender, SenderError, Sent
from .spread import Spread, spread
from .workload import Message, Plan, access_value, make_workload, mark_value

PROBE_SECONDS: Final = 120.0  # for a program to answer its first accesses
PROBES: Final = 16  # records asked about, so that every partition has been judged
STALL_SECONDS: Final = 10.0  # without a new finding for so long, the rest is missed
BEHIND_SECONDS: Final = 120.0  # at most to catch up after a rate that was too high
SETTLE_SECONDS: Final = 1.0  # for false findings after the last expected one
LOOK_SECONDS: Final = 0.1
SAY_SECONDS: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the whole bench is asked to do."""

    rates: list[int]
    highest: int
    refine: int
    warm_up: float
    seconds: float
    share: float
    subjects: int
    staff: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class RateRow:
    """What one rate gave. Delays in milliseconds from the intended moment; CPU seconds while it was sent."""

    name: str
    rate: int
    due: int
    seen: int
    missed: int
    false: int
    odd: int
    repeated: int
    kept: Kept
    delays: Spread | None
    stored: Spread | None
    cpu_s: float
    other_cpu_s: float
    rss_mb: float
    behind_s: float

    @property
    def is_right(self) -> bool:
        """Whether every verdict was."""
        return not (self.missed or self.false or self.odd)

    @property
    def is_sustained(self) -> bool:
        """Whether the sender kept its schedule and the program kept up with it."""
        in_time = self.delays is not None and self.delays.p99 <= GOAL_P99_MS
        return self.is_right and self.kept.is_kept and in_time

    @property
    def state(self) -> str:
        """In one word for the table."""
        if not self.is_right:
            return "FAILED"
        if not self.kept.is_kept:
            return "INVALID"  # what was offered was not this rate
        return "ok" if self.is_sustained else "too much"

    def as_json(self) -> dict[str, Any]:
        """All that is known."""
        spreads = {name: getattr(self, name) for name in ("delays", "stored")}
        plain = {name: value for name, value in asdict(self).items() if name not in ("kept", *spreads)}
        rounded = {name: round(value, 2) if isinstance(value, float) else value for name, value in plain.items()}
        sender = {"took_s": round(self.kept.took_s, 2), "planned_s": self.kept.planned_s, "failed": self.kept.failed}
        late = {"late": self.kept.late and self.kept.late.as_json(), "is_kept": self.kept.is_kept}
        delays = {name: value and value.as_json() for name, value in spreads.items()}
        return {**rounded, "sender": {**sender, **late}, **delays, "state": self.state}


def open_loop(program: Program, asked: Asked, *, broker: Broker, scratch: Path) -> list[RateRow]:
    """One program through all rates, on fresh topics. Nothing when it ended by itself, or was never there."""
    plan = Plan(accesses=0, subjects=asked.subjects, staff=asked.staff, seed=asked.seed)
    rows: list[RateRow] = []
    with fresh_run(f"open-{program.name}", make_workload(plan), broker=broker, scratch=scratch) as run:
        try:
            program.prepare(run)
            environment = {**program.environment(run), **program.quick}
            with (
                Reader(broker, run.topics) as reader,
                Process(program.command(), environment, run.scratch / "measured.log") as process,
            ):
                _probe(run, reader, process)
                rows.extend(_climb(program, asked, run, reader, process))
        except (EndedEarlyError, SenderError, TimeoutError) as error:
            print(f"{program.name}: {error}", flush=True)
            return []
    return rows


def _climb(program: Program, asked: Asked, run: Run, reader: Reader, process: Process) -> Iterator[RateRow]:
    now, first, tried, again = int(time.time() * 1000), 0, list[Tried](), set[int]()
    while rate := next_rate(asked.rates, tried, highest=asked.highest, refine=asked.refine):
        load = Load(
            rate=rate,
            warm_up=asked.warm_up,
            seconds=asked.seconds,
            first=first,
            now=now,
            subjects=asked.subjects,
            staff=asked.staff,
            share=asked.share,
            seed=asked.seed,
        )
        row = _one_rate(program.name, load, run, reader, process)
        print(f"{program.name}, {rate:,}/s: {row.state}, {row.delays and row.delays.as_json()}", flush=True)
        yield row
        if not row.is_right:
            return  # it would only tell what came too late of this one
        first += load.count
        if not row.kept.is_kept and rate not in again:
            again.add(rate)  # a neighbour's minute on the machine shall not end the bench
            continue
        tried.append(Tried(rate, row.is_sustained))


def _probe(run: Run, reader: Reader, process: Process) -> None:
    """Ask about a login that is nobody's until there are answers from everywhere. Raises TimeoutError."""
    events = [f"probe{number}" for number in range(PROBES)]
    began, said, sequence = time.monotonic(), 0.0, 0
    while not reader.first.keys() >= set(events):
        process.check()
        waited = time.monotonic() - began
        if waited > PROBE_SECONDS:
            raise TimeoutError(f"no answer to the first accesses within {PROBE_SECONDS:.0f} s")
        if waited - said >= SAY_SECONDS:
            said = waited
            print(f"  waiting for the first answers: {waited:.0f} s", flush=True)
        if waited >= sequence:  # once a second
            instant, sequence = format_instant(int(time.time() * 1000)), sequence + 1
            accesses = (access_value(event, 0, f"probe-{event}", "nobody", instant) for event in events)
            run.broker.load(run.topics.accesses, [Message(f"k{n}", value) for n, value in enumerate(accesses)])
            for feed in FEEDS:
                run.broker.load(run.topics.service.feed(feed), [Message(feed, mark_value(feed, instant, sequence))])
        time.sleep(LOOK_SECONDS)


def _one_rate(name: str, load: Load, run: Run, reader: Reader, process: Process) -> RateRow:
    plan = {
        "what": "open-loop",
        "broker": run.broker.address,
        "topic_prefix": run.topics.prefix,
        "load": asdict(load),
    }
    drawn = list(draw(load))
    events, due = {one.event: one.at for one in drawn}, {one.event for one in drawn if one.is_violation}
    before = len(reader.seen)
    with Sender(plan) as sender:
        sender.wait_ready(process.check)
        cpu, other = process.cpu_s(), OtherCpu(process)
        sent = sender.run(load.planned_s, process.check)
        cpu_s, other_cpu_s = process.cpu_s() - cpu, other.used_s()
    behind_s = _wait(reader, due, process)
    came = [one for one in reader.seen[before:] if one.event in events]
    found = {one.event for one in came}
    return RateRow(
        name=name,
        rate=load.rate,
        due=len(due),
        seen=len(found & due),
        missed=len(due - found),
        false=len(found - due),
        odd=sum((one.transition, one.outcome) not in ((None, None), ("raised", "unexplained")) for one in came),
        repeated=len(came) - len(found),
        kept=sent.kept,
        delays=_delays(
            reader, sent, {event: at for event, at in events.items() if at >= load.warm_up and event in due}
        ),
        stored=sent.stored,
        cpu_s=cpu_s,
        other_cpu_s=other_cpu_s,
        rss_mb=process.rss_mb(),
        behind_s=behind_s,
    )


def _delays(reader: Reader, sent: Sent, measured: dict[str, float]) -> Spread | None:
    """From when each of these accesses was meant to be sent to when its finding was received."""
    first = reader.first
    return spread((first[e].received - sent.start - at) * 1000 for e, at in measured.items() if e in first)


def _wait(reader: Reader, due: set[str], process: Process) -> float:
    """Until all is seen or nothing comes any more; how many seconds that took after the last was sent."""
    began = changed = said = time.monotonic()
    missing = len(due)
    while (still := len(due - reader.first.keys())) and time.monotonic() - began < BEHIND_SECONDS:
        process.check()
        now = time.monotonic()
        if still != missing:
            missing, changed = still, now
        if now - changed > STALL_SECONDS:
            break
        if now - said >= SAY_SECONDS:
            said = now
            print(f"  {still} findings are still to come after {now - began:.0f} s", flush=True)
        time.sleep(LOOK_SECONDS)
    waited = time.monotonic() - began
    time.sleep(SETTLE_SECONDS)
    return waited
