"""The chain of all acts: how the next one is linked, and whether those there are follow each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from schemas.act import GENESIS, Act, Actor, Body, digest

PIECE: Final = 1_000  # acts in one step: a tenth of a second of one core
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


class Seen:
    """Which acts the topic has had. They come in order but for repeats, so one number says it, and a few beyond it."""

    def __init__(self, beyond_max: int) -> None:
        self._beyond_max = beyond_max
        self._through = 0
        self._beyond: set[int] = set()
        self._lacking: list[range] = []

    def add(self, number: int) -> None:
        """This one. A gap that more than `beyond_max` have passed over is one: nothing waits for ever to be filled."""
        if number <= self._through:
            return
        self._beyond.add(number)
        if len(self._beyond) > self._beyond_max:
            self._lacking.append(range(self._through + 1, min(self._beyond)))
            self._through = min(self._beyond) - 1
        self._close_up()

    def skip(self, number: int) -> None:
        """As if all up to this one had been seen."""
        self._through = max(self._through, number)
        self._beyond = {one for one in self._beyond if one > self._through}
        self._close_up()

    def missing(self, through: int) -> Iterator[str]:
        """Which were not seen, of those up to `through`: one sentence each."""
        for number in chain(*self._lacking, range(self._through + 1, through + 1)):
            if number <= through and number not in self._beyond:
                yield f"act {number} was mirrored and is not in the topic"

    def _close_up(self) -> None:
        while self._through + 1 in self._beyond:
            self._through += 1
            self._beyond.remove(self._through)
