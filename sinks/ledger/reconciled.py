"""What a worker claims to have said, held to it: at that position all before it stood published as it had to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.access import finding_id
from schemas.finding import Finding
from schemas.ledger import Note

from .logs import Logs, Place, Read
from .rejudge import CERTAINTIES, Rejudge, Verdict, joined

Said = Mapping[str, Sequence[Finding]]
"""All transitions of each finding."""


class Claim(NamedTuple):
    """At `position`, by these marks, all that was due about the messages before `next_offset` had been said."""

    position: int
    next_offset: int
    marks: Mapping[str, int]


class Held(NamedTuple):
    """How a partition stands against what was claimed of it.

    `wrong`: offsets about whose accesses something else was published than was due, and the position at which it was.
    `position`: the lowest that any message was held to; 0: none was. `unclaimed`: judged messages held to none.
    """

    wrong: list[tuple[int, int]]
    position: int
    unclaimed: int


def claims(logs: Logs, place: Place, judge: Rejudge) -> list[Claim]:
    """What is claimed of a partition, the highest position first: by its last cut that says so, and by the note.

    Neither speaks of what is behind it: a worker that goes on at the committed offset reads again what others read
    further. A partition where nothing is new has no new cut, and a worker may write cuts that claim nothing: the note
    beside the committed offset is written whenever nothing is under way.
    """
    whole = [s.cut for s in logs.cuts.get(place, []) if s.cut.settled is None and s.cut.reconciled == s.cut.position]
    made = [Claim(c.position, c.next_offset, c.marks) for c in whole]
    made = [claim for claim in made if claim.position <= judge.end]
    found = [max(made, key=lambda claim: claim[:2])] if made else []
    if (note := logs.notes.get(place)) is not None and note.position <= judge.end:
        found.append(Claim(note.position, note.judged, _marks_heard(note, logs, judge)))
    return sorted(found, key=lambda claim: claim[:2], reverse=True)


def _marks_heard(note: Note, logs: Logs, judge: Rejudge) -> Mapping[str, int]:
    """No more than the writer of the note had heard; all there are, where they change nothing of what it says."""
    low, low_waived = judge.complete_through(note.position, logs.marks)
    if note.low >= low and note.low_waived >= low_waived:
        return logs.marks
    return {feed: min(through, note.low) for feed, through in logs.marks.items()}


def held(logs: Logs, place: Place, messages: Sequence[Read], judge: Rejudge, said: Said) -> Held:
    """Each message held to the highest position that is claimed of it, however long ago it was judged.

    Facts of later had been brought to it. What has been judged again since is held to that position: a worker taken for
    dead may have stored an older word late, which its successor answered.
    """
    claimed, wrong, right = claims(logs, place, judge), dict[str, list[tuple[int, int]]](), set[str]()
    judged_to = max((s.cut.next_offset for s in logs.cuts.get(place, [])), default=0)
    lowest, unclaimed = None, 0
    for message in messages:
        claim = next((c for c in claimed if message.offset < c.next_offset), None)
        if claim is None:
            unclaimed += bool(message.accesses) and message.offset < judged_to
            continue
        lowest = claim.position if lowest is None else min(lowest, claim.position)
        for access in message.accesses:
            name = finding_id(access, message.appended_at)
            verdict = judge.judge(access, message.appended_at, position=claim.position, marks=claim.marks)
            is_right = _stands(verdict, said.get(name, ()), claim.position)
            right.add(name) if is_right else wrong.setdefault(name, []).append((message.offset, claim.position))
    # A repeat may lie at another append time, and what is said follows from one of them.
    lasting = [one for name, some in wrong.items() if name not in right for one in some]
    if lowest is None:
        lowest = 0 if unclaimed else logs.position
    return Held(lasting, lowest, unclaimed)


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
