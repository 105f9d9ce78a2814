"""Each finding against its message: whatever was ever said of it follows from that. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from schemas.access import finding_id
from schemas.finding import Finding, MessagePlace
from schemas.joined import CERTAINTIES

from .judges import Judges
from .logs import Logs, Place, Read, as_judged
from .reconciled import Said
from .rejudge import Rejudge, Verdict
from .report import Report


def check_findings(report: Report, logs: Logs, judges: Judges, transitions: Said) -> None:
    """Every transition follows from its message at its position, and its certainty from some transition's marks.

    Not only what stands: whoever was accused for a minute was accused.
    """
    places: defaultdict[Place, dict[int, Read]] = defaultdict(dict)
    for place, messages in logs.messages.items():
        places[place] = {m.offset: m for m in messages}
    for name, said in sorted(transitions.items()):
        where = f"finding {name}"
        for at in dict.fromkeys(t.message for t in said):
            if at.offset not in places[at.topic, at.partition] and _is_about_nothing(logs, at):
                report.differences.append(f"{where}: is about {at.topic}/{at.partition}/{at.offset}, which never was")
        here = [t for t in said if t.message.offset in places[t.message.topic, t.message.partition]]
        if here:
            _check_possible(report, logs, where, here, judges.now)
            report.differences += [f"{where}: {fault}" for fault in _faults(here, places, judges)]


def _faults(said: Sequence[Finding], places: Mapping[Place, Mapping[int, Read]], judges: Judges) -> list[str]:
    """What is wrong with the transitions of one finding, as far as their policies are known; each only once."""
    found: list[str] = []
    ever: set[str | None] = set()  # certainties that some transition had a right to
    is_lower = False  # than its own marks give
    judged = [(t, judges.under(t.policy.hash)) for t in said if t.position <= judges.now.end]
    for one, judge in judged:
        if judge is None:
            continue
        if one.policy != judge.ref:
            found.append("gives its policy another name or version")
        verdict = _rejudged(one, places, judge)
        if verdict is None:
            found.append("its message says something else")
            continue
        ever.add(verdict.certainty)
        is_lower |= verdict.certainty is not None and CERTAINTIES.index(one.certainty) < CERTAINTIES.index(
            verdict.certainty
        )
        due = verdict.outcome, verdict.staff, verdict.clause, verdict.severity, verdict.flags
        if due != (one.outcome, one.staff, one.clause, one.severity, one.flags):
            found.append(f"another verdict follows from its message at position {one.position}")
    is_known = all(judge is not None for _, judge in judged)
    if is_known and not found and (is_lower or any(one.certainty not in ever for one, _ in judged)):
        found.append("its marks give it another certainty")
    return list(dict.fromkeys(found))


def _check_possible(report: Report, logs: Logs, where: str, transitions: Sequence[Finding], judge: Rejudge) -> None:
    """Whether somebody can have known what each transition rests on."""
    for feed in sorted({feed for t in transitions for feed in logs.never_given(t.marks)}):
        report.differences.append(f"{where}: rests on a mark that {feed} never gave")
    if (position := max(t.position for t in transitions)) > judge.end:
        report.differences.append(f"{where}: judged at position {position}, facts end at {judge.end}")


def _is_about_nothing(logs: Logs, at: MessagePlace) -> bool:
    """Whether a message that was not read cannot have been there.

    It may be past its retention, or of before what was read: a finding outlives it. Or it came since the messages were
    read, and before the findings were.
    """
    place = at.topic, at.partition
    messages = logs.messages.get(place)
    read_to = messages[-1].offset + 1 if messages else logs.begin(place)
    return logs.begin(place) <= at.offset < read_to or at.offset >= logs.end(place)


def _rejudged(finding: Finding, places: Mapping[Place, Mapping[int, Read]], judge: Rejudge) -> Verdict | None:
    """The verdict that follows where a transition says it does; None: its message holds no such access."""
    at = finding.message
    message = places[at.topic, at.partition].get(at.offset)
    if message is None:
        return None
    accesses, name, appended_at = as_judged(message).accesses, finding.finding_id, message.appended_at
    access = next((a for a in accesses if finding_id(a, appended_at) == name), None)
    if access is None:
        return None
    return judge.judge(access, message.appended_at, position=finding.position, marks=finding.marks)
