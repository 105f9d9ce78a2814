"""From the logs of a disorder: how long each correction took, and whether anything was held back by it. Pure.

A transition is laid to the fact that made it due: of the revisions of the assignment in question (there is one for a
staff member and a record), the last in `facts.v1` below the transition's position. It is a correction when that
revision was appended to its feed after the access was appended; else it is the plain answer to a new access.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

TURNS: Final = ("raised", "withdrawn", "reinstated")
"""What changes whether somebody stands accused; `revised` moves certainty or wording."""


class Told(NamedTuple):
    """One revision: its place in `facts.v1`, when its feed was appended to (UTC ms), and its number."""

    position: int
    fed_at: int
    revision: int


class Turn(NamedTuple):
    """One transition: of which access, under which name, at which position, and when it was stored (UTC ms)."""

    event: str
    transition: str
    position: int
    stored_at: int


@dataclass(frozen=True)
class Corrected:
    """One correction: what came of it, how long after the feed's append, and when it was stored (UTC ms)."""

    transition: str
    took_ms: float
    stored_at: int
    fact_id: str
    revision: int


class Causes:
    """The revisions of every assignment, by fact id, in the order of `facts.v1`."""

    def __init__(self, told: Iterable[tuple[str, Told]]) -> None:
        self._told: defaultdict[str, list[Told]] = defaultdict(list)
        for fact_id, one in told:
            self._told[fact_id].append(one)

    def of(self, fact_id: str, position: int) -> Told | None:
        """The last revision that a judge at this position knew; None: nobody had said a word."""
        told = self._told.get(fact_id, [])
        place = bisect_left(told, position, key=lambda one: one.position)
        return told[place - 1] if place else None


def corrections(
    turns: Sequence[Turn], causes: Causes, fact_of: Mapping[str, str], appended_at: Mapping[str, int]
) -> list[Corrected]:
    """Those of the transitions that facts made due; `fact_of`, `appended_at`: by event id."""
    found: list[Corrected] = []
    for turn in turns:
        fact_id = fact_of[turn.event]
        cause = causes.of(fact_id, turn.position) if turn.transition in TURNS else None
        if cause is not None and cause.fed_at > appended_at[turn.event]:
            took = turn.stored_at - cause.fed_at
            found.append(Corrected(turn.transition, took, turn.stored_at, fact_id, cause.revision))
    return found


class Window(NamedTuple):
    """A span of the clock, in seconds."""

    start: float
    end: float

    def holds(self, moment: float) -> bool:
        """Whether the moment lies within it."""
        return self.start <= moment <= self.end


def storms(corrected: Iterable[Corrected], storm: Mapping[str, Mapping[int, float]]) -> list[Window]:
    """From when a storm's facts were sent to the last correction it made due.

    `storm`: by fact id and revision the moment (seconds by the clock) at which that revision was sent.
    """
    ends: dict[float, float] = {}
    for one in corrected:
        sent_at = storm.get(one.fact_id, {}).get(one.revision)
        if sent_at is not None:
            ends[sent_at] = max(ends.get(sent_at, sent_at), one.stored_at / 1000)
    return [Window(start, end) for start, end in sorted(ends.items())]
