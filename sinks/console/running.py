"""The console's process: alerts service, facts, pages and API in one loop; what fails ends it, to be started again."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Final

from schemas.settings import Settings
from sinks.alerts.front_desk import FrontDesk
from sinks.alerts.measures import Measures
from sinks.alerts.service import AlertService, open_store
from sinks.facts import FactsReader
from sinks.kafka import Broker
from sinks.serving import serving
from sinks.store.sessions import Sessions
from sinks.telemetry import ConsoleTelemetry, clauses_of
from streams.garbage import collect_seldom, keep_for_good
from streams.policies import load_policy
from streams.refusals import refusal

from .app import build
from .limits import Limits
from .live import Live
from .masks import Masks
from .proving import Prover
from .showing import Showing
from .signing_in import DemoUsers, SignIn, demo_users, is_loopback
from .watching import HealthReader
from .web import Console, now_ms

log: Final = logging.getLogger(__name__)

RATE: Final = 20.0  # requests a second of one client, in the long run: nobody clicks faster
BURST: Final = 100  # at once: a page with its parts, several times


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Runs the console until `stop` is set. Raises NotReadyError when it cannot begin."""
    sign_in = DemoUsers(demo_users(settings.console_demo_users), settings.console_host)
    if (why := await refusal(settings.broker, settings.security)) is not None:
        raise why  # one that is away is waited for; one that does not let us in is not
    broker = Broker(settings.broker, settings.broker_wait_seconds, settings.security)
    store = open_store(settings)
    policy = load_policy(settings.policy_file)
    facts = FactsReader(broker, settings.topics.facts, policy.grace_ms)
    service = AlertService(store, broker, settings, facts)
    try:
        await service.start()
        masks = Masks(await asyncio.to_thread(Sessions(store).secret, "masks"))
        live, loop = Live(store, Showing(masks)), asyncio.get_running_loop()

        def news() -> None:
            service.news()
            live.news()

        service.hearing.written = service.reading_back.written = news
        health = HealthReader(settings, broker, store, lambda: service.hearing.behind)
        measures = Measures(store, ConsoleTelemetry(clauses_of(policy)), service.hearing, service.watching)
        desk = FrontDesk(store, now_ms, partial(loop.call_soon_threadsafe, news))
        console = _console(settings, sign_in, desk, Sessions(store), facts, masks, health, Prover(facts, policy, masks))
        why_not_ready = partial(_why_not_ready, facts, service)
        app = build(console, live, policy.clauses, why_not_ready=why_not_ready, metrics=measures.page)
        collect_seldom()
        keep_for_good()
        server = serving(app, settings.console_host, settings.console_port, "NTK_CONSOLE_PORT")
        async with server as address, asyncio.TaskGroup() as group:
            log.info("console: http://%s/", address)
            tasks = [group.create_task(work) for work in (facts.run(), live.run(), service.run(), health.run())]
            await stop.wait()
            for task in tasks:
                task.cancel()
    finally:
        await asyncio.to_thread(store.close)


def _console(
    settings: Settings,
    sign_in: SignIn,
    desk: FrontDesk,
    sessions: Sessions,
    facts: FactsReader,
    masks: Masks,
    health: HealthReader,
    proofs: Prover,
) -> Console:
    return Console(
        desk=desk,
        sessions=sessions,
        sign_in=sign_in,
        facts=facts,
        showing=Showing(masks),
        limits=Limits(RATE, BURST, time.monotonic),
        health=health,
        proofs=proofs,
        is_https=settings.console_https,
        metrics_token=settings.console_metrics_token.get_secret_value(),
        serves=is_loopback if sign_in.offered() else lambda host: True,
    )


def _why_not_ready(facts: FactsReader, service: AlertService) -> str | None:
    if not facts.is_loaded:
        return "facts are still being read"
    if not service.hearing.is_caught_up:
        return "findings are still being read"
    return None
