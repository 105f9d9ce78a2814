"""Holds back the accesses that facts yet to come would decide otherwise.

An access already judged *explained* or *final* is not judged again yet when facts change (that is the next step of
the project; README says so). Until then a day is played in two parts: accesses whose verdict would still move are
delivered when everything is known, as mail that was delayed. Delete this module when judged accesses are judged again.
"""

from __future__ import annotations

from bisect import bisect_left

from schemas.access import Access, finding_id
from schemas.fact import Fact
from schemas.policy import Policy
from sinks.ledger.rejudge import Rejudge
from tests.harness.steps import LONG_AFTER, Script, Step

SLACK_MS = 3 * 3_600_000  # of virtual time: a worker may be ahead of the facts by so much when a day is played fast


def split(script: Script, policy: Policy) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps to play first, and those to play once everything before has been read, registered and judged."""
    log = script.registered_log()
    judge, marks = Rejudge(policy, log), script.final_marks()
    told_at = [step.at_ms for step in script.steps if isinstance(step.means, Fact)]
    moved: dict[str, bool] = {}

    def moves(access: Access, at_ms: int) -> bool:
        known = bisect_left(told_at, at_ms - SLACK_MS)
        early = judge.judge(access, LONG_AFTER, position=known, marks=marks)
        return early != judge.judge(access, LONG_AFTER, position=len(log), marks=marks)

    for step in script.steps:
        if isinstance(step.means, Access) and not moved.get(key := finding_id(step.means)):
            moved[key] = moves(step.means, step.at_ms)
    held = tuple(s for s in script.steps if isinstance(s.means, Access) and moved[finding_id(s.means)])
    kept = tuple(s for s in script.steps if not (isinstance(s.means, Access) and moved[finding_id(s.means)]))
    return kept, held
