"""Reads a range of accesses and all that was known, and brings both to the judge in the order in which it was known."""

from __future__ import annotations

import heapq
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import click

from schemas.codec import decode
from schemas.errors import RejectedInputError
from schemas.fact import RegisteredMark
from schemas.finding import Finding
from schemas.ledger import Cut
from schemas.policy import Policy
from schemas.settings import Settings
from sinks.kafka import Broker, Message, offsets_at, read_topic
from sinks.letters import Told, told_in
from streams.join.open import OpenAccess, Partition
from streams.sources import Translators
from streams.turns import slices

from .recorded import Moment, Recorded
from .replay_lines import Replayed
from .replaying import Difference, Outcome, Said, World, said_in

SOME: Final = 50_000  # messages held at a time, about 50 MB; as known then all facts are read again for each
PART: Final = 2_000  # messages judged before progress is told: about a second
SAY_SECONDS: Final = 3.0


@dataclass(order=True)
class Task:
    """What is to be judged at a moment: messages, or one access that had to wait; `later`: where else it was judged."""

    position: int
    number: int
    moment: Moment = field(compare=False)
    partition: Partition = field(compare=False)
    messages: Sequence[Message] = field(compare=False, default=())
    entry: OpenAccess | None = field(compare=False, default=None)
    later: Sequence[Moment] = field(compare=False, default=())


