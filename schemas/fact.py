"""Facts of duty and the marks that say how complete they are (design sections 4 and 6)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .access import Record, Sequence
from .ids import FeedName, Id, Instant, SourceName
from .model import Sparse, Strict

MARK_AHEAD_MAX_MS = 5 * 60_000  # a clock that is wrong, not a promise about what nobody can have written down yet

Role = Literal["management", "secondary", "support"]
Revision = Annotated[int, Field(ge=1, lt=2**31)]


class Assignment(Sparse):
    """This staff member, or everybody in this unit, works on this record."""

    kind: Literal["assignment"]
    staff: Id | None = None
    unit: Id | None = None
    record: Record
    role: Role

    @model_validator(mode="after")
    def _one_of_staff_and_unit(self) -> Assignment:
        if (self.staff is None) == (self.unit is None):
            raise ValueError("exactly one of staff and unit must be given")
        return self


class Supervision(Strict):
    """`supervisor` answers for the work of `staff`."""

    kind: Literal["supervision"]
    supervisor: Id
    staff: Id


class Coverage(Strict):
    """`covering` stands in for `covered`; one-way, and it does not pass on."""

    kind: Literal["coverage"]
    covering: Id
    covered: Id


class Account(Strict):
    """This login at this source is this staff member."""

    kind: Literal["account"]
    source: SourceName
    login: Id
    staff: Id


class Membership(Strict):
    """`record` (a person, an intake, a document) belongs to `within` (a case). One step only."""

    kind: Literal["membership"]
    record: Record
    within: Record


class UnitMember(Strict):
    """This staff member works in this unit."""

    kind: Literal["unit_member"]
    staff: Id
    unit: Id


class Review(Strict):
    """`staff` holds an alert about this record, and must look at it at the alert console; valid while they hold it."""

    kind: Literal["review"]
    staff: Id
    record: Record
    alert: Id


Body = Annotated[
    Assignment | Supervision | Coverage | Account | Membership | UnitMember | Review,
    Field(discriminator="kind"),
]
FactKind = Literal["assignment", "supervision", "coverage", "account", "membership", "unit_member", "review"]


class Fact(Strict):
    """A statement of a feed, valid over [valid_from, valid_to); null `valid_to` is open.

    Identified by (feed, fact_id); the highest revision replaces lower ones in whatever order they arrive; `void` says
    it was entered in error. `recorded_at` is when the source wrote it down.
    """

    fact_id: Id
    revision: Revision
    valid_from: Instant
    valid_to: Instant | None = None
    recorded_at: Instant
    recorded_by: Id | None = None
    void: bool = False
    body: Body

    @model_validator(mode="after")
    def _interval_is_not_inverted(self) -> Fact:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to must not be before valid_from")
        return self


class RegisteredFact(Fact):
    """A fact as it stands in `facts.v1`: with its feed and the instant from which it counts as known."""

    feed: FeedName
    known_from: Instant


class Mark(Strict):
    """A feed's promise: no fact of mine recorded at or before `complete_through` is still to come.

    A promise more than MARK_AHEAD_MAX_MS ahead of its append time is a dead letter: every later fact would be late, and
    findings final that the feed is about to explain.
    """

    feed: FeedName
    complete_through: Instant
    sequence: Sequence


class RegisteredMark(Mark):
    """A mark as it stands in `marks.v1`: true once a reader has applied `facts.v1` up to `position`."""

    position: Annotated[int, Field(ge=0)]


class Waiver(Strict):
    """Register's decision to judge without a feed through this instant; stands in `facts.v1`, so it has a position."""

    kind: Literal["waiver"] = "waiver"
    feed: FeedName
    through: Instant
