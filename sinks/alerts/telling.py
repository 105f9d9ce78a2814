"""What one finding tells of one access, in all that its alert's gravity depends on. Pure.

A source may send an event id again with other content: an export with one more column, a slip that was completed when
it came back. Each is judged and is a finding, and what it tells of is one access all the same. So it is when who asked
and who did it turn out to be one person (ADR 27). An alert counts accesses: of all findings that tell of one, the one
that weighs most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NewType, get_args

from schemas.access import Access, Action, Result
from schemas.alert import Tally
from schemas.finding import Certainty, Finding, Flag

from . import severity

Telling = NewType("Telling", str)
"""What a finding tells, spelled so that the one that sorts last weighs most."""

NOTHING: Final = Telling("")
"""What a finding tells that does not stand."""

_ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
_RESULTS: Final[tuple[Result, ...]] = get_args(Result)
_FLAGS: Final[tuple[Flag, ...]] = get_args(Flag)
_PLACES: Final = 6  # of one digit each, before how many were shown
_SHOWN_DIGITS: Final = 10  # `object_count` is a billion at the most


def access_key(access: Access) -> str:
    """32 hex digits by which findings of one access are known: of its source and event id, whatever else they say."""
    return hashlib.sha256(f"{access.source}\x1f{access.event_id}".encode()).hexdigest()[:32]


def telling_of(finding: Finding, certainty: Certainty) -> Telling:
    """What it tells while it stands; `certainty` is the highest that it ever had."""
    access = finding.access
    flags = dict.fromkeys(finding.flags)
    digits = (
        severity.SEVERITIES.index(severity.severity_of(finding)),
        "borderline" not in flags,
        not severity.is_claimed(access),
        severity.OUTCOMES.index(finding.outcome),
        severity.CERTAINTIES.index(certainty),
        severity.is_bulk(access),
        f"{severity.shown(access):0{_SHOWN_DIGITS}}",
        _ACTIONS.index(access.action),
        _RESULTS.index(access.result),
        *map(_FLAGS.index, flags),
    )
    return Telling("".join(str(int(one)) if isinstance(one, bool) else str(one) for one in digits))


def counted(tallies: tuple[Tally, ...], telling: Telling, by: int) -> tuple[Tally, ...]:
    """The tallies with one access more that was told of so (1), or one less (-1)."""
    if telling == NOTHING:
        return tallies
    one = _tally(telling)
    counts = {_key(tally): (tally.count, tally.shown) for tally in tallies}
    count, shown = counts.get(_key(one), (0, 0))
    counts[_key(one)] = count + by, shown + by * one.shown
    names = tuple(_of(one))
    return tuple(
        Tally(**dict(zip(names, key, strict=True)), count=count, shown=shown)
        for key, (count, shown) in sorted(counts.items())
        if count
    )


def _tally(telling: Telling) -> Tally:
    """The one access that is told of."""
    grave, _, is_own, outcome, certainty, is_bulk = map(int, telling[:_PLACES])
    rest = telling[_PLACES + _SHOWN_DIGITS :]
    return Tally(
        outcome=severity.OUTCOMES[outcome],
        certainty=severity.CERTAINTIES[certainty],
        severity=severity.SEVERITIES[grave],
        action=_ACTIONS[int(rest[0])],
        result=_RESULTS[int(rest[1])],
        flags=tuple(_FLAGS[int(digit)] for digit in rest[2:]),
        is_bulk=bool(is_bulk),
        is_claimed=not is_own,
        count=1,
        shown=int(telling[_PLACES : _PLACES + _SHOWN_DIGITS]),
    )


def _of(tally: Tally) -> Mapping[str, Any]:
    return {name: value for name, value in tally.__dict__.items() if name not in {"count", "shown"}}


def _key(tally: Tally) -> tuple[Any, ...]:
    return tuple(_of(tally).values())