class Replay:
    """Holds facts and findings as a worker does, and `SOME` messages; as known then, also 300 bytes for each cut."""

    def __init__(
        self,
        broker: Broker,
        settings: Settings,
        policy: Policy,
        live: Policy,
        done: Replayed,
        show: Callable[[Difference], None],
    ) -> None:
        self._broker = broker
        self._topics = settings.topics
        self._sources = settings.topics.accesses()
        self._policy, self._live = policy, live
        self._translators = Translators(settings.topics)
        self._done = done
        self._show = show
        self._told = Told()
        self._shown: set[str] = set()
        self._spoke_at = time.monotonic()
        self._judged_so_far = 0

    async def run(self) -> None:
        """Judge the range again, without what was set aside: it ends whoever looks at it."""
        letters = self._topics.dead_letters
        self._told = await told_in(self._broker, letters, await offsets_at(self._broker, letters, self._done.first))
        if self._done.as_known == "now":
            await self._now()
        else:
            await self._then()

    async def _now(self) -> None:
        marks = await self._marks()  # before the facts: a mark counts where those that came before it are known
        world = World(self._policy, self._live, self._translators)
        async with aclosing(read_topic(self._broker, self._topics.facts)) as facts:
            async for message in facts:
                world.learn(message.offset, message.value)
        recorded = await self._recorded(with_cuts=False)
        for one in await self._said():
            world.hear(one)
        world.promise(marks)
        self._done.position = world.position
        async for some in self._some():
            for partition, messages in self._judged(some, recorded).items():
                for part in slices(messages, PART):
                    self._take(world, world.judge(partition, self._sources[partition.topic], part))
                    self._speak(len(part))
            self._done.accesses = world.accesses

    async def _then(self) -> None:
        recorded = await self._recorded(with_cuts=True)
        said = sorted(await self._said(), key=lambda one: one.state.position)
        moments: defaultdict[str, list[Moment]] = defaultdict(list)
        for one in said:
            moments[one.finding_id].append(Moment(one.state.position, one.marks))
        self._done.cuts = len(recorded)
        async for some in self._some():
            past = _Past(World(self._policy, self._live, self._translators), said, self._broker, self._topics.facts)
            async with aclosing(past.facts):
                await self._then_some(past, recorded, moments, self._judged(some, recorded))
            self._done.accesses += past.world.accesses
            self._done.position = max(self._done.position, past.world.position)

    async def _then_some(
        self,
        past: _Past,
        recorded: Recorded,
        moments: Mapping[str, Sequence[Moment]],
        messages: Mapping[Partition, Sequence[Message]],
    ) -> None:
        """Each access where it was first decided: in its cut, or where its feeds had spoken."""
        numbers = count()  # so that no two tasks compare as equal
        tasks = [
            Task(moment.position, next(numbers), moment, partition, inside)
            for partition, some in messages.items()
            for moment, inside in recorded.first_judged(partition, some)
        ]
        heapq.heapify(tasks)
        while tasks:
            task = heapq.heappop(tasks)
            self._speak(len(task.messages))
            world = await past.at(task.moment)
            for one in self._outcomes(world, task):
                later = task.later
                if not one.is_decided and task.entry is None:
                    known = [*recorded.moments(one.entry), *moments.get(one.entry.finding_id, ())]
                    later = sorted((m for m in known if m.position >= task.position), key=lambda m: m.position)
                if one.is_decided or not later:
                    self._take(world, [one])
                else:
                    again = Task(later[0].position, next(numbers), later[0], task.partition, (), one.entry, later[1:])
                    heapq.heappush(tasks, again)

    def _outcomes(self, world: World, task: Task) -> list[Outcome]:
        if task.entry is not None:
            return [world.judge_one(task.entry)]
        return world.judge(task.partition, self._sources[task.partition.topic], task.messages)

    def _take(self, world: World, outcomes: Iterable[Outcome]) -> None:
        """Count and show; of two messages that tell of one access, the first."""
        for one in outcomes:
            difference = one.difference
            if not one.is_decided:
                self._done.waiting += 1
                difference = difference or world.never_had_to_wait(one.entry)
            if difference is not None and difference.finding_id not in self._shown:
                self._shown.add(difference.finding_id)
                self._done.differences[difference.change] += 1
                self._show(difference)

    def _judged(self, some: Iterable[Message], recorded: Recorded) -> dict[Partition, list[Message]]:
        """By partition, in order, what some worker has judged."""
        found: defaultdict[Partition, list[Message]] = defaultdict(list)
        for message in some:
            partition = Partition(message.topic, message.partition)
            if self._told.aside(*partition, message.offset) is not None:
                self._done.quarantined += 1
            elif message.offset < recorded.judged_to[partition]:
                found[partition].append(message)
            else:
                self._done.unjudged += 1
        return found

    # reading

    async def _some(self) -> AsyncIterator[list[Message]]:
        """The messages of the range, `SOME` at a time."""
        held: list[Message] = []
        for topic, source in self._sources.items():
            if self._done.source not in (None, source):
                continue
            first = await offsets_at(self._broker, topic, self._done.first)
            stop = await offsets_at(self._broker, topic, self._done.end)
            async with aclosing(read_topic(self._broker, topic, start=first, stop=stop)) as messages:
                async for message in messages:
                    held.append(message)
                    if len(held) >= SOME:
                        yield self._counted(held)
                        held = []
        yield self._counted(held)

    def _counted(self, some: list[Message]) -> list[Message]:
        self._done.messages += len(some)
        self._speak(0)
        return some

    def _speak(self, judged: int) -> None:
        self._judged_so_far += judged
        if time.monotonic() - self._spoke_at > SAY_SECONDS:
            self._spoke_at = time.monotonic()
            done, found = self._done, self._done.differences.total()
            read = f"{done.messages:,} messages read, {self._judged_so_far:,} judged"
            click.echo(f"replaying: {read}, {found:,} differences so far", err=True)

    async def _marks(self) -> dict[str, int]:
        marks: dict[str, int] = {}
        async with aclosing(read_topic(self._broker, self._topics.marks)) as messages:
            async for message in messages:
                mark = decode(RegisteredMark, message.value)
                marks[mark.feed] = max(mark.complete_through, marks.get(mark.feed, mark.complete_through))
        return marks

    async def _recorded(self, *, with_cuts: bool) -> Recorded:
        """A cut is stored after the messages that it is about."""
        recorded, topic = Recorded(with_cuts=with_cuts), self._topics.ledger
        first = await offsets_at(self._broker, topic, self._done.first)
        async with aclosing(read_topic(self._broker, topic, start=first)) as messages:
            async for message in messages:
                try:
                    recorded.add(decode(Cut, message.value))
                except RejectedInputError as error:
                    _complain(message, "cut", error)
        return recorded

    async def _said(self) -> list[Said]:
        """All of it: an access of the range may repeat one that was found long before."""
        said: list[Said] = []
        async with aclosing(read_topic(self._broker, self._topics.violations)) as messages:
            async for message in messages:
                try:
                    said.append(said_in(decode(Finding, message.value)))
                except RejectedInputError as error:
                    _complain(message, "finding", error)
        return said


class _Past:
    """What was known and said at one position after the other, read as it is asked for."""

    def __init__(self, world: World, said: Sequence[Said], broker: Broker, topic: str) -> None:
        self.world = world
        self.facts = read_topic(broker, topic)
        self._said = said  # by position
        self._heard = 0

    async def at(self, moment: Moment) -> World:
        """The world as it was; never earlier than at the last call. A position beyond the log is its end."""
        while self.world.position < moment.position:
            message = await anext(self.facts, None)
            if message is None:
                break
            self.world.learn(message.offset, message.value)
        while self._heard < len(self._said) and self._said[self._heard].state.position <= moment.position:
            self.world.hear(self._said[self._heard])
            self._heard += 1
        self.world.promise(moment.marks)
        return self.world


def _complain(message: Message, what: str, error: RejectedInputError) -> None:
    click.echo(f"needtoknow: {message.topic}/{message.partition}/{message.offset} is no {what}: {error}", err=True)
