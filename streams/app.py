"""The Faust app: the only place where it is built; everything is wired here by hand, nothing is discovered."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

import faust
import mode

from schemas.policy import Policy
from schemas.settings import Settings
from schemas.topics import CONSOLE
from streams.join.completeness import Completeness
from streams.join.index import AccessIndex
from streams.join.knowledge import Knowledge
from streams.policy.judging import Judging
from streams.policy.published import Published
from streams.sources import Translators

from .admin import Admin
from .agents.careful import Careful
from .agents.judge import Judge
from .agents.register import Register
from .broadcast import Broadcast
from .credentials import credentials
from .gauges import Gauges
from .hooks import Hooks
from .liveness import Liveness
from .policies import load_policy
from .records import read_safely
from .snapshots import Snapshots
from .store import Store
from .telemetry import Telemetry
from .touching import Touching
from .transport import BatchSchema
from .unregistered import Unregistered

QUEUE_MAX: Final = 10_000  # batches; every partition's full share fits, since a full partition is paused (transport.py)
FETCHED_BATCHES: Final = 4  # by one fetch: while the judge is busy with one, the next must not wait for an answer
HEARTBEATS: Final = 4  # a session timeout: three may be lost
METADATA_MS: Final = 10_000  # a partition that is added is read within seconds; the default is five minutes


class App(faust.App):
    """A Faust app that starts our services before its consumer and stores what is under way before it stops."""

    our_settings: Settings
    batch_hooks: Hooks
    services: tuple[mode.Service, ...] = ()
    on_stopping: Callable[..., None] = staticmethod(lambda *loops: None)

    async def on_start(self) -> None:
        """Start the services, in order; nothing is consumed before they are up."""
        await super().on_start()
        for service in self.services:
            await self.add_runtime_dependency(service)

    def _create_directories(self) -> None:
        """None: Faust makes them for tables, which we have not, and would not start where it cannot write."""

    async def on_stop(self) -> None:
        """Stop fetching, store what has been judged, commit; then the services stop."""
        self.on_stopping(self.loop, self.consumer._thread.thread_loop)
        await super().on_stop()
        await self.consumer.commit_and_end_transactions()


def build_app(settings: Settings) -> App:
    """One worker: register and judge, with everything they need. Raises RejectedInputError for a wrong policy."""
    quiet_logs()
    read_safely(settings.unpacked_max_bytes)
    policy = load_policy(settings.policy_file)
    telemetry = Telemetry(given={"source": tuple(settings.sources)})
    judging = _judging(policy, Translators(settings.topics))
    app = _faust(settings)
    app.our_settings = settings
    store = Store(settings, telemetry)
    touching = Touching(
        judging.knowledge, depth=policy.paths.supervises.depth, on_change=lambda queries: judge.change(queries, [])
    )
    broadcast = Broadcast(
        settings,
        knowledge=judging.knowledge,
        completeness=judging.completeness,
        published=judging.published,
        index=judging.index,
        telemetry=telemetry,
        touching=touching,
        on_change=lambda strangers: judge.change([], strangers),
        on_conflict=lambda feed, message: register.conflict(feed, message),  # noqa: PLW0108 - the same
    )
    register = Register(
        settings,
        gating=policy.gating_feeds() | policy.gating_feeds(CONSOLE),
        broadcast=broadcast,
        store=store,
        telemetry=telemetry,
        is_read=lambda: _feeds_read(app, settings),
    )
    judge = _judge(app, settings, judging, broadcast, touching, store, telemetry)
    snapshots = Snapshots(settings, judge=judge, broadcast=broadcast, telemetry=telemetry, has_died=lambda: app.crashed)
    admin, *watching = _watching(app, settings, policy, broadcast, judge, store, snapshots, telemetry)
    services = (admin, store, snapshots, broadcast, touching, register, judge, *judge.parts())
    app.services = (*services, *watching)
    app.batch_hooks = _hooks(app, settings, judge, register)
    _wire(app, settings, judge, register)
    return app


def _judge(
    app: App,
    settings: Settings,
    judging: Judging,
    broadcast: Broadcast,
    touching: Touching,
    store: Store,
    telemetry: Telemetry,
) -> Judge:
    run_id = uuid.uuid4().hex
    careful = Careful(
        run_id,
        write=lambda tps: app.consumer.write_notes(tps),  # noqa: PLW0108 - made when the app starts
        read_again=lambda: app.consumer.read_again(),  # noqa: PLW0108 - the same
    )
    return Judge(
        settings,
        run_id=run_id,
        judging=judging,
        broadcast=broadcast,
        touching=touching,
        store=store,
        telemetry=telemetry,
        crash=lambda error: asyncio.ensure_future(app.crash(error)),
        careful=careful,
    )


def _watching(
    app: App,
    settings: Settings,
    policy: Policy,
    broadcast: Broadcast,
    judge: Judge,
    store: Store,
    snapshots: Snapshots,
    telemetry: Telemetry,
) -> tuple[Admin, Gauges, Liveness, Unregistered]:
    """What looks at the rest and tells others of it."""
    gauges = Gauges(
        settings,
        app=app,
        broadcast=broadcast,
        judge=judge,
        store=store,
        snapshots=snapshots,
        telemetry=telemetry,
        policy=policy,
    )
    liveness = Liveness(
        settings,
        app=app,
        broadcast=broadcast,
        store=store,
        telemetry=telemetry,
        is_waiting=lambda: judge.is_waiting() or judge.refused() > 0,  # a new worker could do no more
    )
    admin = Admin(settings, telemetry, why_not_ready=gauges.why_not_ready, why_not_live=liveness.why_not_live)
    return admin, gauges, liveness, Unregistered(settings.topics, telemetry, list_topics=broadcast.topics_there)


def _judging(policy: Policy, translators: Translators) -> Judging:
    knowledge = Knowledge(policy.grace_ms)
    return Judging(
        policy=policy,
        knowledge=knowledge,
        completeness=Completeness.under(policy),
        published=Published(),
        index=AccessIndex(knowledge.facts.people, knowledge.facts.records),
        translators=translators,
    )


def _faust(settings: Settings) -> App:
    brokers = ";".join(f"ntk://{address}" for address in settings.broker.split(","))
    return App(
        settings.group,
        broker=brokers,
        broker_credentials=credentials(settings.security),
        store="memory://",
        datadir=str(settings.data_dir / "faust"),
        autodiscover=False,
        web_enabled=False,  # it would listen on all interfaces and serve without sign-in
        key_serializer="raw",
        value_serializer="raw",
        topic_allow_declare=False,  # `needtoknow topics apply` does
        topic_disable_leader=True,
        table_standby_replicas=0,  # no tables: the plain round-robin assignor
        stream_wait_empty=False,
        stream_buffer_maxsize=QUEUE_MAX,
        stream_publish_on_commit=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * 1_048_576,
        consumer_metadata_max_age_ms=METADATA_MS,
        broker_max_poll_records=settings.batch_messages * FETCHED_BATCHES,
        broker_commit_interval=settings.commit_interval_seconds,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / HEARTBEATS,
        agent_supervisor=mode.CrashingSupervisor,
    )


def _hooks(app: App, settings: Settings, judge: Judge, register: Register) -> Hooks:
    feeds = settings.topics.feeds()
    return Hooks(
        batch_max=settings.batch_messages,
        batches_max=settings.queued_batches,
        is_urgent=lambda tp: tp.topic in feeds,
        hold=lambda tp: None if tp.topic in feeds else judge.hold(tp),
        on_seek=lambda found, notes, ends: judge.seek(
            {tp: offset for tp, offset in found.items() if tp.topic not in feeds}, notes, ends
        ),
        on_lost=lambda tp: register.lose(tp) if tp.topic in feeds else judge.lose(tp),
        # A worker that goes down with an error gives up its partitions in order, too; it has not ended well.
        note=lambda tp, finished, holds: (
            "" if tp.topic in feeds else judge.note(tp, finished, is_open=holds or app.crashed)
        ),
        drain=judge.drain,
    )


def _feeds_read(app: App, settings: Settings) -> dict[str, bool]:
    feeds = settings.topics.feeds()
    return {feeds[tp.topic]: app.consumer.is_read(tp) for tp in app.consumer.held() if tp.topic in feeds}


def _wire(app: App, settings: Settings, judge: Judge, register: Register) -> None:
    schema = BatchSchema()
    topics = settings.topics

    @app.agent(app.topic(*topics.feeds(), schema=schema), name="register")
    async def _register(stream: Any) -> None:
        async for event in stream.noack().events():
            register.take(event.value)

    @app.agent(app.topic(*topics.accesses(), schema=schema), name="judge")
    async def _judge(stream: Any) -> None:
        async for event in stream.noack().events():
            await judge.take(event.value)


def quiet_logs() -> None:
    """At their own default these loggers build a record per message, also when nothing is shown: 10 to 15 % of CPU."""
    for name in ("aiokafka", "faust", "mode", "asyncio", "stamina"):
        logging.getLogger(name).setLevel(logging.WARNING)


def now_ms() -> float:
    """The wall clock in UTC milliseconds; only measuring reads it, never judging."""
    return time.time() * 1000
