"""Each cut against the log: its place among the others, its chain, and its verdicts derived again. Pure.

Uses the brute-force judge only, so that a fault of the judge cannot hide itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.access import Access, finding_id
from schemas.finding import Finding
from schemas.ledger import CODES, Cut, in_order, verdict_digest
from schemas.topics import source_of

from .logs import Logs, Place, Read, StoredCut, as_judged, between, inside_of
from .rejudge import Rejudge, Verdict
from .report import Report


class Judged(NamedTuple):
    """One access of a message, judged again where a cut says it was judged."""

    place: tuple[int, int]  # offset, index in the message
    access: Access
    appended_at: int
    verdict: Verdict


def check(
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


def is_possible(report: Report, logs: Logs, place: Place, cut: Cut, judge: Rejudge) -> bool:
    """Whether the cut can be derived: its position is one. Says what nobody can have known when it was written."""
    report.differences += [
        f"{where(place, cut)}: rests on a mark that {feed} never gave" for feed in logs.never_given(cut.marks)
    ]
    for what, position in (("judged", cut.position), ("reconciled", cut.reconciled)):
        if position > judge.end:
            report.differences.append(f"{where(place, cut)}: {what} at position {position}, facts end at {judge.end}")
    return cut.position <= judge.end


def last_offset(cut: Cut) -> int:
    """Of a batch one less than its end; of a settlement the last of which it speaks."""
    return max((offset for offset, _ in cut.settled or ()), default=cut.next_offset - 1)


def check_cover(report: Report, place: Place, messages: list[Read], cuts: list[Cut]) -> None:
    """Every message lies in some cut; overlaps are honest when each cut derives (checked there), holes never are."""
    if not messages:
        return
    reached = messages[0].offset
    for cut in sorted((c for c in cuts if c.settled is None), key=lambda c: c.first_offset):
        if cut.first_offset > reached and (hole := between(messages, reached, cut.first_offset)):
            report.differences.append(
                f"{place[0]}/{place[1]}: offsets {hole[0].offset} to {hole[-1].offset} are in no cut"
            )
        reached = max(reached, cut.next_offset)
    end = messages[-1].offset + 1
    report.unjudged += len(between(messages, reached, end))
    if reached > end:
        report.differences.append(f"{place[0]}/{place[1]}: a cut ends at {reached}, the log at {end}")


def once(report: Report, stored: Iterable[StoredCut]) -> list[StoredCut]:
    """The same bytes stored again, as a producer that was not answered may do, say nothing new."""
    found: dict[str, StoredCut] = {}
    for one in stored:
        report.repeated += one.digest in found
        found.setdefault(one.digest, one)
    return list(found.values())


def check_chains(report: Report, place: Place, stored: Iterable[StoredCut], *, is_whole: bool) -> None:
    """Each run's cuts name the one before; a run's first one names some cut of this partition, or none.

    Where the ledger was not read from its start, a run's first one may name one that was not read.
    """
    last_of_run: dict[str, str] = {}
    known: set[str] = set()
    for cut, digest in stored:
        before = last_of_run.get(cut.run)
        if before is not None and cut.previous != before:
            report.differences.append(f"{where(place, cut)}: does not name the cut before it")
        if is_whole and before is None and cut.previous is not None and cut.previous not in known:
            report.differences.append(f"{where(place, cut)}: names a cut that is not there")
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
        report.differences.append(f"{where(place, cut)}: counts other messages than the log has")
    names = {letter: name for name, letter in CODES.items() if name not in ("control", "dead_letter")}
    if dict(cut.accesses) != dict(Counter(names[c] for c in codes if c in names)):
        report.differences.append(f"{where(place, cut)}: counts other verdicts than follow from the log")
    elif cut.digest != verdict_digest("".join(codes)):
        report.differences.append(f"{where(place, cut)}: has the digest of other verdicts")
    if cut.sequences != _sequences(one.access for one in judged):
        report.differences.append(f"{where(place, cut)}: has other sequence numbers than the log")
    given = max((m.given for m in inside if m.given is not None), default=None)
    if cut.given != (None if given is None else {source_of(place[0]): given}):
        report.differences.append(f"{where(place, cut)}: has another highest number given than the log")
    files = in_order({m.file for m in inside if m.file is not None})
    if cut.files != ({source_of(place[0]): files} if files else None):
        report.differences.append(f"{where(place, cut)}: has other headers and trailers of files than the log")
    return judged


def _sequences(accesses: Iterable[Access]) -> dict[str, list[tuple[int, int]]]:
    """Of each source the numbers that it gave to these, as ranges [first, last]; repeats count once."""
    found: dict[str, list[tuple[int, int]]] = {}
    for source, number in sorted({(a.source, a.sequence) for a in accesses if a.sequence is not None}):
        ranges = found.setdefault(source, [])
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return found


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
            report.differences.append(f"{where(place, cut)}: settles what is not in the log")
            continue
        access = found[0].accesses[index]
        verdict = judge.judge(access, found[0].appended_at, position=cut.position, marks=cut.marks)
        if verdict.outcome != "explained":
            report.differences.append(f"{where(place, cut)}: settles an access that nothing explains")
        judged.append(Judged((offset, index), access, found[0].appended_at, verdict))
    if len(set(cut.settled or ())) != len(cut.settled or ()):
        report.differences.append(f"{where(place, cut)}: settles an access twice")
    if cut.accesses or cut.sequences or cut.given or cut.files or any(cut.messages.__dict__.values()):
        report.differences.append(f"{where(place, cut)}: counts what a settlement does not judge")
    if cut.digest != verdict_digest(CODES["explained"] * len(cut.settled or ())):
        report.differences.append(f"{where(place, cut)}: has the digest of other verdicts")
    return judged


def where(place: Place, cut: Cut) -> str:
    return f"cut {place[0]}/{place[1]} [{cut.first_offset}, {cut.next_offset}) of run {cut.run[:8]}"
