"""From a verdict to what people read: the sentence, the paths that clear, the paths that came close."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from schemas.access import Access
from schemas.finding import Explanation, NearMiss, PathName
from schemas.policy import Policy
from streams.join.knowledge import Knowledge
from streams.join.question import Question
from streams.join.view import View

from .decide import Verdict, ask, first_path
from .near_misses import near_misses
from .reach import Grounds
from .refs import refs
from .sentences import DID, exceeded, record_words, span


class Told(NamedTuple):
    """The readable part of a finding."""

    reason: str
    explanations: tuple[Explanation, ...]
    near_misses: tuple[NearMiss, ...]


def tell(knowledge: Knowledge, policy: Policy, question: Question, access: Access, verdict: Verdict) -> Told:
    """Why the verdict is what it is, at the knowledge's position, asked at the first instant of the access."""
    who = verdict.staff or f"login {access.actor}"
    lead = f"{_did(who, access)} {span(question.start, question.end)}"
    if access.result != "success":
        lead += f" (attempt {access.result})"
    if verdict.staff is None:
        people = len(ask(knowledge, policy, question).people)
        return Told(f"{lead}: {_nobody(people, access.login_source, verdict)}.", (), ())
    clearing = _clearing(knowledge, policy, question, verdict)
    explanations = () if clearing is None else (Explanation(path=clearing[0], facts=refs(clearing[1])),)
    if verdict.outcome in ("unexplained", "unresolved"):
        missed = near_misses(knowledge, policy.paths, verdict.staff, question)
    else:
        missed = ()
    late = _late(clearing, question.end, policy.grace_ms)
    return Told(f"{lead}: {_why(verdict, question, access, late, missed)}.", explanations, missed)


def _record(access: Access) -> str:
    words = record_words(f"{access.record.kind}/{access.record.id}")
    shown = "" if access.object_count is None or access.action != "search" else f" of {access.object_count} shown"
    if access.candidates:
        return f"{words} ({len(access.candidates)} candidates{shown})"
    if access.record.kind == "criteria":
        return f"{words} (nobody named{shown})"
    return words


def _did(who: str, access: Access) -> str:
    """Who did what, and who else had to do with it. That somebody asked is what the login says that did it."""
    what = f"{DID[access.action]} {_record(access)}"
    if access.operator is not None:
        return f"{who} was named by login {access.operator} as who asked for it when {access.operator} {what}"
    asked_by = access.requested_for
    return f"{who} {what}" + (f" for login {asked_by}" if asked_by not in (None, access.actor) else "")


def _clearing(
    knowledge: Knowledge, policy: Policy, question: Question, verdict: Verdict
) -> tuple[PathName, Grounds] | None:
    if verdict.staff is None or verdict.outcome not in ("late", "revoked", "explained"):
        return None
    known_by = question.end + policy.grace_ms if verdict.outcome == "revoked" else None
    return first_path(View(knowledge, known_by), policy, verdict.staff, question, question.start)


def _nobody(people: int, source: str, verdict: Verdict) -> str:
    if verdict.outcome == "explained":
        return "a recorded duty explains it, whoever of them it was"
    if people > 1:
        return f"that login is {people} people at {source} then, and no duty explains it for all of them"
    return f"that login is no staff member known at {source} then"


def _late(clearing: tuple[PathName, Grounds] | None, end: int, grace: int) -> str:
    used = [used.revision for used in clearing[1]] if clearing else []
    last = max(used, key=attrgetter("known_from"), default=None)
    if clearing is None or last is None or last.known_from <= end + grace:  # the late part explains another instant
        return "explained only by what was recorded afterwards"
    if last.known_from > last.recorded_at:  # as register stamped it; earlier, if the feed's clock was ahead
        return f"explained ({clearing[0]}) only by what came after its feed had called that time complete"
    return f"explained ({clearing[0]}) only by what was recorded {exceeded(last.known_from - end)} afterwards"


def _why(verdict: Verdict, question: Question, access: Access, late: str, missed: tuple[NearMiss, ...]) -> str:
    match verdict.outcome:
        case "explained":
            return "a recorded duty explains it"
        case "late":
            return late
        case "revoked":
            return "a duty explained it when it happened, and was withdrawn or corrected since: for review"
        case "unresolved":
            if question.targets == (f"criteria/{access.record.id}",):
                return "no record was named, so no duty can be compared with it"
            return "no recorded fact names that record"
        case "unexplained":
            nearest = f"; nearest: {missed[0].why}" if missed else ""
            doubt = " over all of the time it may have happened" if "borderline" in verdict.flags else ""
            duties = "supervision, coverage or review" if question.is_at_console else "supervision or coverage"
            return f"no assignment, {duties} explains it{doubt}{nearest}"
