"""The acts' topic in memory, and somebody who may do anything to the store but nothing to the topic."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from pathlib import Path

from sqlalchemy import text

from schemas.act import Act
from schemas.codec import encode
from schemas.errors import NotReadyError
from sinks.alerts.chain import BEGINNING, linked
from sinks.kafka import Broker, Message, Start
from sinks.store.engine import sqlite_url
from sinks.store.store import Store
from tests.harness.office import Office

NOWHERE = Broker("127.0.0.1:1", 1)


class ActsTopic:
    """`read` stands for sinks.kafka.read_topic. `first`: the broker has dropped what was before this offset."""

    def __init__(self, acts: Iterable[Act] = ()) -> None:
        self.values = [encode(act) for act in acts]
        self.first = 0
        self.is_away = False
        self.read_messages = 0

    def send(self, *acts: Act) -> None:
        """The outbox is emptied."""
        self.values += [encode(act) for act in acts]

    async def read(self, broker: Broker, topic: str, *, start: Start = "first") -> AsyncGenerator[Message, None]:
        """As the real one does, up to the end at the call."""
        if self.is_away:
            raise NotReadyError("no Kafka answers")
        end, begin = len(self.values), self.first
        if isinstance(start, Mapping):
            begin = max(begin, start.get(0, begin))
        elif isinstance(start, int):
            begin = max(begin, end - start)
        for offset in range(begin, end):
            self.read_messages += 1
            yield Message(topic, 0, offset, 7, None, self.values[offset], ())


def forge(store: Store, number: int, *, back: bool = False) -> None:
    """Change an act and link all after it anew, with its columns: the store by itself tells one whole history again."""
    head = BEGINNING
    with store._engine.begin() as connection:
        for act in everything(store):
            at = act.at + (act.number == number) * (-1 if back else 1)
            fields = {"alert_id": act.alert_id, "version": act.version, "by": act.by, "key": act.key, "body": act.body}
            forged, head = linked(head, at=at, **fields)  # type: ignore[arg-type]
            row = {"d": encode(forged), "at": at, "n": act.number}
            connection.execute(text("UPDATE acts SET document = :d, at = :at WHERE number = :n"), row)
        connection.execute(text("UPDATE chain SET digest = :d"), {"d": head.digest})


def everything(store: Store) -> list[Act]:
    """All acts there are."""
    with store.reading() as reading:
        return reading.acts()


def unguarded(directory: Path) -> Store:
    """A store with a month of acts, and without the triggers that guard them."""
    made = Store(sqlite_url(directory))
    made.upgrade()
    Office(made).month(2, steps=40)
    with made._engine.begin() as connection:
        for guard in ("acts_stay", "acts_are_kept", "acts_are_new"):
            connection.execute(text(f"DROP TRIGGER {guard}"))
    return made
