"""Makes the rows anew from the acts, and a lost store from Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Final

from schemas.act import Act, OfFinding
from schemas.codec import decode
from schemas.errors import BrokenPromiseError, RejectedInputError
from sinks.store.store import Store
from sinks.store.writing import SqlWriting

from .chain import Head, breaks, misplaced
from .mirror import MIRRORED
from .writing import project

PIECE: Final = 1_000
SHOWN_MAX: Final = 5  # breaks of the chain that an error names


class BrokenHistoryError(BrokenPromiseError):
    """The acts do not follow each other: somebody has changed them. Nothing was written; an auditor must act."""


def rebuild(store: Store, done: Callable[[int], None] = lambda count: None) -> int:
    """Makes every row anew from the acts in the store, in one transaction; how many acts there are.

    Raises BrokenHistoryError when the chain does not hold, or a column says something else than its act: the columns
    are guarded as the acts are, and who has changed one is to be found out, not helped.
    """
    count = 0
    with store.writing() as writing:
        writing.clear_projection()
        checked = _Checked(Head())
        for piece in writing.all_kept():
            acts = [kept.act for kept in piece]
            checked.take(acts, misplaced(piece))
            _project(writing, acts)
            count += len(piece)
            done(len(piece))
    return count


def adopt(store: Store, mirrored: Iterable[Act]) -> int:
    """Brings back the acts that the topic has and the store has not, with their rows; how many.

    A store that was lost begins at the first; one that was restored from a copy goes on behind its last. Raises
    BrokenHistoryError when they do not follow what is there.
    """
    count = 0
    with store.writing() as writing:
        checked = _Checked(writing.head())
        for piece in _pieces(_once(mirrored, writing.head().number)):
            checked.take(piece)
            writing.expect([act.body.finding for act in piece if isinstance(act.body, OfFinding)])
            for act in piece:
                project(writing, act, writing.alert(act.alert_id))
                writing.append(act, Head(act.number, act.digest))
            writing.forget()
            count += len(piece)
        if count:
            writing.advance(MIRRORED, writing.head().number)
    return count


def _project(writing: SqlWriting, piece: list[Act]) -> None:
    writing.expect([act.body.finding for act in piece if isinstance(act.body, OfFinding)])
    for act in piece:
        project(writing, act, writing.alert(act.alert_id))
    writing.forget()


def _once(acts: Iterable[Act], after: int) -> Iterator[Act]:
    """Each number once and in order: an outbox may say a thing twice, and then begins again somewhere before."""
    for act in acts:
        if act.number > after:
            yield act
            after = act.number


class _Checked:
    """Refuses what does not follow."""

    def __init__(self, head: Head) -> None:
        self._head = head

    def take(self, piece: list[Act], others: Iterable[str] = ()) -> None:
        found = list(islice(chain(breaks(piece, self._head), others), SHOWN_MAX))
        if found:
            raise BrokenHistoryError("; ".join(found))
        self._head = Head(piece[-1].number, piece[-1].digest)


def _pieces(acts: Iterable[Act]) -> Iterator[list[Act]]:
    walking = iter(acts)
    while piece := list(islice(walking, PIECE)):
        yield piece


def read_act(raw: bytes | None) -> Act:
    """An act as the topic has it. Raises BrokenHistoryError when it is none: only the outbox may write there."""
    try:
        return decode(Act, raw)
    except RejectedInputError as error:
        raise BrokenHistoryError(f"a message is no act: {error}") from None
