"""Which of a finding's transitions stands: one order for the judge and for everybody who reads them (ADR 19).

The state of a finding is the join of its transitions: everything of the one that stands, the highest certainty ever.
"""

from __future__ import annotations

from typing import get_args

from .codec import encode
from .finding import Certainty, Finding, Flag, Outcome, Severity

CERTAINTIES: tuple[Certainty, ...] = get_args(Certainty)

Word = tuple[int, int, str, str, str, str, str, tuple[str, ...]]


def word(
    *,
    position: int,
    version: int,
    policy: str,
    outcome: Outcome,
    staff: str | None,
    clause: str,
    severity: Severity,
    flags: tuple[Flag, ...],
) -> Word:
    """What a transition says but for its certainty; of two the higher stands. `policy` is a hash, `version` its number.

    First the position: who knew more facts is right. At one position the later policy; then, so that all agree, the
    hash, and the outcome in an order in which no explanation hides an accusation.
    """
    return position, version, policy, outcome, staff or "", clause, severity, flags


def word_of(finding: Finding) -> Word:
    """The word of one transition."""
    return word(
        position=finding.position,
        version=finding.policy.version,
        policy=finding.policy.hash,
        outcome=finding.outcome,
        staff=finding.staff,
        clause=finding.clause,
        severity=finding.severity,
        flags=finding.flags,
    )


def standing(one: Finding, other: Finding) -> Finding:
    """Which of two transitions of a finding stands, whichever was read first.

    Of one word the more certain (its texts say so), then the higher bytes: repeats lie in several places.
    """
    first, second = word_of(one), word_of(other)
    if first != second:
        return one if first > second else other
    return max(one, other, key=lambda f: (CERTAINTIES.index(f.certainty), encode(f)))
