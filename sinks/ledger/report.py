"""What the audit saw."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Partly:
    """A partition that could not be held to all that is known: to this position of so many.

    `unclaimed`: judged messages that could be held to none, since nobody says that later facts were brought to them.
    """

    position: int
    of: int
    unclaimed: int


@dataclass
class Report:
    """What the audit saw. `differences` are places and what is wrong there, never content; empty means verified."""

    messages: int = 0
    accesses: int = 0
    cuts: int = 0
    settlements: int = 0
    findings: int = 0
    pending: int = 0
    unjudged: int = 0
    quarantined: int = 0  # messages that nobody judged, since they end whoever looks at them
    repeated: int = 0  # cuts that were stored more than once
    past: int = 0  # cuts that begin before the first message that was read: not to be derived here
    partly: dict[str, Partly] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to look at: then nothing is verified, however little differs."""
        return not (self.messages or self.cuts or self.settlements)
