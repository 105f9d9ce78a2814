"""One walk along the chain of all acts in the store, by its own digests and columns."""

from __future__ import annotations

from itertools import chain, islice
from typing import Final

from schemas.errors import RejectedInputError
from sinks.store.reading import SqlReading

from .chain import BEGINNING, PIECE, Head, breaks, misplaced

SHOWN_MAX: Final = 5  # faults of one step that are named


class Walk:
    """From the first act to the newest, a piece at a time. What is written meanwhile is walked, too.

    `versions`: of each alert that was met, kept from piece to piece; a hundred bytes for an alert, so only where a walk
    ends soon. Without it a gap between two pieces is found by the topic.
    """

    def __init__(self, piece: int = PIECE, versions: dict[str, int] | None = None) -> None:
        self._piece = piece
        self._versions = versions
        self._head = BEGINNING
        self._after = 0  # by the column: a number that was changed in an act must not lead the walk round and round
        self.is_over = False
        self.count = 0

    def step(self, reading: SqlReading) -> list[str]:
        """The next piece; what is wrong with it. Raises StoreNotReadyError, and can be tried again then."""
        end = reading.head()
        try:
            piece = reading.kept(after=self._after, count=self._piece)
        except (RejectedInputError, TypeError):  # a database that lets anything stand in a column hands it out, too
            self.is_over = True
            return [f"one of the {self._piece} acts after act {self._after} is no act any more"]
        acts = [kept.act for kept in piece]
        found = list(islice(chain(breaks(acts, self._head, self._versions), misplaced(piece)), SHOWN_MAX))
        if piece:
            self._head = Head(acts[-1].number, acts[-1].digest)
            self._after = piece[-1].number
        self.count += len(piece)
        if len(piece) < self._piece:
            self.is_over = True
            if self._head != end:
                found.append(f"the store ends at act {self._head.number}, and should at {end.number}, by its own word")
        return found
