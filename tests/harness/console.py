"""A console on loopback over a store of its own, and people who use it as programs do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from schemas.act import Role
from schemas.fact import Fact
from schemas.finding import Finding
from sinks.alerts.front_desk import FrontDesk
from sinks.alerts.writing import hear
from sinks.console.app import build
from sinks.console.health import Health, HealthNow
from sinks.console.limits import Limits
from sinks.console.live import Live
from sinks.console.masks import Masks
from sinks.console.proving import Prover
from sinks.console.showing import Showing
from sinks.console.signing_in import DemoUsers, is_loopback
from sinks.console.web import Console, now_ms
from sinks.store.engine import sqlite_url
from sinks.store.sessions import Sessions
from sinks.store.store import Store
from streams.join.knowledge import Knowledge, knowing
from streams.policies import load_policy
from tests.harness.builders import account, make_policy, registered
from tests.harness.findings import place

USERS: dict[str, Role] = {
    "vera": "viewer",
    "ana": "analyst",
    "ivo": "investigator",
    "leo": "law",
    "aud": "auditor",
    "adm": "admin",
    "ghost": "analyst",
}
STAFF = {"vera": "s20", "ana": "s21", "ivo": "s22", "leo": "s23", "aud": "s24", "adm": "s25"}
"""Who each of them is; of `ghost` no fact says it."""


@dataclass
class KnownFacts:
    """What a reader of facts would have read."""

    knowledge: Knowledge
    is_loaded: bool = True


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    document: Any
    headers: Any
    raw: bytes


class Client:
    """One signed-in user."""

    def __init__(self, base: str, session: aiohttp.ClientSession, token: str) -> None:
        self.base, self.session, self.token = base, session, token

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request; header names with underscores."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, self.base + path, json=body, headers=sent) as response:
            raw = await response.read()
            is_json = "json" in response.content_type
            return Reply(
                response.status, await response.json(content_type=None) if is_json else None, response.headers, raw
            )

    async def get(self, path: str, **headers: str) -> Reply:
        """What is there."""
        return await self.ask("GET", f"/api/v1{path}", None, **headers)

    async def do(self, alert_id: str, command: str, /, **body: Any) -> Reply:
        """Does something to an alert."""
        return await self.ask("POST", f"/api/v1/alerts/{alert_id}/{command}", body)


class Scene:
    """The console, its store and what is known."""

    def __init__(self, store: Store, facts: KnownFacts, base: str, session: aiohttp.ClientSession, live: Live) -> None:
        self.store, self.facts, self.base, self.live = store, facts, base, live
        self._session, self._offset = session, 0

    def find(self, *findings: Finding) -> list[str]:
        """These are found; the alerts they changed."""
        changed: list[str] = []
        for finding in findings:
            self._offset += 1
            with self.store.writing() as writing:
                changed += [a.alert_id for a in hear(writing, finding, place(self._offset), writing.moment(now_ms()))]
        self.live.news()
        return changed

    async def user(self, login: str) -> Client:
        """Somebody signs in."""
        nobody = Client(self.base, self._session, "")
        reply = await nobody.ask("POST", "/api/v1/sessions", {"login": login})
        assert reply.status == 201, reply
        return Client(self.base, self._session, reply.document["token"])

    def nobody(self) -> Client:
        """Somebody who has not signed in."""
        return Client(self.base, self._session, "")


@dataclass
class KnownHealth:
    """What somebody would have asked Kafka."""

    value: HealthNow = field(default_factory=HealthNow)

    def now(self) -> HealthNow:
        """As Health says."""
        return self.value


async def no_metrics() -> bytes:
    """Nobody asks."""
    return b""


@asynccontextmanager
async def console(
    directory: Path,
    facts: Sequence[Fact] = (),
    *,
    rate: float = 10_000,
    health: Health | None = None,
    is_https: bool = False,
    metrics_token: str = "",
) -> AsyncIterator[Scene]:
    """A console that runs, with accounts for its users and these facts."""
    store = Store(sqlite_url(directory))
    store.upgrade()
    accounts = [account(login, staff, source="console") for login, staff in STAFF.items()]
    known = KnownFacts(knowing([registered(fact) for fact in (*accounts, *facts)], 3_600_000))
    sessions = Sessions(store)
    masks = Masks(sessions.secret("masks"))
    showing = Showing(masks)
    live = Live(store, showing)
    made = Console(
        desk=FrontDesk(store, now_ms, live.news),
        sessions=sessions,
        sign_in=DemoUsers(USERS, "127.0.0.1"),
        facts=known,
        showing=showing,
        limits=Limits(rate, int(rate), asyncio.get_running_loop().time),
        health=health or KnownHealth(),
        proofs=Prover(known, make_policy(), masks),
        is_https=is_https,
        metrics_token=metrics_token,
        serves=is_loopback,
    )
    server = TestServer(build(made, live, load_policy().clauses, why_not_ready=lambda: None, metrics=no_metrics))
    await server.start_server()
    task = asyncio.create_task(live.run())
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield Scene(store, known, str(server.make_url("")).rstrip("/"), session, live)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await server.close()
        store.close()
