"""Which findings make one alert: those of one staff member, one record and one clause, while the alert is open.

A search that led to one person only is about that person, by whatever criteria (ADR 27): 1,700 look-ups of somebody are
one alert, and so are the views of them. Two kinds of searches are looked at as one thing, whatever records they name:
those that named nobody, and all lines of one file of people that was handed in to be searched for.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NamedTuple

from schemas.access import Access, Record
from schemas.alert import Alert, Who
from schemas.finding import Finding

from .parties import Party


class Group(NamedTuple):
    """What the findings of an alert have in common."""

    who: str
    record: str
    clause: str


NOBODY_NAMED: Final = Record(kind="criteria", id="nobody-named")
"""What alerts about searches are about that led to no record: there is none, whatever the criteria were."""
MEANT_MAX: Final = 3
"""Candidates of a search that still mean somebody; a longer list is of people whom nobody was looking for."""
_FILE: Final = "file-"


def record_of(access: Access) -> Record:
    """What an alert about this access is about."""
    if access.action == "search" and access.batch_id is not None:
        name = hashlib.sha256(f"{access.source}\x1f{access.batch_id}".encode()).hexdigest()[:16]
        return Record(kind="criteria", id=f"{_FILE}{name}")
    if access.record.kind != "criteria":
        return access.record
    if not access.candidates:
        return NOBODY_NAMED
    first, *others = set(access.candidates)
    # A search at the console may lead to an alert that is about criteria itself: that is nobody, either.
    return access.record if others or first.kind == "criteria" else first


def meant(access: Access) -> tuple[Record, ...]:
    """Whom somebody was after: the record that was named, and the few people to whom criteria led."""
    candidates = access.candidates or ()
    return (access.record, *(candidates if len(set(candidates)) <= MEANT_MAX else ()))


def is_file(record: Record) -> bool:
    """Whether an alert is about a file of people."""
    return record.kind == "criteria" and record.id.startswith(_FILE)


def who_of(finding: Finding) -> Who:
    """Whom a finding is about. A login that is nobody's, or two people's, stands for itself at its source."""
    if finding.staff is not None:
        return Who(staff=finding.staff)
    return Who(source=finding.access.source, login=finding.access.actor)


def group_of(finding: Finding) -> Group:
    """The group of a finding as it stands."""
    return _group(who_of(finding), record_of(finding.access), finding.clause)


def group_of_alert(alert: Alert) -> Group:
    """The group that an alert was made for."""
    return _group(alert.who, alert.record, alert.clause)


def who_is(party: Party) -> str | None:
    """The `who` of the groups that are this party's own; None: a data subject has none."""
    return {"actor": f"staff {party.name}", "login": f"login {party.name}", "data_subject": None}[party.relation]


def alert_id(secret: bytes, group: Group, finding_id: str) -> str:
    """`a_` and 32 hex digits of HMAC-SHA-256 over the group and the finding that raised it, joined by 0x1F.

    A finding that has left an alert and comes back finds it so. The installation's secret keeps whoever sees the id,
    and not the record, from trying all records there are until one fits.
    """
    return "a_" + hmac.digest(secret, "\x1f".join((*group, finding_id)).encode(), "sha256").hex()[:32]


def _group(who: Who, record: Record, clause: str) -> Group:
    # Ids have no spaces, so no two of these are spelled alike.
    name = f"staff {who.staff}" if who.staff is not None else f"login {who.source} {who.login}"
    return Group(name, f"{record.kind} {record.id}", clause)
