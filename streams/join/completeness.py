"""How complete each feed is, and so how certain a verdict may be (design section 6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from schemas.fact import RegisteredMark
from schemas.finding import Certainty
from schemas.policy import Policy
from schemas.topics import CONSOLE

NEVER: Final = -(1 << 62)  # earlier than any instant: a feed that has promised nothing
RANK: Final[dict[Certainty, int]] = {"incomplete": 0, "provisional": 1, "final": 2}


class Low(NamedTuple):
    """The instant (UTC ms) through which every gating feed is complete; `waived`: the same by marks or waivers."""

    marked: int
    waived: int


class Completeness:
    """The gating feeds' marks that count, and the waivers.

    A mark counts once the facts have been applied up to its position. Accesses at the alert console wait for its feed,
    too, and no others do: they have a low of their own. `console`: the feeds that gate these; None: as all others.
    """

    def __init__(self, gating: Iterable[str], console: Iterable[str] | None = None) -> None:
        self.gating = tuple(sorted(gating))
        self.gating_console = self.gating if console is None else tuple(sorted(console))
        self.through: dict[str, int] = {}
        self.low = self.low_at_console = Low(NEVER, NEVER)
        self._waived: dict[str, int] = {}
        self._waiting: list[RegisteredMark] = []

    @classmethod
    def under(cls, policy: Policy) -> Completeness:
        """Of the feeds that this policy waits for; none has spoken."""
        return cls(policy.gating_feeds(), policy.gating_feeds(CONSOLE))

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

    def low_of(self, is_at_console: bool) -> Low:
        """How far the feeds have come that an access waits for."""
        return self.low_at_console if is_at_console else self.low

    def certainty(self, end: int, grace: int, *, is_at_console: bool = False) -> Certainty | None:
        """What a verdict about an access that ended at `end` may claim; None: not complete, the access is pending."""
        low = self.low_at_console if is_at_console else self.low
        if low.marked >= end + grace:
            return "final"
        if low.marked >= end:
            return "provisional"
        return "incomplete" if low.waived >= end else None

    def waiting_for(self, end: int, grace: int, *, is_at_console: bool = False) -> tuple[str, ...]:
        """The gating feeds that keep a verdict from being final."""
        return tuple(f for f in self._gating(is_at_console) if self.through.get(f, NEVER) < end + grace)

    def marks(self, *, is_at_console: bool = False) -> dict[str, int]:
        """The gating feeds' marks that count."""
        return {f: self.through[f] for f in self._gating(is_at_console) if f in self.through}

    def _gating(self, is_at_console: bool) -> tuple[str, ...]:
        return self.gating_console if is_at_console else self.gating

    def _count(self, mark: RegisteredMark) -> None:
        self.through[mark.feed] = max(mark.complete_through, self.through.get(mark.feed, NEVER))

    def _lower(self) -> None:
        self.low, self.low_at_console = self._low(self.gating), self._low(self.gating_console)

    def _low(self, feeds: tuple[str, ...]) -> Low:
        marks = [self.through.get(f, NEVER) for f in feeds]
        waived = [max(m, self._waived.get(f, NEVER)) for f, m in zip(feeds, marks, strict=True)]
        return Low(min(marks, default=FOREVER_COMPLETE), min(waived, default=FOREVER_COMPLETE))


FOREVER_COMPLETE: Final = 1 << 62  # a policy that reads no feed waits for none
