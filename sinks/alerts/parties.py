"""Whom an alert must be kept from: the people its findings are about, by what the findings say of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from schemas.access import Access
from schemas.finding import Finding
from schemas.topics import CONSOLE

_ALERT_ID: Final = re.compile(r"a_[0-9a-f]{32}")

Relation = Literal["actor", "login", "data_subject"]


class Party(NamedTuple):
    """`name`: of an actor or data subject the staff id; of a login "source login", resolved when somebody asks."""

    relation: Relation
    name: str


def parties(finding: Finding) -> frozenset[Party]:
    """Everybody whom a finding is about: who acted, for whom they did, and whose record it was.

    Logins stay logins: to whom one belongs may become known, or change, after the finding. Whom the alerts are about at
    which somebody has looked here is in none of it: `watched` names them.
    """
    return frozenset(_parties(finding))


def _parties(finding: Finding) -> Iterator[Party]:
    access = finding.access
    if finding.staff is not None:
        yield Party("actor", finding.staff)
    for login in (access.actor, access.requested_for, access.operator):
        if login is not None:
            yield Party("login", f"{access.login_source} {login}")
    for record in (access.record, *(access.candidates or ())):
        if record.kind == "staff":
            yield Party("data_subject", record.id)


def watched(access: Access) -> tuple[str, ...]:
    """The alerts at which somebody has looked, of an access at the console.

    What is found of them there tells that there is an alert: so it is kept from whomever that is kept from. Only the
    console's own words count: those of a search, and no reason that somebody gave for a look.
    """
    if access.source != CONSOLE:
        return ()
    found = access.purpose.text if access.action == "search" and access.purpose is not None else None
    return tuple(_ALERT_ID.findall(f"{access.event_id} {found or ''}"))
