"""Why each path failed, told by the fact that came closest: "assignment ended 9 days before"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas.fact import Assignment, Coverage, Membership, Review
from schemas.finding import NearMiss, PathName
from schemas.policy import Paths
from streams.join.bodies import RecordKey, record_key
from streams.join.during import During
from streams.join.facts import History
from streams.join.knowledge import Knowledge
from streams.join.question import Question
from streams.join.rows import FOR_EVER
from streams.join.view import Used, View

from .decide import possible
from .duties import Duties
from .duties import line as duties_line
from .reach import has, line
from .refs import refs
from .sentences import duration

DEEPEST = 5  # steps of supervision that a near miss looks down; deeper is nobody's line any more


def near_misses(knowledge: Knowledge, paths: Paths, staff: str, question: Question) -> tuple[NearMiss, ...]:
    """At most one near miss a path, the closest in time to the first instant asked about, as known now."""
    found: list[NearMiss] = []
    keys, instant = possible(knowledge, staff, question), question.start
    if not keys:
        return ()
    if paths.own_assignment.enabled and (own := _closest(_own(knowledge, staff, keys), instant)) is not None:
        found.append(_miss("own-assignment", "assignment", own, question))
    if paths.supervises.enabled and (below := _below(knowledge, paths, staff, keys, instant)) is not None:
        found.append(below)
    if paths.covers.enabled and (cover := _closest(_cover(knowledge, staff, keys, instant), instant)) is not None:
        found.append(_miss("covers", "coverage", cover, question))
    is_asked = paths.reviews.enabled and question.is_at_console
    if is_asked and (review := _closest(_reviewed(knowledge, staff, keys), instant)) is not None:
        found.append(_miss("reviews", "review", review, question))
    return tuple(found)


def _own(knowledge: Knowledge, staff: str, targets: tuple[RecordKey, ...]) -> Iterator[History]:
    for target in targets:
        yield from knowledge.assigned(target, staff)[0]
        for membership in knowledge.memberships(target):
            body = membership.top.body
            if isinstance(body, Membership):
                yield from knowledge.assigned(record_key(body.within), staff)[0]


def _cover(knowledge: Knowledge, staff: str, targets: tuple[RecordKey, ...], instant: int) -> Iterator[History]:
    now = View(knowledge)
    for history in knowledge.stands_in(staff):
        body = history.top.body
        if isinstance(body, Coverage) and any(has(now, body.covered, t, instant) for t in targets):
            yield history


def _reviewed(knowledge: Knowledge, staff: str, targets: tuple[RecordKey, ...]) -> Iterator[History]:
    for target in targets:
        for history in knowledge.reviews(target):
            bodies = (revision.body for revision in history.all())
            if any(isinstance(b, Review) and b.staff == staff and record_key(b.record) == target for b in bodies):
                yield history


def _closest(histories: Iterable[History], instant: int) -> History | None:
    return min(histories, key=lambda h: (h.top.is_void, _distance(h, instant)), default=None)


def _distance(history: History, instant: int) -> int:
    top = history.top
    if instant >= top.valid_to:
        return instant - top.valid_to
    return max(0, top.valid_from - instant)


def _miss(path: PathName, noun: str, history: History, question: Question) -> NearMiss:
    why = f"{noun} {_why(history, question)}"
    return NearMiss(path=path, why=why, facts=refs((Used(history, history.top),)))


def _why(history: History, question: Question) -> str:
    top, instant = history.top, question.start
    if top.is_void:
        return "was entered in error"
    if top.valid_to != FOR_EVER and instant >= top.valid_to:
        ago = instant - top.valid_to
        return f"ended {duration(ago)} before" if ago else "ended at that very moment"
    if instant < top.valid_from:
        return f"began {duration(top.valid_from - instant)} after"
    if top.valid_to <= question.end:
        return "ended within that time"
    if isinstance(top.body, Assignment):
        return "no longer names this person and record, or its membership does not hold then"
    if isinstance(top.body, Review):
        return "no longer names this person and record"
    return "no longer names this person, or does not lead to the record all of that time"


def _below(
    knowledge: Knowledge, paths: Paths, staff: str, targets: tuple[RecordKey, ...], instant: int
) -> NearMiss | None:
    """A line that is too long, or that is one at the first instant only."""
    if not knowledge.below(staff):
        return None
    now, counted = View(knowledge), paths.supervises.depth
    during = During(knowledge, instant, instant + 1)
    for depth in range(counted, max(counted, DEEPEST) + 1):
        duties = Duties(during, duties_line(during, staff, depth, during.whole))
        for target in targets:  # walked to only if the line leads there
            if duties.to(target) and (grounds := line(now, staff, target, instant, depth)) is not None:
                why = f"somebody {depth} steps of supervision below is assigned; the policy counts {counted}"
                if depth == counted:
                    why = "somebody below is assigned, but not all of that time"
                return NearMiss(path="supervises", why=why, facts=refs(grounds))
    return None
