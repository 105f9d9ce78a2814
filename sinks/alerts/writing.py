"""How acts are written: decided by the pure parts, linked, projected, in one transaction of whatever store there is."""

from __future__ import annotations

from typing import Protocol

from schemas.access import Access
from schemas.act import Act, Actor, Body, OfFinding
from schemas.alert import Alert
from schemas.errors import NeedToKnowError
from schemas.finding import Finding, MessagePlace

from .chain import Head, linked
from .commanding import Command, refuse
from .folding import fold
from .grouping import Group
from .receiving import Known, received
from .telling import NOTHING, Telling


class Writing(Protocol):
    """One transaction: it sees all that was written before, and nobody else writes until it ends."""

    def head(self) -> Head:
        """The newest act of all."""

    def alert(self, alert_id: str) -> Alert | None:
        """The alert of this id."""

    def secret(self) -> bytes:
        """What the ids of alerts are made with."""

    def open_alert(self, group: Group) -> Alert | None:
        """The alert of this group that is not closed; of several the newest by `opened_at`, then id."""

    def told_before(self, group: Group, access: Access) -> Known | None:
        """A finding of this access in a closed alert of this group; of several the one that weighs most, then by id."""

    def known(self, finding_id: str) -> Known | None:
        """Where a finding is."""

    def beside(self, alert_id: str, finding: Finding) -> Telling:
        """What weighs most of an alert's other findings of the same access; NOTHING: there is none that stands."""

    def by_key(self, staff: str, key: str) -> Act | None:
        """The act that this person's command with this key has become."""

    def append(self, act: Act, head: Head) -> None:
        """Keep an act for ever."""

    def put(self, act: Act, alert: Alert) -> None:
        """Make the alert, and the finding that the act is about, what the act has made of them."""


class KeyReusedError(NeedToKnowError):
    """This key was used for another command; whoever sent it must choose a new one."""


class NoSuchAlertError(NeedToKnowError):
    """There is no such alert, or whoever asks must not know of it."""


def hear(writing: Writing, finding: Finding, place: MessagePlace, at: int) -> list[Act]:
    """Writes what one transition does to the alerts; nothing when it was heard before. `at`: UTC milliseconds."""
    drafts = received(writing, writing.known(finding.finding_id), finding, place)
    return [write(writing, d.alert_id, d.body, at=at)[0] for d in drafts]


def act_on(writing: Writing, alert_id: str, command: Command, at: int) -> tuple[Act, Alert]:
    """Writes what a person does; of several acts the last carries the key. `at`: UTC milliseconds.

    Sent again with its key it changes nothing and returns the same act. Raises NoSuchAlertError, KeyReusedError, and
    what `refuse` raises.
    """
    alert = writing.alert(alert_id)
    if alert is None:
        raise NoSuchAlertError("there is no such alert")
    actor, key, expected = command.actor, command.key, command.expected
    if key is not None and (done := writing.by_key(actor.staff, key)) is not None:
        if done.alert_id != alert_id or done.body != command.bodies[-1]:
            raise KeyReusedError("this key was used for another command")
        return done, alert
    for body in command.bodies[:-1]:
        refuse(alert, actor, body, expected=expected)
        _, alert = write(writing, alert_id, body, at=at, by=actor)
        expected = None
    refuse(alert, actor, command.bodies[-1], expected=expected)
    return write(writing, alert_id, command.bodies[-1], at=at, by=actor, key=key)


def write(
    writing: Writing, alert_id: str, body: Body, *, at: int, by: Actor | None = None, key: str | None = None
) -> tuple[Act, Alert]:
    """Links one act to the chain, keeps it, and brings the alert up to date."""
    alert = writing.alert(alert_id)
    version = alert.version + 1 if alert else 1
    act, head = linked(writing.head(), alert_id=alert_id, version=version, at=at, by=by, key=key, body=body)
    after = project(writing, act, alert)
    writing.append(act, head)
    return act, after


def project(writing: Writing, act: Act, alert: Alert | None) -> Alert:
    """Brings the alert up to date with an act that is kept; `alert` as it was before."""
    before, beside = None, NOTHING
    if alert is not None and isinstance(act.body, OfFinding):
        before = _here(writing, act.alert_id, act.body.finding)
        if alert.findings > (before is not None):
            beside = writing.beside(act.alert_id, act.body.finding)
    after = fold(alert, act, before, beside)
    writing.put(act, after)
    return after


def _here(writing: Writing, alert_id: str, finding: Finding) -> OfFinding | None:
    """What a finding has said in this alert until now; None: it is new to it."""
    known = writing.known(finding.finding_id)
    return known.body if known is not None and known.alert.alert_id == alert_id else None
