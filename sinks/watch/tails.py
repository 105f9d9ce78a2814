"""The newest messages of every access topic: when a source was last heard, and what its clock says."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from schemas.errors import RejectedInputError
from schemas.topics import DAY_MS, Source
from sinks.letter_replay import REPLAYED
from streams.sources import Translated

from .clocks import Sample
from .state import SourceState, State

log: Final = logging.getLogger(__name__)

TAIL: Final = 20  # messages of a partition at one look: 2 ms to translate, and clocks are not judged by every message
FIRST_TAIL: Final = 500  # at the first look: the newest 20 may hold no heartbeat of a source that has promised them
PIECE: Final = 100  # messages at once: 10 ms, for which whoever asks waits
LOOK_SECONDS: Final = 5.0  # for one look at all partitions that have anything new; the rest waits for the next
FETCH_MS: Final = 200

Translate = Callable[[str, bytes | None, Any, int], Translated]


class Tails:
    """Looks at the ends of the partitions of all access topics."""

    def __init__(self, state: State, translate: Translate) -> None:
        self._state = state
        self._translate = translate
        self._ends: dict[TopicPartition, int] = {}  # as the broker says
        self.refused: set[str] = set()  # topics that Kafka lets us see and not read
        self._next: dict[TopicPartition, int] = {}  # where a look that came to no end goes on
        self._behind: dict[TopicPartition, int] = {}  # the offset behind the last message: a log may end in markers

    async def look(self, consumer: AIOKafkaConsumer, held: Sequence[TopicPartition]) -> None:
        """One look, at all but what was refused. Raises KafkaError when the broker does not answer."""
        at, held = int(time.time() * 1000), [place for place in held if place.topic not in self.refused]
        begins, ends = await consumer.beginning_offsets(held), await consumer.end_offsets(held)
        news = [place for place in held if ends[place] != self._ends.get(place, 0) and ends[place] > begins[place]]
        await self._read(consumer, news, begins, ends)
        for topic, state in self._state.by_topic.items():
            mine = [place for place in held if place.topic == topic]
            unread = [place for place in mine if ends[place] != self._ends.get(place, 0) and place in news]
            if mine and not unread:
                state.look({place.partition: self._behind.get(place, 0) for place in mine}, at)

    async def _read(
        self,
        consumer: AIOKafkaConsumer,
        news: Sequence[TopicPartition],
        begins: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
    ) -> None:
        left = {place: ends[place] for place in news}
        consumer.assign(list(news))
        for place in news:
            consumer.seek(place, self._begin(place, begins[place], ends[place]))
        deadline = time.monotonic() + LOOK_SECONDS
        while left and time.monotonic() < deadline:
            try:
                found = await consumer.getmany(timeout_ms=FETCH_MS, max_records=PIECE)
            except TopicAuthorizationFailedError as error:
                self._refuse(consumer, left, str(error.args[0]))
                continue
            for place, records in found.items():
                self._take(place, [r for r in records if r.offset < ends[place]])
            for place in list(left):
                self._next[place] = await consumer.position(place)
                if self._next[place] >= left[place]:
                    self._ends[place] = left.pop(place)
                    consumer.pause(place)
            await asyncio.sleep(0)

    def _refuse(self, consumer: AIOKafkaConsumer, left: dict[TopicPartition, int], topic: str) -> None:
        """One topic that we may not read must not keep us from the others."""
        log.warning("%s: Kafka does not let us read it", topic)
        self.refused.add(topic)
        for place in [place for place in left if place.topic == topic]:
            del left[place]
            consumer.pause(place)

    def _begin(self, place: TopicPartition, first: int, end: int) -> int:
        tail = TAIL if place in self._ends else FIRST_TAIL
        return max(first, end - tail, self._next.get(place, 0))

    def _take(self, place: TopicPartition, records: Sequence[Any]) -> None:
        state, now = self._state.by_topic[place.topic], int(time.time() * 1000)
        for record in records:
            self._behind[place] = record.offset + 1
            self._hear(state, place, record, now)

    def _hear(self, state: SourceState, place: TopicPartition, record: Any, now: int) -> None:
        if any(name == REPLAYED for name, _ in record.headers or ()):
            return  # a dead letter that we sent once more: late by days, and no sign of the source
        try:
            found = self._translate(state.source.name, record.value, record.headers, record.timestamp)
        except RejectedInputError:  # its dead letter says so; and the source is there
            found = None
        except Exception as error:  # the judge sets aside what makes a translator fail, and says so
            log.warning("%s/%d/%d: %s", place.topic, place.partition, record.offset, type(error).__name__)
            found = None
        is_beat = found is not None and found.beat_at is not None
        brought = None if found is None else brought_at(found, state.source, record.timestamp)
        is_line = found is None or bool(found.accesses)
        state.hear(record.timestamp, is_beat=is_beat, brought=brought, is_line=is_line)
        if found is not None:
            for sample in samples(found, state.source, record.timestamp, now):
                state.time(sample)


def brought_at(found: Translated, source: Source, stored: int) -> int | None:
    """The newest moment of which a message brings an access; None: it brings none. UTC ms.

    Of a source that tells days only, when it was stored: a clerk types in the morning what was signed out before.
    """
    if not found.accesses or source.precision_ms >= DAY_MS:
        return stored if found.accesses else None
    return min(stored, max(a.occurred_at if a.occurred_until is None else a.occurred_until for a in found.accesses))


def samples(found: Translated, source: Source, stored: int, now: int) -> list[Sample]:
    """What one message says of its source's clock: the latest of its accesses, or the heartbeat.

    An access was widened by the error that is declared; what the clock showed lies that far inside.
    """
    if found.beat_at is not None:
        return [Sample(now, found.beat_at, found.beat_at, stored, is_prompt=True, is_beat=True)]
    if not found.accesses:
        return []
    last = max(found.accesses, key=lambda access: access.occurred_at)
    until = last.occurred_at if last.occurred_until is None else last.occurred_until
    error = source.clock_error_ms
    return [Sample(now, last.occurred_at + error, until - error, stored, is_prompt=source.is_online)]
