"""What an alert, and each of its acts, says in one sentence. Pure; nothing here tells whose record it was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from typing import Final, assert_never

from schemas.access import Action, Record
from schemas.act import Act, Body, Disposition, LookedBack, OfFinding
from schemas.alert import Alert, Who
from schemas.finding import Finding, Outcome
from sinks.alerts.grouping import NOBODY_NAMED, is_file, record_of, who_of
from sinks.alerts.severity import TOLD, is_claimed
from streams.policy.sentences import DID

from .documents import AlertDocument

TIMES: Final = {1: "once", 2: "twice"}
_OUTCOMES: Final[dict[Outcome, str]] = {
    "explained": "a duty explains it by now",
    "late": "the duty that explains it was written down too late",
    "revoked": "the duty that explained it was taken back since",
    "unexplained": "no recorded duty explains it",
    "unresolved": "no recorded fact names that record",  # of a staff member; else see _nobody
}
_NOBODY_NAMED: Final = "no record was named, so no duty can be compared with it"
_MOMENTS: Final = re.compile(r"(?<=ended |began )[0-9]{1,3} milliseconds?(?= before$| after$)")
_PEOPLE: Final = re.compile(r": that login is ([0-9]{1,4}) people at ")  # as streams.policy.explain writes it
DISPOSITIONS: Final[dict[Disposition, str]] = {
    "justified": "justified",
    "confirmed": "a confirmed violation",
    "policy_unclear": "policy unclear",
    "data_error": "an error in the data",
}


def times(count: int) -> str:
    """ "once", "twice", "3 times"."""
    return TIMES.get(count, f"{count} times")


def who_words(who: Who) -> str:
    """Whom it is about."""
    return who.staff or f"login {who.login} at {who.source}"


def record_words(record: Record, mask: str) -> str:
    """ "case #7f3a90": the kind of a record, and its mask or name."""
    if record == NOBODY_NAMED:
        return "criteria that led to nobody"
    return f"a file of people {mask}" if is_file(record) else f"{record.kind} {mask}"


def alert_sentence(alert: Alert, record: str) -> str:
    """Who did what to whose record; `record` in words, masked or not.

    What somebody else did, and says they were asked for by this person, is told as that.
    """
    done: Counter[Action] = Counter()
    claimed = 0
    for tally in alert.tallies:
        if tally.is_claimed:
            claimed += tally.count
        else:
            done[tally.action] += tally.count
    who, named = who_words(alert.who), "was named" + (f" {times(claimed)}" if claimed > 1 else "") + " as who asked for"
    if not done:
        return f"{who} {named} {record}" if claimed else f"{who} and {record}: nothing stands any more"
    return f"{who} {_done_words(done, record)}" + (f", and {named} it" if claimed else "")


def _done_words(done: Counter[Action], record: str) -> str:
    if len(done) == 1:
        [(action, count)] = done.items()
        return f"{DID[action]} {record}" + (f" {times(count)}" if count > 1 else "")
    parts = [DID[action] + (f" {times(count)}" if count > 1 else "") for action, count in done.most_common()]
    return ", ".join(parts[:-1]) + " and " + parts[-1] + f" {record}"


def why_words(alert: Alert) -> str:
    """Why it is an alert: what the facts say, and the duty that came closest."""
    shared = {"shared-login" in tally.flags for tally in alert.tallies if tally.outcome == alert.outcome}
    words = _outcome(alert.outcome, alert.who, shared, alert.record)
    return f"{words}: {near_words(alert.why)}" if alert.why and alert.outcome != "explained" else words


def near_words(why: str) -> str:
    """What came closest, for people: "began 1 millisecond after" looks like a mistake, and is not what matters."""
    return _MOMENTS.sub("less than a second", why)


def finding_words(finding: Finding) -> str:
    """Why it is a finding: the judge's own reason, without whose login and whose record it was."""
    who = who_of(finding)
    people = _PEOPLE.search(finding.reason)
    number, record = people[1] if people else "several", record_of(finding.access)
    return _outcome(finding.outcome, who, {"shared-login" in finding.flags}, record, number)


