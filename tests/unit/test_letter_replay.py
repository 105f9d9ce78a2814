"""A replay of which the broker takes one part only: the other part stays, is counted, and is in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from schemas.codec import encode
from schemas.topics import Topics
from sinks.kafka import Message
from sinks.letter_replay import Outcome, Sent, Wish, replay
from sinks.letter_rules import not_ours_to_write
from sinks.letter_search import One
from sinks.letters import read_letter
from tests.harness.builders import assignment, make_access

TOPICS = Topics("t7.")
FEED = TOPICS.feed("assignments")


def one(topic: str, offset: int, value: bytes, stage: str) -> One:
    """A letter that nobody has looked at, and that today's reader takes."""
    words = {"topic": topic, "partition": "0", "offset": str(offset), "stage": stage}
    headers = tuple((f"needtoknow.errors.{name}", text.encode()) for name, text in words.items())
    return One(read_letter(Message(TOPICS.dead_letters, 0, offset, 0, b"", value, headers)), "open", is_new=True)


def fact(offset: int) -> One:
    """A refused fact."""
    return one(FEED, offset, encode(assignment(staff="w028")), "register")


def access(offset: int) -> One:
    """A refused access."""
    return one(TOPICS.access("ecms"), offset, encode(make_access(event_id=f"e{offset}")), "translate")


def replayed(letters: Sequence[One], limit: int | None = None) -> tuple[Outcome, list[str]]:
    """What a replay by somebody who may write to no feed comes to, and the offsets of what was stored."""
    stored = list[str]()

    async def those() -> AsyncIterator[One]:
        for letter in letters:
            yield letter

    async def send(batch: Sequence[Sent]) -> Sequence[Sent]:
        stored.extend(sent.letter.offset for sent in batch if sent.letter.topic != FEED)
        return [sent for sent in batch if sent.letter.topic == FEED]

    return asyncio.run(replay(those(), TOPICS, Wish(limit=limit), send)), stored


def test_what_may_not_be_written_back_stays_and_is_counted() -> None:
    """Not as replayed; the reason says whose topic it is and who can do something."""
    outcome, stored = replayed([access(1), fact(2), access(3), fact(4)])
    assert (outcome.matched, outcome.replayed, outcome.left) == (4, 2, 2)
    assert outcome.held == {not_ours_to_write(FEED): 2}
    assert stored == ["1", "3"]


def test_what_may_not_be_written_back_does_not_use_up_a_limit() -> None:
    """Or the same command would meet the same facts again, and never come to what lies behind them."""
    outcome, stored = replayed([fact(1), fact(2), access(3), access(4), access(5)], limit=2)
    assert (outcome.replayed, stored) == (2, ["3", "4"])
    assert outcome.held == {not_ours_to_write(FEED): 2}
