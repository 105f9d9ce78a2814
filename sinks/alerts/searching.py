"""The accesses that searches at the console for somebody are. Pure.

Words like "printed" search for nobody. Whoever types a case's number, or a colleague's id, and is shown what there is
about them, has searched for them; that is explained by holding an alert about it, and by nothing else (C3). The store's
index knows ids from words (`sinks/store/text.py`), and finds an id only where all of it was typed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from schemas.access import Access, Purpose, Record
from schemas.act import Actor
from schemas.alert import Alert
from schemas.topics import CONSOLE

NAMED_MAX: Final = 50  # alerts of one access: their ids are 1,750 of a purpose's 2,000 characters


def searches_of(
    actor: Actor, words: Sequence[str], found: Sequence[Alert], *, event_id: str, at: int
) -> Iterator[Access]:
    """The accesses that such a search is, with what it has found; `event_id` is of the first, at UTC ms `at`.

    What was typed is behind a digest: it may be somebody's name. Each names its alerts, and is kept from whomever those
    are kept from; so one that has found more than an access can name is several.
    """
    criteria = hashlib.sha256("\x1f".join(sorted(words)).encode()).hexdigest()[:16]
    for number, first in enumerate(range(0, len(found), NAMED_MAX)):
        alerts = found[first : first + NAMED_MAX]
        yield Access(
            event_id=f"{event_id}-{number + 1}" if number else event_id,
            source=CONSOLE,
            actor=actor.login,
            action="search",
            record=Record(kind="criteria", id=f"q-{criteria}"),
            candidates=tuple({(a.record.kind, a.record.id): a.record for a in alerts}.values()),
            purpose=Purpose(text=" ".join(("found", *(alert.alert_id for alert in alerts)))),
            result="success",
            occurred_at=at,
        )
