"""What a worker claims to have said, held to it: at that position all before it stood published as it had to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.access import Access, finding_id
from schemas.finding import Finding
from schemas.joined import CERTAINTIES
from schemas.ledger import Note
from schemas.topics import source_of

from .judges import Judges
from .logs import Logs, Place, Read
from .rejudge import Rejudge, joined

Said = Mapping[str, Sequence[Finding]]
"""All transitions of each finding."""


class Claim(NamedTuple):
    """At `position`, by these marks, all that was due about the messages before `next_offset` had been said.

    `judges`: under the policy of one of them; a note does not say under which.
    """

    position: int
    next_offset: int
    marks: Mapping[str, int]
    judges: tuple[Rejudge, ...]


class Held(NamedTuple):
    """How a partition stands against what was claimed of it.

    `wrong`: offsets about whose accesses something else was published than was due, and the position at which it was.
    `position`: the lowest that any message was held to; 0: none was. `unclaimed`: judged messages held to none.
    """

    wrong: list[tuple[int, int]]
    position: int
    unclaimed: int


def claims(logs: Logs, place: Place, judges: Judges) -> list[Claim]:
    """What is claimed of a partition, the highest position first: by its last cut that says so, and by the note.

    Neither speaks of what is behind it: a worker that goes on at the committed offset reads again what others read
    further. A partition where nothing is new has no new cut, and a worker may write cuts that claim nothing: the note
    beside the committed offset is written whenever nothing is under way.
    """
    cuts = [stored.cut for stored in logs.cuts.get(place, [])]
    whole = [c for c in cuts if c.settled is None and c.reconciled == c.position <= judges.now.end]
    made = [
        Claim(c.position, c.next_offset, c.marks, (judge,))
        for c in whole
        if (judge := judges.under(c.policy)) is not None
    ]
    found = [max(made, key=lambda claim: claim[:2])] if made else []
    if (note := logs.notes.get(place)) is not None and note.position <= judges.now.end:
        last = judges.under(cuts[-1].policy) if cuts else judges.now
        if last is not None:
            either = (last,) if last is judges.now else (judges.now, last)
            found.append(Claim(note.position, note.judged, _marks_heard(note, place, logs, last), either))
    return sorted(found, key=lambda claim: claim[:2], reverse=True)


def _marks_heard(note: Note, place: Place, logs: Logs, judge: Rejudge) -> Mapping[str, int]:
    """No more than the writer of the note had heard; all there are, where they change nothing of what it says."""
    low, low_waived = judge.complete_through(source_of(place[0]), note.position, logs.marks)
    if note.low >= low and note.low_waived >= low_waived:
        return logs.marks
    return {feed: min(through, note.low) for feed, through in logs.marks.items()}


def held(logs: Logs, place: Place, messages: Sequence[Read], judges: Judges, said: Said) -> Held:
    """Each message held to the highest position that is claimed of it, however long ago it was judged.

    Facts of later had been brought to it. What has been judged again since is held to that position: a worker taken for
    dead may have stored an older word late, which its successor answered. What lies behind the index has not been
    judged again since the policy changed: any that was in force here will do.
    """
    ever = {s.cut.policy for s in logs.cuts.get(place, [])}
    before = tuple(judge for name in sorted(ever) if (judge := judges.under(name)) is not None)
    claimed, wrong, right = claims(logs, place, judges), dict[str, list[tuple[int, int]]](), set[str]()
    judged_to = max((s.cut.next_offset for s in logs.cuts.get(place, [])), default=0)
    lowest, unclaimed = None, 0
    for message in messages:
        claim = next((c for c in claimed if message.offset < c.next_offset), None)
        if claim is None:
            unclaimed += bool(message.accesses) and message.offset < judged_to
            continue
        lowest = claim.position if lowest is None else min(lowest, claim.position)
        if message.appended_at < logs.indexed_since:
            claim = claim._replace(judges=(*claim.judges, *(judge for judge in before if judge not in claim.judges)))
        for access in message.accesses:
            name = finding_id(access, message.appended_at)
            is_right = any(_stands(claim, judge, access, message, said.get(name, ())) for judge in claim.judges)
            right.add(name) if is_right else wrong.setdefault(name, []).append((message.offset, claim.position))
    # A repeat may lie at another append time, and what is said follows from one of them.
    lasting = [one for name, some in wrong.items() if name not in right for one in some]
    if lowest is None:
        lowest = 0 if unclaimed else logs.position
    return Held(lasting, lowest, unclaimed)


def _stands(claim: Claim, judge: Rejudge, access: Access, message: Read, transitions: Sequence[Finding]) -> bool:
    here = claim.position, judge.ref.version, judge.ref.hash
    if any((t.position, t.policy.version, t.policy.hash) > here for t in transitions):
        return True  # judged again since, or nobody may contradict it here (ADR 19)
    verdict = judge.judge(access, message.appended_at, position=claim.position, marks=claim.marks)
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
