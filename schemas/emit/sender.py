"""The sender: the thread that brings what waits to the broker, in order, again and again until it is stored."""

from __future__ import annotations

import asyncio
import logging
import random
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from ..errors import NotReadyError
from .keeper import Keeper
from .limits import PAUSE_FIRST, PAUSE_MAX, SLOW_SECONDS, START_SECONDS, STOP_SECONDS, WINDOW_SECONDS
from .message import Outgoing, Waiting, access_message, heartbeat_message
from .quiet import THREAD, hush, reason
from .settings import Settings

BATCH_BYTES: Final = 262_144  # of one partition: a window is a few requests
logger: Final = logging.getLogger("needtoknow.emit")

hush()


class Sender:
    """`begun` is done when aiokafka has taken the settings, or with what it says against them.

    Each connection has a loop of its own, so that nothing of one that failed is left behind. `trouble`: what is wrong
    now. `retries` counts connections that failed.
    """

    def __init__(self, settings: Settings, keeper: Keeper) -> None:
        self._settings, self._keeper = settings, keeper
        self.begun: Future[None] = Future()
        self.is_connected = False
        self.trouble: str | None = None
        self.retries = 0
        self._failures = 0  # since something was stored
        self._beat_at = 0.0
        self._stop = threading.Event()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Event, asyncio.Task[None]] | None = None
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is more to send. Any thread may call it."""
        if running := self._running:
            loop, news, _ = running
            with suppress(RuntimeError):  # that connection has just ended
                loop.call_soon_threadsafe(news.set)

    def end(self) -> None:
        """Send nothing more; returns when the connection is closed, or cannot be in a few seconds."""
        self._stop.set()
        if running := self._running:
            loop, _, task = running
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)
        self._thread.join(3 * STOP_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                    runner.run(self._connection())
            except asyncio.CancelledError:
                pass  # it is to end
            except Exception as error:
                if not self.begun.done():
                    self.begun.set_exception(error)
                    return
                self._failed(error)
            finally:
                self.is_connected, self._running = False, None

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self.retries += 1
        self._say(_told(error))
        self._stop.wait(pause(self._failures, random.random()))  # noqa: S311 - no secret: so that not all come at once

    def _say(self, trouble: str | None) -> None:
        if trouble != self.trouble and not self._stop.is_set():
            logger.warning("%s", trouble or "the broker takes what waits again")
        self.trouble = trouble

    async def _connection(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a coroutine that runs is a task"
        news = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_complained)
        self._running = (loop, news, task)
        if self._stop.is_set():
            return
        async with self._producer() as producer:
            while True:
                news.clear()
                began = time.thread_time()
                window = self._keeper.read()
                if window:
                    await self._store(producer, [self._outgoing(waiting) for waiting in window])
                    self._keeper.took(window)
                await self._beat(producer)
                if window:  # half of the interpreter is the host's, also when hours of backlog are sent
                    await asyncio.sleep(time.thread_time() - began)
                else:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._until_beat()):
                            await news.wait()

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        settings = {
            "bootstrap_servers": self._settings.bootstrap,
            "client_id": f"needtoknow-emit-{self._settings.source}",
            **self._settings.connection,
        }
        producer = AIOKafkaProducer(
            enable_idempotence=True,
            acks="all",
            max_batch_size=BATCH_BYTES,
            **settings,
        )
        if not self.begun.done():
            self.begun.set_result(None)
        try:
            async with asyncio.timeout(START_SECONDS):
                await producer.start()
            await self._look_for_topic(producer)
            self.is_connected = True
            yield producer
        finally:
            self.is_connected = False
            with suppress(TimeoutError):  # it waits for what is under way, and that may be what nobody answers
                async with asyncio.timeout(STOP_SECONDS):
                    await producer.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await producer.client.close()

    async def _look_for_topic(self, producer: AIOKafkaProducer) -> None:
        """aiokafka would wait for a topic that is none as for a broker that does not answer."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await producer.partitions_for(self._settings.topic)
        except TimeoutError:
            topic = self._settings.topic
            raise NotReadyError(f"the broker has no topic {topic}, or does not show it to this user") from None

    async def _store(self, producer: AIOKafkaProducer, messages: list[Outgoing]) -> None:
        """Returns when the broker has them all; raises when one failed, or nothing came of it for too long."""
        storing = asyncio.ensure_future(self._hand_over(producer, messages))
        done, _ = await asyncio.wait({storing}, timeout=SLOW_SECONDS)
        if not done:
            self.is_connected = False
            self._say("the broker does not answer")
        try:
            async with asyncio.timeout(WINDOW_SECONDS):
                await storing
        finally:
            storing.cancel()
        self.is_connected, self._failures = True, 0
        self._say(None)

    async def _hand_over(self, producer: AIOKafkaProducer, messages: list[Outgoing]) -> None:
        futures: list[asyncio.Future[object]] = []
        try:
            for message in messages:
                sent = await producer.send(
                    self._settings.topic, message.value, key=message.key, headers=message.headers
                )
                sent.add_done_callback(_heard)
                futures.append(sent)
            await asyncio.gather(*futures)
        finally:
            for sent in futures:
                sent.cancel()

    def _until_beat(self) -> float | None:
        if self._settings.heartbeat_seconds is None:
            return None
        return max(0.0, self._beat_at - time.monotonic())

    async def _beat(self, producer: AIOKafkaProducer) -> None:
        if self._settings.heartbeat_seconds is None or self._until_beat():
            return
        self._beat_at = time.monotonic() + self._settings.heartbeat_seconds
        now, counted = time.time_ns() // 1_000_000, self._keeper.counted_through()
        message = heartbeat_message(self._settings.source, now, counted)
        await self._store(producer, [self._settings.signed(message, counted)])

    def _outgoing(self, waiting: Waiting) -> Outgoing:
        return self._settings.signed(access_message(self._settings.source, waiting), waiting.sequence)


def pause(failures: int, chance: float) -> float:
    """Seconds before the next attempt after so many failures; `chance` of 0 to 1 spreads those who fail together."""
    return float(min(PAUSE_MAX, PAUSE_FIRST * 2 ** min(failures - 1, 20)) * (0.5 + chance / 2))


def _told(error: Exception) -> str:
    """What is wrong, with no words but ours."""
    if isinstance(error, NotReadyError):
        return str(error)
    if isinstance(error, sqlite3.Error):
        return f"the spool cannot be read: {type(error).__name__}"
    return f"the broker does not take what waits: {reason(error)}"


def _complained(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a connection that is given up leaves unsaid; with its words, which may be anybody's, nobody is troubled."""
    logger.debug("left behind by a connection: %s", type(context.get("exception")).__name__)


def _heard(sent: asyncio.Future[object]) -> None:
    """Whoever waits hears of the first that failed; asyncio would complain about the others."""
    if not sent.cancelled():
        sent.exception()
