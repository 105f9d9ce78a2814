"""The ledger against the logs: every message in a cut, every cut derived again, everything pending settled. Pure.

Uses the brute-force judge only, so that a fault of the judge cannot hide itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

from schemas.access import finding_id
from schemas.finding import Finding
from schemas.policy import Policy

from .cut_checks import check, check_chains, check_cover, is_possible, last_offset, once
from .finding_checks import check_findings
from .judges import Judges
from .logs import Logs, Place, Read, StoredCut, as_standing
from .reconciled import Said, held
from .rejudge import Rejudge, joined
from .report import Partly, Report
from .times_check import check_times


def audit(logs: Logs, judge: Rejudge, policy_hash: str, others: Iterable[Policy] = ()) -> Iterator[Report]:
    """The same report again and again, fuller each time, so that progress can be shown; the last one is the answer.

    `judge` is that of the policy in force, `policy_hash`; what was judged under one of the `others` is held to that.
    """
    judges = Judges(judge, policy_hash, others)
    report = Report(differences=[*logs.unreadable, *check_times(logs)])
    states = joined(logs.findings)
    said_of: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in logs.findings:
        said_of[finding.finding_id].append(finding)
    report.findings = sum(1 for f in states.values() if f.outcome != "explained")
    check_findings(report, logs, judges, said_of)
    yield report
    for place in sorted(set(logs.messages) | set(logs.cuts)):
        yield from _audit_partition(report, logs, judges, place, states, said_of)
    report.differences += [f"policy {name} is not known; pass its file with --policy" for name in judges.unknown]
    yield report


def _audit_partition(
    report: Report,
    logs: Logs,
    judges: Judges,
    place: Place,
    states: Mapping[str, Finding],
    said_of: Said,
) -> Iterator[Report]:
    messages, stored = logs.messages.get(place, []), once(report, logs.cuts.get(place, []))
    standing = as_standing(messages, [s.cut for s in stored])
    by_offset = {m.offset: m for m in standing}
    report.quarantined += sum(m.judged is not None for m in standing)
    report.messages += len(messages)
    report.accesses += sum(len(m.accesses) for m in standing)
    check_cover(report, place, messages, [s.cut for s in stored])
    check_chains(report, place, stored, is_whole=logs.is_whole)
    pending = yield from _check_cuts(report, logs, judges, place, states, stored)
    # Nobody brings facts to what was set aside after it was judged: its letter is what people act on.
    held_to = [one for one, message in zip(standing, messages, strict=True) if message.judged is None]
    _check_held(report, logs, place, held_to, judges, said_of)
    last = judges.under(stored[-1].cut.policy) if stored else None
    _check_settled(report, logs, last or judges.now, place, by_offset, pending, states)
    _check_dead_letters(report, logs, place, messages)
    yield report


def _check_cuts(
    report: Report,
    logs: Logs,
    judges: Judges,
    place: Place,
    states: Mapping[str, Finding],
    stored: Sequence[StoredCut],
) -> Generator[Report, None, set[tuple[int, int]]]:
    """Each cut derived again; the accesses (offset, number) that were pending and of which nothing was said since."""
    messages = logs.messages.get(place, [])
    waited: dict[tuple[int, int], int] = {}  # the highest position at which it was pending
    said: dict[tuple[int, int], int] = {}  # and at which something was said of it
    for number, (cut, _) in enumerate(stored):
        if cut.settled is None:
            report.cuts += 1
        else:
            report.settlements += 1
        judge = judges.under(cut.policy)
        if not is_possible(report, logs, place, cut, judges.now) or judge is None:
            continue
        if last_offset(cut) < logs.begin(place) or (cut.settled is None and cut.first_offset < logs.begin(place)):
            report.past += 1
            continue
        for one in check(report, place, cut, messages, judge, states, logs.begin(place)):
            known = waited if one.verdict.is_pending else said
            known[one.place] = max(cut.position, known.get(one.place, cut.position))
        if number % 20 == 0:
            yield report
    return {at for at, position in waited.items() if said.get(at, -1) < position}


def _check_held(
    report: Report, logs: Logs, place: Place, standing: Sequence[Read], judges: Judges, said_of: Said
) -> None:
    """What is published must be true now, as far as anybody claims that it is; and how far nobody does."""
    found = held(logs, place, standing, judges, said_of)
    for offset, position in found.wrong:
        report.differences.append(f"{place[0]}/{place[1]}/{offset}: not as it must stand at position {position}")
    if found.position < logs.position or found.unclaimed:
        report.partly[f"{place[0]}/{place[1]}"] = Partly(found.position, logs.position, found.unclaimed)


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
