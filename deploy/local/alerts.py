"""The console in the demo: who may sign in, what their accounts are, and whether alerts are what was found."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

from deploy.local.service import Service, ServiceError, Worker
from schemas.act import Role
from schemas.codec import encode
from schemas.fact import Mark
from schemas.topics import FEEDS, Topics
from sinks.kafka import Broker, producer
from sinks.store.engine import sqlite_url
from sinks.store.reading import Filter
from sinks.store.store import Store

USERS: Final = MappingProxyType[str, Role](
    {"vera": "viewer", "ana": "analyst", "ivo": "investigator", "leo": "law", "aud": "auditor", "adm": "admin"}
)
ACCOUNTS: Final = Path(__file__).resolve().parents[1] / "example" / "console.jsonl"
READ_SECONDS: Final = 60.0  # for a console to read what was found: it takes a second
PAUSE: Final = 0.2
PROMISE_SECONDS: Final = 2.0
PAGE: Final = 200


def start_console(service: Service) -> Worker:
    """Loads the accounts of the demo's users, and starts a console for them. Raises ServiceError."""
    done = service.command("load", str(ACCOUNTS), "--feed", "staff")
    if done.returncode:
        raise ServiceError(f"load {ACCOUNTS.name}: {done.stderr.strip().rpartition(chr(10))[2]}")
    return service.start_console(",".join(f"{login}:{role}" for login, role in USERS.items()))


def findings_in_alerts(service: Service, due: int) -> tuple[int, int]:
    """How many findings stand in how many alerts that are not closed, once they are as many as are due."""
    store = Store(sqlite_url(Path(service.environment()["NTK_DATA_DIR"])))
    deadline = time.monotonic() + READ_SECONDS
    try:
        while (found := _count(store))[0] != due and time.monotonic() < deadline:
            time.sleep(PAUSE)
        return found
    finally:
        store.close()


def _count(store: Store) -> tuple[int, int]:
    standing, alerts = 0, 0
    after: tuple[int, str] | None = None
    with store.reading() as reading:
        while page := reading.alerts(Filter(status=("open", "reopened", "acknowledged"), after=after), PAGE):
            standing += sum(alert.standing for alert in page)
            alerts += len(page)
            after = page[-1].last_at, page[-1].alert_id
    return standing, alerts


@contextmanager
def feeds_that_go_on(service: Service) -> Iterator[None]:
    """Each duty feed promises, every other second, that it is complete until now.

    The day that was played is long over; what people do at the console happens now, and is judged only then.
    """
    over = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_promise(service, over)))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def _promise(service: Service, over: threading.Event) -> None:
    topics = Topics(service.prefix)
    async with producer(Broker(service.bootstrap, 30)) as client:
        while not await asyncio.to_thread(over.wait, PROMISE_SECONDS):
            now = int(time.time() * 1000)
            for feed in (feed.name for feed in FEEDS.values() if feed.explains is None):
                mark = Mark(feed=feed, complete_through=now, sequence=now)
                await client.send(topics.feed(feed), encode(mark), key=feed.encode())
            await client.flush()
