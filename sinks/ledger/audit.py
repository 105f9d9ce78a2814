"""The ledger against the logs: every message in a cut, every cut derived again, everything pending settled. Pure.

Uses the brute-force judge only, so that a fault of the judge cannot hide itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.access import Access, finding_id
from schemas.finding import Finding
from schemas.ledger import CODES, Cut, verdict_digest

from .findings import wrong_findings
from .logs import Logs, Place, Read, StoredCut, as_judged, as_standing, between, inside_of
from .reconciled import Said, held
from .rejudge import Rejudge, Verdict, joined


@dataclass(frozen=True)
class Partly:
    """A partition that could not be held to all that is known: to this position of so many.

    `unclaimed`: judged messages that could be held to none, since nobody says that later facts were brought to them.
    """

    position: int
    of: int
    unclaimed: int


class Judged(NamedTuple):
    """One access of a message, judged again where a cut says it was judged."""

    place: tuple[int, int]  # offset, index in the message
    access: Access
    appended_at: int
    verdict: Verdict


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
    quarantined: int = 0  # messages that nobody judged, since they end whoever looks at them
    past: int = 0  # cuts that begin before the first message that was read: not to be derived here
    partly: dict[str, Partly] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def audit(logs: Logs, judge: Rejudge, policy_hash: str) -> Iterator[Report]:
    """The same report again and again, fuller each time, so that progress can be shown; the last one is the answer."""
    report = Report(differences=list(logs.unreadable))
    states = joined(logs.findings)
    said_of: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in logs.findings:
        said_of[finding.finding_id].append(finding)
    report.findings = sum(1 for f in states.values() if f.outcome != "explained")
    report.differences += wrong_findings(logs, judge, states, said_of)
    yield report
    for place in sorted(set(logs.messages) | set(logs.cuts)):
        yield from _audit_partition(report, logs, judge, policy_hash, place, states, said_of)


def _audit_partition(
    report: Report,
    logs: Logs,
    judge: Rejudge,
    policy_hash: str,
    place: Place,
    states: Mapping[str, Finding],
    said_of: Said,
) -> Iterator[Report]:
    messages, stored = logs.messages.get(place, []), logs.cuts.get(place, [])
    standing = as_standing(messages, [s.cut for s in stored])
    by_offset = {m.offset: m for m in standing}
    _count(report, standing)
    _check_cover(report, place, messages, [s.cut for s in stored])
    _check_chains(report, place, stored, is_whole=logs.is_whole)
    waited: dict[tuple[int, int], int] = {}  # the highest position at which it was pending
    said: dict[tuple[int, int], int] = {}  # and at which something was said of it
    for number, (cut, _) in enumerate(stored):
        if cut.settled is None:
            report.cuts += 1
        else:
            report.settlements += 1
        if (why_not := _why_not_derived(cut, judge, policy_hash)) is not None:
            report.differences.append(f"{_where(place, cut)}: {why_not}")
            continue
        if _last_offset(cut) < logs.begin(place) or (cut.settled is None and cut.first_offset < logs.begin(place)):
            report.past += 1
            continue
        for one in _check(report, place, cut, messages, judge, states, logs.begin(place)):
            known = waited if one.verdict.is_pending else said
            known[one.place] = max(cut.position, known.get(one.place, cut.position))
        if number % 20 == 0:
            yield report
    _check_held(report, logs, place, standing, judge, said_of)
    pending = {at for at, position in waited.items() if said.get(at, -1) < position}
    _check_settled(report, logs, judge, place, by_offset, pending, states)
    _check_dead_letters(report, logs, place, messages)
    yield report


def _count(report: Report, standing: Sequence[Read]) -> None:
    report.quarantined += sum(m.judged is not None for m in standing)
    report.messages += len(standing)
    report.accesses += sum(len(m.accesses) for m in standing)


def _why_not_derived(cut: Cut, judge: Rejudge, policy_hash: str) -> str | None:
    if cut.policy != policy_hash:
        return "judged under a policy that is not this one"
    if not judge.knows(cut.position):
        return f"judged at position {cut.position}, and no facts lie there"
    return None


def _check(
    report: Report,
    place: Place,
    cut: Cut,
    messages: list[Read],
    judge: Rejudge,
    states: Mapping[str, Finding],
    begin: int,
) -> list[Judged]:
    """The accesses that a cut speaks of, judged again; says where cut or findings differ from that."""
    if cut.settled is not None:
        return _check_settlement(report, place, cut, messages, judge, begin)
    judged = _check_cut(report, place, cut, inside_of(messages, cut), judge)
    for one in judged:
        is_found = one.verdict.outcome != "explained" and not one.verdict.is_pending
        # findings are stored before the cut that counts them
        if is_found and finding_id(one.access, one.appended_at) not in states:
            report.differences.append(f"{place[0]}/{place[1]}/{one.place[0]}: was found and has no finding")
    return judged


def _check_held(
    report: Report, logs: Logs, place: Place, standing: Sequence[Read], judge: Rejudge, said_of: Said
) -> None:
    """What is published must be true now, as far as anybody claims that it is; and how far nobody does."""
    found = held(logs, place, standing, judge, said_of)
    for offset, position in found.wrong:
        report.differences.append(f"{place[0]}/{place[1]}/{offset}: not as it must stand at position {position}")
    if found.position < logs.position or found.unclaimed:
        report.partly[f"{place[0]}/{place[1]}"] = Partly(found.position, logs.position, found.unclaimed)


def _last_offset(cut: Cut) -> int:
    """Of a batch one less than its end; of a settlement the last of which it speaks."""
    return max((offset for offset, _ in cut.settled or ()), default=cut.next_offset - 1)


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


def _check_chains(report: Report, place: Place, stored: Iterable[StoredCut], *, is_whole: bool) -> None:
    """Each run's cuts name the one before; a run's first one names some cut of this partition, or none.

    Where the ledger was not read from its start, a run's first one may name one that was not read.
    """
    last_of_run: dict[str, str] = {}
    known: set[str] = set()
    for cut, digest in stored:
        before = last_of_run.get(cut.run)
        if before is not None and cut.previous != before:
            report.differences.append(f"{_where(place, cut)}: does not name the cut before it")
        if is_whole and before is None and cut.previous is not None and cut.previous not in known:
            report.differences.append(f"{_where(place, cut)}: names a cut that is not there")
        last_of_run[cut.run] = digest
        known.add(digest)


def _check_cut(report: Report, place: Place, cut: Cut, inside: list[Read], judge: Rejudge) -> list[Judged]:
    """Derive the cut again from its messages, position and marks."""
    codes: list[str] = []
    judged: list[Judged] = []
    for message in inside:
        if message.kind != "translated":
            codes.append(CODES[message.kind])
        for index, access in enumerate(message.accesses):
            verdict = judge.judge(access, message.appended_at, position=cut.position, marks=cut.marks)
            codes.append(CODES["pending" if verdict.is_pending else verdict.outcome])
            judged.append(Judged((message.offset, index), access, message.appended_at, verdict))
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
    return judged


def _check_settlement(
    report: Report, place: Place, cut: Cut, messages: list[Read], judge: Rejudge, begin: int
) -> list[Judged]:
    """Whatever is said to have ended without a finding was explained where that was said; `begin`: the first read."""
    judged: list[Judged] = []
    for offset, index in cut.settled or ():
        if offset < begin:
            continue
        found = [as_judged(m) for m in between(messages, offset, offset + 1)]
        if not found or index >= len(found[0].accesses):
            report.differences.append(f"{_where(place, cut)}: settles what is not in the log")
            continue
        access = found[0].accesses[index]
        verdict = judge.judge(access, found[0].appended_at, position=cut.position, marks=cut.marks)
        if verdict.outcome != "explained":
            report.differences.append(f"{_where(place, cut)}: settles an access that nothing explains")
        judged.append(Judged((offset, index), access, found[0].appended_at, verdict))
    if cut.digest != verdict_digest(CODES["explained"] * len(cut.settled or ())):
        report.differences.append(f"{_where(place, cut)}: has the digest of other verdicts")
    return judged


def _check_settled(
    report: Report,
    logs: Logs,
    judge: Rejudge,
    place: Place,
    by_offset: Mapping[int, Read],
    pending: set[tuple[int, int]],
    states: Mapping[str, Finding],
) -> None:
    """Whatever was pending ended as a finding, explained in the ledger, or is rightly pending still (promise 3)."""
    for offset, index in sorted(pending):
        message = by_offset[offset]
        if message.judged is not None:
            continue  # it waited, and was quarantined when it was to be judged again
        access = message.accesses[index]
        if finding_id(access, message.appended_at) in states:
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
        is_told = message.judged is not None or key in logs.dead_letters
        if message.kind == "dead_letter" and message.offset < end and not is_told:
            report.differences.append(f"{key}: cannot be read and has no dead letter")


def _where(place: Place, cut: Cut) -> str:
    return f"cut {place[0]}/{place[1]} [{cut.first_offset}, {cut.next_offset}) of run {cut.run[:8]}"
