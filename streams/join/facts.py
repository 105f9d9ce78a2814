"""One fact with all its revisions, and what of it is known when (design sections 4 and 5)."""

from __future__ import annotations

from bisect import insort
from typing import Final, NamedTuple

from schemas.access import Record
from schemas.fact import Body, RegisteredFact

FOR_EVER: Final = 1 << 62  # an open interval's end, later than any instant

RecordKey = str
"""`kind/id`: one string, because it is looked up once per access (kinds have no slash)."""


def record_key(record: Record) -> RecordKey:
    """How a record is looked up."""
    return f"{record.kind}/{record.id}"


def login_key(source: str, login: str) -> str:
    """How a login is looked up (neither part has a space)."""
    return f"{source} {login}"


def staff_key(staff: str) -> RecordKey:
    """A staff member as a record that somebody may look up."""
    return f"staff/{staff}"


class Revision(NamedTuple):
    """One revision; instants in UTC milliseconds, [valid_from, valid_to). Ordered by `revision`."""

    revision: int
    valid_from: int
    valid_to: int
    known_from: int
    is_void: bool
    body: Body
    recorded_at: int
    recorded_by: str | None  # nobody judges by it, but stating it twice differently is a conflict (ADR 6, rule 2)

    def holds_at(self, instant: int) -> bool:
        """Whether it is true of the world at `instant`."""
        return self.valid_from <= instant < self.valid_to and not self.is_void


class History:
    """All revisions of one fact. `top` is the highest: what is known *now*."""

    __slots__ = ("fact_id", "feed", "kind", "revisions", "top")

    def __init__(self, feed: str, fact_id: str, first: Revision) -> None:
        self.feed = feed
        self.fact_id = fact_id
        self.kind = first.body.kind
        self.revisions: list[Revision] | None = None  # most facts have one revision and need no list
        self.top = first

    def all(self) -> list[Revision]:
        """Every revision, lowest first."""
        return [self.top] if self.revisions is None else self.revisions

    def find(self, revision: int) -> Revision | None:
        """The revision of this number, if it has been heard."""
        return next((r for r in self.all() if r.revision == revision), None)

    def add(self, revision: Revision) -> None:
        """Take in a revision heard for the first time, in whatever order."""
        revisions = self.all()
        insort(revisions, revision, key=lambda r: r.revision)
        self.revisions = revisions
        self.top = revisions[-1]

    def as_of(self, known_by: int | None) -> Revision | None:
        """The highest revision known by this instant; None asks for *now*. A void one is returned as it is."""
        top = self.top
        if known_by is None or top.known_from <= known_by:
            return top
        if self.revisions is None:
            return None
        return next((r for r in reversed(self.revisions) if r.known_from <= known_by), None)


def revision_of(fact: RegisteredFact) -> Revision:
    """The revision that a registered fact states."""
    valid_to = FOR_EVER if fact.valid_to is None else fact.valid_to
    return Revision(
        revision=fact.revision,
        valid_from=fact.valid_from,
        valid_to=valid_to,
        known_from=fact.known_from,
        is_void=fact.void,
        body=fact.body,
        recorded_at=fact.recorded_at,
        recorded_by=fact.recorded_by,
    )
