"""The intake as one web application: who asks, what came, where it lies."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Protocol

from aiohttp import ClientError, web

from schemas.codec import encode
from schemas.errors import RejectedInputError
from schemas.ids import SourceName
from schemas.metrics import NOBODY
from schemas.receiving import BODY_MAX, DOCUMENT_PATH, FAULTS_MAX, PATH, SIGNED, Fault, Receipt, StoredRecord, document
from schemas.topics import Topics
from streams.telemetry import Telemetry
from streams.turns import Pieces

from .checking import Checking, Outgoing, records_of
from .keys import Keys
from .limits import InFlight, Patience, Rates
from .refusing import RefusedError, wrong_records
from .tls import names_of

log: Final = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Put = Callable[[str, list[Outgoing]], Awaitable[tuple[StoredRecord, ...]]]

HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Server": "needtoknow"}


class Holder(Protocol):
    """Whoever has the keys as they are now."""

    keys: Keys


@dataclass(frozen=True, kw_only=True)
class Intake:
    """All that handlers need. `put` stores on a topic, or raises RefusedError."""

    topics: Topics
    holder: Holder
    in_flight: InFlight
    rates: Rates
    put: Put
    telemetry: Telemetry
    patience: Patience = field(default_factory=Patience)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a slot becomes free."""

    @cached_property
    def checking(self) -> Checking:
        """What the sources of these topics may send."""
        return Checking(self.topics)

    async def drain(self, seconds: float) -> None:
        """Let nothing begin any more, and wait for what is under way, for so long at the most."""
        self.in_flight.is_closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.in_flight.count:
                    self.ended.clear()
                    await self.ended.wait()


INTAKE: Final = web.AppKey("intake", Intake)


def build(intake: Intake) -> web.Application:
    """The application."""
    app = web.Application(middlewares=[guarded], client_max_size=BODY_MAX)
    app[INTAKE] = intake
    described = document(intake.topics.sources)

    async def openapi(request: web.Request) -> web.Response:
        return web.Response(body=described, content_type="application/json")

    app.router.add_post(PATH, receive, expect_handler=_expected)
    app.router.add_get(DOCUMENT_PATH, openapi)
    return app


async def receive(request: web.Request) -> web.Response:
    """Checks a request whole, stores it, and says where it lies."""
    intake, began = request.app[INTAKE], time.monotonic()
    source, kind = _permitted(request)
    try:
        with intake.in_flight.slot(source):
            body = await _body(request, intake.patience.body_seconds)
            messages = await _checked(intake.checking, source, kind, body, _signature(request))
            intake.rates.take(source, len(messages))
            stored = await intake.put(intake.topics.access(source), messages)
    finally:
        intake.ended.set()
    intake.telemetry.count("needtoknow_intake_messages_total", len(stored), source=source)
    intake.telemetry.observe("needtoknow_intake_seconds", time.monotonic() - began)
    return web.Response(body=encode(Receipt(stored=stored)), status=202, content_type="application/json")


async def _expected(request: web.Request) -> None:
    """Whoever asks first whether to send the body is told by its headers alone."""
    if request.headers["Expect"].lower() == "100-continue" and _would_take(request):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun


def _would_take(request: web.Request) -> bool:
    try:
        _permitted(request)
    except RefusedError:
        return False
    return True


def _permitted(request: web.Request) -> tuple[SourceName, str]:
    """Whose accesses these are and of what kind, by headers alone: RefusedError comes before the body is read."""
    source = _caller(request)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RefusedError("not_this_type", "the body must not be compressed: send no Content-Encoding")
    kind = request.app[INTAKE].checking.media_type(source, request.headers.get("Content-Type"))
    if (request.content_length or 0) > BODY_MAX:
        raise _too_large()
    request.app[INTAKE].rates.check(source)
    return source, kind


