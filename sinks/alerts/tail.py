"""The end of the acts' topic: how far a store must have come, to be that of its topic."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from schemas.act import Act
from sinks import kafka
from sinks.kafka import Broker

from .mirror import PIECE
from .rebuilding import read_act

STALE_MAX: Final = 20 * PIECE
"""So many messages at the end, at most, may be repeats of acts before. Consoles share an outbox without a lock, and one
that was held up sends the piece that it had begun behind what others have sent since; then it looks again how far all
have come. So there is one piece of each console at most, and nobody runs twenty. Read in a second."""


async def mirrored_act(broker: Broker, topic: str) -> Act | None:
    """The newest act that the topic has, by its number: its last message may be a repeat. None: it has none.

    Raises as reading does, and BrokenHistoryError.
    """
    newest: Act | None = None
    async with aclosing(kafka.read_topic(broker, topic, start=STALE_MAX)) as messages:
        async for message in messages:
            act = read_act(message.value)
            if newest is None or act.number > newest.number:
                newest = act
    return newest
