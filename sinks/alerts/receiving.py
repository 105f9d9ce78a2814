"""What a message of `violations.v1` does to the alerts: values in, acts to write out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from schemas.access import Access
from schemas.act import Added, Body, OfFinding, Raised, Reopened, Revised, Supplemented, Withdrawn
from schemas.alert import Alert
from schemas.finding import Finding, MessagePlace
from sinks.joined import State, join

from .folding import is_standing
from .grouping import Group, alert_id, group_of, group_of_alert
from .severity import OUTCOMES, SEVERITIES, severity_of

WORSE: Final = "A finding of this alert says more than when it was closed."
LIGHTER: Final = "A finding on which this was confirmed no longer says so."
BACK: Final = "A finding that had been withdrawn stands again."


class Alerts(Protocol):
    """The alerts as they are, as far as one message needs them."""

    def alert(self, alert_id: str) -> Alert | None:
        """The alert of this id."""

    def secret(self) -> bytes:
        """What the ids of alerts are made with."""

    def open_alert(self, group: Group) -> Alert | None:
        """The alert of this group that is not closed; of several the newest by `opened_at`, then id."""

    def told_before(self, group: Group, access: Access) -> Known | None:
        """A finding of this access in a closed alert of this group; of several the one that weighs most, then by id."""


@dataclass(frozen=True, slots=True)
class Known:
    """The alert in which a finding is, and what the last act about it carried."""

    alert: Alert
    body: OfFinding


@dataclass(frozen=True, slots=True)
class Draft:
    """An act by the service that is still to be written: on which alert, and what."""

    alert_id: str
    body: Body


def received(alerts: Alerts, known: Known | None, finding: Finding, place: MessagePlace) -> list[Draft]:
    """The acts that one transition makes, in order; none when it changes nothing.

    `known`: where the finding is, None when it is new. A message read again changes nothing, whatever was read since:
    the state of a finding is a join (design section 7).
    """
    after = State(finding, finding.certainty)
    if known is None:
        return _elsewhere(alerts, Said(after, place))
    before = State(known.body.finding, known.body.certainty)
    after = join(before, after)
    if after == before:
        return []
    said = Said(after, known.body.place if after.newest == before.newest else place)
    if stays(known.alert, after.newest):
        return _in_place(known, said, moved_to=None)
    there = _elsewhere(alerts, said)
    return [*_in_place(known, said, moved_to=there[0].alert_id), *there]


@dataclass(frozen=True, slots=True)
class Said:
    """A finding's joined state, and where the transition that stands lies."""

    state: State
    place: MessagePlace


def stays(alert: Alert, finding: Finding) -> bool:
    """Whether a finding of this alert still belongs to it. One that is withdrawn accuses nobody else."""
    return finding.outcome == "explained" or group_of(finding) == group_of_alert(alert)


def calls_for_review(alert: Alert, before: OfFinding, after: OfFinding) -> str | None:
    """Why a closed alert needs a person again because one of its findings changed; None when it does not.

    More to answer for than was known when somebody let it be, or less than was known when somebody was confirmed.
    """
    was, now = _weight(before), _weight(after)
    if alert.disposition == "confirmed":
        return LIGHTER if now < was else None
    if now <= was:
        return None
    return WORSE if alert.disposition is not None else BACK


def _weight(body: OfFinding) -> tuple[int, int]:
    """How grave it is, and, where that is the same, how little explains it."""
    if not is_standing(body):
        return (-1, -1)
    return SEVERITIES.index(severity_of(body.finding)), OUTCOMES.index(body.finding.outcome)


def _in_place(known: Known, said: Said, *, moved_to: str | None) -> list[Draft]:
    alert, before = known.alert, known.body
    kind = Supplemented if alert.is_touched else Revised
    name = "supplemented" if alert.is_touched else "revised"
    body = kind(kind=name, moved_to=moved_to, **_carried(said))
    drafts: list[Body] = [body]
    if alert.status == "closed":
        if (why := calls_for_review(alert, before, body)) is not None:
            drafts.append(Reopened(kind="reopened", why=why))
    elif not alert.is_touched and alert.standing == is_standing(before) and not is_standing(body):
        drafts.append(Withdrawn(kind="withdrawn"))
    return [Draft(alert.alert_id, d) for d in drafts]


def _elsewhere(alerts: Alerts, said: Said) -> list[Draft]:
    """The finding comes to an alert in which it is not: back to one, to an open one of its group, or to its own."""
    finding = said.state.newest
    group = group_of(finding)
    name = alert_id(alerts.secret(), group, finding.finding_id)
    alert = alerts.alert(name)
    if alert is None and (told := _told_before(alerts, group, finding)) is not None:
        return [Draft(told.alert.alert_id, d) for d in _told_again(told, said)]
    alert = alert or alerts.open_alert(group)
    if alert is None:
        drafts: list[Body] = [Raised(kind="raised", **_carried(said))]
        if finding.outcome == "explained":  # first heard of when it had been withdrawn: nobody need look
            drafts.append(Withdrawn(kind="withdrawn"))
        return [Draft(name, d) for d in drafts]
    return [Draft(alert.alert_id, d) for d in _come_to(alert, said)]


def _told_before(alerts: Alerts, group: Group, finding: Finding) -> Known | None:
    """Where a person has decided on this access already, of which its source tells once more.

    Of the same moment only: a source that gives an id to several accesses, against its contract, hides none of them.
    """
    told = alerts.told_before(group, finding.access)
    if told is None or told.alert.disposition is None:
        return None
    return told if told.body.finding.access.occurred_at == finding.access.occurred_at else None


def _told_again(told: Known, said: Said) -> list[Body]:
    """It is filed there, and nobody is accused of it anew unless it says more than what was decided on."""
    body = Supplemented(kind="supplemented", moved_to=None, **_carried(said))
    if told.alert.disposition != "confirmed" and _weight(body) > _weight(told.body):
        return [body, Reopened(kind="reopened", why=WORSE)]
    return [body]


def _come_to(alert: Alert, said: Said) -> list[Body]:
    if alert.is_touched:
        body: Body = Supplemented(kind="supplemented", moved_to=None, **_carried(said))
    elif alert.status == "closed":
        body = Revised(kind="revised", moved_to=None, **_carried(said))
    else:
        return [Added(kind="added", **_carried(said))]
    if alert.status == "closed":
        return [body, Reopened(kind="reopened", why=BACK)]
    return [body]


def _carried(said: Said) -> dict[str, object]:
    return {"finding": said.state.newest, "certainty": said.state.certainty, "place": said.place}
