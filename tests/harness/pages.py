"""A browser without a script: it keeps cookies, reads forms, and sends them as browsers do."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import aiohttp
from yarl import URL


@dataclass
class Form:
    """One form of a page, as it would be sent if nobody touched it."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    asks: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.text: list[str] = []
        self._within: list[str] = []
        self._area: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(found.get("method", "get"), found.get("action", "")))
        elif self.forms and tag in {"input", "textarea", "button"} and (name := found.get("name")):
            self._field(self.forms[-1], tag, name, found)

    def _field(self, form: Form, tag: str, name: str, found: dict[str, str]) -> None:
        form.asks.add(name)
        if tag == "textarea":
            self._area, form.fields[name] = name, ""
        elif tag == "input" and (found.get("type") not in {"radio", "checkbox"} or "checked" in found):
            form.fields[name] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1].fields[self._area] += data.removeprefix("\n")
        self.text.append(data)


@dataclass(frozen=True)
class Shown:
    """A page as it came."""

    status: int
    address: str
    raw: bytes
    headers: Any
    forms: tuple[Form, ...]
    text: str

    def form(self, action: str) -> Form:
        """The one form whose address has this as its last part."""
        [found] = [f for f in self.forms if f.action.partition("?")[0].rpartition("/")[2] == action]
        return found

    @property
    def steps(self) -> set[str]:
        """What can be done to the alert that is open."""
        return {f.action.partition("?")[0].rpartition("/")[2] for f in self.forms if f.action.startswith("/alerts/")}


class Visitor:
    """Somebody with a browser in which scripts are off."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))  # the address is a number

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def open(self, path: str) -> Shown:
        """What is there, wherever that leads."""
        return await self._ask("GET", path, None, {})

    async def send(self, form: Form, /, *, headers: dict[str, str] | None = None, **typed: str) -> Shown:
        """Fills in a form and sends it."""
        sent = {"Origin": self.base, "Sec-Fetch-Site": "same-origin"} if headers is None else headers
        return await self._ask("POST", form.action, {**form.fields, **typed}, sent)

    async def sign_in(self, login: str) -> Shown:
        """By the button with this name."""
        return await self.send((await self.open("/sign-in")).form("sign-in"), login=login)

    async def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Shown:
        url = URL(self.base + path, encoded=True)
        async with self._session.request(method, url, data=body, headers=headers) as response:
            raw = await response.read()
            reader = _Reader()
            reader.feed(raw.decode())
            text = " ".join(" ".join(reader.text).split())
            return Shown(
                response.status, str(response.url.relative()), raw, response.headers, tuple(reader.forms), text
            )
