"""What one act adds to what is counted about alerts, and which waits begin and end with it. Pure.

It is written with the act, in its transaction: so each act counts once, whichever console wrote it and whatever
crashes, and a console that starts need not read a million acts to know how long people take.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from schemas.act import Acknowledged, Act, Closed, Exported, Obligation, Revealed
from schemas.alert import Alert
from schemas.finding import Severity
from schemas.metrics import WAITS

Measure = Literal["acknowledged", "acknowledged_ms", "closed", "closed_ms", "revealed", "exported"]
"""What is counted. The first four by severity, and the first and third of them by how long it took."""
Wait = Literal["taking"] | Obligation
"""What an alert waits for: somebody to take it, or an obligation to be recorded."""

ABOVE: Final = "above"  # all bounds


class Key(NamedTuple):
    """One number. `label`: the words by which it is told from others of its measure, without spaces in them."""

    measure: Measure
    label: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """A wait: since when (UTC ms), and how grave its alert is. One that had begun goes on, with this severity."""

    what: Wait
    severity: Severity
    since: int


@dataclass(frozen=True, slots=True)
class Over:
    """A wait has ended, if there was one."""

    what: Wait


def counted(before: Alert | None, act: Act, after: Alert) -> Iterator[tuple[Key, int]]:
    """What to add to which number; `before` and `after` are the alert as the act found and left it."""
    match act.body:
        case Acknowledged() if before is not None and before.acknowledged_at is None:
            yield from _took("acknowledged", "acknowledged_ms", act.at - after.opened_at, after.severity)
        case Closed():
            yield from _took("closed", "closed_ms", act.at - after.opened_at, after.severity)
        case Revealed():
            yield Key("revealed"), 1
        case Exported():
            yield Key("exported"), 1
        case _:
            pass


def waits(before: Alert | None, act: Act, after: Alert) -> Iterator[Begun | Over]:
    """Which waits begin, go on with another severity, or end.

    An alert that was given back or reopened waits from then on: whoever took it in time is not late. What is owed on
    one is owed until it is recorded, or somebody who may confirm has decided otherwise.
    """
    was, now = _waits_for(before), _waits_for(after)
    for what in sorted(was - now):
        yield Over(what)
    is_graver = before is not None and before.severity != after.severity
    for what in sorted(now if is_graver else now - was):
        yield Begun(what, after.severity, act.at)


def _took(counts: Measure, total: Measure, ms: int, severity: Severity) -> Iterator[tuple[Key, int]]:
    ms = max(0, ms)
    place = bisect_left(WAITS, ms / 1000)
    yield Key(counts, (severity, f"{WAITS[place]}" if place < len(WAITS) else ABOVE)), 1
    yield Key(total, (severity,)), ms


def _waits_for(alert: Alert | None) -> frozenset[Wait]:
    if alert is None:
        return frozenset()
    owed: set[Wait] = {o.obligation for o in alert.owed if o.reference is None}
    return frozenset(owed | ({"taking"} if alert.status in {"open", "reopened"} else set()))
