"""Tells the rest of the service what was done: acts, who holds what, who was shown which record (an outbox).

At least once and in their order, by the store's own list of acts; whoever reads them knows repeats by their numbers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.act import Act
from schemas.codec import decode_access
from schemas.errors import NotReadyError
from schemas.topics import CONSOLE, Topics
from sinks import kafka
from sinks.kafka import Broker
from sinks.store import lookups
from sinks.store.store import Store

from .publishing import Message, access_message, mark_message, messages

log: Final = logging.getLogger(__name__)

MIRRORED: Final = "mirrored"
"""Under which name the store keeps the number of the newest act that the topic has."""
PIECE: Final = 500  # acts under way at once
MARK_SECONDS: Final = 1.0  # between two marks while an access at the console may wait for one
IDLE_MARK_SECONDS: Final = 10.0  # otherwise: the feed is heard, and `status` finds a quiet service idle
WATCHED_SECONDS: Final = 15.0  # for so long after an access: until it is judged, some marks
LOOK_SECONDS: Final = 1.0  # between two looks when nobody says that something was written: another console may have
AGAIN_SECONDS: Final = 1.0
LOG_APPEND_TIME: Final = 1  # how Kafka says that a message's time is the broker's


class Mirror:
    """The task that empties the outbox."""

    def __init__(self, store: Store, broker: Broker, topics: Topics) -> None:
        self._store, self._broker, self._topics = store, broker, topics
        self._news = asyncio.Event()
        self._watched_until = 0.0  # by the loop's clock: an access at the console was sent not long before

    def news(self) -> None:
        """Something was written: look now. From any thread but the loop's own, call it through the loop."""
        self._news.set()

    async def compare_clocks(self) -> None:
        """Has the broker store something, to see when it thinks that was. Raises as a producer does."""
        async with kafka.producer(self._broker) as producer:
            await self._compare(producer)

    async def run(self) -> None:
        """Mirrors for ever; when the broker or the store is away it says so, and goes on when they are back."""
        while True:
            try:
                async with kafka.producer(self._broker) as producer:
                    await self._mirror(producer)
            except (NotReadyError, KafkaError, OSError) as error:
                log.warning("acts are not mirrored: %s", error)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _mirror(self, producer: AIOKafkaProducer) -> None:
        await self._compare(producer)  # also when it was the clock that ended the last try
        clock = asyncio.get_running_loop().time
        marked_at = -IDLE_MARK_SECONDS
        while True:
            self._news.clear()
            pause = MARK_SECONDS if clock() < self._watched_until else IDLE_MARK_SECONDS
            if clock() - marked_at >= pause:
                number, through = await asyncio.to_thread(promise, self._store)
                await self._empty(producer, number)
                await self._send(producer, [mark_message(self._topics, through)])
                marked_at = clock()
            else:
                await self._empty(producer, None)
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _compare(self, producer: AIOKafkaProducer) -> None:
        """By a mark that says nothing new: what is promised next is dated by this clock, and never taken back."""
        await self._send(producer, [mark_message(self._topics, await asyncio.to_thread(promised, self._store))])

    async def _empty(self, producer: AIOKafkaProducer, number: int | None) -> None:
        """Until nothing is due; with a number only through that act, or it might never end."""
        await self._tell_searches(producer)
        while found := await asyncio.to_thread(due_messages, self._store, self._topics):
            acts, sent = found
            await self._send(producer, sent)
            await asyncio.to_thread(_done, self._store, acts)
            self._watch(sent)
            if number is not None and acts[-1].number >= number:
                return

    async def _tell_searches(self, producer: AIOKafkaProducer) -> None:
        """Searches for somebody are accesses, too; they are no acts, since they are on no alert."""
        while found := await asyncio.to_thread(lookups.waiting, self._store, PIECE):
            sent = [access_message(self._topics, decode_access(one.document)) for one in found]
            await self._send(producer, sent)
            await asyncio.to_thread(lookups.told, self._store, found[-1].number)
            self._watch(sent)

    def _watch(self, sent: Sequence[Message]) -> None:
        if any(message.topic == self._topics.access(CONSOLE) for message in sent):
            self._watched_until = asyncio.get_running_loop().time() + WATCHED_SECONDS

    async def _send(self, producer: AIOKafkaProducer, sent: Sequence[Message]) -> None:
        """Returns when the broker has stored them all, and has so told the time."""
        began = self._store.clock.steady()
        under_way = [
            await producer.send(message.topic, key=message.key, value=message.value, headers=list(message.headers))
            for message in sent
        ]
        await producer.flush()
        stored = await asyncio.gather(*under_way)
        if times := [one.timestamp for one in stored if one.timestamp_type == LOG_APPEND_TIME]:
            self._store.clock.heard(began, max(times))


def due(store: Store) -> list[Act]:
    """The acts that the topic does not have yet, the oldest first, at most PIECE."""
    with store.reading() as reading:
        return reading.acts(after=reading.progress(MIRRORED) or 0, count=PIECE)


def due_messages(store: Store, topics: Topics) -> tuple[list[Act], list[Message]] | None:
    """The same with what they say; None when there are none."""
    found: list[Message] = []
    with store.reading() as reading:
        acts = reading.acts(after=reading.progress(MIRRORED) or 0, count=PIECE)
        for act in acts:
            alert = reading.alert(act.alert_id)
            assert alert is not None  # an act is on an alert
            taken = reading.taken_before(act) if act.body.kind in {"released", "closed"} else None
            found += messages(topics, act, alert, taken)
    return (acts, found) if acts else None


def promise(store: Store) -> tuple[int, int]:
    """A number, and an instant such that every act recorded through it has no higher number: the next is later."""
    with store.writing() as writing:
        return writing.head().number, writing.moment(int(time.time() * 1000) + 1) - 1


def promised(store: Store) -> int:
    """An instant through which that was promised already; 0: nothing was."""
    with store.reading() as reading:
        return max(0, reading.moment() - 1)


def _done(store: Store, acts: Sequence[Act]) -> None:
    with store.writing() as writing:
        writing.advance(MIRRORED, max(acts[-1].number, writing.progress(MIRRORED) or 0))
