"""The chain of all acts: how the next one is linked, and whether those there are follow each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas.act import GENESIS, Act, Actor, Body, digest

NO_DIGEST: Final = GENESIS  # in place of an act's own digest while that is computed


@dataclass(frozen=True, slots=True)
class Head:
    """The newest act of all: its number and digest. The beginning: 0 and GENESIS."""

    number: int = 0
    digest: str = GENESIS


BEGINNING: Final = Head()


class Kept(NamedTuple):
    """An act, and what stands beside it in its row: by that it is found, so another column gives it to another alert.

    `raised`: the alert that was raised by the act which the column `alert` names; None: there is no such act.
    """

    act: Act
    number: int
    raised: str | None
    version: int
    at: int
    staff: str | None
    key: str | None


def linked(
    head: Head, *, alert_id: str, version: int, at: int, by: Actor | None, key: str | None, body: Body
) -> tuple[Act, Head]:
    """The next act of all, and the head that it makes. `at`: UTC milliseconds."""
    draft = Act(
        number=head.number + 1,
        alert_id=alert_id,
        version=version,
        at=at,
        by=by,
        key=key,
        body=body,
        previous=head.digest,
        digest=NO_DIGEST,
    )
    act = draft.model_copy(update={"digest": digest(draft)})
    return act, Head(act.number, act.digest)


def breaks(acts: Iterable[Act], head: Head = BEGINNING, versions: dict[str, int] | None = None) -> Iterator[str]:
    """What is wrong with acts that should follow `head` without a gap: one sentence each, without anybody's data.

    From the beginning each alert's versions count from 1, from elsewhere on from the first of its acts that is here.
    `versions`: those of the acts before, where somebody keeps them from call to call; it is changed.
    """
    is_whole = head == BEGINNING or versions is not None
    versions = {} if versions is None else versions
    for act in acts:
        if act.number != head.number + 1:
            yield f"act {head.number + 1} is missing: the next there is has the number {act.number}"
        elif act.previous != head.digest:
            yield f"act {act.number} does not follow the one before: that was changed, or this is of another history"
        if digest(act) != act.digest:
            yield f"act {act.number} was changed: it does not have its digest"
        version = versions.get(act.alert_id, 0 if is_whole else act.version - 1) + 1
        if act.version != version:
            yield f"act {act.number} is version {act.version} of its alert, where {version} was due"
        versions[act.alert_id] = act.version
        head = Head(act.number, act.digest)


def misplaced(piece: Iterable[Kept]) -> Iterator[str]:
    """Where a column says something else than its act: one sentence each, without anybody's data."""
    for kept in piece:
        act = kept.act
        columns = {
            "number": (kept.number, act.number),
            "alert": (kept.raised, act.alert_id),
            "version": (kept.version, act.version),
            "moment": (kept.at, act.at),
            "person": (kept.staff, act.by.staff if act.by else None),
            "key": (kept.key, act.key),
        }
        for name, (column, own) in columns.items():
            if column != own:
                yield f"act {kept.number} is kept under another {name} than its own"


def unlike(stored: Act | None, mirrored: Act) -> str | None:
    """How an act of the topic differs from the store's of that number: a sentence without anybody's data, or None."""
    if stored is None:
        return f"act {mirrored.number} is in the topic and not in the store"
    if stored != mirrored:
        return f"act {mirrored.number} is another one in the topic"
    return None


def between(acts: Sequence[Act], mirrored: Sequence[Act], done: int) -> Iterator[str]:
    """Where store and topic differ. No difference: a repeat in the topic, what is not mirrored yet (after `done`)."""
    stored = {act.number: act for act in acts}
    for act in mirrored:
        if words := unlike(stored.get(act.number), act):
            yield words
    there = {act.number for act in mirrored}
    for number in sorted(stored.keys() - there):
        if number <= done:
            yield f"act {number} was mirrored and is not in the topic"
