"""One revision of one fact as the columns take it, however it was read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, get_args

from schemas.fact import FactKind, RegisteredFact
from schemas.ids import quick_instant
from schemas.plain_fact import Cut, PlainFact

from .bodies import ROLES, UNIT, Said, said_in
from .moments import instants_of, moments_of

FOR_EVER: Final = 1 << 62  # an open interval's end, later than any instant
KINDS: Final[tuple[FactKind, ...]] = get_args(FactKind)
NUMBER_OF: Final = {kind: number for number, kind in enumerate(KINDS)}


class Row(NamedTuple):
    """What one row is made of. Instants in UTC milliseconds; names as `said_in` gives them."""

    feed: str
    fact_id: str
    kind: int
    revision: int
    valid_from: int
    valid_to: int
    known_from: int
    recorded_at: int
    recorded_by: str | None
    is_void: bool
    said: Said


class NewAssignments(NamedTuple):
    """First revisions to be heard of so many assignments, a column for each field of `Row`, with the same meaning."""

    revision: list[int]
    valid_from: list[int]
    valid_to: list[int]
    known_from: list[int]
    recorded_at: list[int]
    recorded_by: list[str | None]
    is_void: list[bool]
    one: Sequence[str]
    two: Sequence[str]
    variant: list[int]
    begins: list[int]
    """`valid_from` as a moment, which it is cut out as."""


def row_of(fact: RegisteredFact) -> Row:
    """A fact as a row."""
    return Row(
        feed=fact.feed,
        fact_id=fact.fact_id,
        kind=NUMBER_OF[fact.body.kind],
        revision=fact.revision,
        valid_from=fact.valid_from,
        valid_to=FOR_EVER if fact.valid_to is None else fact.valid_to,
        known_from=fact.known_from,
        recorded_at=fact.recorded_at,
        recorded_by=fact.recorded_by,
        is_void=fact.void,
        said=said_in(fact.body),
    )


def row_of_plain(fact: PlainFact) -> Row:
    """An assignment as it was cut out of its message, as a row."""
    return Row(
        fact.feed,
        fact.fact_id,
        _ASSIGNMENT,
        int(fact.revision),
        _instant(fact.valid_from),
        FOR_EVER if fact.valid_to == "null" else _instant(fact.valid_to[1:-1]),
        _instant(fact.known_from),
        _instant(fact.recorded_at),
        None if fact.recorded_by == "null" else fact.recorded_by[1:-1],
        fact.void == "true",
        Said(fact.name, fact.record, _VARIANTS[fact.holder, fact.role]),
    )


def new_assignments(facts: Sequence[Cut]) -> NewAssignments:
    """Assignments as they were cut out of their messages, in columns; there is one at least, and none is odd."""
    columns = PlainFact._make(zip(*facts, strict=True))
    begins = moments_of(columns.valid_from)
    recorded_at = instants_of(moments_of(columns.recorded_at))
    is_known_at_once = columns.known_from == columns.recorded_at
    return NewAssignments(
        revision=list(map(int, columns.revision)),
        valid_from=instants_of(begins),
        valid_to=[FOR_EVER if text == "null" else _instant(text[1:-1]) for text in columns.valid_to],
        known_from=recorded_at if is_known_at_once else instants_of(moments_of(columns.known_from)),
        recorded_at=recorded_at,
        recorded_by=[None if text == "null" else text[1:-1] for text in columns.recorded_by],
        is_void=[text == "true" for text in columns.void],
        one=columns.name,
        two=columns.record,
        variant=[_VARIANTS[said] for said in zip(columns.holder, columns.role, strict=True)],
        begins=begins,
    )


_ASSIGNMENT: Final = NUMBER_OF["assignment"]
_VARIANTS: Final[dict[tuple[str, str], int]] = {
    (holder, role): number | (UNIT if holder == "unit" else 0)
    for holder in ("staff", "unit")
    for number, role in enumerate(ROLES)
}
_instant: Final = lru_cache(maxsize=4_096)(quick_instant)  # facts of one day share theirs
