"""Looking through dead letters: which are asked for, each once, in bounded memory. All but `found` is pure.

Letters are let go as they come by. What is kept of each is its place, some 100 bytes, since the same letter may have
been written twice; and of those that are shown all but their content.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from schemas.topics import Topics

from .kafka import Broker, offsets_at, read_topic
from .letter_acts import Places, State, states_in
from .letter_rules import Origin, origin_of
from .letters import DeadLetter, read_letter


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which letters somebody asks for; what is None is not asked about. Instants are UTC ms.

    `error`: the class of an error, or the kind of reason as metrics have it. `names`: topic/partition/offset;
    `numbers`: offsets of the topic of dead letters itself; whoever gives some of them wants no others.
    """

    source: str | None = None
    feed: str | None = None
    stage: str | None = None
    error: str | None = None
    since: int | None = None
    until: int | None = None
    state: State | None = None
    names: frozenset[str] = frozenset()
    numbers: frozenset[int] = frozenset()

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it but the state."""
        return replace(self, state=None) == Asked()

    def takes(self, letter: DeadLetter, topics: Topics, state: State) -> bool:
        """Whether this one is asked for."""
        if (self.names or self.numbers) and letter.name not in self.names and letter.number not in self.numbers:
            return False
        if self.state not in (None, state) or self.stage not in (None, letter.stage):
            return False
        if self.error not in (None, letter.error, letter.reason):
            return False
        if self.source is None and self.feed is None:
            return True
        return origin_of(letter, topics) in (Origin("source", self.source or ""), Origin("feed", self.feed or ""))


@dataclass
class Listing:
    """The newest or the oldest of what is asked for, and how many there are altogether."""

    limit: int
    is_newest: bool
    total: int = 0
    _kept: OrderedDict[str, DeadLetter] = field(default_factory=OrderedDict)

    def add(self, letter: DeadLetter, *, is_new: bool) -> None:
        """One more, in the order of the log."""
        if not is_new:
            if (seen := self._kept.get(letter.name)) is not None:
                self._kept[letter.name] = replace(seen, times=seen.times + 1)
            return
        self.total += 1
        if self.is_newest and len(self._kept) == self.limit:
            self._kept.popitem(last=False)
        if len(self._kept) < self.limit:
            self._kept[letter.name] = letter.without_content()

    @property
    def letters(self) -> list[DeadLetter]:
        """Those that are kept, in the order that was asked for."""
        kept = list(self._kept.values())
        return kept[::-1] if self.is_newest else kept


@dataclass
class Tally:
    """How many letters there are, by whose they are, stage, kind of reason and state."""

    counts: Counter[tuple[Origin, str, str, State]] = field(default_factory=Counter)

    def add(self, letter: DeadLetter, topics: Topics, state: State) -> None:
        """One more."""
        self.counts[origin_of(letter, topics), letter.stage, letter.reason, state] += 1


@dataclass(frozen=True)
class One:
    """A letter that was asked for, what became of it, and whether it is the first of its name."""

    letter: DeadLetter
    state: State
    is_new: bool


async def found(broker: Broker, topics: Topics, asked: Asked) -> AsyncGenerator[One, None]:
    """What was asked for, in the order of the log, up to its end at the call. Raises as `read_topic` does.

    With `since` and `until` the broker finds the place to begin and to end: nothing else is read.
    """
    states, seen = await states_in(broker, topics.letter_acts), Places()
    start, stop = await _bounds(broker, topics.dead_letters, asked)
    async with aclosing(read_topic(broker, topics.dead_letters, start=start, stop=stop)) as messages:
        async for message in messages:
            letter = read_letter(message)
            state = states.of(letter.name)
            if asked.takes(letter, topics, state):
                yield One(letter, state, is_new=seen.put(letter.name))


async def _bounds(broker: Broker, topic: str, asked: Asked) -> tuple[dict[int, int], dict[int, int]]:
    start: dict[int, int] = {}
    stop: dict[int, int] = {}
    if asked.since is not None:
        start = await offsets_at(broker, topic, asked.since)
    if asked.until is not None:
        stop = await offsets_at(broker, topic, asked.until)
    if asked.numbers and not asked.names:
        start[0] = max(start.get(0, 0), min(asked.numbers))
        stop[0] = min(stop.get(0, 2**63), max(asked.numbers) + 1)
    return start, stop
