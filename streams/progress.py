"""Whether a part of the worker that has work gets on with it. Pure; time is monotonic seconds."""

from __future__ import annotations


class Progress:
    """One part: `see` it often. It is stuck when it has had work for long and always stood where it stands."""

    def __init__(self) -> None:
        self.place: object = None
        self._since: float | None = None  # None: it had nothing to do, or could do nothing, when last seen

    def see(self, place: object, now: float, *, is_due: bool) -> None:
        """Where it stands; `is_due`: it has work, and nothing that it may wait for keeps it from it."""
        if not is_due:
            self._since = None
        elif self._since is None or place != self.place:
            self._since = now
        self.place = place

    def stuck_for(self, now: float) -> float:
        """For how long it has had work and not moved."""
        return 0.0 if self._since is None else now - self._since
