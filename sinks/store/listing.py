"""How a page of a list is found without a look at the 300,000 alerts that are not on it.

Alerts are of some hundred kinds (status, severity, outcome, clause, disposition), and `facets` says how many there are
of each. So a list knows before it begins how rare its alerts are among those of a status. Common ones are met soon on
the way through all of that status in the order of change; rare ones are few enough to be gathered and sorted. Whichever
is less work: of 300,000 of one status at most some 1,400 are gathered, or some 11,000 entries of an index are passed.
No other index is needed for any mixture of filters, and statistics of the database, which may be missing or old, decide
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    TextualSelect,
    exists,
    func,
    literal_column,
    select,
    text,
    tuple_,
    union_all,
)

from schemas.act import Disposition
from schemas.alert import Alert, Status
from schemas.finding import Outcome, Severity
from sinks.alerts.grouping import who_is
from sinks.alerts.parties import Party
from sinks.alerts.severity import SEVERITIES

from .tables import ACTS, ALERTS, FACETS, PARTIES
from .text import MATCHES_MAX, Text

Order = Literal["change", "severity"]
"""Those changed last first; or the gravest first, and of one severity those changed last."""


class Place(NamedTuple):
    """An alert's place in a list: its newest act (UTC ms), its id, and its severity where that is the order."""

    last_at: int
    alert_id: str
    severity: Severity | None = None


