"""What was wanted and what was measured, as one table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .tables import table


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One number. `limit` None: only told; `is_floor`: the least that is wanted, else the most. None measured: lost."""

    part: str
    what: str
    unit: str
    measured: float | None
    limit: float | None = None
    is_floor: bool = False

    @property
    def is_met(self) -> bool | None:
        """None when nothing was asked for. What could not be measured was not met."""
        if self.limit is None:
            return None
        if self.measured is None:
            return False
        return self.measured >= self.limit if self.is_floor else self.measured <= self.limit

    def as_json(self) -> dict[str, Any]:
        """The number, what was wanted, and whether it is met."""
        wanted = {} if self.limit is None else {"at_least" if self.is_floor else "at_most": self.limit}
        measured = None if self.measured is None else float(f"{self.measured:.4g}")
        said = {"part": self.part, "what": self.what, "unit": self.unit, "measured": measured}
        return {**said, **wanted, "is_met": self.is_met}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One bench: its goals, all that it measured, and what to beware of when reading it."""

    name: str
    is_right: bool  # no false and no missed verdict, and it came to its end
    goals: Sequence[Goal]
    rough_edges: Sequence[str]
    document: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        goals = [goal.as_json() for goal in self.goals]
        return {"is_right": self.is_right, "goals": goals, "rough_edges": list(self.rough_edges), **self.document}


def goal_table(parts: Sequence[Part]) -> str:
    """A line for each goal of each part."""
    head = ["part", "what", "measured", "wanted", ""]
    return table([head, *(_line(goal) for part in parts for goal in part.goals)], left=(0, 1))


def _line(goal: Goal) -> list[str]:
    wanted = "-" if goal.limit is None else f"{'≥' if goal.is_floor else '≤'} {number(goal.limit)}"
    measured = "nothing" if goal.measured is None else f"{number(goal.measured)} {goal.unit}".strip()
    return [goal.part, goal.what, measured, wanted, {None: "", True: "ok", False: "NOT MET"}[goal.is_met]]


def number(value: float) -> str:
    """With as many digits as say something."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
