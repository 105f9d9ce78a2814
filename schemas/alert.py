"""Alert: findings that one person looks at together, as their acts have left them (design section 9)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .access import Action, Record, Result
from .act import AlertId, Count, Disposition, Number, Obligation
from .finding import Certainty, Flag, Outcome, Severity
from .ids import Id, Instant, SourceName
from .model import Sparse, Strict

Status = Literal["open", "acknowledged", "closed", "reopened"]
Circumstance = Literal["own-record", "employee-record", "many-accesses", "denied-and-done", "bulk"]

Many = Field(strict=False)


class Who(Sparse):
    """The staff member whom the findings are about; where a login is nobody's, the login at its source."""

    staff: Id | None = None
    source: SourceName | None = None
    login: Id | None = None


class Tally(Strict):
    """Of how many accesses the standing findings of an alert say the same, in all that its gravity depends on.

    Of several findings that tell of one access the one that weighs most counts. `shown`: how many times their lists
    and reports showed somebody, whoever that was. `is_claimed`: somebody else did it, and named this person as who
    asked; that is their word for it.
    """

    outcome: Outcome
    certainty: Certainty
    severity: Severity
    action: Action
    result: Result
    flags: Annotated[tuple[Flag, ...], Many]
    is_bulk: bool
    is_claimed: bool
    count: Number
    shown: Count


class Owed(Strict):
    """An obligation of a confirmed alert; `reference` is null while it is open."""

    obligation: Obligation
    since: Instant
    reference: str | None


class Alert(Strict):
    """What the acts of an alert come to.

    `standing` of its `findings` are not withdrawn. `why` is what came closest to a duty, of the finding that weighs
    most. `supplements` counts those since a person last acted; `is_touched`: one ever has. `looked_back` is how many
    earlier accesses were found; null: nobody has looked. `holder_login` is the sign-in by which its holder took it, at
    `held_since`. `last_by`, `last_by_login` and `last_at` are the newest act's.
    """

    alert_id: AlertId
    version: Number
    status: Status
    severity: Severity
    outcome: Outcome
    certainty: Certainty
    circumstances: Annotated[tuple[Circumstance, ...], Many]
    who: Who
    record: Record
    clause: str
    sources: Annotated[tuple[SourceName, ...], Many]
    why: str
    findings: Count
    standing: Count
    tallies: Annotated[tuple[Tally, ...], Many]
    occurred_first: Instant
    occurred_last: Instant
    opened_at: Instant
    supplements: Count
    is_touched: bool
    holder: Id | None
    holder_login: Id | None
    held_since: Instant | None
    acknowledged_at: Instant | None
    closed_at: Instant | None
    closed_by: Id | None
    disposition: Disposition | None
    owed: Annotated[tuple[Owed, ...], Many]
    looked_back: Count | None
    last_by: Id | None
    last_by_login: Id | None
    last_at: Instant
