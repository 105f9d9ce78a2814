"""What has been published about an access against what is true now: the transition between them (design section 7)."""

from __future__ import annotations

from typing import NamedTuple

from schemas.finding import Certainty, Finding, Flag, Outcome, Severity, Transition

from .completeness import RANK


class State(NamedTuple):
    """The joined state of one finding. `outcome` `explained` means withdrawn."""

    position: int
    outcome: Outcome
    certainty: Certainty
    staff: str | None
    clause: str
    severity: Severity
    policy: str
    flags: tuple[Flag, ...] = ()  # `borderline` comes and goes with facts, also where it does not lower the severity

    def says_the_same(self, other: State) -> bool:
        """Whether a reader would notice no difference but position and certainty."""
        return self._replace(position=other.position, certainty=other.certainty) == other


def state_of(finding: Finding) -> State:
    """What one transition says."""
    return State(
        finding.position,
        finding.outcome,
        finding.certainty,
        finding.staff,
        finding.clause,
        finding.severity,
        finding.policy.hash,
        finding.flags,
    )


def join(a: State | None, b: State) -> State:
    """The state after both, whichever came first: everything of the highest position, the highest certainty ever."""
    if a is None:
        return b
    newer = max(a, b, key=_order)
    return newer._replace(certainty=max(a.certainty, b.certainty, key=RANK.__getitem__))


def _order(state: State) -> tuple[int, int, str]:
    """Higher counts, whichever is read first (ADR 6, rule 12)."""
    return state.position, RANK[state.certainty], repr(state)


def transition(published: State | None, judged: State, is_complete: bool) -> tuple[Transition, State] | None:
    """What to publish so that the joined state says what was judged; None: nothing.

    `judged.certainty` counts only when `is_complete`; an access judged while its feeds are not is pending.
    """
    if published is not None and published.position > judged.position:
        return None  # somebody knew more; reconciled once this worker knows as much
    if published is None or published.outcome == "explained":
        if judged.outcome == "explained" or not is_complete:
            return None
        if published is None:
            return "raised", judged
        return "reinstated", judged._replace(certainty=_higher(published, judged))
    if judged.outcome == "explained":
        return "withdrawn", judged._replace(certainty=published.certainty)
    certainty = _higher(published, judged) if is_complete else published.certainty
    if certainty == published.certainty and judged.says_the_same(published):
        return None
    return "revised", judged._replace(certainty=certainty)


def _higher(a: State, b: State) -> Certainty:
    return max(a.certainty, b.certainty, key=RANK.__getitem__)
