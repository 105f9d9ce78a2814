"""What is shown to whoever decides: whether a duty explained the access as known then, and as known now, path by path.

Values only. They hold nobody's record: whoever makes them has put masks in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from schemas.act import Act
from schemas.alert import Alert
from schemas.finding import PathName

from .timeline import Period

Cleared = Literal["all", "some", "none"]
"""At every instant at which the access may have happened, at some of them, or at none."""


_LED_BY: Final[Mapping[PathName, str]] = {
    "own-assignment": "assignment",
    "supervises": "supervision",
    "covers": "coverage",
    "reviews": "review",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTried:
    """One path: why it did not clear the access, by what was known in time and by now. None: it did.

    `leads_nowhere`: neither then nor now, and nothing came close; not worth a row that says it twice.
    """

    path: PathName
    why_not_then: str | None
    why_not_now: str | None
    leads_nowhere: bool


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

    @property
    def nowhere(self) -> str:
        """What was sought and is not on record: "assignment, supervision or coverage"; empty: something of each."""
        names = [_LED_BY[tried.path] for tried in self.paths if tried.leads_nowhere]
        return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


Proofs = Callable[[Alert, Sequence[Act]], Proof | None]
"""Who proves: of the finding that weighs most, of those that the acts carry. In the loop, between two of its steps."""


def nothing_proved(alert: Alert, findings: Sequence[Act]) -> Proof | None:
    """Where nobody has the facts: the page shows what the judge wrote into the finding."""
    return None
