"""One access explained, for people: pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemas.fact import RegisteredFact, Waiver
from schemas.finding import FactRef, Finding
from schemas.ids import format_instant
from schemas.policy import Policy
from sinks.letters import Aside
from streams.policy.decide import Verdict
from streams.policy.every_path import Tried
from streams.policy.sentences import duration

from .lines import safe

Said = tuple[Finding, int]
"""A transition, and when the broker stored it (UTC ms)."""


class Judged(NamedTuple):
    """What is true of an access at one position."""

    position: int
    verdict: Verdict
    reason: str
    paths: dict[str, list[Tried]]  # by staff member


class Page(NamedTuple):
    """All that is shown of one access."""

    place: str
    finding_id: str
    policy: Policy
    judged: Sequence[Judged]
    facts: Sequence[RegisteredFact]  # every revision of those that the paths name
    said: Sequence[Said]


def named_facts(judged: Sequence[Judged], facts: Sequence[RegisteredFact | Waiver | None]) -> list[RegisteredFact]:
    """Every revision of the facts that some path names, in the order in which they were registered."""
    tried = [each for one in judged for paths in one.paths.values() for each in paths]
    refs = [ref for each in tried for ref in (*(each.then or ()), *(each.now or ()))]
    refs += [ref for each in tried if each.closest is not None for ref in each.closest.facts]
    names = {(ref.feed, ref.fact_id) for ref in refs}
    return [fact for fact in facts if isinstance(fact, RegisteredFact) and (fact.feed, fact.fact_id) in names]


def explanation_page(page: Page) -> str:
    """The message, the verdict at each position with every path tried, those facts, and what was published."""
    policy, grace = page.policy, page.policy.grace_ms
    lines = [
        f"message {page.place}, finding {page.finding_id}",
        f"policy {safe(policy.name)} version {policy.version} ({policy.hash()[:12]})",
    ]
    for number, one in enumerate(page.judged):
        when = "now" if number == len(page.judged) - 1 else "then"
        lines += ["", f"at position {one.position} ({when}): {_verdict(one.verdict, policy)}", f"  {safe(one.reason)}"]
        lines += _paths(one, "at once" if not grace else f"within {duration(grace)} of the access")
    return "\n".join([*lines, *_facts(page.facts), "", *_all_published(page.said)])


def aside_page(place: str, aside: Aside, said: Sequence[Said]) -> str:
    """Of a message in which the id stands and that nobody must look at: which letter says so, and what to do."""
    return "\n".join(
        [
            f"message {place}: the id stands in it, and it is set aside: nobody judges it, nor is it read here",
            f"  dead letter {safe(aside.letter)}: {safe(aside.why)}",
            f"  see it: needtoknow dead-letters show {safe(aside.letter)}",
            "  judge that access by hand, and have the project mend what it met (deploy/runbooks/DeadLetters.md)",
            "",
            *_all_published(said),
        ]
    )


def _all_published(said: Sequence[Said]) -> list[str]:
    return [_published(finding, at) for finding, at in said] or ["nothing was published about it"]


def _verdict(verdict: Verdict, policy: Policy) -> str:
    if verdict.outcome == "explained":
        return "explained"
    flags = f" [{', '.join(verdict.flags)}]" if verdict.flags else ""
    cites = next((safe(clause.cites) for clause in policy.clauses if clause.name == verdict.clause), "?")
    return f"{verdict.outcome}{flags}, {verdict.severity}, clause {cites} ({safe(verdict.clause)})"


def _paths(one: Judged, in_time: str) -> Iterator[str]:
    for staff, paths in one.paths.items():
        yield f"  {safe(staff)}, by what was recorded {in_time} (in time), and by what is recorded by now:"
        for tried in paths:
            yield f"    {tried.path}"
            yield f"      in time: {_cleared(tried.then)}"
            closest = "" if tried.closest is None else f"; closest: {safe(tried.closest.why)}{_by(tried.closest.facts)}"
            yield f"      by now:  {_cleared(tried.now)}{closest}"
    if not one.paths:
        yield "  no recorded account makes that login anybody's then"


def _cleared(facts: tuple[FactRef, ...] | None) -> str:
    return "no" if facts is None else f"yes{_by(facts)}"


def _by(facts: Sequence[FactRef]) -> str:
    return ", by " + " and ".join(f"{safe(f.feed)}/{safe(f.fact_id)} revision {f.revision}" for f in facts)


def _facts(facts: Sequence[RegisteredFact]) -> Iterator[str]:
    """When each revision says that it holds, and who recorded it when."""
    by_name: defaultdict[str, list[RegisteredFact]] = defaultdict(list)
    for fact in facts:
        by_name[f"{safe(fact.feed)}/{safe(fact.fact_id)}"].append(fact)
    if by_name:
        yield from ("", "the facts that are named, with all that was recorded of them:")
    for name, revisions in by_name.items():
        yield f"  {name}, {revisions[0].body.kind}"
        for fact in revisions:
            until = "without an end" if fact.valid_to is None else f"to {format_instant(fact.valid_to)}"
            holds = "entered in error" if fact.void else f"holds from {format_instant(fact.valid_from)} {until}"
            by = "" if fact.recorded_by is None else f" by {safe(fact.recorded_by)}"
            known = "" if fact.known_from == fact.recorded_at else f", known from {format_instant(fact.known_from)}"
            yield f"    revision {fact.revision}: {holds}; recorded {format_instant(fact.recorded_at)}{by}{known}"


def _published(finding: Finding, at: int) -> str:
    said = "" if finding.outcome == "explained" else f" as {finding.outcome}, {finding.certainty}"
    return f"published {format_instant(at)}, at position {finding.position}: {finding.transition}{said}"
