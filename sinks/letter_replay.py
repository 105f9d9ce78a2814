"""Sending dead letters back to the topics they came from, some at a time: the messages, then the acts that say so.

The messages first: whoever is ended between the two sends some of them twice, and a repeat is judged again and found
again under the same id. The other way around an access would be lost.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import click
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from schemas.errors import NotReadyError
from schemas.finding import MessagePlace
from schemas.letter_act import LetterAct, Replayed
from schemas.topics import Topics
from streams.sources import Translators

from .kafka import Broker
from .letter_acts import act_message
from .letter_rules import not_ours_to_write, treatment
from .letter_search import One
from .letter_tries import MarkError, fault_now
from .letters import DeadLetter

REPLAYED: Final = "needtoknow.replayed"
"""The header that says of which letter a message is the copy. Translators ask for `content-type` only."""
BATCH: Final = 200  # letters under way at once: what is sent twice at the most when a replay is ended
BATCH_BYTES: Final = 4 * 1_048_576
SAY_SECONDS: Final = 3.0
FAULTS_MAX: Final = 1_000  # texts told apart; a place may hold a line number
OTHERS: Final = "another fault"

Send = Callable[[Sequence["Sent"]], Awaitable[Sequence["Sent"]]]
"""Sends these, and returns those that this principal may not write back."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter on its way back. `tried`: today's reader takes it."""

    letter: DeadLetter
    tried: bool


@dataclass
class Outcome:
    """What became of the letters that were asked for."""

    replayed: int = 0
    matched: int = 0
    failing: Counter[str] = field(default_factory=Counter)  # what today's reader says, and of how many
    held: Counter[str] = field(default_factory=Counter)  # why their stage lets them not be replayed
    done: Counter[str] = field(default_factory=Counter)  # replayed or dropped before

    @property
    def left(self) -> int:
        """How many stay open."""
        return sum(self.failing.values()) + sum(self.held.values())

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "replayed": self.replayed,
            "matched": self.matched,
            "would_fail_again": dict(self.failing),
            "not_for_replay": dict(self.held),
            "passed_over": dict(self.done),
        }


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How somebody wants it: `is_forced` also what would fail again, `is_again` also what was replayed or dropped."""

    is_forced: bool = False
    is_again: bool = False
    limit: int | None = None


async def replay(ones: AsyncIterator[One], topics: Topics, wish: Wish, send: Send) -> Outcome:
    """Takes the letters as they come, keeps what may not go, and hands over the rest some at a time."""
    outcome, batch, weight, translators = Outcome(), list[Sent](), 0, Translators(topics)
    async for one in ones:
        if not one.is_new:
            continue
        if wish.limit is not None and outcome.replayed >= wish.limit:
            await _flush(batch, send, outcome)
            batch, weight = [], 0
            if outcome.replayed >= wish.limit:  # what may not be written back does not use the limit up
                break
        outcome.matched += 1
        if (sent := _decide(one, topics, translators, wish, outcome)) is None:
            continue
        outcome.replayed += 1
        batch.append(sent)
        weight += sent.letter.size or 0
        if len(batch) >= BATCH or weight >= BATCH_BYTES:
            await _flush(batch, send, outcome)
            batch, weight = [], 0
    await _flush(batch, send, outcome)
    return outcome


async def _flush(batch: Sequence[Sent], send: Send, outcome: Outcome) -> None:
    """Hands these over; those that may not be written back stay, and are counted so."""
    if not batch:
        return
    for one in await send(batch):
        outcome.replayed -= 1
        outcome.held[not_ours_to_write(one.letter.topic)] += 1


def _decide(one: One, topics: Topics, translators: Translators, wish: Wish, outcome: Outcome) -> Sent | None:
    """Whether this one goes, and when it does not, why; that is counted."""
    letter = one.letter
    if one.state != "open" and not wish.is_again:
        outcome.done[one.state] += 1
        return None
    how = treatment(letter, topics)
    if how.how == "never" or (how.how == "untried" and not wish.is_forced):
        outcome.held[how.why] += 1
        return None
    if how.how == "untried":
        return Sent(letter, tried=False)
    fault = fault_now(letter, topics, translators, int(time.time() * 1000))
    if isinstance(fault, MarkError):
        outcome.held[fault.reason] += 1
        return None
    if fault is not None and not wish.is_forced:
        words = str(fault)
        outcome.failing[words if words in outcome.failing or len(outcome.failing) < FAULTS_MAX else OTHERS] += 1
        return None
    return Sent(letter, tried=fault is None)


def copy_headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The headers the message came with, and which letter it is the copy of; of a copy of a copy the last."""
    return [*((n, v) for n, v in letter.headers if n != REPLAYED), (REPLAYED, letter.name.encode())]


