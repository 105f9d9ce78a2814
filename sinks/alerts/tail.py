"""The end of the acts' topic, which nobody who changes the store can change with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing

from schemas.act import Act
from sinks import kafka
from sinks.kafka import Broker
from sinks.store.store import Store

from .chain import unlike
from .mirror import MIRRORED
from .rebuilding import read_act


async def mirrored_act(broker: Broker, topic: str) -> Act | None:
    """The newest act that the topic has; None: it has none. Raises as reading does, and BrokenHistoryError."""
    newest: Act | None = None
    async with aclosing(kafka.read_topic(broker, topic, start=1)) as messages:
        async for message in messages:
            newest = read_act(message.value)
    return newest


def differences(store: Store, mirrored: Act | None) -> Iterator[str]:
    """How the store and the end of its topic differ: at most one sentence, without anybody's data.

    An act is in the store before it is in the topic, so only the topic may lack the newest.
    """
    with store.reading() as reading:
        head = reading.head()
        done = reading.progress(MIRRORED) or 0
        found = reading.acts(after=mirrored.number - 1, count=1) if mirrored else []
    if mirrored is None:
        if done:
            yield f"the topic has no act, although {done} were mirrored"
    elif head.number < mirrored.number:
        yield f"the store ends at act {head.number}, its topic at {mirrored.number}"
    elif words := unlike(next(iter(found), None), mirrored):
        yield words
