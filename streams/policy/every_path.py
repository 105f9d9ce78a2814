"""Every path tried, for whoever wants to check a verdict by hand: judging itself stops at the first that clears."""

from __future__ import annotations

from typing import NamedTuple

from schemas.finding import FactRef, NearMiss, PathName
from schemas.policy import Policy
from streams.join.bodies import RecordKey
from streams.join.during import During
from streams.join.knowledge import Knowledge
from streams.join.question import Question
from streams.join.view import View

from .decide import paths_of, staff_at
from .near_misses import near_misses
from .over_time import only_cleared
from .refs import refs


class Tried(NamedTuple):
    """One path for one person: the facts that clear the access by what was known in time and by what is known now."""

    path: PathName
    then: tuple[FactRef, ...] | None
    now: tuple[FactRef, ...] | None
    closest: NearMiss | None  # when nothing clears now


def people(knowledge: Knowledge, question: Question) -> list[str]:
    """Whose login it was at the first instant of the access, as known now."""
    return sorted(staff_at(View(knowledge), question.login, question.start))


def every_path(knowledge: Knowledge, policy: Policy, question: Question, staff: str) -> list[Tried]:
    """Each path of the policy that is one for accesses at that source, asked at the first instant of the access."""
    missed = {miss.path: miss for miss in near_misses(knowledge, policy.paths, staff, question)}
    asked: list[tuple[View, tuple[RecordKey, ...]]] = []
    for known_by in (question.end + policy.grace_ms, None):
        at = During(knowledge, question.start, question.start + 1, known_by)
        targets = only_cleared(at, policy.paths, staff, question.targets, is_at_console=question.is_at_console)
        asked.append((View(knowledge, known_by), targets))
    found: list[Tried] = []
    for name, explain in paths_of(question):
        then, now = (
            next(
                (
                    refs(grounds)
                    for target in targets
                    if (grounds := explain(view, policy.paths, staff, target, question.start)) is not None
                ),
                None,
            )
            for view, targets in asked
        )
        found.append(Tried(name, then, now, missed.get(name) if now is None else None))
    return found
