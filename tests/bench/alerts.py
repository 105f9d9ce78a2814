"""(f) A store of 300,000 alerts: lists, searches, people who take alerts, findings that come, rows made anew."""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from sqlalchemy import insert, select, text

from deploy.local.postgres import LocalPostgres, find_postgres
from sinks.alerts.rebuilding import rebuild
from sinks.store.store import Store
from sinks.store.tables import ACTS, CHAIN
from streams.garbage import collect_seldom, keep_for_good

from .alerts_ask import LISTS, SEARCHES, pages
from .alerts_fill import fill
from .alerts_load import AlertPlan
from .alerts_people import NEW, acknowledge, ask, batches, findings_coming, one_large
from .alerts_report import Measured
from .alerts_time import Times

ACKNOWLEDGED: Final = 100  # in each round, alone and again while findings come
BATCHES: Final = 6
SAY_SECONDS: Final = 10.0
# As PostgreSQL is run: a quarter of a small server for it. The tests' own 32 MB would measure the disk.
SETTINGS: Final = {"shared_buffers": "512MB", "effective_cache_size": "2GB", "max_wal_size": "4GB"}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many alerts, and how often each thing is asked."""

    plan: AlertPlan
    rounds: int
    kinds: tuple[str, ...]


def measure(sizes: Sizes, scratch: Path) -> dict[str, Measured]:
    """Each kind of store; which comes first alternates."""
    with contextlib.ExitStack() as held:
        stores = _filled(sizes, scratch, held)
        collect_seldom()  # as the console does
        keep_for_good()
        found = {kind: Measured(kind=kind, alerts=sizes.plan.alerts) for kind in stores}
        for number in range(sizes.rounds):
            for kind in stores if number % 2 == 0 else reversed(stores):
                _round(stores[kind], found[kind], number)
        for kind, store in stores.items():
            _rest(store, found[kind])
        return {kind: found[kind] for kind in sizes.kinds}


def _filled(sizes: Sizes, scratch: Path, held: contextlib.ExitStack) -> dict[str, Store]:
    """SQLite as people and findings fill it; PostgreSQL gets its acts, and makes its rows from them."""
    file = scratch / "alerts.db"
    if file.exists():
        file.unlink()
    store = held.enter_context(contextlib.closing(Store(f"sqlite:///{file}")))
    held.callback(_deleted, file)
    print(f"filling a store with {sizes.plan.alerts:,} alerts", flush=True)
    fill(store, sizes.plan)
    stores = {"sqlite": store}
    if "postgresql" in sizes.kinds:
        if find_postgres() is None:
            raise FileNotFoundError("PostgreSQL is not installed here: --stores sqlite does without")
        server = LocalPostgres(scratch / "postgres", settings=SETTINGS)
        held.callback(server.discard)
        other = held.enter_context(contextlib.closing(Store(server.start().create_database("alerts"))))
        _copied(store, other)
        stores["postgresql"] = other
    return stores


def _deleted(file: Path) -> None:
    for end in ("", "-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)


def _copied(store: Store, other: Store) -> None:
    other.upgrade()
    print("copying its acts to PostgreSQL, and making rows of them", flush=True)
    with store._engine.begin() as source, other._engine.begin() as sink:
        rows = source.execution_options(stream_results=True, yield_per=2_000).execute(select(ACTS)).mappings()
        for piece in rows.partitions():
            sink.execute(insert(ACTS), [dict(row) for row in piece])
        head = source.execute(select(CHAIN)).mappings().one()
        sink.execute(CHAIN.update(), dict(head))
    _rebuilt(other)
    with other._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _round(store: Store, found: Measured, number: int) -> None:
    """Warm: everything is asked once before it counts."""
    asks = {"lists": list(pages(LISTS)), "searches": list(pages(SEARCHES))}
    for name, some in asks.items():
        if number == 0:
            ask(store, some, Times())
        random.Random(number).shuffle(some)
        ask(store, some, found.times[name])
    acknowledge(store, ACKNOWLEDGED, found.times["alone"])
    with findings_coming(store, NEW + number * 100_000):
        acknowledge(store, ACKNOWLEDGED, found.times["busy"])
    print(f"  round {number + 1} on {found.kind}: {found.told()}", flush=True)


def _rest(store: Store, found: Measured) -> None:
    found.figures["heard_per_s"] = batches(store, 2 * NEW, BATCHES)
    found.figures |= one_large(store, 3 * NEW)
    found.figures |= _rebuilt(store)
    found.figures["bytes_per_alert"] = _size(store) / found.alerts


def _rebuilt(store: Store) -> dict[str, float]:
    """Seconds, acts a second, and MiB by which this process grows meanwhile."""
    process, told, counts = psutil.Process(), [time.monotonic()], itertools.count()
    acts, grown = 0, [process.memory_info().rss]

    def done(count: int) -> None:
        nonlocal acts
        acts += count
        if next(counts) % 20 == 0:
            grown.append(process.memory_info().rss)
        if time.monotonic() - told[0] >= SAY_SECONDS:
            told[0] = time.monotonic()
            print(f"  {acts:,} acts", flush=True)

    began = time.monotonic()
    rebuild(store, done)
    took = time.monotonic() - began
    return {"rebuild_s": took, "rebuild_acts_per_s": acts / took, "rebuild_mb": (max(grown) - grown[0]) / 2**20}


def _size(store: Store) -> float:
    with store._engine.connect() as connection:
        if store.kind == "sqlite":
            pages_, free, size = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("page_count", "freelist_count", "page_size")
            )
            return float((pages_ - free) * size)
        return float(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
