"""What the page of alerts shows, as values: what can be chosen and what is, and addresses that say so. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args
from urllib.parse import urlencode

from schemas.alert import Status
from sinks.alerts.severity import OUTCOMES, SEVERITIES
from sinks.store.listing import Kind
from sinks.store.reading import Facets

from .asked import order_of

Query = Mapping[str, Sequence[str]]
Values = Mapping[str, str]
"""What alerts of one kind are, by the names of what can be chosen."""

LIST: Final = "/alerts"
_OPEN: Final[tuple[Status, ...]] = ("open", "reopened", "acknowledged")
TO_DO: Final[Query] = {"status": _OPEN, "order": ("severity",)}
"""What everybody begins with."""
_ORDERS: Final[dict[str, tuple[str, ...]]] = {
    "status": ("open", "reopened", "acknowledged", "closed"),
    "severity": tuple(reversed(SEVERITIES)),
    "outcome": tuple(o for o in reversed(OUTCOMES)),
}
_GROUPS: Final = ("status", "severity", "outcome", "clause")
assert set(_ORDERS["status"]) == set(get_args(Status))


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can be chosen: how many there are of it, and where choosing it, or choosing it no more, leads."""

    name: str
    value: str
    words: str
    count: int
    href: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Choices of one kind; any of those that are chosen. `note`: of what they are counted, where that is not clear."""

    title: str
    choices: tuple[Choice, ...]
    note: str = ""


def address(query: Query, *, alert_id: str | None = None) -> str:
    """Of the list, or of one alert beside it, with everything that is chosen."""
    path = LIST if alert_id is None else f"{LIST}/{alert_id}"
    pairs = [(name, value) for name in query for value in query[name]]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def without(query: Query, *names: str) -> dict[str, Sequence[str]]:
    """The query less these names."""
    return {name: values for name, values in query.items() if name not in names}


def groups(query: Query, facets: Facets) -> tuple[Group, ...]:
    """All that can be chosen."""
    kinds = [(_values(kind), count) for kind, count in facets.kinds]
    return (
        Group("Show", _views(query, facets)),
        *(Group(name.capitalize(), _choices(query, name, kinds), _note(query)) for name in _GROUPS),
    )


def counts(found: Sequence[Group]) -> dict[str, dict[str, int]]:
    """How many there are by each choice, for a page that is open: by what is chosen from, and its value."""
    told: dict[str, dict[str, int]] = {}
    for choice in (choice for group in found for choice in group.choices):
        told.setdefault(choice.name, {})[choice.value] = choice.count
    return told


def chosen(found: Sequence[Group]) -> tuple[Choice, ...]:
    """What is chosen of kinds and circumstances, so that it can be taken back where the choices are not in sight."""
    return tuple(choice for group in found[1:] for choice in group.choices if choice.is_chosen)


def orders(query: Query) -> tuple[tuple[str, str | None], ...]:
    """The orders in which alerts can be listed, in words, and where choosing one leads; None: it is chosen."""
    rest, is_gravest = without(query, "order", "after"), order_of(query) == "severity"
    return (
        ("Gravest first", None if is_gravest else address({**rest, "order": ("severity",)})),
        ("Changed last first", address(rest) if is_gravest else None),
    )


def _views(query: Query, facets: Facets) -> tuple[Choice, ...]:
    """What most people come for. Each begins anew; only the search stays."""
    to_do = sum(facets.status.get(status, 0) for status in _OPEN)
    views: tuple[tuple[str, Query, int], ...] = (
        ("To do", TO_DO, to_do),
        ("Mine", {"holder": ("me",)}, facets.mine),
        ("Owed", {"owed": ("true",)}, facets.owed),
        ("All", {}, facets.total),
    )
    asked, search = without(query, "q", "order", "after"), {name: query[name] for name in ("q",) if name in query}
    return tuple(
        Choice("view", words.lower(), words, count, address({**view, **search}), _same(asked, without(view, "order")))
        for words, view, count in views
    )


def _choices(query: Query, name: str, kinds: Sequence[tuple[Values, int]]) -> tuple[Choice, ...]:
    known = _ORDERS.get(name) or tuple(sorted({*(values[name] for values, _ in kinds), *query.get(name, ())}))
    found = Counter[str]()
    for values, count in kinds:
        if _is_uncounted(query) or _is_within(query, name, values):
            found[values[name]] += count
    return tuple(_choice(query, name, value, found[value]) for value in known)


def _values(kind: Kind) -> Values:
    return {
        "status": kind.status,
        "severity": SEVERITIES[kind.severity],
        "outcome": kind.outcome,
        "clause": kind.clause,
        "disposition": kind.disposition,
    }


def _is_within(query: Query, name: str, values: Values) -> bool:
    """Whether alerts of these values are among what is chosen otherwise: of one list any may be chosen beside it."""
    return all(value in query[other] for other, value in values.items() if other != name and query.get(other))


def _is_uncounted(query: Query) -> bool:
    """Whose they are, and what was written about them, is not kept by kinds: then all there are are counted."""
    return any(name in query for name in ("holder", "owed", "q"))


def _note(query: Query) -> str:
    return "of all" if _is_uncounted(query) else ""


def _choice(query: Query, name: str, value: str, count: int) -> Choice:
    before = query.get(name, ())
    after = [v for v in before if v != value] if value in before else [*before, value]
    rest: dict[str, Sequence[str]] = {**without(query, "after"), name: after}
    href = address({key: values for key, values in rest.items() if values})
    return Choice(name, value, value.replace("-", " "), count, href, value in before)


def _same(one: Query, other: Query) -> bool:
    return {name: set(values) for name, values in one.items()} == {name: set(v) for name, v in other.items()}
