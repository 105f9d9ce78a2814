"""The judge's shell over logs in memory: everything of a worker's judging but Kafka, on one loop, with chance between
its steps.

A history (history.py) says what is sent and who comes and goes; how long anything takes, and so what happens before
what, is drawn from the history's seed. What a worker does not get stored before it is killed is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextvars import Context, ContextVar, copy_context
from random import Random
from types import SimpleNamespace
from typing import Any, Final

import orjson
from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError
from pydantic import BaseModel

from schemas.codec import decode, encode
from schemas.errors import RejectedInputError
from schemas.finding import Finding
from schemas.ledger import Cut, Note
from schemas.policy import Policy
from schemas.settings import Settings
from schemas.topics import Topics
from sinks.ledger.logs import StoredCut
from streams.access_log import Some
from streams.agents import corrections, take_over
from streams.agents.careful import Careful
from streams.agents.judge import Judge
from streams.agents.last_cuts import LastCut, believed
from streams.agents.outgoing import cut_digest
from streams.broadcast import Broadcast
from streams.frontier import Batch, Frontier
from streams.join.completeness import Completeness
from streams.join.index import AccessIndex
from streams.join.knowledge import Knowledge
from streams.join.open import Partition
from streams.policy.judging import Judging
from streams.policy.published import Published
from streams.sources import BUILT_IN
from streams.store import Outgoing
from streams.store import Stored as Placed
from streams.telemetry import Telemetry
from streams.touching import Touching

from .history import PARTITIONS
from .judging import Message
from .worker import Stored

REST_MAX: Final = 20_000  # turns of the loop after which a worker that has not come to rest never does
READ_MAX: Final = 4  # messages read again at a time
FACTS_MAX: Final = 12  # facts taken in at a time
FOR_GOOD: Final = 36_500  # days: what is behind the horizon is said by a history, not by the clock

_running: ContextVar[Shell | None] = ContextVar("running", default=None)


class Turns:
    """How long things take, in turns of the loop."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(f"turns/{seed}")

    async def some(self, most: int = 6) -> None:
        """Let others go on for a while."""
        for _ in range(self._chance.randrange(most)):
            await asyncio.sleep(0)

    def number(self, most: int) -> int:
        """From 1 to so many."""
        return 1 + self._chance.randrange(most)

    def is_so(self) -> bool:
        """Half of the times."""
        return self._chance.random() < 0.5