def _caller(request: web.Request) -> SourceName:
    """The source that a request is for, once its key or certificate is that source's. Raises RefusedError."""
    keys = request.app[INTAKE].holder.keys
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme:  # by what it says of itself, and nothing else
        known = keys.of_key(key.strip()) if scheme.lower() == "bearer" else None
    else:
        known = keys.of_names(names_of(request.get_extra_info("peercert")))
    if known is None:
        raise RefusedError("no_key", "send the key of this source as Authorization: Bearer KEY, or its certificate")
    if known != request.match_info["source"]:
        raise RefusedError("not_yours", "this is not for you to send")
    return known


async def _body(request: web.Request, seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        raise RefusedError("too_slow", f"the body did not come within {seconds:g} s") from None
    except web.HTTPRequestEntityTooLarge:
        raise _too_large() from None
    except (web.RequestPayloadError, ConnectionError, ClientError):
        raise RefusedError("wrong", "the body was cut off, or is not framed as HTTP has it", status=400) from None


def _too_large() -> RefusedError:
    return RefusedError("too_large", f"the body is larger than {BODY_MAX} bytes; send it in several requests")


def _signature(request: web.Request) -> bytes | None:
    """What the source has signed its one message with; it goes on as it came, for the judge to check."""
    found = request.headers.getall(SIGNED, [])
    if len(found) > 1:
        raise RefusedError("wrong", f"{SIGNED} is given twice", status=400)
    return found[0].encode("utf-8", "surrogateescape") if found else None


async def _checked(
    checking: Checking, source: SourceName, kind: str, body: bytes, signature: bytes | None
) -> list[Outgoing]:
    """The messages of a body, once all of it is right. Others have a turn after each record."""
    pieces, now = Pieces(), int(time.time() * 1000)
    messages: list[Outgoing] = []
    faults: list[Fault] = []
    in_all = 0
    for number, value in enumerate(records_of(kind, body), start=1):
        with pieces.piece():
            try:
                messages.append(checking.message_of(source, kind, value, now, signature))
            except RejectedInputError as error:
                in_all += 1
                if in_all <= FAULTS_MAX:
                    faults.append(Fault(record=number, field=error.place, fix=error.reason))
        if number % TURN == 0 or faults:
            await pieces.give_way()
    if signature is not None and len(messages) + in_all > 1:
        raise RefusedError("wrong", f"{SIGNED} is of one message; send one record a request", status=400)
    if faults:
        raise wrong_records(faults, in_all)
    return messages


TURN: Final = 20  # records that are right: half a millisecond; one that is wrong may take 0.1 s by itself


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer: errors as documents, counted, with the headers that all have."""
    response: web.StreamResponse
    try:
        response = await handler(request)
        if response.status == 202:
            _count(request, "stored")
    except RefusedError as error:
        response = _refused(request, error)
    except web.HTTPException as error:
        response = _refused(request, RefusedError("not_there", "see /v1/openapi.json", status=error.status))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except Exception as error:
        # Where in our code it was, and what kind: a message or a value could be somebody's data.
        log.error("a request failed: %s", _where(error))
        response = _refused(request, RefusedError("ours", "this is logged; tell whoever runs this"))
    response.headers.update(HEADERS)
    return response


def _refused(request: web.Request, error: RefusedError) -> web.Response:
    _count(request, error.answer)
    request.app[INTAKE].telemetry.count("needtoknow_intake_refusals_total", refusal=error.why)
    response = web.Response(body=encode(error.document()), status=error.status, content_type="application/problem+json")
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if request.can_read_body and not request.content.at_eof():
        response.force_close()  # what is not read must not be taken for the next request
    return response


def _count(request: web.Request, answer: str) -> None:
    named = request.match_info.get("source", "")
    source = named if named in request.app[INTAKE].checking.senders else NOBODY
    request.app[INTAKE].telemetry.count("needtoknow_intake_requests_total", source=source, answer=answer)


def _where(error: BaseException) -> str:
    place: Any = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    code = place.tb_frame.f_code if place is not None else None
    return f"{type(error).__name__} in {code.co_qualname}:{place.tb_lineno}" if code else type(error).__name__
