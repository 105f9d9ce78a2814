"""What has been published about an access against what is true now: the transition between them (design section 7)."""

from __future__ import annotations

from typing import NamedTuple

from schemas.finding import Certainty, Finding, Flag, Outcome, Severity, Transition
from schemas.joined import Word, word

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
    flags: tuple[Flag, ...]  # `borderline` comes and goes with facts, also where it does not lower the severity
    version: int  # of the policy

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
        finding.policy.version,
    )


def join(a: State | None, b: State) -> State:
    """The state after both, whichever came first: everything of the one that stands, the highest certainty ever."""
    if a is None:
        return b
    newer = max(a, b, key=word_of)
    return newer._replace(certainty=max(a.certainty, b.certainty, key=RANK.__getitem__))


def word_of(state: State) -> Word:
    """The higher stands (ADR 19)."""
    return word(
        position=state.position,
        version=state.version,
        policy=state.policy,
        outcome=state.outcome,
        staff=state.staff,
        clause=state.clause,
        severity=state.severity,
        flags=state.flags,
    )


def prevails(said: State, published: State | None) -> bool:
    """Whether readers would see what is said. If not, saying it changes nothing, however often: it waits for facts."""
    return published is None or word_of(said) >= word_of(published)


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
