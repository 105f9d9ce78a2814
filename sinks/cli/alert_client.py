"""The console as commands use it: the same API, rules and history as everybody's."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
import click
import orjson

from schemas.errors import NeedToKnowError, NotReadyError
from schemas.ids import parse_instant
from schemas.settings import Settings

from .lines import moment, safe

T = TypeVar("T")

SESSION_FILE: Final = "session"
TIMEOUT_SECONDS: Final = 30.0
LINE_MAX: Final = 1 << 20  # bytes of one live row


class RefusedError(NeedToKnowError):
    """The console said no, for a reason that a person can read."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs the work of a command; a refusal becomes one line and exit code 1."""
    try:
        return asyncio.run(work)
    except RefusedError as error:
        raise click.ClickException(str(error)) from None


def keep_token(settings: Settings, token: str) -> Path:
    """Keeps a session's token where only its owner can read it."""
    path = settings.data_dir / SESSION_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token)
    return path


def forget_token(settings: Settings) -> None:
    """Forgets it."""
    (settings.data_dir / SESSION_FILE).unlink(missing_ok=True)


def token_of(settings: Settings) -> str:
    """The session's token. Wrong use when there is none."""
    path = settings.data_dir / SESSION_FILE
    token = settings.token.get_secret_value() or (path.read_text() if path.exists() else "")
    if not token:
        raise click.UsageError("sign in first: needtoknow alerts sign-in LOGIN, or set NTK_TOKEN")
    return token


class Client:
    """Requests to one console. Raises RefusedError, and NotReadyError when nobody answers there."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings, token: str | None) -> None:
        self._session = session
        self._base = f"{settings.console_url}/api/v1"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def get(self, path: str, query: list[tuple[str, str]] | None = None) -> Any:
        """What is there."""
        return await self._ask("GET", path, params=query or [])

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        """Asks for something to be done; sent with a key, so that it is done once whatever happens on the way."""
        more = {"Idempotency-Key": secrets.token_hex(16), **headers}
        return await self._ask("POST", path, json=body, headers=more)

    async def delete(self, path: str) -> None:
        """Asks for something to end."""
        await self._ask("DELETE", path)

    async def rows(self, since: str | None = None) -> AsyncGenerator[tuple[str, str, dict[str, Any]], None]:
        """Live rows: event, id and document, until the console ends them."""
        headers = self._headers | ({"Last-Event-ID": since} if since else {})
        try:
            timeout = aiohttp.ClientTimeout(total=None, sock_read=TIMEOUT_SECONDS)
            async with self._session.get(f"{self._base}/stream", headers=headers, timeout=timeout) as response:
                await self._read(response, only_status=True)
                event: dict[str, str] = {}
                async for line in response.content:
                    name, _, value = line.decode().rstrip("\n").partition(": ")
                    if name in {"event", "id", "data"}:
                        event[name] = value
                    elif not name and event:
                        yield event.get("event", ""), event.get("id", ""), orjson.loads(event.get("data", "{}"))
                        event = {}
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(error) from None

    async def _ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> Any:
        sent = self._headers | (headers or {})
        try:
            async with self._session.request(method, self._base + path, headers=sent, **more) as response:
                return await self._read(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(error) from None

    async def _read(self, response: aiohttp.ClientResponse, *, only_status: bool = False) -> Any:
        if response.status < 400:
            return None if only_status or response.status == 204 else orjson.loads(await response.read())
        try:
            problem = orjson.loads(await response.read())
        except orjson.JSONDecodeError:
            problem = {"title": f"status {response.status}", "detail": "this is no console of ours"}
        if response.status == 503:
            raise NotReadyError(f"the console is not ready: {safe(str(problem.get('detail')))}")
        raise RefusedError(response.status, _words(problem))

    def _away(self, error: BaseException) -> NotReadyError:
        where = f"{self._base.removesuffix('/api/v1')} ({type(error).__name__})"
        return NotReadyError(f"no console answers at {where}; is it running, and is NTK_CONSOLE_URL right?")


def _words(problem: dict[str, Any]) -> str:
    words = f"{safe(str(problem.get('title')))}: {safe(str(problem.get('detail')))}"
    if "at" in problem:
        words += f" ({safe(str(problem.get('by') or 'the service'))} at {moment(parse_instant(problem['at']))})"
    return words


@asynccontextmanager
async def client(settings: Settings, *, is_signed_in: bool = True) -> AsyncGenerator[Client, None]:
    """A client of the console that the settings name."""
    token = token_of(settings) if is_signed_in else None
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False, read_bufsize=LINE_MAX) as session:
        yield Client(session, settings, token)
