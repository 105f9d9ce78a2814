"""Connections that are waited for: no broker at the start is no reason to die of it at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import stamina
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.settings import Settings

from .errors import NotReadyError
from .refusals import refusal
from .stopping import ended_within

log = logging.getLogger(__name__)

GATHER_MS: Final = 50
"""How long the broker waits for more before it answers a fetch: each answer has costs of its own, however little it
brings, and at a thousand accesses a second they were two thirds of all. A tenth of what a finding may take (ADR 21)."""
GATHERED: Final = 65_536
"""Bytes that are enough to answer at once: three hundred accesses. Whoever is behind does not wait."""
SAY_EVERY: Final = 5.0  # seconds between two lines of waiting

STOP_SECONDS: Final = 1.0  # for a connection to close, which takes milliseconds; a stop closes seven
WAIT_MAX: Final = 5.0  # seconds between two tries at the most: a broker that is back is noticed soon

T = TypeVar("T")
Client = TypeVar("Client", AIOKafkaConsumer, AIOKafkaProducer)


def at(settings: Settings) -> dict[str, Any]:
    """Where Kafka is and who we are to it: what every client is given first."""
    return {"bootstrap_servers": settings.broker, **settings.security.arguments()}


async def connected(settings: Settings, connect: Callable[[], Awaitable[T]]) -> T:
    """What `connect` gives, tried again for `broker_wait_seconds` while the broker does not answer; says so.

    Raises NotReadyError naming the address when it has not answered until then, and at once when it answers and does
    not let us in; whoever runs the broker must act.
    """
    deadline, said = time.monotonic() + settings.broker_wait_seconds, 0.0
    try:
        async for attempt in stamina.retry_context(
            on=(KafkaError, OSError),
            attempts=None,
            timeout=settings.broker_wait_seconds,
            wait_initial=0.2,
            wait_max=2.0,
        ):
            with attempt:
                if attempt.num > 1 and time.monotonic() - said > SAY_EVERY:
                    said = time.monotonic()
                    log.info("waiting for Kafka at %s, %.0f s left", settings.broker, deadline - said)
                found = await _let_in(settings, connect)
    except (KafkaError, OSError) as error:
        raise NotReadyError(
            f"no Kafka broker answers at {settings.broker} ({type(error).__name__}); set NTK_BROKER or --broker"
        ) from error
    return found


async def _let_in(settings: Settings, connect: Callable[[], Awaitable[T]]) -> T:
    try:
        return await connect()
    except (KafkaError, OSError):
        if (why := await refusal(settings.broker, settings.security)) is not None:
            raise why from None
        raise


async def answered(ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` gives, tried again for as long as the broker does not answer.

    The first try is made by itself: what tries again leaves 45 objects in circles at each question, and 120 questions a
    second made the collector stop everything for a third of a second every 20.
    """
    with suppress(KafkaError):
        return await ask()
    return await again(ask)


async def again(ask: Callable[[], Awaitable[T]]) -> T:
    """The same, after a try that failed."""
    async for attempt in stamina.retry_context(on=KafkaError, attempts=None, timeout=None, wait_max=WAIT_MAX):
        with attempt:
            found = await ask()
    return found


async def started(client: Client) -> Client:
    """The client, started; one that could not be is stopped."""
    try:
        await client.start()
    except BaseException:
        await closed(client)
        raise
    return client


async def closed(client: Client) -> bool:
    """Close it; whether it closed in order. One that has not within STOP_SECONDS is cancelled, and left behind.

    aiokafka waits for ever for a broker that is away; and for its own fetching, which is deaf to being cancelled in the
    moment after what it fetches was changed.
    """
    error = await ended_within(STOP_SECONDS, client.stop())
    if error is not None:
        log.warning("a connection did not close in order: %s", type(error).__name__)
    return error is None