class Sender:
    """Sends letters back, and says so on the topic of acts. `partitions`: of each topic, how many it has."""

    def __init__(
        self, client: AIOKafkaProducer, broker: Broker, topics: Topics, partitions: Mapping[str, int], by: str
    ) -> None:
        self._client, self._broker, self._topics, self._partitions, self._by = client, broker, topics, partitions, by
        self._said = time.monotonic()
        self._done = 0

    async def send(self, batch: Sequence[Sent]) -> Sequence[Sent]:
        """All of these; returns those that this principal may not write. What is stored is recorded, whatever becomes
        of the rest. NotReadyError when the broker does not store them in time: the same command goes on there."""
        answers = await self._answers([partial(self._copy, one.letter) for one in batch])
        now = int(time.time() * 1000)
        stored = [(one, at) for one, at in zip(batch, answers, strict=True) if not isinstance(at, BaseException)]
        await self.record([self._act(one, now, place) for one, place in stored])
        faults = [(one, at) for one, at in zip(batch, answers, strict=True) if isinstance(at, BaseException)]
        self._complain(at for _, at in faults if not isinstance(at, TopicAuthorizationFailedError))
        self._say(len(stored))
        return [one for one, _ in faults]

    def _say(self, stored: int) -> None:
        self._done += stored
        if time.monotonic() - self._said >= SAY_SECONDS:
            self._said = time.monotonic()
            click.echo(f"replaying: {self._done:,} sent and recorded", err=True)

    async def record(self, acts: Sequence[LetterAct]) -> None:
        """Stores what people did. Raises as `send` does."""
        topic = self._topics.letter_acts
        messages = [act_message(act) for act in acts]
        answers = await self._answers(
            [partial(self._client.send, topic, v, key=k, headers=list(h)) for k, v, h in messages]
        )
        self._complain(at for at in answers if isinstance(at, BaseException))

    def _copy(self, letter: DeadLetter) -> Awaitable[Any]:
        partition = int(letter.partition) if letter.partition.isdigit() else None
        if partition is not None and partition >= self._partitions.get(letter.topic, 0):
            partition = None  # its topic has fewer now: by key, as its emitter does
        return self._client.send(  # type: ignore[no-any-return] # aiokafka is untyped
            letter.topic, letter.value, key=letter.key, headers=copy_headers(letter), partition=partition
        )

    def _act(self, one: Sent, now: int, place: Any) -> LetterAct:
        copy = MessagePlace(topic=place.topic, partition=place.partition, offset=place.offset)
        body = Replayed(kind="replayed", copy_at=copy, tried=one.tried)
        return LetterAct(letter=one.letter.name, at=now, by=self._by, body=body)

    async def _answers(self, sends: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
        """Where each was stored, in order, or the error that says why not; TimeoutError for what was not in time."""
        answers: list[Any] = [TimeoutError()] * len(sends)
        under_way = dict[int, asyncio.Future[Any]]()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._broker.timeout):
                for index, send in enumerate(sends):
                    try:
                        under_way[index] = asyncio.ensure_future(await send())
                    except KafkaError as error:
                        answers[index] = error
                await asyncio.gather(*under_way.values(), return_exceptions=True)
        for index, future in under_way.items():
            if future.done() and not future.cancelled():
                answers[index] = future.exception() or future.result()
        return answers

    def _complain(self, faults: Iterable[BaseException]) -> None:
        """NotReadyError about the first of these, if there is one."""
        if (fault := next(iter(faults), None)) is None:
            return
        if not isinstance(fault, TimeoutError | KafkaError):
            raise fault
        raise NotReadyError(
            f"Kafka at {self._broker.address} does not store what is replayed ({type(fault).__name__}); what is "
            "recorded is done: the same command goes on behind it"
        ) from None
