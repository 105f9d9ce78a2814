"""The ledger against the logs: every message in a cut, every cut derived again, everything pending settled. Pure.

Uses the brute-force judge only, so that a fault of the judge cannot hide itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.access import Access, finding_id
from schemas.finding import Finding
from schemas.ledger import CODES, Cut, verdict_digest

from .rejudge import Rejudge, joined

Place = tuple[str, int]
"""(topic, partition)."""


class Read(NamedTuple):
    """One message of an access topic as its translator reads it: its accesses, or none and why (`kind`)."""

    offset: int
    appended_at: int
    accesses: tuple[Access, ...]
    kind: str  # translated, control, dead_letter


class StoredCut(NamedTuple):
    """A cut and the digest by which the next one names it."""

    cut: Cut
    digest: str


@dataclass
class Report:
    """What the audit saw. `differences` are places and what is wrong there, never content; empty means verified."""

    messages: int = 0
    accesses: int = 0
    cuts: int = 0
    settlements: int = 0
    findings: int = 0
    pending: int = 0
    unjudged: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


@dataclass(frozen=True, kw_only=True)
class Logs:
    """Everything the audit looks at, by partition, in the order of the logs."""

    messages: Mapping[Place, list[Read]]
    cuts: Mapping[Place, list[StoredCut]]
    findings: list[Finding]
    dead_letters: frozenset[str]  # keys: topic/partition/offset
    marks: Mapping[str, int]
    position: int


def audit(logs: Logs, judge: Rejudge, policy_hash: str) -> Iterator[Report]:
    """The same report again and again, fuller each time, so that progress can be shown; the last one is the answer."""
    report = Report()
    states = joined(logs.findings)
    report.findings = sum(1 for f in states.values() if f.outcome != "explained")
    _check_findings(report, logs, judge, states)
    yield report
    for place in sorted(set(logs.messages) | set(logs.cuts)):
        yield from _audit_partition(report, logs, judge, policy_hash, place, states)


def _audit_partition(
    report: Report, logs: Logs, judge: Rejudge, policy_hash: str, place: Place, states: Mapping[str, Finding]
) -> Iterator[Report]:
    messages, stored = logs.messages.get(place, []), logs.cuts.get(place, [])
    by_offset = {m.offset: m for m in messages}
    report.messages += len(messages)
    report.accesses += sum(len(m.accesses) for m in messages)
    _check_cover(report, place, messages, [s.cut for s in stored])
    _check_chains(report, place, stored)
    settled: set[tuple[int, int]] = set()
    pending: set[tuple[int, int]] = set()
    for number, (cut, _) in enumerate(stored):
        if cut.settled is not None:
            report.settlements += 1
            settled |= {(offset, index) for offset, index in cut.settled}
            continue
        report.cuts += 1
        inside = _between(messages, cut.first_offset, cut.next_offset)
        if cut.policy != policy_hash:
            report.differences.append(f"{_where(place, cut)}: judged under a policy that is not this one")
            continue
        pending |= _check_cut(report, place, cut, inside, judge)
        if number % 20 == 0:
            yield report
    _check_settled(report, logs, judge, place, by_offset, pending, settled, states)
    _check_dead_letters(report, logs, place, messages)
    yield report


def _between(messages: list[Read], first: int, following: int) -> list[Read]:
    if not messages:
        return []
    start = messages[0].offset  # offsets of a log without transactions are dense
    return messages[max(0, first - start) : max(0, following - start)]


def _check_cover(report: Report, place: Place, messages: list[Read], cuts: list[Cut]) -> None:
    """Every offset lies in some cut; overlaps are honest when each cut derives (checked there), holes never are."""
    if not messages:
        return
    reached = messages[0].offset
    for cut in sorted((c for c in cuts if c.settled is None), key=lambda c: c.first_offset):
        if cut.first_offset > reached:
            report.differences.append(
                f"{place[0]}/{place[1]}: offsets {reached} to {cut.first_offset - 1} are in no cut"
            )
        reached = max(reached, cut.next_offset)
    end = messages[-1].offset + 1
    report.unjudged += max(0, end - reached)
    if reached > end:
        report.differences.append(f"{place[0]}/{place[1]}: a cut ends at {reached}, the log at {end}")


def _check_chains(report: Report, place: Place, stored: Iterable[StoredCut]) -> None:
    """Each run's cuts name the one before; a run's first one names some cut of this partition, or none."""
    last_of_run: dict[str, str] = {}
    known: set[str] = set()
    for cut, digest in stored:
        before = last_of_run.get(cut.run)
        if before is not None and cut.previous != before:
            report.differences.append(f"{_where(place, cut)}: does not name the cut before it")
        if before is None and cut.previous is not None and cut.previous not in known:
            report.differences.append(f"{_where(place, cut)}: names a cut that is not there")
        last_of_run[cut.run] = digest
        known.add(digest)


def _check_cut(report: Report, place: Place, cut: Cut, inside: list[Read], judge: Rejudge) -> set[tuple[int, int]]:
    """Derive the cut again from its messages, position and marks; the accesses it left pending, as (offset, index)."""
    codes: list[str] = []
    pending: set[tuple[int, int]] = set()
    for message in inside:
        if message.kind != "translated":
            codes.append(CODES[message.kind])
        for index, access in enumerate(message.accesses):
            verdict = judge.judge(access, message.appended_at, position=cut.position, marks=cut.marks)
            codes.append(CODES["pending" if verdict.is_pending else verdict.outcome])
            if verdict.is_pending:
                pending.add((message.offset, index))
    kinds = Counter(m.kind for m in inside)
    said = cut.messages
    if (said.translated, said.control, said.dead_letters) != (
        kinds["translated"],
        kinds["control"],
        kinds["dead_letter"],
    ):
        report.differences.append(f"{_where(place, cut)}: counts other messages than the log has")
    names = {letter: name for name, letter in CODES.items() if name not in ("control", "dead_letter")}
    if dict(cut.accesses) != dict(Counter(names[c] for c in codes if c in names)):
        report.differences.append(f"{_where(place, cut)}: counts other verdicts than follow from the log")
    elif cut.digest != verdict_digest("".join(codes)):
        report.differences.append(f"{_where(place, cut)}: has the digest of other verdicts")
    return pending


def _check_settled(
    report: Report,
    logs: Logs,
    judge: Rejudge,
    place: Place,
    by_offset: Mapping[int, Read],
    pending: set[tuple[int, int]],
    settled: set[tuple[int, int]],
    states: Mapping[str, Finding],
) -> None:
    """Whatever was pending ended as a finding, in a settlement, or is rightly pending still (promise 3)."""
    for offset, index in sorted(pending - settled):
        message = by_offset[offset]
        access = message.accesses[index]
        if finding_id(access) in states:
            continue
        verdict = judge.judge(access, message.appended_at, position=logs.position, marks=logs.marks)
        if verdict.is_pending:
            report.pending += 1
        else:
            report.differences.append(f"{place[0]}/{place[1]}/{offset}: was pending and nothing was said of it since")


def _check_dead_letters(report: Report, logs: Logs, place: Place, messages: list[Read]) -> None:
    end = max((s.cut.next_offset for s in logs.cuts.get(place, [])), default=0)
    for message in messages:
        key = f"{place[0]}/{place[1]}/{message.offset}"
        if message.kind == "dead_letter" and message.offset < end and key not in logs.dead_letters:
            report.differences.append(f"{key}: cannot be read and has no dead letter")


def _check_findings(report: Report, logs: Logs, judge: Rejudge, states: Mapping[str, Finding]) -> None:
    """Each standing state follows from its message at its position."""
    places: defaultdict[Place, dict[int, Read]] = defaultdict(dict)
    for place, messages in logs.messages.items():
        places[place] = {m.offset: m for m in messages}
    for name, finding in sorted(states.items()):
        at = finding.message
        message = places[at.topic, at.partition].get(at.offset)
        where = f"finding {name}"
        if message is None:
            continue  # its message is past its retention: the finding outlives it
        access = next((a for a in message.accesses if finding_id(a) == name), None)
        if access is None:
            report.differences.append(f"{where}: its message says something else")
            continue
        verdict = judge.judge(access, message.appended_at, position=finding.position, marks=finding.marks)
        said = (finding.outcome, finding.staff, finding.clause, finding.severity)
        if said != (verdict.outcome, verdict.staff, verdict.clause, verdict.severity):
            report.differences.append(
                f"{where}: another verdict follows from its message at position {finding.position}"
            )


def _where(place: Place, cut: Cut) -> str:
    return f"cut {place[0]}/{place[1]} [{cut.first_offset}, {cut.next_offset}) of run {cut.run[:8]}"
