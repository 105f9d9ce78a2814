"""The state of findings: the join of their transitions (design section 7). Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from schemas.finding import Certainty, Finding, Transition
from schemas.joined import standing

RANK: Final[dict[Certainty, int]] = {"incomplete": 0, "provisional": 1, "final": 2}


@dataclass(frozen=True, slots=True)
class State:
    """The transition that stands, as it was written, and the highest certainty of all."""

    newest: Finding
    certainty: Certainty

    @property
    def finding(self) -> Finding:
        """The finding as it stands."""
        if self.newest.certainty == self.certainty:
            return self.newest
        return self.newest.model_copy(update={"certainty": self.certainty})


def join(one: State, other: State) -> State:
    """The same in whatever order transitions come."""
    newest = standing(one.newest, other.newest)
    return State(newest, max(one.certainty, other.certainty, key=RANK.__getitem__))


def spoken(before: Finding | None, after: Finding) -> Transition | None:
    """What the joined state has just done; None when nothing that people see has changed.

    The transition's own name is only a hint: it says what its writer knew.
    """
    if before is None:
        return "withdrawn" if after.outcome == "explained" else "raised"
    if before.outcome != "explained" and after.outcome == "explained":
        return "withdrawn"
    if before.outcome == "explained" and after.outcome != "explained":
        return "reinstated"

    def seen(finding: Finding) -> tuple[object, ...]:
        return (finding.outcome, finding.certainty, finding.severity, finding.staff, finding.clause, finding.policy)

    return None if seen(before) == seen(after) else "revised"


class Joined:
    """The joined state of the findings read so far; the longest unchanged are forgotten beyond `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_id: OrderedDict[str, State] = OrderedDict()

    def add(self, transition: Finding) -> tuple[Finding, Transition | None]:
        """The joined state after one more transition, and what it has just done."""
        before = self._by_id.pop(transition.finding_id, None)
        alone = State(transition, transition.certainty)
        after = alone if before is None else join(before, alone)
        self._by_id[transition.finding_id] = after
        if len(self._by_id) > self._limit:
            self._by_id.popitem(last=False)
        return after.finding, spoken(before.finding if before else None, after.finding)

    def newest(self, count: int | None = None) -> list[Finding]:
        """The findings that changed last, the very last at the end; all of them without `count`."""
        states = list(self._by_id.values())
        chosen = states if count is None else states[max(len(states) - count, 0) :]
        return [state.finding for state in chosen]
