"""Everything `facts.v1` has said up to a position, indexed for the questions that judging asks."""

from __future__ import annotations

from collections import defaultdict
from enum import Enum
from typing import NamedTuple

from schemas.fact import (
    Account,
    Assignment,
    Body,
    Coverage,
    Membership,
    RegisteredFact,
    Supervision,
    UnitMember,
    Waiver,
)

from .facts import History, RecordKey, Revision, login_key, record_key, revision_of, staff_key
from .plain import PlainDuties

Index = defaultdict[str, list[History]]


class Learned(Enum):
    """What became of one message of `facts.v1`."""

    NEW = "new"
    REPEAT = "repeat"
    CONFLICT = "conflict"
    """The same revision with other content, or another kind: the first in the log stands."""


class Change(NamedTuple):
    """A revision that was new, and the fact it is of."""

    history: History
    revision: Revision


class Knowledge:
    """All facts below `position` (the next offset of `facts.v1`). One writer: whoever reads the log, in order.

    `grace_ms`: the policy's, for `plain`. With less, more accesses are looked at closely; no verdict differs.
    """

    def __init__(self, grace_ms: int = 0) -> None:
        self.position = 0
        self.waivers: dict[str, int] = {}
        self.facts: dict[tuple[str, str], History] = {}
        self.assigned: Index = defaultdict(list)  # record key + " " + staff -> assignments of that staff member
        self.units_assigned: Index = defaultdict(list)  # record key -> assignments of units
        self.memberships: Index = defaultdict(list)  # record key -> what it is within
        self.members: Index = defaultdict(list)  # record key -> what is within it
        self.units: Index = defaultdict(list)  # staff -> units
        self.below: Index = defaultdict(list)  # supervisor -> supervised
        self.above: Index = defaultdict(list)  # supervised -> supervisor
        self.stands_in: Index = defaultdict(list)  # covering -> covered
        self.stood_in_for: Index = defaultdict(list)  # covered -> covering
        self.accounts: Index = defaultdict(list)  # login key -> staff
        self.logins_of: Index = defaultdict(list)  # staff -> accounts
        self.naming: Index = defaultdict(list)  # record key -> facts that name it
        self.plain = PlainDuties(grace_ms)

    def waive(self, offset: int, waiver: Waiver) -> None:
        """Take in a waiver; the highest of a feed counts."""
        self.position = offset + 1
        self.waivers[waiver.feed] = max(waiver.through, self.waivers.get(waiver.feed, waiver.through))

    def skip(self, offset: int) -> None:
        """Pass a message that says nothing."""
        self.position = offset + 1

    def learn(self, offset: int, fact: RegisteredFact) -> tuple[Learned, Change | None]:
        """Take in the fact at this offset of the log; the change is there when it was new."""
        self.position = offset + 1
        revision = revision_of(fact)
        history = self.facts.get((fact.feed, fact.fact_id))
        if history is None:
            history = History(fact.feed, fact.fact_id, revision)
            self.facts[fact.feed, fact.fact_id] = history
            self._index(history, revision.body)
            self._summarize(revision.body)
            return Learned.NEW, Change(history, revision)
        if history.kind != fact.body.kind:
            return Learned.CONFLICT, None
        if (known := history.find(fact.revision)) is not None:
            # `known_from` is register's stamp, not content: a fact registered twice may carry a later one.
            same = known._replace(known_from=revision.known_from) == revision
            return (Learned.REPEAT if same else Learned.CONFLICT), None
        self._revise(history, revision)
        return Learned.NEW, Change(history, revision)

    def _revise(self, history: History, revision: Revision) -> None:
        bodies = [r.body for r in history.all()]
        if revision.body not in bodies:
            self._index(history, revision.body)
        history.add(revision)
        for body in (*bodies, revision.body):
            self._summarize(body)

    def _index(self, history: History, body: Body) -> None:
        for index, key in self._places(body):
            if history not in index[key]:
                index[key].append(history)
        for name in names(body):
            if history not in self.naming[name]:
                self.naming[name].append(history)

    def _summarize(self, body: Body) -> None:
        """Bring the plain forms up to date of what this body is found under."""
        match body:
            case Assignment(staff=str(staff), record=record):
                key = f"{record_key(record)} {staff}"
                tops = [h.top for h in self.assigned[key]]
                self.plain.set_duties(record, staff, [t for t in tops if not t.is_void and _is_under(t.body, key)])
            case Account(source=source, login=login):
                key = login_key(source, login)
                tops = [h.top for h in self.accounts[key]]
                only = tops[0].body if len(tops) == 1 and not tops[0].is_void else None
                if isinstance(only, Account) and login_key(only.source, only.login) == key:
                    self.plain.set_login(source, login, only.staff, tops[0])
                else:
                    self.plain.drop_login(source, login)

    def _places(self, body: Body) -> list[tuple[Index, str]]:
        match body:
            case Assignment(staff=str(staff), record=record):
                return [(self.assigned, f"{record_key(record)} {staff}")]
            case Assignment(record=record):
                return [(self.units_assigned, record_key(record))]
            case Membership(record=record, within=within):
                return [(self.memberships, record_key(record)), (self.members, record_key(within))]
            case UnitMember(staff=staff):
                return [(self.units, staff)]
            case Supervision(supervisor=supervisor, staff=staff):
                return [(self.below, supervisor), (self.above, staff)]
            case Coverage(covering=covering, covered=covered):
                return [(self.stands_in, covering), (self.stood_in_for, covered)]
            case Account(source=source, login=login, staff=staff):
                return [(self.accounts, login_key(source, login)), (self.logins_of, staff)]


def _is_under(body: Body, key: str) -> bool:
    return isinstance(body, Assignment) and f"{record_key(body.record)} {body.staff}" == key


def names(body: Body) -> set[RecordKey]:
    """The records that a fact names; staff members are records too, since somebody may look them up (ADR 6, rule 7)."""
    match body:
        case Assignment(staff=str(staff), record=record):
            return {record_key(record), staff_key(staff)}
        case Assignment(record=record):
            return {record_key(record)}
        case Membership(record=record, within=within):
            return {record_key(record), record_key(within)}
        case UnitMember(staff=staff) | Account(staff=staff):
            return {staff_key(staff)}
        case Supervision(supervisor=upper, staff=lower) | Coverage(covering=upper, covered=lower):
            return {staff_key(upper), staff_key(lower)}
