"""Each finding against its message: the verdict that stands follows from it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from schemas.access import finding_id
from schemas.finding import Finding
from schemas.joined import CERTAINTIES

from .judges import Judges
from .logs import Logs, Place, Read, as_judged
from .reconciled import Said
from .rejudge import Rejudge, Verdict
from .report import Report


def check_findings(
    report: Report, logs: Logs, judges: Judges, states: Mapping[str, Finding], transitions: Said
) -> None:
    """Each standing state follows from its message at its position, and its certainty from some transition's marks."""
    places: defaultdict[Place, dict[int, Read]] = defaultdict(dict)
    for place, messages in logs.messages.items():
        places[place] = {m.offset: m for m in messages}
    for name, finding in sorted(states.items()):
        where = f"finding {name}"
        at = finding.message
        if at.offset not in places[at.topic, at.partition]:
            if _is_about_nothing(logs, (at.topic, at.partition), at.offset):
                report.differences.append(f"{where}: is about {at.topic}/{at.partition}/{at.offset}, which never was")
            continue
        _check_possible(report, logs, where, transitions[name], judges.now)
        judge = judges.under(finding.policy.hash)
        if finding.position > judges.now.end or judge is None:
            continue
        if finding.policy != judge.ref:
            report.differences.append(f"{where}: gives its policy another name or version")
        verdict = _rejudged(finding, places, judge)
        if verdict is None:
            report.differences.append(f"{where}: its message says something else")
            continue
        said = (finding.outcome, finding.staff, finding.clause, finding.severity, finding.flags)
        if said != (verdict.outcome, verdict.staff, verdict.clause, verdict.severity, verdict.flags):
            report.differences.append(
                f"{where}: another verdict follows from its message at position {finding.position}"
            )
        elif _is_other_certainty(finding, verdict, transitions[name], places, judges):
            report.differences.append(f"{where}: its marks give it another certainty")


def _check_possible(report: Report, logs: Logs, where: str, transitions: Sequence[Finding], judge: Rejudge) -> None:
    """Whether somebody can have known what each transition rests on."""
    for feed in sorted({feed for t in transitions for feed in logs.never_given(t.marks)}):
        report.differences.append(f"{where}: rests on a mark that {feed} never gave")
    if (position := max(t.position for t in transitions)) > judge.end:
        report.differences.append(f"{where}: judged at position {position}, facts end at {judge.end}")


def _is_about_nothing(logs: Logs, place: Place, offset: int) -> bool:
    """Whether a message that was not read cannot have been there.

    It may be past its retention, or of before what was read: a finding outlives it. Or it came since the messages were
    read, and before the findings were.
    """
    messages = logs.messages.get(place)
    read_to = messages[-1].offset + 1 if messages else logs.begin(place)
    return logs.begin(place) <= offset < read_to or offset >= logs.end(place)


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


def _is_other_certainty(
    finding: Finding,
    newest: Verdict,
    transitions: Sequence[Finding],
    places: Mapping[Place, Mapping[int, Read]],
    judges: Judges,
) -> bool:
    """Whether it is not the highest that any transition had a right to, as far as the policies of all are known.

    Seldom any but the newest must be judged again.
    """
    if newest.certainty == CERTAINTIES[-1]:
        return finding.certainty != newest.certainty
    by = [(t, judges.under(t.policy.hash)) for t in transitions if t.position <= judges.now.end]
    verdicts = [_rejudged(t, places, judge) for t, judge in by if judge is not None]
    ever = [v.certainty for v in verdicts if v is not None and v.certainty is not None]
    is_known = all(judge is not None for _, judge in by)
    return is_known and finding.certainty != max(ever, key=CERTAINTIES.index, default=None)
