"""What each kind of fact is about: two names and a small number, and back to the contract's models."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple, cast, get_args

from schemas.access import Record, RecordKind
from schemas.fact import (
    Account,
    Assignment,
    Body,
    Coverage,
    FactKind,
    Membership,
    Review,
    Role,
    Supervision,
    UnitMember,
)
from schemas.plain import plain_record

ONE, TWO = 0, 1
ROLES: Final[tuple[Role, ...]] = get_args(Role)
UNIT: Final = 1 << 3  # in the variant of an assignment: to a unit, not to a member of staff

RecordKey = str
"""`kind/id`: one string, because it is looked up once per access (kinds have no slash)."""

_JOINT: Final = '","id":"'  # between kind and id in a record as `plain_record` spells it

IS_RECORD: Final[dict[FactKind, tuple[bool, bool]]] = {
    "assignment": (False, True),
    "supervision": (False, False),
    "coverage": (False, False),
    "account": (False, False),
    "membership": (True, True),
    "unit_member": (False, False),
    "review": (False, True),
}
"""Which of the two names is a record's; the others are people's: staff, units, logins, and whoever took which alert."""


def record_key(record: Record) -> RecordKey:
    """How a record is looked up."""
    return f"{record.kind}/{record.id}"


def login_key(source: str, login: str) -> str:
    """How a login is looked up (neither part has a space)."""
    return f"{source} {login}"


def taker_key(staff: str, alert: str) -> str:
    """Who took which alert, as one name: most kinds have two, and a third would be a column that all facts pay for."""
    return f"{staff} {alert}"


def staff_key(staff: str) -> RecordKey:
    """A staff member as a record that somebody may look up."""
    return f"staff/{staff}"


@lru_cache(maxsize=1024)  # one access asks for the same few again and again
def plain_key(record: RecordKey) -> str:
    """A record key as `plain_record` spells the record; one spelling for each, since kinds have no slash or quote."""
    kind, _, name = record.partition("/")
    return f'{kind}{_JOINT}{name}"'


def record_key_of(plain: str) -> RecordKey:
    """The way back."""
    kind, _, name = plain[:-1].partition(_JOINT)
    return f"{kind}/{name}"


class Said(NamedTuple):
    """A body in two names; records as `plain_record` spells them, logins as `login_key` does, takers as `taker_key`."""

    one: str
    two: str
    variant: int = 0


def said_in(body: Body) -> Said:
    """What a body says."""
    match body:
        case Assignment(record=record):
            variant = ROLES.index(body.role) | (UNIT if body.staff is None else 0)
            return Said(body.staff or body.unit or "", plain_record(record), variant)
        case Membership(record=record, within=within):
            return Said(plain_record(record), plain_record(within))
        case UnitMember(staff=staff, unit=unit):
            return Said(staff, unit)
        case Supervision(supervisor=supervisor, staff=staff):
            return Said(supervisor, staff)
        case Coverage(covering=covering, covered=covered):
            return Said(covering, covered)
        case Account(source=source, login=login, staff=staff):
            return Said(login_key(source, login), staff)
        case Review(staff=staff, record=record, alert=alert):
            return Said(taker_key(staff, alert), plain_record(record))


def body_of(kind: FactKind, said: Said) -> Body:
    """The way back. What was checked once is not checked again."""
    one, two = said.one, said.two
    match kind:
        case "assignment":
            role, record = ROLES[said.variant & ~UNIT], _record(two)
            if said.variant & UNIT:
                return Assignment.model_construct(kind=kind, staff=None, unit=one, record=record, role=role)
            return Assignment.model_construct(kind=kind, staff=one, unit=None, record=record, role=role)
        case "membership":
            return Membership.model_construct(kind=kind, record=_record(one), within=_record(two))
        case "unit_member":
            return UnitMember.model_construct(kind=kind, staff=one, unit=two)
        case "supervision":
            return Supervision.model_construct(kind=kind, supervisor=one, staff=two)
        case "coverage":
            return Coverage.model_construct(kind=kind, covering=one, covered=two)
        case "account":
            source, _, login = one.partition(" ")
            return Account.model_construct(kind=kind, source=source, login=login, staff=two)
        case "review":
            staff, _, alert = one.partition(" ")
            return Review.model_construct(kind=kind, staff=staff, record=_record(two), alert=alert)


def _record(plain: str) -> Record:
    kind, _, name = plain[:-1].partition(_JOINT)
    return Record.model_construct(kind=cast(RecordKind, kind), id=name)
