"""Reads again what a console could not read when it came upon it: another version of this code may.

A judge that is newer than the consoles says what they do not know. What it found must wait for them, not be lost.
"""

from __future__ import annotations

import logging
from typing import Final

from schemas.codec import decode
from schemas.errors import RejectedInputError
from schemas.finding import Finding, MessagePlace
from sinks.store.store import Store
from sinks.store.unreadable import Unreadable

from .writing import hear

log: Final = logging.getLogger(__name__)

PIECE: Final = 50  # at once: garbage may have a megabyte each


def read_again(store: Store, after: int, at: int) -> tuple[int, int]:
    """Hears what can be read now of all that is kept with a number above `after`.

    How many acts came of it, and the newest number that was looked at: this version need not look there again. `at`:
    UTC milliseconds. Raises StoreNotReadyError.
    """
    acts = still = 0
    while piece := _kept(store, after):
        found = [(one, finding) for one in piece if (finding := _finding(one.document)) is not None]
        if found:
            acts += _hear(store, found, at)
        still += len(piece) - len(found)
        after = piece[-1].number
    if still:
        log.error("%d findings cannot be read by this version either, and are kept", still)
    return acts, after


def _kept(store: Store, after: int) -> list[Unreadable]:
    with store.reading() as reading:
        return reading.unreadable(after, PIECE)


def _finding(raw: bytes) -> Finding | None:
    try:
        return decode(Finding, raw)
    except RejectedInputError:
        return None


def _hear(store: Store, found: list[tuple[Unreadable, Finding]], at: int) -> int:
    """In one transaction with letting go of them; those that another console has heard by now are passed over."""
    acts = 0
    with store.writing() as writing:
        for one, finding in found:
            if writing.let_go(one.number):
                acts += len(hear(writing, finding, _place(one.place), writing.moment(at)))
    log.warning("%d findings are read that could not be read before", len(found))
    return acts


def _place(text: str) -> MessagePlace:
    topic, partition, offset = text.rsplit("/", 2)
    return MessagePlace(topic=topic, partition=int(partition), offset=int(offset))
