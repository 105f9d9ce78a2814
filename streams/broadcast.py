"""Every worker reads all facts, marks and findings (the broadcast state pattern): to their end first, then for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import mode
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.codec import decode, is_waiver
from schemas.errors import RejectedInputError
from schemas.fact import RegisteredFact, RegisteredMark, Waiver
from schemas.plain_fact import PlainFact, cut_plain_facts, is_odd
from schemas.settings import Settings
from streams.join.completeness import NEVER, Completeness
from streams.join.index import AccessIndex
from streams.join.knowledge import Knowledge, Learned
from streams.join.loading import load
from streams.join.open import Partition
from streams.join.rows import row_of, row_of_plain
from streams.policy.aside import fault
from streams.policy.plainly import Message
from streams.policy.published import Published

from .bulk import Allowance, fetched_in_bulk
from .connect import GATHER_MS, GATHERED, answered, at, closed, connected, started
from .garbage import collect_seldom, keep_for_good
from .records import limits
from .telemetry import Telemetry
from .told import names_of, read_finding
from .touching import Touching
from .turns import others_first

log = logging.getLogger(__name__)

BATCH_MAX: Final = 5_000  # messages applied together while loading: about 100 ms
LIVE_MAX: Final = 200  # before others get the loop, later, of facts and marks and of findings: 3 to 8 ms
FETCH_MAX: Final = 4 * 1_048_576  # bytes per partition and fetch
SAY_EVERY: Final = 50_000  # messages between two lines of progress while loading


class Tail(NamedTuple):
    """The last message read of a log, and when it was appended (UTC ms): by these a log is known again."""

    offset: int
    appended_at: int


NO_TAIL: Final = Tail(-1, 0)


class Broadcast(mode.Service):
    """Keeps knowledge, completeness and what has been published up to date.

    `on_change` is called after each batch that changed something: with of which messages another worker has said
    something. `touching` finds what the facts in it touch.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        knowledge: Knowledge,
        completeness: Completeness,
        published: Published,
        index: AccessIndex,
        telemetry: Telemetry,
        touching: Touching,
        on_change: Callable[[list[tuple[Partition, int]]], None],
        on_conflict: Callable[[str, Message], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._topics = settings.topics
        self.knowledge = knowledge
        self.completeness = completeness
        self.published = published
        self._index = index
        self._telemetry = telemetry
        self._touching = touching
        self._on_change = on_change
        self._on_conflict = on_conflict
        self.heard_marks: dict[str, int] = {}  # highest of each feed, counting or not: what register must remember
        self.mark_rose_at: dict[str, int] = {}  # append time (UTC ms) of the mark that last raised it
        self._positions: dict[TopicPartition, int] = {}
        self._tails: dict[TopicPartition, Tail] = {}
        self._begins: dict[TopicPartition, int] = {}
        self._facts = TopicPartition(self._topics.facts, 0)
        self._connections: list[AIOKafkaConsumer] = []
        self._allowance = Allowance(limits.unpacked)
        self._moved = asyncio.Condition()
        self._asking: asyncio.Task[dict[TopicPartition, int]] | None = None
        self._strangers: list[tuple[Partition, int]] = []
        self.is_loaded = False

    async def on_start(self) -> None:
        """Read everything there is; the worker judges nothing before."""
        self._reader = await self._connected()
        # End offsets on a connection of their own: on the reader's they would wait behind its long poll.
        self._ends = await self._connected()
        await self._assign()
        collect_seldom()
        await self._load()
        keep_for_good()
        self.is_loaded = True

    async def on_shutdown(self) -> None:
        """Close both connections, when nothing is read any more."""
        for connection in self._connections:
            await closed(connection)

    def begin_at(self, tp: TopicPartition, next_offset: int, tail: Tail) -> None:
        """What lies before this offset of a log is known already; before the start."""
        self._begins[tp], self._tails[tp] = next_offset, tail

    def tails(self) -> dict[TopicPartition, tuple[int, Tail]]:
        """How far each log has been read whose messages are kept for good, and the last message read."""
        known = {tp: at for tp, at in self._positions.items() if tp.topic != self._topics.marks}
        return {tp: (at, self._tails.get(tp, NO_TAIL)) for tp, at in known.items()}

    async def catch_up(self) -> None:
        """Wait until everything that the topics hold now has been applied."""
        ends = await self.end_offsets()
        async with self._moved:
            await self._moved.wait_for(lambda: all(self._positions[tp] >= end for tp, end in ends.items()))

    async def end_offsets(self) -> dict[TopicPartition, int]:
        """Present end offsets of all the topics; one request in flight, shared by all who ask meanwhile.

        Whoever asks gets an answer to a request that began after they asked: an older one might miss what they know of.
        """
        while self._asking is not None:
            await asyncio.wait([self._asking])
        self._asking = asyncio.create_task(self._ask_ends())
        try:
            return await self._asking
        finally:
            self._asking = None

    async def _ask_ends(self) -> dict[TopicPartition, int]:
        # A broker that is away is waited for: a worker that died of it would find none either.
        return dict(await answered(lambda: self._ends.end_offsets(list(self._positions))))

    async def ends_of(self, tps: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Present end offsets of these partitions of any topics. Raises KafkaError when the broker does not say."""
        return dict(await self._ends.end_offsets([TopicPartition(*tp) for tp in tps]))

    async def partitions_of(self, topic: str) -> list[TopicPartition]:
        """All there are of a topic."""
        return [TopicPartition(topic, p) for p in sorted(await self._ends._client._wait_on_metadata(topic))]

    async def topics_there(self) -> set[str]:
        """The names of all topics on the broker. Raises KafkaError when it does not say."""
        return set(await self._ends.topics())

    async def facts_end(self) -> int:
        """The next offset of `facts.v1`."""
        return (await self.end_offsets())[self._facts]

    @mode.Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            if await self._follow_once():
                await asyncio.sleep(0)  # a turn for each of the others, not all they need: new accesses wait for marks
            else:
                await others_first()

    async def _follow_once(self) -> bool:
        """Whether there were facts or marks when it looked; what it had to wait for is not told apart.

        They come first, a mark counts from the position of its facts on, and what nobody waits for comes last."""
        news = await self._read_once(timeout_ms=0, most=LIVE_MAX, of=self._news)
        findings = await self._read_once(timeout_ms=0, most=LIVE_MAX, of=self._findings)
        if not news + findings:
            await self._read_once(timeout_ms=1000, most=LIVE_MAX)
        return news > 0

    async def _connected(self) -> AIOKafkaConsumer:
        self._connections.append(await connected(self._settings, lambda: started(self._consumer())))
        return self._connections[-1]

    def _consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **at(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_min_bytes=GATHERED,
            fetch_max_wait_ms=GATHER_MS,
            max_partition_fetch_bytes=FETCH_MAX,
        )

    async def _assign(self) -> None:
        self._news = [self._facts, TopicPartition(self._topics.marks, 0)]
        self._findings = await self.partitions_of(self._topics.violations)
        partitions = self._news + self._findings
        self._reader.assign(partitions)
        starts = await self._reader.beginning_offsets(partitions)
        self._positions = {**starts, **self._begins}
        for tp, start in self._positions.items():
            self._reader.seek(tp, start)
        self.knowledge.position = self._positions[self._facts]

    async def _load(self) -> None:
        ends = await self.end_offsets()
        total = sum(end - self._positions[tp] for tp, end in ends.items())
        read = said = 0
        while any(self._positions[tp] < end for tp, end in ends.items()):
            read += await self._read_once(timeout_ms=500, most=BATCH_MAX)
            if read - said >= SAY_EVERY:
                said = read
                log.info("loading what is known: %d of %d messages", read, total)
        self._announce()  # also when there was nothing to read
        log.info(
            "loaded: %d facts, %d findings, position %d",
            len(self.knowledge.facts),
            len(self.published),
            self.knowledge.position,
        )

    async def _read_once(self, timeout_ms: int, most: int, of: Sequence[TopicPartition] = ()) -> int:
        """Of these partitions, or of all; how many messages."""
        fetched_in_bulk(self._reader, self._allowance, limits.unpacked)
        fetched = await self._reader.getmany(*of, timeout_ms=timeout_ms, max_records=most)
        for tp, messages in fetched.items():
            if tp.topic == self._topics.facts:
                self._apply_facts(messages)
            else:
                for message in messages:
                    self._apply(tp, message)
            self._positions[tp] = messages[-1].offset + 1
            self._tails[tp] = Tail(messages[-1].offset, messages[-1].timestamp)
        if fetched:
            self._announce()
            async with self._moved:
                self._moved.notify_all()
        return sum(len(messages) for messages in fetched.values())

    def _announce(self) -> None:
        self.completeness.advance(self.knowledge.position, self.knowledge.waivers)
        strangers, self._strangers = self._strangers, []
        self._on_change(strangers)

    def _apply(self, tp: TopicPartition, message: Message) -> None:
        try:
            if tp.topic == self._topics.facts:
                self._apply_fact(message)
            elif tp.topic == self._topics.marks:
                self._apply_mark(message)
            else:
                self._apply_finding(message)
        except (RejectedInputError, ValueError, KeyError, TypeError) as error:
            # Only our own workers write here. One message of somebody else's must not stop every worker for ever.
            log.error("%s/%d/%d is not ours; passed over (%s)", *tp, message.offset, fault(error))  # texts name people
            self._telemetry.count("needtoknow_dead_letters_total", stage="broadcast", reason="unreadable")
            if tp.topic == self._topics.facts:
                self.knowledge.skip(message.offset)

    def _apply_facts(self, messages: Sequence[Message]) -> None:
        """Assignments as they were cut out of their messages, while loading in whole runs; all else the exact way."""
        facts = cut_plain_facts([message.value for message in messages])
        is_each = self.is_loaded  # from then on each is asked what it touches
        offsets = [message.offset for message in messages]
        for place in range(len(facts)) if is_each else load(self.knowledge, offsets, facts):
            message, fact = messages[place], facts[place]
            if is_odd(fact):
                self._apply(self._facts, message)
            else:
                plain = PlainFact._make(fact)
                self._learned(message, plain.feed, *self.knowledge.take(message.offset, row_of_plain(plain)))

    def _learned(self, message: Message, feed: str, learned: Learned, at: int) -> None:
        if learned is Learned.CONFLICT:
            self._on_conflict(feed, message)
        elif learned is Learned.NEW and self.is_loaded:  # before, nothing has been judged
            self._touching.learned(at)

    def _apply_fact(self, message: Message) -> None:
        if is_waiver(message.value):
            self.knowledge.waive(message.offset, decode(Waiver, message.value))
            return
        fact = RegisteredFact.model_validate_json(message.value or b"", context={"wire": True})
        self._learned(message, fact.feed, *self.knowledge.take(message.offset, row_of(fact)))

    def _apply_mark(self, message: Message) -> None:
        mark = decode(RegisteredMark, message.value)
        if mark.complete_through > self.heard_marks.get(mark.feed, NEVER):
            self.heard_marks[mark.feed] = mark.complete_through
            self.mark_rose_at[mark.feed] = message.timestamp
        self.completeness.learn(mark, self.knowledge.position)

    def _apply_finding(self, message: Message) -> None:
        finding_id, state, partition, offset, access = read_finding(message.value)
        if not self.published.knows(finding_id, partition):
            self._index.say(partition, offset, *names_of(access))
        is_news = self.published.read(finding_id, state, partition, offset)
        if is_news and (self.is_loaded or self._index.reach(partition) is not None):
            self._strangers.append((partition, offset))
