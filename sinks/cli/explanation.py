"""One access explained, for people: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemas.finding import FactRef, Finding
from streams.policy.decide import Verdict
from streams.policy.every_path import Tried

from .letters import Aside
from .lines import safe


class Judged(NamedTuple):
    """What is true of an access at one position."""

    position: int
    verdict: Verdict
    reason: str
    paths: dict[str, list[Tried]]  # by staff member


def explanation_page(place: str, judged: Sequence[Judged], published: Sequence[Finding]) -> str:
    """The message, the verdict at each position with every path tried, and what was published."""
    lines = [f"message {place}"]
    for number, one in enumerate(judged):
        when = "now" if number == len(judged) - 1 else "then"
        lines += ["", f"at position {one.position} ({when}): {_verdict(one.verdict)}", f"  {safe(one.reason)}"]
        lines += _paths(one)
    return "\n".join([*lines, "", *_all_published(published)])


def aside_page(place: str, aside: Aside, published: Sequence[Finding]) -> str:
    """Of a message in which the id stands and that nobody must look at: which letter says so, and what to do."""
    return "\n".join(
        [
            f"message {place}: the id stands in it, and it is set aside: nobody judges it, nor is it read here",
            f"  dead letter {safe(aside.letter)}: {safe(aside.why)}",
            f"  see it: needtoknow dead-letters show {safe(aside.letter)}",
            "  judge that access by hand, and have the project mend what it met (deploy/runbooks/DeadLetters.md)",
            "",
            *_all_published(published),
        ]
    )


def _all_published(published: Sequence[Finding]) -> list[str]:
    return [_published(finding) for finding in published] or ["nothing was published about it"]


def _verdict(verdict: Verdict) -> str:
    if verdict.outcome == "explained":
        return "explained"
    flags = f" [{', '.join(verdict.flags)}]" if verdict.flags else ""
    return f"{verdict.outcome}{flags}, {verdict.severity}, clause {verdict.clause}"


def _paths(one: Judged) -> Iterator[str]:
    for staff, paths in one.paths.items():
        yield f"  {safe(staff)}, known in time / known now:"
        width = max(len(tried.path) for tried in paths)
        for tried in paths:
            yield f"    {tried.path:<{width}}  {_cleared(tried.then)} / {_cleared(tried.now)}{_closest(tried)}"
    if not one.paths:
        yield "  no recorded account makes that login anybody's then"


def _cleared(facts: tuple[FactRef, ...] | None) -> str:
    if facts is None:
        return "no"
    return "yes, by " + " and ".join(f"{safe(f.feed)}/{safe(f.fact_id)} revision {f.revision}" for f in facts)


def _closest(tried: Tried) -> str:
    return "" if tried.why is None else f"; closest: {safe(tried.why)}"


def _published(finding: Finding) -> str:
    said = "withdrawn" if finding.outcome == "explained" else f"{finding.outcome}, {finding.certainty}"
    return f"published at position {finding.position}: {finding.transition} as {said}"