class Log:
    """What was sent to the partitions, as `AccessLog` reads it."""

    def __init__(self, broker: Broker) -> None:
        self._broker, self._stored, self._turns = broker, broker.stored, broker.turns
        self._is_closed = False

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Close: whoever waits for an answer gets none."""
        self._is_closed = True
        await self._turns.some()

    async def _answer(self) -> None:
        await self._turns.some()
        if self._is_closed:
            raise ConsumerStoppedError

    async def beginning(self, partition: Partition) -> int:
        """Nothing is past its retention."""
        await self._answer()
        return 0

    async def first_since(self, partition: Partition, instant: int, end: int) -> int:
        """In front of it nothing was appended at this instant or later."""
        await self._answer()
        if instant < 0:  # a hundred years ago: where workers let go of what they knew, who begins does not read
            instant = self._broker.horizon
        messages = self._stored.messages[partition][:end]
        return next((m.offset for m in messages if m.timestamp >= instant), end)

    async def read(self, partition: Partition, first: int, end: int) -> AsyncIterator[Some]:
        """Some at a time."""
        while first < end:
            await self._answer()
            following = min(end, first + self._turns.number(READ_MAX))
            found: list[Any] = self._stored.messages[partition][first:following]
            yield Some(first, following, found)
            first = following

    async def pick(self, partition: Partition, offsets: Sequence[int]) -> dict[int, Message]:
        """These."""
        await self._answer()
        return {offset: self._stored.messages[partition][offset] for offset in offsets}


class Broker:
    """All that outlives a worker, and who holds the partitions."""

    def __init__(self, stored: Stored, turns: Turns) -> None:
        self.stored = stored
        self.turns = turns
        self.holder: Shell | None = None
        self.words: dict[Partition, str] = {}  # what stands beside the committed offsets
        self.horizon = 0  # what was appended before this instant (UTC ms) is in no index
        self._topics = Topics("")

    async def put(self, outgoing: Sequence[Outgoing]) -> list[Placed]:
        """As the store: one after the other, and perhaps not all before the worker is killed."""
        for one in outgoing:
            await self.turns.some(3)
            self._append(one)
        await self.turns.some()
        return [Placed(0, 0) for _ in outgoing]

    def _append(self, one: Outgoing) -> None:
        if one.topic == self._topics.violations:
            self.stored.findings.append(decode(Finding, one.value))
        elif one.topic == self._topics.ledger:
            cut = decode(Cut, one.value)
            partition = Partition(cut.topic, cut.partition)
            self.stored.cuts[partition].append(StoredCut(cut, cut_digest(one.value or b"")))
        else:
            self.stored.dead_letters.add(one.key.decode())

    async def look(self) -> dict[Partition, LastCut]:
        """As `LastCuts`."""
        await self.turns.some()
        found: dict[Partition, LastCut] = {}
        for partition in PARTITIONS:
            cuts = self.stored.cuts.get(partition, [])
            reconciled = believed(self.stored.claim(partition), self.stored.said_committed(partition))
            found[partition] = LastCut(cuts[-1].digest if cuts else None, reconciled)
        return found

    def commit(self, partition: Partition, offset: int, word: str) -> None:
        """An offset and the word beside it; not what was being judged: no message of a history kills its worker, and
        whoever is taken for dead twice in the same moment would blame one."""
        self.stored.committed[partition] = offset
        document = orjson.loads(word)
        document["hold"].pop("attempt", None)
        word = orjson.dumps(document).decode()
        self.words[partition] = word
        try:
            self.stored.notes[partition] = decode(Note, word.encode())
        except RejectedInputError:
            self.stored.notes.pop(partition, None)


class Shell:
    """One worker."""

    def __init__(self, broker: Broker, policy: Policy, run: str, on_crash: Callable[[BaseException], None]) -> None:
        self._broker, self._stored, self._turns = broker, broker.stored, broker.turns
        self.tasks: set[asyncio.Task[Any]] = set()
        knowledge, completeness = Knowledge(policy.grace_ms), Completeness.under(policy)
        settings, telemetry = Settings().model_copy(update={"index_days": FOR_GOOD}), Telemetry()
        self.judging = Judging(
            policy=policy,
            knowledge=knowledge,
            completeness=completeness,
            published=Published(),
            index=AccessIndex(knowledge.facts.people, knowledge.facts.records),
            translators=BUILT_IN,
        )
        self._touching = Touching(
            knowledge,
            depth=policy.paths.supervises.depth,
            on_change=lambda queries: self.judge.change(queries, []),
        )
        self._broadcast = Broadcast(
            settings,
            knowledge=knowledge,
            completeness=completeness,
            published=self.judging.published,
            index=self.judging.index,
            telemetry=telemetry,
            touching=self._touching,
            on_change=lambda strangers: self.judge.change([], strangers),
            on_conflict=lambda feed, message: None,
        )
        double: Any = self
        self.judge = Judge(
            settings,
            run_id=run,
            judging=self.judging,
            broadcast=double,
            touching=self._touching,
            store=double,
            telemetry=telemetry,
            crash=on_crash,
            careful=Careful(run, write=self._write, read_again=lambda: None),
        )
        part: Any = self.judge.take_over
        part.sleep = lambda seconds: self._turns.some()
        ledger: Any = broker
        self.judge._holding._ledger = ledger
        self._heard = [0, 0, 0]
        self._frontiers: dict[Partition, Frontier] = {}
        self._queue: list[Batch] = []
        self._read_to: dict[Partition, int] = {}
        self._is_taking = asyncio.Event()

    # as those beside the judge

    async def put(self, outgoing: Sequence[Outgoing]) -> list[Placed]:
        """As the store."""
        return await self._broker.put(outgoing)

    async def catch_up(self) -> None:
        """As the broadcast."""
        await self._turns.some()
        self.hear()

    async def _find_touched(self) -> None:
        while not self._touching.is_done():
            await self._turns.some()
            for _ in range(min(self._turns.number(FACTS_MAX), self._touching.waiting())):
                self._touching.find_next()

    async def _write(self, tps: Iterable[Any]) -> set[Any]:
        await self._turns.some()
        if self._broker.holder is self:
            self.commit()
        return set(tps)

    def hear(self) -> None:
        """All facts, marks and findings that have been stored since."""
        _of(self).run(self._hear)  # tasks that begin of it are this worker's, and end with it

    def _hear(self) -> None:
        stored, (facts, marks, findings) = self._stored, self._heard
        self._heard = [len(stored.facts), len(stored.marks), len(stored.findings)]
        topics = Topics("")
        said = [_message(at, one) for at, one in enumerate(stored.facts[facts:], facts)]
        while said:
            size = self._turns.number(FACTS_MAX)
            self._broadcast._apply_facts(said[:size])
            del said[:size]
        for topic, values, first in (
            (topics.marks, stored.marks[marks:], marks),
            (topics.violations, stored.findings[findings:], findings),
        ):
            for offset, value in enumerate(values, first):
                self._broadcast._apply(TopicPartition(topic, 0), _message(offset, value))
        self._broadcast._announce()
        asyncio.ensure_future(self._find_touched())  # noqa: RUF006 - a task of this worker's

    # its life

    async def start(self) -> None:
        """Know all there is to know, then begin. Every task that it starts, or one of those, ends with it."""
        await asyncio.create_task(self._start(), context=_of(self))

    async def _start(self) -> None:
        self.hear()
        self._broadcast.is_loaded = True
        for service in (self.judge, *self.judge.parts()):
            await service.start()
        self._taking = asyncio.create_task(self._take_all())

    def hold(self) -> None:
        """All partitions, from what is committed on."""
        _of(self).run(self._hold)

    def _hold(self) -> None:
        stored = self._stored
        self._broker.holder = self
        self._queue.clear()
        self._read_to = {partition: stored.committed.get(partition, 0) for partition in PARTITIONS}
        self._frontiers = {p: Frontier(*p, finished_to=offset) for p, offset in self._read_to.items()}
        ends = {partition: len(stored.messages[partition]) for partition in PARTITIONS}
        self.judge.seek(dict(self._read_to), {p: self._broker.words.get(p, "") for p in PARTITIONS}, ends)

    def commit(self, *, is_open: bool = True) -> None:
        """What may be committed, and the word beside it; of whoever was taken for dead it is refused."""
        if self._broker.holder is not self:
            return
        for partition, frontier in self._frontiers.items():
            finished = frontier.finished_to or 0
            offset = frontier.committable(self.judge.hold(_tp(partition)))
            self._broker.commit(partition, offset or 0, self.judge.note(_tp(partition), finished, is_open=is_open))

    def lose(self) -> None:
        """All partitions are somebody else's."""
        for partition, frontier in self._frontiers.items():
            frontier.abandon()
            self.judge.lose(_tp(partition))
        self._frontiers = {}
        self._queue.clear()

    async def stop(self) -> None:
        """An orderly end: what judges again stops first, then what was judged is stored and committed."""
        for service in reversed((self.judge, *self.judge.parts())):
            await service.stop()
        await self.judge.drain()
        self.commit(is_open=False)
        self.kill()

    def kill(self) -> None:
        """Nothing of it goes on."""
        for task in list(self.tasks):
            task.cancel()

    # new messages

    def take(self, partition: Partition, limit: int) -> bool:
        """Fetch some; whether there were any."""
        if partition not in self._frontiers:
            return False
        start = self._read_to[partition]
        messages = self._stored.messages[partition][start : start + limit]
        if messages:
            self._read_to[partition] = messages[-1].offset + 1
            self._queue.append(self._frontiers[partition].begin(messages))
            self._is_taking.set()
        return bool(messages)

    async def _take_all(self) -> None:
        while True:
            await self._is_taking.wait()
            self._is_taking.clear()
            while self._queue:
                await self.judge.take(self._queue.pop(0))
                await self._turns.some(3)

    def is_at_rest(self) -> bool:
        """Whether it has brought all it has heard to all it holds, and stored what came of it."""
        judge = self.judge
        return (
            not self._queue
            and all(not frontier.under_way for frontier in self._frontiers.values())
            and all(not judge._is_behind(p) and judge._holding.is_stored(p) for p in PARTITIONS)
            and self._heard == [len(self._stored.facts), len(self._stored.marks), len(self._stored.findings)]
        )


