"""Facts as one question sees them over a stretch of time: when each of them holds, each of them looked at once.

What `View` answers at an instant this answers at all of them. Asked instant by instant, an access with candidates costs
candidates times boundaries: 200 of a director's, over three years, took two minutes (ADR 6, rule 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .facts import History
from .knowledge import Knowledge
from .names import NONE
from .rows import FOR_EVER
from .spans import Span, Spans


class During:
    """Knowledge at its present position, from `begin` on and before `end` (UTC ms); `known_by` None is *now*.

    Remembers since when all it was asked about has been known, as `View` does.
    """

    __slots__ = ("begin", "end", "knowledge", "known_by", "known_since", "whole")

    def __init__(self, knowledge: Knowledge, begin: int, end: int, known_by: int | None = None) -> None:
        self.knowledge = knowledge
        self.begin, self.end = begin, end
        self.known_by = known_by
        self.known_since = -FOR_EVER
        self.whole: Spans = (Span(begin, end),)

    def holding(self, histories: Iterable[History]) -> Iterator[tuple[int, Spans]]:
        """Of those of the facts that hold at some instant: the row that counts, and when."""
        return self.rows_holding(history.number for history in histories)

    def rows_holding(self, numbers: Iterable[int]) -> Iterator[tuple[int, Spans]]:
        """The same of facts by their numbers."""
        facts = self.knowledge.facts
        for number in numbers:
            row = facts.row_as_of(number, self.known_by)
            if row == NONE:
                continue
            if self.known_by is None and facts.known_from[row] > self.known_since:
                self.known_since = facts.known_from[row]
            begin, end = max(facts.valid_from[row], self.begin), min(facts.valid_to[row], self.end)
            if begin < end and not facts.is_void[row]:
                yield row, (Span(begin, end),)
