"""What an act says to the rest of the service: itself, who holds an alert now, who was shown whose record. Pure.

The watchers are watched: whoever is shown a record has opened it, here, and is judged for it by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.access import Access, Action, Purpose
from schemas.act import Acknowledged, Act, Closed, Exported, Released, Revealed
from schemas.alert import Alert
from schemas.cloud_event import Header, cloud_event
from schemas.codec import encode
from schemas.fact import Fact, Mark, Review
from schemas.ids import format_instant
from schemas.topics import CANONICAL, CONSOLE, Topics

PURPOSE_MAX = 2_000  # characters of a purpose (schemas/access.py); the act itself has all of it


@dataclass(frozen=True, slots=True)
class Message:
    """One message to store."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[Header, ...]


def messages(topics: Topics, act: Act, alert: Alert, taken: Act | None) -> Iterator[Message]:
    """The messages of one act, in order; the act itself comes last, so that where it is all of them are.

    `taken`: the act by which somebody took the alert last before this one; None: nobody had.
    """
    if (fact := review(act, alert, taken)) is not None:
        yield _fact(topics, fact)
    if (access := access_of(act, alert)) is not None:
        yield access_message(topics, access)
    headers = cloud_event(str(act.number), "/alerts", "needtoknow.act.v1", CANONICAL, format_instant(act.at))
    yield Message(topics.alert_events, act.alert_id.encode(), encode(act), headers)


def review(act: Act, alert: Alert, taken: Act | None) -> Fact | None:
    """What an act says about who holds an alert: from when, and, when it is given back or closed, until when."""
    if isinstance(act.body, Acknowledged):
        return _review(act, alert, None)
    if isinstance(act.body, Released | Closed) and taken is not None:
        return _review(taken, alert, act)
    return None


def _review(taken: Act, alert: Alert, ended: Act | None) -> Fact:
    assert taken.by is not None
    last = ended or taken
    assert last.by is not None
    return Fact(
        fact_id=f"review-{alert.alert_id}-{taken.version}",
        revision=2 if ended else 1,
        valid_from=taken.at,
        valid_to=ended.at if ended else None,
        recorded_at=last.at,
        recorded_by=last.by.staff,
        body=Review(kind="review", staff=taken.by.staff, record=alert.record, alert=alert.alert_id),
    )


def access_of(act: Act, alert: Alert) -> Access | None:
    """The access that an act is, when it shows somebody a record."""
    if not isinstance(act.body, Revealed | Exported) or act.by is None:
        return None
    action: Action = "view" if isinstance(act.body, Revealed) else "export"
    return Access(
        event_id=f"console-{act.alert_id}-{act.version}",  # which alert: `parties.watched` reads it
        source=CONSOLE,
        actor=act.by.login,
        action=action,
        record=alert.record,
        purpose=Purpose(text=act.body.why[:PURPOSE_MAX]),
        result="success",
        occurred_at=act.at,
    )


def access_message(topics: Topics, access: Access) -> Message:
    """An access at the console."""
    time = format_instant(access.occurred_at)
    headers = cloud_event(access.event_id, f"/sources/{CONSOLE}", "needtoknow.access.v1", CANONICAL, time)
    return Message(topics.access(CONSOLE), access.record.id.encode(), encode(access), headers)


def mark_message(topics: Topics, through: int) -> Message:
    """The promise that no fact about who holds what, recorded at or before `through` (UTC ms), is still to come."""
    mark = Mark(feed=CONSOLE, complete_through=through, sequence=through)
    headers = cloud_event(
        f"mark/{through}", f"/feeds/{CONSOLE}", "needtoknow.mark.v1", CANONICAL, format_instant(through)
    )
    return Message(topics.feed(CONSOLE), CONSOLE.encode(), encode(mark), headers)


def _fact(topics: Topics, fact: Fact) -> Message:
    time = format_instant(fact.recorded_at)
    name = f"{fact.fact_id}/{fact.revision}"
    headers = cloud_event(name, f"/feeds/{CONSOLE}", "needtoknow.fact.v1", CANONICAL, time)
    return Message(topics.feed(CONSOLE), fact.fact_id.encode(), encode(fact), headers)
