"""Differences that replaying finds, for people and for programs: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.finding import PolicyRef, Transition
from schemas.ids import format_instant
from streams.join.reconcile import State

from .lines import moment, safe
from .replaying import Difference

_WORDS: Final[dict[Transition, str]] = {
    "raised": "RAISED",
    "reinstated": "RAISED AGAIN",
    "revised": "REVISED",
    "withdrawn": "WITHDRAWN",
}
_SEEN: Final = ("outcome", "certainty", "staff", "clause", "severity", "flags")


@dataclass(kw_only=True)
class Replayed:
    """What replaying a range came to. Instants in UTC milliseconds; `cuts` is 0 where it was judged as known now.

    `unjudged`: messages that are in no cut yet. `quarantined`: messages that nobody must look at. `waiting`: accesses
    about which feeds must speak first.
    """

    policy: PolicyRef
    as_known: str
    first: int
    end: int
    source: str | None
    position: int = 0
    cuts: int = 0
    messages: int = 0
    accesses: int = 0
    waiting: int = 0
    unjudged: int = 0
    quarantined: int = 0
    differences: Counter[Transition] = field(default_factory=Counter)


def difference_line(one: Difference, as_known: str) -> str:
    """When, how grave, what would become of which finding, and why."""
    would = "WOULD HAVE BEEN" if as_known == "then" else "WOULD BE"
    severity = one.before.severity if one.change == "withdrawn" and one.before is not None else one.after.severity
    return (
        f"{moment(one.access.occurred_at)}  {severity.upper():<8}  {would} {_WORDS[one.change]}{_how(one)}: "
        f"{safe(one.reason)}  {one.finding_id}"
    )


def _how(one: Difference) -> str:
    if one.change == "withdrawn" and one.before is not None:
        return f" (stands as {one.before.outcome}, {one.before.certainty})"
    if one.change == "revised" and one.before is not None:
        changes = [
            f"{name.replace('_', ' ')} from {safe(str(before or 'nobody'))} to {safe(str(after or 'nobody'))}"
            for name, before, after in _changed(one.before, one.after)
        ]
        return f" ({', '.join(changes)})"
    if not one.is_complete:
        return f" as {one.after.outcome}, after waiting for {' and '.join(one.waiting_for)}"
    return f" as {one.after.outcome}, {one.after.certainty}"


def _changed(before: State, after: State) -> Iterator[tuple[str, str | None, str | None]]:
    for name in _SEEN:
        if getattr(before, name) != getattr(after, name):
            yield name, _spelled(getattr(before, name)), _spelled(getattr(after, name))


def _spelled(value: str | tuple[str, ...] | None) -> str | None:
    return (" and ".join(value) or "none") if isinstance(value, tuple) else value


def difference_document(one: Difference) -> dict[str, Any]:
    """For `--json`; `before`: what was published, if anything; a null certainty: feeds must speak first."""
    after = _state(one.after)
    if not one.is_complete:
        after["certainty"] = None
    return {
        "change": one.change,
        "finding_id": one.finding_id,
        "message": one.place,
        "source": one.access.source,
        "event_id": one.access.event_id,
        "actor": one.access.actor,
        "action": one.access.action,
        "record": one.access.record.model_dump(),
        "occurred_at": format_instant(one.access.occurred_at),
        "before": None if one.before is None else _state(one.before),
        "after": after,
        "waiting_for": list(one.waiting_for),
        "reason": one.reason,
    }


def _state(state: State) -> dict[str, Any]:
    return {"position": state.position, **{name: getattr(state, name) for name in _SEEN}}


def summary_lines(done: Replayed) -> Iterator[str]:
    """What was judged, by what, and what that came to."""
    where = f"at the positions and marks of {done.cuts:,} cuts" if done.as_known == "then" else "by all facts there are"
    sources = "all sources" if done.source is None else f"source {done.source}"
    yield f"{sources}, messages stored from {format_instant(done.first)} to {format_instant(done.end)}"
    yield f"policy {safe(done.policy.name)} version {done.policy.version} ({done.policy.hash[:12]})"
    yield f"as known {done.as_known}: {where}"
    yield f"messages: {done.messages:,}, accesses: {done.accesses:,}"
    if done.waiting:
        yield f"accesses that wait for feeds: {done.waiting:,}"
    if done.unjudged:
        yield f"messages that no worker has judged yet, left out: {done.unjudged:,}"
    if done.quarantined:
        yield f"messages that were set aside, left out: {done.quarantined:,}"
    total = done.differences.total()
    if not done.messages:
        yield "nothing was judged: no message was stored in that range (when an access happened is another matter)"
        return
    if not total:
        stands = "was said then" if done.as_known == "then" else "stands"
        yield f"no difference: what {stands} is what would be said"
        return
    each = ", ".join(f"{done.differences[name]:,} {word.lower()}" for name, word in _WORDS.items())
    yield f"{total:,} differences: {each}; nothing was published"


def summary_document(done: Replayed) -> dict[str, Any]:
    """For `--json`, after all differences."""
    return {
        "is_the_same": bool(done.messages) and not done.differences.total(),
        "as_known": done.as_known,
        "policy": done.policy.model_dump(),
        "from": format_instant(done.first),
        "to": format_instant(done.end),
        "source": done.source,
        "position": done.position,
        "cuts": done.cuts,
        "messages": done.messages,
        "accesses": done.accesses,
        "waiting": done.waiting,
        "unjudged": done.unjudged,
        "quarantined": done.quarantined,
        "differences": {name: done.differences[name] for name in _WORDS},
    }
