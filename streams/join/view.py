"""Facts as one question sees them: known *now*, or known by an instant (*then*)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .facts import FOR_EVER, History, Revision
from .knowledge import Knowledge


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
        """Those of the facts that hold at `instant`, as this question knows them."""
        for history in histories:
            revision: Revision | None = history.top
            if self.known_by is not None:
                revision = history.as_of(self.known_by)
            elif history.top.known_from > self.known_since:
                self.known_since = history.top.known_from
            if revision is None or revision.is_void:
                continue
            if revision.valid_from <= instant < revision.valid_to:
                self.changes_at = min(self.changes_at, revision.valid_to)
                yield Used(history, revision)
            elif instant < revision.valid_from < revision.valid_to:
                self.changes_at = min(self.changes_at, revision.valid_from)
