"""How complete each feed is, and so how certain a verdict may be (design section 6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.fact import RegisteredMark
from schemas.finding import Certainty

NEVER: Final = -(1 << 62)  # earlier than any instant: a feed that has promised nothing
RANK: Final[dict[Certainty, int]] = {"incomplete": 0, "provisional": 1, "final": 2}


class Completeness:
    """The gating feeds' marks that count, and the waivers.

    A mark counts once the facts have been applied up to its position. `low` is the instant through which every gating
    feed is complete, `low_waived` the same when waivers are taken for marks.
    """

    def __init__(self, gating: Iterable[str]) -> None:
        self.gating = tuple(sorted(gating))
        self.through: dict[str, int] = {}
        self.low = NEVER
        self.low_waived = NEVER
        self._waived: dict[str, int] = {}
        self._waiting: list[RegisteredMark] = []

    def learn(self, mark: RegisteredMark, position: int) -> None:
        """Hear a mark; it counts now or when the facts have come to its position."""
        if mark.position <= position:
            self._count(mark)
            self._lower()
        else:
            self._waiting.append(mark)

    def advance(self, position: int, waivers: dict[str, int]) -> None:
        """The facts have been applied up to `position`."""
        self._waived = waivers
        ready = [m for m in self._waiting if m.position <= position]
        self._waiting = [m for m in self._waiting if m.position > position]
        for mark in ready:
            self._count(mark)
        self._lower()

    def certainty(self, end: int, grace: int) -> Certainty | None:
        """What a verdict about an access that ended at `end` may claim; None: not complete, the access is pending."""
        if self.low >= end + grace:
            return "final"
        if self.low >= end:
            return "provisional"
        return "incomplete" if self.low_waived >= end else None

    def waiting_for(self, end: int, grace: int) -> tuple[str, ...]:
        """The gating feeds that keep a verdict from being final."""
        return tuple(f for f in self.gating if self.through.get(f, NEVER) < end + grace)

    def marks(self) -> dict[str, int]:
        """The gating feeds' marks that count."""
        return {f: self.through[f] for f in self.gating if f in self.through}

    def _count(self, mark: RegisteredMark) -> None:
        self.through[mark.feed] = max(mark.complete_through, self.through.get(mark.feed, NEVER))

    def _lower(self) -> None:
        marks = [self.through.get(f, NEVER) for f in self.gating]
        waived = [max(m, self._waived.get(f, NEVER)) for f, m in zip(self.gating, marks, strict=True)]
        self.low = min(marks, default=FOREVER_COMPLETE)
        self.low_waived = min(waived, default=FOREVER_COMPLETE)


FOREVER_COMPLETE: Final = 1 << 62  # a policy that reads no feed waits for none
