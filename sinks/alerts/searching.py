"""Which searches at the console are searches for somebody: those that name a record or a person that they find. Pure.

Words like "printed" search for nobody. Whoever types a case's number, or a colleague's id, and is shown what there is
about them, has searched for them; that is explained by holding an alert about it, and by nothing else (C3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from schemas.access import CANDIDATES_MAX, Access, Record
from schemas.act import Actor
from schemas.alert import Alert
from schemas.topics import CONSOLE


def named(words: Sequence[str], found: Sequence[Alert]) -> tuple[Record, ...]:
    """The records that a search has named and found: by their ids, or by whom the alerts about them are about."""
    wanted = {word.casefold() for word in words}
    records: dict[tuple[str, str], Record] = {}
    for alert in found:
        person = alert.who.staff or alert.who.login or ""
        if alert.record.id.casefold() in wanted or person.casefold() in wanted:
            records[alert.record.kind, alert.record.id] = alert.record
    return tuple(records.values())[:CANDIDATES_MAX]


def search_of(actor: Actor, words: Sequence[str], records: tuple[Record, ...], *, event_id: str, at: int) -> Access:
    """The access that such a search is. What was typed is behind a digest: it may be somebody's name."""
    criteria = hashlib.sha256("\x1f".join(sorted(words)).encode()).hexdigest()[:16]
    return Access(
        event_id=event_id,
        source=CONSOLE,
        actor=actor.login,
        action="search",
        record=Record(kind="criteria", id=f"q-{criteria}"),
        candidates=records,
        result="success",
        occurred_at=at,
    )
