"""Runs of assignments that are new, whole columns at a time: a worker that starts reads all that there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemas.plain_fact import FACT_ID, FEED, Cut, is_odd

from .knowledge import Knowledge
from .names import text_of
from .rows import new_assignments


def load(knowledge: Knowledge, offsets: Sequence[int], facts: Sequence[Cut]) -> Iterator[int]:
    """Takes in these messages of `facts.v1`, but for those whose places it yields, each when those before it are known.

    Those are what is no assignment, or spelled otherwise, and second revisions, repeats and conflicts. What was taken
    in is new; nothing is said of what it touches, so that this is for a worker that has judged nothing yet.
    """
    names = ["" if is_odd(fact) else text_of(fact[FEED], fact[FACT_ID]) for fact in facts]
    start = 0
    while start < len(facts):
        end = knowledge.facts.ids.number_new(names, start)
        if start < end:
            knowledge.take_new(offsets[start:end], new_assignments(facts[start:end]))
        if end < len(facts):
            yield end
        start = end + 1