def _of(shell: Shell) -> Context:
    context = copy_context()
    context.run(_running.set, shell)
    return context


def keep_track(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
    """A task of whichever worker starts it, to be the loop's task factory."""
    task = asyncio.Task(coroutine, loop=loop, **more)
    if (shell := _running.get()) is not None:
        shell.tasks.add(task)
        task.add_done_callback(shell.tasks.discard)
    return task


def _message(offset: int, value: BaseModel) -> Any:
    """One that our own workers wrote, as it is read back."""
    return SimpleNamespace(offset=offset, value=encode(value), timestamp=0, key=None)


def _tp(partition: Partition) -> Any:
    return SimpleNamespace(topic=partition.topic, partition=partition.partition)


def in_memory(broker: Broker) -> Callable[[], None]:
    """From now on shells read accesses from this broker, and now and then find a few facts to be too many to ask about
    each; gives what takes that back."""
    modules: list[Any] = [corrections, take_over]
    genuine = [module.AccessLog for module in modules]
    most: Any = take_over
    facts_max = most.FACTS_MAX
    if broker.turns.is_so():
        most.FACTS_MAX = broker.turns.number(FACTS_MAX) - 1
    for module in modules:
        module.AccessLog = lambda settings, size: Log(broker)

    def undo() -> None:
        for module, log in zip(modules, genuine, strict=True):
            module.AccessLog = log
        most.FACTS_MAX = facts_max

    return undo