def place_of(alert: Alert, order: Order) -> Place:
    """Where it is, for the page that goes on from there."""
    return Place(alert.last_at, alert.alert_id, alert.severity if order == "severity" else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which alerts are wanted: of each list any, of all lists one; an empty one asks nothing.

    `hidden`: the parties whose alerts do not exist for whoever asks. `after`: the place at which the page before has
    ended, in the same order. `words`: texts that all must be found in one act of it.
    """

    hidden: frozenset[Party] = frozenset()
    status: tuple[Status, ...] = ()
    severity: tuple[Severity, ...] = ()
    outcome: tuple[Outcome, ...] = ()
    clause: tuple[str, ...] = ()
    disposition: tuple[Disposition, ...] = ()
    holder: str | None = None
    is_owed: bool = False
    words: tuple[str, ...] = ()
    order: Order = "change"
    after: Place | None = None


class Kind(NamedTuple):
    """What alerts are counted by, and how many there are."""

    kind: int
    status: str
    severity: int
    outcome: str
    clause: str
    disposition: str
    alerts: int


GATHERING: Final = 8  # times as long for one, which is looked up among what is hidden, as to pass one on the way

Page = Select[tuple[int, str, int]]
"""When an alert has changed last, its id, and the number of its row."""
KINDS: Final = select(*(FACETS.c[name] for name in Kind._fields)).order_by(FACETS.c.status)
_PAGE: Final[Page] = select(ALERTS.c.last_at, ALERTS.c.alert_id, ALERTS.c.id)
_UNINDEXED: Final = ALERTS.c.kind + 0  # on the way through a list: its index must not be taken for that of the kinds


def listed(wanted: Filter, kinds: Sequence[Kind], text: Text, count: int) -> Iterator[Page]:
    """The lists whose first `count` together are the page; `kinds` in the order of their statuses."""
    asked = _asked(wanted, kinds)
    ordered = _PAGE.order_by(ALERTS.c.last_at.desc(), ALERTS.c.alert_id.desc()).limit(count).where(*_others(wanted))
    if wanted.words:
        ordered = ordered.where(ALERTS.c.id.in_(_with_words(wanted, text)))
    else:
        ordered = ordered.where(*visible(wanted.hidden))
    if wanted.words or wanted.holder is not None or wanted.is_owed:
        if any(asked):
            yield ordered.where(*_among(kinds, asked))
        return
    for status, group in groupby(zip(kinds, asked, strict=True), key=lambda pair: pair[0].status):
        of_status, chosen = zip(*group, strict=True)
        if any(chosen):
            yield ordered.where(*_within(status, of_status, chosen, count))


def in_order(wanted: Filter) -> Iterator[Filter]:
    """The filters, each in the order of change, whose alerts one after the other are in the order that is wanted."""
    if wanted.order == "change":
        yield wanted
        return
    for severity in reversed(SEVERITIES):
        is_asked = not wanted.severity or severity in wanted.severity
        ahead = _ahead(severity, wanted.after)
        if is_asked and ahead >= 0:
            after = wanted.after if ahead == 0 else None
            yield replace(wanted, severity=(severity,), order="change", after=after)


def _ahead(severity: Severity, after: Place | None) -> int:
    """0: the page before has ended among those of this severity; below 0 behind all of them, above 0 before."""
    if after is None:
        return 1
    assert after.severity is not None  # as Filter says
    return SEVERITIES.index(after.severity) - SEVERITIES.index(severity)


def visible(hidden: frozenset[Party]) -> list[ColumnElement[bool]]:
    """What keeps alerts about any of these from being seen: asked of each that would be, since nearly all are."""
    if not hidden:
        return []
    return [~exists().where(PARTIES.c.alert == ALERTS.c.id, _is_one_of(hidden))]


def counted(wanted: Filter) -> Select[int]:
    """How many there are of a holder, or owed; nothing else of the filter is asked."""
    return select(func.count()).select_from(ALERTS).where(*_others(wanted), *visible(wanted.hidden))


def hidden_kinds(hidden: frozenset[Party]) -> CompoundSelect[tuple[int, int]]:
    """How many of each kind are about any of these; of a kind there may be two rows.

    Nearly all are of groups that are their own, and are counted in an index. Who is in ten thousand alerts is so by
    name and by login: to count each alert once by its number took four times as long.
    """
    own = sorted(filter(None, map(who_is, hidden)))
    count = select(ALERTS.c.kind, func.count().label("alerts")).group_by(ALERTS.c.kind)
    elsewhere = _elsewhere(sorted(hidden), own or [""]).subquery()
    return union_all(
        count.where(ALERTS.c.group_who.in_(own)),
        count.where(ALERTS.c.id.in_(select(elsewhere.c.alert))),
    )


def _elsewhere(hidden: Sequence[Party], own: Sequence[str]) -> TextualSelect:
    """The alerts about any of these that are of no group of their own.

    It goes from one group in which somebody is to the next, without a look at the alerts between: there are few.
    """
    places = ", ".join(f"(:r{n}, :n{n})" for n in range(len(hidden)))
    names = ", ".join(f":g{n}" for n in range(len(own)))
    values = {f"g{n}": name for n, name in enumerate(own)}
    for n, party in enumerate(hidden):
        values |= {f"r{n}": party.relation, f"n{n}": party.name}
    return text(_ELSEWHERE.format(hidden=places, own=names)).bindparams(**values).columns(PARTIES.c.alert)


_ELSEWHERE: Final = """
WITH RECURSIVE hidden (relation, name) AS (VALUES {hidden}), present (relation, name, group_who) AS (
 SELECT relation, name, (
  SELECT min(group_who) FROM parties AS p WHERE p.relation = hidden.relation AND p.name = hidden.name
 ) FROM hidden
 UNION ALL
 SELECT relation, name, (
  SELECT min(group_who) FROM parties AS p
  WHERE p.relation = present.relation AND p.name = present.name AND p.group_who > present.group_who
 ) FROM present WHERE group_who IS NOT NULL
)
SELECT parties.alert FROM present JOIN parties ON parties.relation = present.relation AND parties.name = present.name
 AND parties.group_who = present.group_who WHERE present.group_who NOT IN ({own})
"""


def _is_one_of(hidden: Iterable[Party]) -> ColumnElement[bool]:
    return tuple_(PARTIES.c.relation, PARTIES.c.name).in_([tuple(party) for party in sorted(hidden)])


def _asked(wanted: Filter, kinds: Sequence[Kind]) -> list[bool]:
    """Of each kind whether there are alerts of it, and they are wanted."""
    severities = tuple(map(SEVERITIES.index, wanted.severity))
    lists = (wanted.status, severities, wanted.outcome, wanted.clause, wanted.disposition)  # as Kind has them
    chosen = [(place, values) for place, values in enumerate(lists, 1) if values]
    return [kind.alerts > 0 and all(kind[place] in values for place, values in chosen) for kind in kinds]


def _within(status: str, kinds: Sequence[Kind], chosen: Sequence[bool], count: int) -> list[ColumnElement[bool]]:
    """Of one status: whichever looks at fewer."""
    every = sum(kind.alerts for kind in kinds)
    some = sum(kind.alerts for kind, is_chosen in zip(kinds, chosen, strict=True) if is_chosen)
    if some < every and GATHERING * some * some <= count * every:
        return [ALERTS.c.kind.in_(_numbers(kinds, chosen))]
    return [ALERTS.c.status == status, *_among(kinds, chosen)]


def _among(kinds: Sequence[Kind], chosen: Sequence[bool]) -> list[ColumnElement[bool]]:
    """Nothing where all there are are wanted."""
    if all(is_chosen or not kind.alerts for kind, is_chosen in zip(kinds, chosen, strict=True)):
        return []
    return [_UNINDEXED.in_(_numbers(kinds, chosen))]


def _numbers(kinds: Sequence[Kind], chosen: Sequence[bool]) -> list[int]:
    return [kind.kind for kind, is_chosen in zip(kinds, chosen, strict=True) if is_chosen]


def _others(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.holder is not None:
        conditions.append(ALERTS.c.holder == wanted.holder)
    if wanted.is_owed:
        conditions.append(ALERTS.c.owed > literal_column("0"))
    if wanted.after is not None:
        conditions.append(tuple_(ALERTS.c.last_at, ALERTS.c.alert_id) < tuple_(*wanted.after[:2]))
    return conditions


def _with_words(wanted: Filter, text: Text) -> Select[Any]:
    """The alerts of the newest acts with these words. What is hidden takes no room among them, or it would show."""
    matching = text.matching(wanted.words).subquery()
    kept = [~exists().where(PARTIES.c.alert == ACTS.c.alert, _is_one_of(wanted.hidden))] if wanted.hidden else []
    return (
        select(ACTS.c.alert)
        .join(matching, matching.c.number == ACTS.c.number)
        .where(*kept)
        .order_by(matching.c.number.desc())
        .limit(MATCHES_MAX)
    )