def _outcome(outcome: Outcome, who: Who, shared: Collection[bool], record: Record, people: str = "several") -> str:
    if outcome != "unresolved" or who.staff is not None:
        return _NOBODY_NAMED if (outcome, record) == ("unresolved", NOBODY_NAMED) else _OUTCOMES[outcome]
    if shared == {True}:
        return f"that login is {people} people at {who.source} then, and no duty explains it for all of them"
    also = ", or several people," if True in shared else ""
    return f"that login is no staff member known{also} at {who.source} then"


def person_words(staff: str, login: str | None) -> str:
    """Somebody who acts here: by the sign-in that colleagues know, and the staff id that facts and findings name."""
    return staff if login is None else f"{login} ({staff})"


def extra_words(alert: AlertDocument) -> str:
    """What else a row says of an alert: how many findings, how sure, under which circumstances, and what is owed."""
    parts = [_findings_words(alert)] if alert.standing > 1 else []
    parts += [alert.certainty] if alert.certainty != "final" and alert.standing else []
    parts += [TOLD[name] for name in alert.circumstances]
    parts += [f"{alert.shown} other{'s' if alert.shown > 1 else ''} shown"] if alert.shown else []
    parts += [f"owed: {one.obligation}" for one in alert.owed if one.reference is None]
    return " · ".join(parts)


def _findings_words(alert: AlertDocument) -> str:
    words = f"{alert.standing} findings"
    return words if alert.accesses == alert.standing else f"{words} of {_accesses(alert.accesses)}"


def _accesses(count: int) -> str:
    return f"{count} access{'' if count == 1 else 'es'}"


def told_again_words(alert: AlertDocument) -> str:
    """Where several findings tell of one access: that they do, and that this is nothing done twice."""
    if alert.accesses == alert.standing:
        return ""
    return (
        f"{alert.standing} findings tell of {_accesses(alert.accesses)}: an event came again with other content, or "
        "one person is named as who did it and as who asked. Each access counts once."
    )


def act_words(act: Act) -> str:
    """What was done, for a history."""
    by = person_words(act.by.staff, act.by.login) if act.by else "Need to Know"
    return f"{by} {did_words(act.body)}"


def did_words(body: Body) -> str:
    """What was done, of whoever did it."""
    if isinstance(body, OfFinding):
        return _of_finding(body)
    match body.kind:
        case "withdrawn":
            return "closed it: none of its findings stands, and nobody had touched it"
        case "acknowledged":
            return "took it"
        case "released":
            return f"gave it back: {body.why}"
        case "closed":
            asked = "; the Law Department is to say whether it is prosecuted" if body.refer else ""
            return f"closed it as {DISPOSITIONS[body.disposition]}: {body.why}{asked}"
        case "reopened":
            return f"opened it again: {body.why}"
        case "noted":
            return f"wrote: {body.text}"
        case "revealed":
            return f"revealed whose record it is: {body.why}"
        case "exported":
            return f"took a copy away: {body.why}"
        case "looked_back":
            return _looked_back(body)
        case "recorded":
            return f"recorded the {body.obligation}: {body.reference}"
        case _:
            assert_never(body)


def _looked_back(body: LookedBack) -> str:
    many = f"{body.counted or 'no'} earlier access{'es' if body.counted > 1 else ''}"
    part = f" (part {body.part} of {body.parts})" if body.parts > 1 else ""
    return f"looked back: {many} of that record{part}"


def _of_finding(body: OfFinding) -> str:
    access = body.finding.access
    did = "was named as who asked for" if is_claimed(access) else DID[access.action]
    what = f"{did} it: {finding_words(body.finding)} ({body.certainty})"
    match body.kind:  # type: ignore[attr-defined]
        case "raised":
            return f"raised it, since {body.finding.staff or 'a login'} {what}"
        case "added":
            return f"added that {body.finding.staff or 'the login'} {what}"
        case "revised":
            return f"heard more of a finding: {finding_words(body.finding)} ({body.certainty})"
        case _:
            return f"filed a supplement: {finding_words(body.finding)} ({body.certainty})"
