"""Which accesses a fact may decide otherwise: the table of design section 7, by record, by login and by interval.

Never fewer than it can; a property test holds this to judging everything again. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from schemas.access import Record
from schemas.fact import Account, Assignment, Body, Coverage, Membership, Review, Supervision, UnitMember
from schemas.topics import CONSOLE

from .bodies import RecordKey, login_key, record_key
from .facts import Facts, History, Revision
from .knowledge import Knowledge, names
from .question import Question
from .rows import FOR_EVER, NUMBER_OF

ACCOUNT: Final = NUMBER_OF["account"]
_AT_CONSOLE: Final = login_key(CONSOLE, "")  # reviews explain nothing at other sources


class Query(NamedTuple):
    """Accesses to one of these records and by one of these logins (None: any) that overlap [start, end), UTC ms.

    `is_about_said`: only those of which something has been said; what was explained stays so.
    """

    records: frozenset[RecordKey] | None
    logins: frozenset[str] | None
    start: int = -FOR_EVER
    end: int = FOR_EVER
    is_about_said: bool = False

    def is_about(self, question: Question) -> bool:
        """Whether this access is among them."""
        return (
            question.start < self.end
            and question.end >= self.start
            and (self.logins is None or question.login in self.logins)
            and (self.records is None or not self.records.isdisjoint(question.targets))
        )


def touched(knowledge: Knowledge, history: History, revision: Revision, depth: int) -> list[Query]:
    """What this revision may decide otherwise; `depth`: how far down a supervisor's line reaches.

    May be asked when more has been learned since, and then says no less: who ever had to do with whom only grows, and
    what names a record is taken for doing so only where nothing was heard of it since.
    """
    adds = _only_adds(knowledge.facts, history.number)
    found = [_query(knowledge, body, start, end, depth, adds) for body, start, end in _pieces(history, revision)]
    if renamed := _named_otherwise(knowledge, history, revision):
        found.append(Query(frozenset(renamed), None, is_about_said=True))
    return [q for q in dict.fromkeys(found) if q.records is None or q.records]


def touched_since(knowledge: Knowledge, position: int, depth: int) -> Iterator[Query]:
    """What the facts learned from this position on may decide otherwise than those before: for accesses that nobody
    here has followed since. Wider than `touched`, which knows what was known in between."""
    facts, before = knowledge.facts, knowledge.row_at(position)
    for number in dict.fromkeys(facts.fact[before:]):
        revisions = History(facts, number).all()
        adds = _only_adds(facts, number)
        for body, start, end in dict.fromkeys(piece for revision in revisions for piece in _spans(revision)):
            query = _query(knowledge, body, start, end, depth, adds)
            if query.records is None or query.records:
                yield query
        named = {name for revision in revisions for name in _names(revision)}
        if renamed := frozenset(name for name in named if not knowledge.is_named(name, before=before)):
            yield Query(renamed, None, is_about_said=True)


def earliest_since(knowledge: Knowledge, position: int) -> int | None:
    """The earliest instant (UTC ms) at which something explained may be so no longer, by facts learned from here on."""
    facts, before = knowledge.facts, knowledge.row_at(position)
    changed = [number for number in dict.fromkeys(facts.fact[before:]) if not _only_adds(facts, number)]
    return min((facts.valid_from[row] for number in changed for row in facts.rows(number)), default=None)


def _only_adds(facts: Facts, number: int) -> bool:
    """Whether a fact can only explain: one more duty takes nothing away (promise: monotone). Whose a login is, it may.

    Asked of every fact there is when a worker starts, so it looks at columns.
    """
    return facts.is_single(number) and facts.kinds[number] != ACCOUNT


Piece = tuple[Body, int, int]
"""A statement and the instants [from, to) at which it holds now or held before, but not both."""


def _pieces(history: History, revision: Revision) -> Iterator[Piece]:
    """Against every lower revision, since *then* may have known any of them; and against nothing at all."""
    lower = [r for r in history.all() if r.revision < revision.revision]
    for before in lower:
        yield from _difference(before, revision)
    if not lower or revision.known_from < min(r.known_from for r in lower):
        yield from _spans(revision)


def _spans(revision: Revision) -> Iterator[Piece]:
    if not revision.is_void and revision.valid_from < revision.valid_to:
        yield revision.body, revision.valid_from, revision.valid_to


def _difference(a: Revision, b: Revision) -> Iterator[Piece]:
    spans = [*_spans(a), *_spans(b)]
    if len(spans) < 2 or a.body != b.body or a.valid_to <= b.valid_from or b.valid_to <= a.valid_from:
        yield from spans
        return
    for one, other in ((a.valid_from, b.valid_from), (a.valid_to, b.valid_to)):
        if one != other:
            yield a.body, min(one, other), max(one, other)


def _query(knowledge: Knowledge, body: Body, start: int, end: int, depth: int, adds: bool) -> Query:
    records: set[RecordKey] | None = None
    logins: set[str] | None = None
    match body:
        case Assignment(record=record):
            key = record_key(record)
            records = {key, *(record_key(r) for h in knowledge.members(key) for r in _members(h))}
            if body.staff is not None:
                logins = _logins(knowledge, _reaching(knowledge, {body.staff}, depth))
        case Membership(record=record):
            records = {record_key(record)}
        case UnitMember(staff=staff):
            logins = _logins(knowledge, _reaching(knowledge, {staff}, depth))
        case Supervision(supervisor=supervisor):
            logins = _logins(knowledge, _reaching(knowledge, {supervisor}, depth - 1))
        case Coverage(covering=covering):
            logins = _logins(knowledge, {covering})
        case Account(source=source, login=login):
            logins = {login_key(source, login)}
        case Review(staff=staff, record=record):
            records = {record_key(record)}
            logins = {login for login in _logins(knowledge, {staff}) if login.startswith(_AT_CONSOLE)}
    return Query(_frozen(records), _frozen(logins), start, end, adds)


def _frozen(names: set[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _reaching(knowledge: Knowledge, staff: set[str], steps: int) -> set[str]:
    """These people, whoever was ever above them within so many steps, and whoever ever stood in for any of them."""
    reached, level = set(staff), set(staff)
    for _ in range(steps):
        edges = _bodies(h for person in level for h in knowledge.above(person))
        level = {edge.supervisor for edge in edges if isinstance(edge, Supervision)} - reached
        reached |= level
    covers = _bodies(h for person in reached for h in knowledge.stood_in_for(person))
    return reached | {cover.covering for cover in covers if isinstance(cover, Coverage)}


def _logins(knowledge: Knowledge, staff: Iterable[str]) -> set[str]:
    """All logins that were ever somebody's of these."""
    accounts = _bodies(h for person in staff for h in knowledge.logins_of(person))
    return {login_key(a.source, a.login) for a in accounts if isinstance(a, Account)}


def _bodies(histories: Iterable[History]) -> Iterator[Body]:
    return (revision.body for history in histories for revision in history.all())


def _members(history: History) -> list[Record]:
    return [r.body.record for r in history.all() if isinstance(r.body, Membership)]


def _named_otherwise(knowledge: Knowledge, history: History, revision: Revision) -> set[RecordKey]:
    """Records that a fact names now and none did before, or the other way: unresolved or not, at any instant."""
    row = knowledge.facts.row_of(history.number, revision.revision)
    *lower, top = history.all()
    if knowledge.facts.latest[history.number] != row:  # nobody knows any more which was the highest when it came
        changed = {name for one in (*lower, top) for name in _names(one)}
    elif top.revision == revision.revision:
        changed = _names(lower[-1] if lower else None) ^ _names(revision)
    else:
        return set()
    return {name for name in changed if not knowledge.is_named(name, before=row)}


def _names(revision: Revision | None) -> set[RecordKey]:
    return set() if revision is None or revision.is_void else names(revision.body)
