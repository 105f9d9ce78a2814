"""Facts as one question sees them: known *now*, or known by an instant (*then*)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .facts import History, Revision
from .knowledge import Knowledge
from .names import NONE
from .rows import FOR_EVER


class Used(NamedTuple):
    """A fact and the revision of it that an answer rests on."""

    history: History
    revision: Revision


class View:
    """Knowledge at its present position; `known_by` None is *now*.

    Remembers the next instant at which anything it was asked about changes, so that an answer for an interval needs
    only the instants that matter (ADR 6, rule 1); and since when all it was asked about has been known, so that a
    question about an instant from then on need not be asked a second time.
    """

    __slots__ = ("changes_at", "knowledge", "known_by", "known_since")

    def __init__(self, knowledge: Knowledge, known_by: int | None = None) -> None:
        self.knowledge = knowledge
        self.known_by = known_by
        self.changes_at = FOR_EVER
        self.known_since = -FOR_EVER

    def holding(self, histories: Iterable[History], instant: int) -> Iterator[Used]:
        """Those of the facts that hold at `instant`, as this question knows them. Most do not: models are made last."""
        facts = self.knowledge.facts
        for history in histories:
            row = facts.row_as_of(history.number, self.known_by)
            if row == NONE:
                continue
            if self.known_by is None and facts.known_from[row] > self.known_since:
                self.known_since = facts.known_from[row]
            begins, ends = facts.valid_from[row], facts.valid_to[row]
            if facts.is_void[row] or begins >= ends or instant >= ends:
                continue
            if instant < begins:
                self.changes_at = min(self.changes_at, begins)
            else:
                self.changes_at = min(self.changes_at, ends)
                yield Used(history, facts.made(row))
