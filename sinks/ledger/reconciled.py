"""What a cut says was reconciled, held to it: at its position all before it stood published as it had to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schemas.access import finding_id
from schemas.finding import Finding
from schemas.ledger import Cut

from .logs import Logs, Place, Read
from .rejudge import CERTAINTIES, Rejudge, Verdict, joined

Said = Mapping[str, Sequence[Finding]]
"""All transitions of each finding."""


def last_reconciled(cuts: Sequence[Cut]) -> Cut | None:
    """The cut of the highest position at which everything due about the messages before it had been said.

    Not about those behind it: a worker that goes on at the committed offset reads again what others read further.
    """
    whole = [cut for cut in cuts if cut.settled is None and cut.reconciled == cut.position]
    return max(whole, key=lambda cut: (cut.position, cut.next_offset), default=None)


def unreconciled(
    logs: Logs, place: Place, messages: Sequence[Read], judge: Rejudge, said: Said
) -> Iterator[tuple[int, int]]:
    """Offsets about whose accesses something else was published than was due, and the position at which it was.

    Also of what was judged long before: facts of later had been brought to it. What has been judged again since is held
    to that position: a worker taken for dead may have stored an older word late, which its successor answered.
    """
    cut = last_reconciled([stored.cut for stored in logs.cuts.get(place, []) if judge.knows(stored.cut.position)])
    if cut is None:
        return
    for message in messages:
        if message.offset >= cut.next_offset or message.appended_at < logs.since:
            continue
        for access in message.accesses:
            name = finding_id(access, message.appended_at)
            verdict = judge.judge(access, message.appended_at, position=cut.position, marks=cut.marks)
            if not _stands(verdict, said.get(name, ()), cut.position):
                yield message.offset, cut.position


def _stands(verdict: Verdict, transitions: Sequence[Finding], position: int) -> bool:
    if any(t.position > position for t in transitions):
        return True
    state = next(iter(joined(transitions).values()), None)
    if verdict.outcome == "explained":
        return state is None or state.outcome == "explained"
    if state is None or state.outcome == "explained":
        return verdict.is_pending
    said = (state.outcome, state.staff, state.clause, state.severity, state.flags)
    is_certain = verdict.certainty is None or _rank(state) >= CERTAINTIES.index(verdict.certainty)
    return is_certain and said == (verdict.outcome, verdict.staff, verdict.clause, verdict.severity, verdict.flags)


def _rank(finding: Finding) -> int:
    return CERTAINTIES.index(finding.certainty)
