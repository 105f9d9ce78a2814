"""What the page of alerts shows, as values: what can be chosen and what is, and addresses that say so. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args
from urllib.parse import urlencode

from schemas.alert import Status
from sinks.alerts.severity import OUTCOMES, SEVERITIES
from sinks.store.reading import Facets

Query = Mapping[str, Sequence[str]]

LIST: Final = "/alerts"
TO_DO: Final[tuple[Status, ...]] = ("open", "reopened", "acknowledged")
_ORDERS: Final[dict[str, tuple[str, ...]]] = {
    "status": ("open", "reopened", "acknowledged", "closed"),
    "severity": tuple(reversed(SEVERITIES)),
    "outcome": tuple(o for o in reversed(OUTCOMES)),
}
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
    """Choices of one kind; any of those that are chosen."""

    title: str
    choices: tuple[Choice, ...]


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
    return (
        Group("Show", _views(query, facets)),
        Group("Status", _choices(query, "status", facets.status)),
        Group("Severity", _choices(query, "severity", facets.severity)),
        Group("Outcome", _choices(query, "outcome", facets.outcome)),
        Group("Clause", _choices(query, "clause", facets.clause)),
    )


def chosen(found: Sequence[Group]) -> tuple[Choice, ...]:
    """What is chosen of kinds and circumstances, so that it can be taken back where the choices are not in sight."""
    return tuple(choice for group in found[1:] for choice in group.choices if choice.is_chosen)


def _views(query: Query, facets: Facets) -> tuple[Choice, ...]:
    """What most people come for. Each begins anew; only the search stays."""
    to_do = sum(facets.status.get(status, 0) for status in TO_DO)
    views: tuple[tuple[str, dict[str, Sequence[str]], int], ...] = (
        ("To do", {"status": TO_DO}, to_do),
        ("Mine", {"holder": ("me",)}, facets.mine),
        ("Owed", {"owed": ("true",)}, facets.owed),
        ("All", {}, facets.total),
    )
    asked, search = without(query, "q", "after"), {name: query[name] for name in ("q",) if name in query}
    return tuple(
        Choice("view", words.lower(), words, count, address({**view, **search}), _same(asked, view))
        for words, view, count in views
    )


def _choices(query: Query, name: str, counts: Mapping[str, int]) -> tuple[Choice, ...]:
    known = _ORDERS.get(name) or tuple(sorted({*counts, *query.get(name, ())}))
    return tuple(_choice(query, name, value, counts.get(value, 0)) for value in known)


def _choice(query: Query, name: str, value: str, count: int) -> Choice:
    before = query.get(name, ())
    after = [v for v in before if v != value] if value in before else [*before, value]
    rest: dict[str, Sequence[str]] = {**without(query, "after"), name: after}
    href = address({key: values for key, values in rest.items() if values})
    return Choice(name, value, value.replace("-", " "), count, href, value in before)


def _same(one: Query, other: Query) -> bool:
    return {name: set(values) for name, values in one.items()} == {name: set(v) for name, v in other.items()}
