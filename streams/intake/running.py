"""The receiver's process: it listens until it is told to stop, and then answers what is under way."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Final

from aiohttp import web
from aiokafka.admin import AIOKafkaAdminClient

from schemas.errors import NotReadyError
from schemas.metrics import NOBODY
from schemas.receiving import senders
from schemas.registry import Sources, registry_hash
from schemas.settings import Settings
from streams.admin import Admin
from streams.connect import at, connected
from streams.errors import WrongTopicsError
from streams.ready import check_admin_port
from streams.telemetry import Telemetry

from .key_file import KeyFile
from .limits import InFlight, Patience, Rates
from .storing import IntakeStore
from .tls import HANDSHAKE_SECONDS, load, server_context
from .web import Holder, Intake, build

LINGER_SECONDS: Final = 2.0  # to read what somebody still sends who has been refused, so that they see the answer
STOP_SECONDS: Final = 2.0  # beside the time that storing may take; and again, for answers to be written

log: Final = logging.getLogger(__name__)
_UNHEARD: Final = logging.getLogger(f"{__name__}.aiohttp")
_UNHEARD.disabled = True  # its own words about a request that is not HTTP repeat it, and a key may be in it


class Shown(Telemetry):
    """The receiver's metrics, whose gauges are asked for when somebody looks."""

    def __init__(self, sources: Sources) -> None:
        super().__init__("receiver", given={"source": (*senders(sources), NOBODY)})
        self.set("needtoknow_intake_info", 1, version=version("needtoknow"), sources_hash=registry_hash(sources)[:12])
        self.gauges: Callable[[], dict[str, float]] = dict

    def page(self) -> bytes:
        """As Telemetry says."""
        for name, value in self.gauges().items():
            self.set(name, value)
        return super().page()


async def serve(settings: Settings, stop: asyncio.Event, again: asyncio.Event) -> None:
    """Runs the receiver until `stop` is set; `again`: read the keys and our certificate now.

    Raises NotReadyError when it cannot begin; whoever runs it must act.
    """
    if settings.receive_keys_file is None:
        raise NotReadyError("set NTK_RECEIVE_KEYS_FILE; `needtoknow receive new-key SOURCE` makes what belongs there")
    context, keys = server_context(settings), KeyFile(settings.receive_keys_file, senders(settings.sources))
    check_admin_port(settings)
    await _wait_for_topics(settings)
    store, telemetry = IntakeStore(settings), Shown(settings.sources)
    intake = intake_of(settings, keys, store, telemetry)
    telemetry.gauges = partial(_gauges, intake, keys, store)
    why_not_ready = partial(_why_not_ready, store, stop)
    await store.start()
    try:
        async with Admin(settings, telemetry, why_not_ready=why_not_ready, why_not_live=lambda: None):
            await _until_told(settings, intake, keys, store, context, stop, again)
    finally:
        await store.stop()


def intake_of(
    settings: Settings,
    holder: Holder,
    store: IntakeStore,
    telemetry: Telemetry,
    patience: Patience = Patience(),  # noqa: B008 - a frozen value
) -> Intake:
    """What the settings say, with the keys that `holder` has and what `store` stores."""
    return Intake(
        topics=settings.topics,
        holder=holder,
        in_flight=InFlight(settings.receive_in_flight),
        rates=Rates(settings.receive_rate, time.monotonic),
        put=store.put,
        telemetry=telemetry,
        patience=patience,
    )


async def _until_told(
    settings: Settings,
    intake: Intake,
    keys: KeyFile,
    store: IntakeStore,
    context: ssl.SSLContext | None,
    stop: asyncio.Event,
    again: asyncio.Event,
) -> None:
    works = (keys.run(), store.run(), _reading(settings, keys, context, again))
    waiting, tasks = asyncio.create_task(stop.wait()), [asyncio.create_task(work) for work in works]
    try:
        async with listening(intake, settings, context):
            done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            log.info("stopping: what is under way is answered")
        for task in done - {waiting}:
            task.result()
    finally:
        for task in (waiting, *tasks):
            task.cancel()


async def _reading(settings: Settings, keys: KeyFile, context: ssl.SSLContext | None, again: asyncio.Event) -> None:
    while True:
        await again.wait()
        again.clear()
        keys.look()
        if context is not None:
            try:
                load(context, settings)
            except NotReadyError as error:
                log.error("the certificate stays as it was: %s", error)


def _why_not_ready(store: IntakeStore, stop: asyncio.Event) -> str | None:
    if stop.is_set():
        return "stopping"
    return None if store.is_reachable else "the broker does not answer"


def _gauges(intake: Intake, keys: KeyFile, store: IntakeStore) -> dict[str, float]:
    return {
        "needtoknow_intake_in_flight": intake.in_flight.count,
        "needtoknow_intake_keys_read": keys.why_not is None,
        "needtoknow_intake_ready": store.is_reachable,
    }


async def _wait_for_topics(settings: Settings) -> None:
    """Of the topics, only those that it writes to: it may know no others."""

    async def look() -> None:
        admin = AIOKafkaAdminClient(**at(settings))
        try:
            await admin.start()
            wanted = {settings.topics.access(name) for name in senders(settings.sources)}
            missing = sorted(wanted - set(await admin.list_topics()))
        finally:
            await admin.close()
        if missing:
            raise WrongTopicsError(
                f"{len(missing)} topics are missing, {missing[0]} first; run: needtoknow topics apply"
            )

    await connected(settings, look)


@asynccontextmanager
async def listening(intake: Intake, settings: Settings, context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Takes requests, and gives its port; at the end it takes no more and answers those under way."""
    runner = web.AppRunner(
        build(intake),
        access_log=None,
        logger=_UNHEARD,
        auto_decompress=False,  # a few bytes could become gigabytes; whoever compresses is told not to
        keepalive_timeout=intake.patience.headers_seconds,
        lingering_time=LINGER_SECONDS,
        shutdown_timeout=STOP_SECONDS,
    )
    await runner.setup()
    try:
        server = await _listen(runner, intake, settings, context)
        try:
            port: int = server.sockets[0].getsockname()[1]
            log.info("receiving: %s://%s:%d", "https" if context else "http", settings.receive_host, port)
            yield port
        finally:
            server.close()
            # By ourselves, since aiohttp reads nothing more once it is told to stop, also of a body that is coming.
            await intake.drain(settings.receive_store_seconds + STOP_SECONDS)
    finally:
        await runner.cleanup()


async def _listen(
    runner: web.AppRunner, intake: Intake, settings: Settings, context: ssl.SSLContext | None
) -> asyncio.Server:
    server = runner.server
    assert server is not None
    try:
        return await asyncio.get_running_loop().create_server(
            partial(_Door, server, intake),
            settings.receive_host,
            settings.receive_port,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if context else None,
        )
    except OSError as error:
        where = f"{settings.receive_host}:{settings.receive_port}"
        raise NotReadyError(f"cannot listen on {where} ({error.strerror}); set NTK_RECEIVE_PORT") from None


class _Door(asyncio.Protocol):
    """Lets a connection in, or turns it away when there are as many as may be."""

    def __init__(self, server: web.Server, intake: Intake) -> None:
        self._server, self._intake = server, intake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there; of TLS, once it is agreed."""
        if len(self._server.connections) < self._intake.patience.connections:
            inside = self._server()
            transport.set_protocol(inside)
            inside.connection_made(transport)
        else:
            self._intake.telemetry.count("needtoknow_intake_turned_away_total")
            transport.close()
