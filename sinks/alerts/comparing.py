"""Holds the acts of the topic against those of the store: who changes the store cannot change the topic with it.

Whoever forges an act and links all after it anew has a whole history in the store, but another one than the topic: each
act of the topic from the forged one on differs. So all of the topic is compared, and not its end alone, which goes on
behind a forged history as behind any other. What is never a difference: an act that waits to be mirrored, since only
what is in the topic is looked for; and one that was sent twice, at whatever place, since each is found by its number.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Final

from schemas.act import Act
from schemas.codec import decode, encode
from schemas.errors import RejectedInputError
from sinks import kafka
from sinks.kafka import Broker, Message, Start
from sinks.store.reading import SqlReading
from sinks.store.store import Store

from .chain import BEGINNING, PIECE, Head, Seen, unlike
from .mirror import MIRRORED
from .rebuilding import BrokenHistoryError, read_act
from .tail import STALE_MAX
from .walking import SHOWN_MAX

NUMBER_MAX: Final = 2**63 - 1  # what a database can be asked for


async def in_pieces(broker: Broker, topic: str, start: Start) -> AsyncGenerator[list[Message], None]:
    """The messages of the topic up to its end as it was at the call. Raises as reading does."""
    piece: list[Message] = []
    async with aclosing(kafka.read_topic(broker, topic, start=start)) as messages:
        async for message in messages:
            piece.append(message)
            if len(piece) == PIECE:
                yield piece
                piece = []
    if piece:
        yield piece


class Anchor:
    """The newest act that was once the same in store and topic, remembered where no database can reach it.

    Every digest rests on all before it: as long as this act is as it was, so is every act that was compared.
    """

    def __init__(self) -> None:
        self.head: Head = BEGINNING

    def faults(self, reading: SqlReading) -> list[str]:
        """Whether it is another one now: no sentence, or one."""
        head = self.head
        if head == BEGINNING:
            return []
        try:
            raw = reading.documents([head.number]).get(head.number)
            if raw is not None and decode(Act, raw).digest == head.digest:
                return []
        except (RejectedInputError, TypeError):
            pass
        return [f"act {head.number} is not the one any more that was compared with the topic before"]

    def move(self, act: Act) -> None:
        """To an act that is the same in store and topic, and so are all before it; if it is newer."""
        if act.number > self.head.number:
            self.head = Head(act.number, act.digest)


class Comparison:
    """The topic from its first message on, or from a later one, a piece at a time.

    To be made before the topic's end is asked for: what was mirrored by then must be in the topic.
    """

    def __init__(self, store: Store, anchor: Anchor | None = None) -> None:
        self._store = store
        self._anchor = anchor or Anchor()
        with store.reading() as reading:
            self._mirrored = reading.progress(MIRRORED) or 0
        self._seen = Seen(STALE_MAX)
        self._first: int | None = None
        self.count = 0

    def take(self, messages: Sequence[Message]) -> list[str]:
        """What is wrong with these. Raises StoreNotReadyError."""
        mirrored, found = _read(messages)
        self._begin(messages[0].offset, mirrored)
        self.count += len(messages)
        numbers = {number for number in mirrored if number <= NUMBER_MAX}
        with self._store.reading() as reading:
            moved = self._anchor.faults(reading)
            stored = reading.documents(numbers)
        for number in sorted(stored):
            self._seen.add(number)
        found += _differences(stored, mirrored)
        if not moved and not found:
            self._anchor.move(mirrored[max(mirrored)])
        return [*moved, *found][:SHOWN_MAX]

    def missing(self) -> list[str]:
        """When the topic was read from its first message to its end: what it lacks."""
        return list(islice(self._seen.missing(self._mirrored), SHOWN_MAX))

    def _begin(self, offset: int, mirrored: Collection[int]) -> None:
        """When years are over, the broker has dropped the first messages; those that are left may begin with repeats,
        and what was between these and the next new act is dropped, too."""
        if self._first is None:
            self._first = offset
        if self._first > 0 and self.count < STALE_MAX:
            self._seen.skip(max(mirrored, default=0))


def _read(messages: Sequence[Message]) -> tuple[dict[int, Act], list[str]]:
    """The acts by number, and what is wrong with the messages."""
    acts: dict[int, Act] = {}
    found: list[str] = []
    for message in messages:
        try:
            act = read_act(message.value)
        except BrokenHistoryError:
            found.append(f"message {message.offset} of the topic is no act")
            continue
        if acts.setdefault(act.number, act) != act:
            found.append(f"act {act.number} is in the topic twice, and not the same")
    return acts, found


def _differences(stored: Mapping[int, bytes], mirrored: Mapping[int, Act]) -> Iterator[str]:
    for number, act in sorted(mirrored.items()):
        raw = stored.get(number)
        if raw == encode(act):  # as the outbox has spelled both: half the work of reading it
            continue
        try:
            words = unlike(None if raw is None else decode(Act, raw), act)
        except (RejectedInputError, TypeError):  # SQLite lets anything stand in a column
            words = f"act {number} is no act any more in the store"
        if words:
            yield words
