"""What is shown to whoever decides: whether a duty explained the access as known then, and as known now, path by path.

Values only. They hold nobody's record: whoever makes them has put masks in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.act import Act
from schemas.alert import Alert
from schemas.finding import PathName

from .timeline import Period

Cleared = Literal["all", "some", "none"]
"""At every instant at which the access may have happened, at some of them, or at none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTried:
    """One path: why it did not clear the access, by what was known in time and by now. None: it did."""

    path: PathName
    why_not_then: str | None
    why_not_now: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One access, for one person, by the facts below `position`. What was known by `known_by` (UTC ms) was in time.

    `left_out`: periods that nobody could read beside the others.
    """

    staff: str
    then: Cleared
    now: Cleared
    known_by: int
    position: int
    paths: tuple[PathTried, ...]
    periods: tuple[Period, ...] = ()
    left_out: int = 0


Proofs = Callable[[Alert, Sequence[Act]], Proof | None]
"""Who proves: of the finding that weighs most, of those that the acts carry. In the loop, between two of its steps."""


def nothing_proved(alert: Alert, findings: Sequence[Act]) -> Proof | None:
    """Where nobody has the facts: the page shows what the judge wrote into the finding."""
    return None
