"""What is shown to whoever decides about one access: the verdict then and now, each path, and periods in time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from schemas.access import Access
from schemas.fact import Body
from schemas.finding import FactRef, PathName
from schemas.policy import Policy
from streams.join.facts import History, Revision
from streams.join.knowledge import Knowledge
from streams.join.question import Question, question_of
from streams.join.rows import FOR_EVER
from streams.policy.decide import PATHS_AT_CONSOLE, Verdict, ask, verdict_of
from streams.policy.every_path import Tried, every_path
from streams.policy.sentences import exceeded

from .concerning import Concerns, concerning

BARS_MAX: Final = 60  # of one person: more lines than that nobody reads beside each other
ORDER: Final[tuple[PathName, ...]] = tuple(name for name, _ in PATHS_AT_CONSOLE)

Cleared = Literal["all", "some", "none"]
"""At every instant at which the access may have happened, at some of them, or at none."""
Mark = Literal["void", "replaced", "ended", "holds", "later"]
"""What a bar is to the access: entered in error, not the highest revision, over by then, holding then, begun after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One revision of one fact, holding [begins, ends) (UTC ms; None: without an end).

    `paths`: those on which the fact lies. `is_used`: a path rests on it, or came closest by it. Who is named in `body`
    is for whoever shows it to mask.
    """

    ref: FactRef
    body: Body
    begins: int
    ends: int | None
    recorded_at: int
    recorded_by: str | None
    known_from: int
    mark: Mark
    is_in_time: bool
    paths: tuple[PathName, ...]
    is_used: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One path tried for one person: the facts that clear the access, by what was known in time and by now.

    `why_not_then` and `why_not_now` say why it does not; None where it does. `closest`: the facts that came closest.
    `leads_nowhere`: the path counts, and neither then nor now any recorded fact cleared the access or came close.
    """

    path: PathName
    is_enabled: bool
    then: tuple[FactRef, ...] | None
    now: tuple[FactRef, ...] | None
    why_not_then: str | None
    why_not_now: str | None
    closest: tuple[FactRef, ...]
    leads_nowhere: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfPerson:
    """What is known of one person whose login it was. `left_out`: bars beyond BARS_MAX, those furthest in time."""

    staff: str
    paths: tuple[Path, ...]
    bars: tuple[Bar, ...]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One access, judged by all that is known at `position`.

    It happened in [start, end], both included; what was known by `known_by` was known in time (all UTC ms). `then` and
    `now`: whether duties clear it by what was known in time, and by now. Without `people` the login is nobody's.
    """

    position: int
    start: int
    end: int
    known_by: int
    verdict: Verdict
    then: Cleared
    now: Cleared
    people: tuple[OfPerson, ...]


def evidence(knowledge: Knowledge, policy: Policy, access: Access, appended_at: int) -> Evidence:
    """All about one access; `appended_at`: when its message was stored (UTC ms)."""
    question = question_of(access, appended_at)
    answer = ask(knowledge, policy, question)
    return Evidence(
        position=knowledge.position,
        start=question.start,
        end=question.end,
        known_by=question.end + policy.grace_ms,
        verdict=verdict_of(answer, knowledge, policy, question, access),
        then=_cleared(answer.then_all, answer.then_any),
        now=_cleared(answer.now_all, answer.now_any),
        people=tuple(_of_person(knowledge, policy, question, staff) for staff in sorted(answer.people)),
    )


def _cleared(always: bool, ever: bool) -> Cleared:
    return "all" if always else "some" if ever else "none"


def _of_person(knowledge: Knowledge, policy: Policy, question: Question, staff: str) -> OfPerson:
    tried = every_path(knowledge, policy, question, staff)
    concerns = _with_used(knowledge, concerning(knowledge, policy.paths, staff, question), tried)
    used = {(ref.feed, ref.fact_id, ref.revision) for one in tried for ref in _refs(one)}
    known_by = question.end + policy.grace_ms
    bars = [
        _bar(history, revision, ways, question=question, known_by=known_by, used=used)
        for history, ways in concerns.items()
        for revision in history.all()
    ]
    kept = sorted(bars, key=lambda bar: _distance(bar, question))[:BARS_MAX]
    return OfPerson(
        staff=staff,
        paths=tuple(_path(knowledge, policy, one, known_by) for one in tried),
        bars=tuple(sorted(kept, key=_place)),
        left_out=len(bars) - len(kept),
    )


def _refs(tried: Tried) -> Iterable[FactRef]:
    return (*(tried.then or ()), *(tried.now or ()), *(tried.closest.facts if tried.closest else ()))


def _with_used(knowledge: Knowledge, concerns: Concerns, tried: Sequence[Tried]) -> Concerns:
    """And what the paths themselves have named: a line may be longer than what was looked at, or run through a unit."""
    found = dict(concerns)
    for one in tried:
        for ref in _refs(one):
            number, _ = knowledge.facts.ids.number(ref.feed, ref.fact_id)  # it is known: it has just been named
            history = History(knowledge.facts, number)
            found[history] = found.get(history, frozenset()) | {one.path}
    return found


def _bar(
    history: History,
    revision: Revision,
    ways: frozenset[PathName],
    *,
    question: Question,
    known_by: int,
    used: set[tuple[str, str, int]],
) -> Bar:
    feed, fact_id = history.feed, history.fact_id
    return Bar(
        ref=FactRef(feed=feed, fact_id=fact_id, revision=revision.revision),
        body=revision.body,
        begins=revision.valid_from,
        ends=None if revision.valid_to >= FOR_EVER else revision.valid_to,
        recorded_at=revision.recorded_at,
        recorded_by=revision.recorded_by,
        known_from=revision.known_from,
        mark=_mark(history, revision, question),
        is_in_time=revision.known_from <= known_by,
        paths=tuple(name for name in ORDER if name in ways),
        is_used=(feed, fact_id, revision.revision) in used,
    )


def _mark(history: History, revision: Revision, question: Question) -> Mark:
    if revision.revision != history.top.revision:
        return "replaced"
    if revision.is_void:
        return "void"
    if revision.valid_to <= question.start:
        return "ended"
    return "later" if revision.valid_from > question.end else "holds"


def _distance(bar: Bar, question: Question) -> tuple[bool, int, tuple[str, str, int]]:
    """What a path rests on first, then what is nearest in time."""
    ended = 0 if bar.ends is None else question.start - bar.ends
    away = max(0, ended, bar.begins - question.end)
    return not bar.is_used, away, (bar.ref.feed, bar.ref.fact_id, -bar.ref.revision)


def _place(bar: Bar) -> tuple[int, int, str, str, int]:
    """The most direct path first; of one path by time; revisions of a fact beside each other where they begin alike."""
    return ORDER.index(bar.paths[0]), bar.begins, bar.ref.feed, bar.ref.fact_id, bar.ref.revision


def _path(knowledge: Knowledge, policy: Policy, tried: Tried, known_by: int) -> Path:
    enabled = {
        "own-assignment": policy.paths.own_assignment.enabled,
        "supervises": policy.paths.supervises.enabled,
        "covers": policy.paths.covers.enabled,
        "reviews": policy.paths.reviews.enabled,
    }[tried.path]
    why_not_now = None if tried.now is not None else _why_not_now(tried, is_enabled=enabled)
    return Path(
        path=tried.path,
        is_enabled=enabled,
        then=tried.then,
        now=tried.now,
        why_not_then=None if tried.then is not None else _why_not_then(knowledge, tried, known_by) or why_not_now,
        why_not_now=why_not_now,
        closest=tried.closest.facts if tried.closest else (),
        leads_nowhere=enabled and tried.then is None and tried.now is None and tried.closest is None,
    )


def _why_not_now(tried: Tried, *, is_enabled: bool) -> str:
    if not is_enabled:
        return "the policy does not count this path"
    if tried.closest is not None:
        return tried.closest.why
    if tried.then is not None:
        return "what explained it was withdrawn or corrected since"
    return "no recorded fact leads there"


def _why_not_then(knowledge: Knowledge, tried: Tried, known_by: int) -> str | None:
    """Of a path that clears by now: when its last fact came to be known. None: that is not what is amiss."""
    if tried.now is None:
        return None
    facts = knowledge.facts
    rows = [facts.row_of(facts.ids.number(ref.feed, ref.fact_id)[0], ref.revision) for ref in tried.now]
    late = max(facts.known_from[row] for row in rows) - known_by
    if late <= 0:
        return "what was known in time said otherwise"
    return f"known only {exceeded(late)} after what counts as in time"
