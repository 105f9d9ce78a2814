"""What a system is told that hands its accesses over by HTTP (`needtoknow receive`), and the OpenAPI document of it.

The document is generated from these models and the table of sources; `python -m schemas.publish` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, Field

from .access import NEVER_SENT, Access
from .codec import MESSAGE_MAX
from .heartbeat import Heartbeat
from .ids import SourceName
from .model import Sparse, Strict
from .openapi import OPENAPI, components, content, problems, reference
from .topics import CANONICAL, CONSOLE, HEARTBEAT, SIGNATURE_MAX, Source

API: Final = "receive.openapi.json"
PATH: Final = "/v1/access/{source}"
DOCUMENT_PATH: Final = "/v1/openapi.json"
BATCH: Final = "application/x-ndjson"

SIGNED: Final = "Needtoknow-Signature"
"""The header for sources that sign: a detached JWS of the one record in the request (schemas/signing.py)."""

BODY_MAX: Final = 1_048_576
"""Bytes of a request: a thousand usual accesses are 0.4 MB, and each request under way is held in memory."""
RECORDS_MAX: Final = 1_000
"""Records of a batch: some 50 ms of checking and storing, which is what others then wait."""
FAULTS_MAX: Final = 20
"""Faults told of one batch: whoever made it sees what is wrong, and an answer stays small."""

_Offset = Annotated[int, Field(ge=0)]


class StoredRecord(Strict):
    """Where one record lies for good."""

    topic: str
    partition: _Offset
    offset: _Offset


class Receipt(Strict):
    """All of the request is stored: where, in its order."""

    stored: Annotated[tuple[StoredRecord, ...], Field(strict=False)]


class Fault(Strict):
    """What is wrong with a record: its number from 1, the field or the spot, and how it must be. Never its content."""

    record: Annotated[int, Field(ge=1)]
    field: str
    fix: str


class Refusal(Sparse):
    """Nothing of the request is stored, unless `status` is 503: why, and what to do (RFC 9457).

    `faults`: the first of all that is wrong with the records; `faults_in_all`: how many are wrong.
    """

    type: str
    title: str
    status: int
    detail: str
    faults: Annotated[tuple[Fault, ...], Field(strict=False)] | None = None
    faults_in_all: int | None = None


REFUSALS: Final[Mapping[str, str]] = {
    "400": "the body is not what its content type says",
    "401": "no key and no certificate that is known",
    "403": "this key or certificate is not that of this source",
    "404": "there is nothing here",
    "405": "this is not done here",
    "408": "the body did not come in time",
    "413": "too many bytes or records; send them in several requests",
    "415": "a content type that this source does not send, or an encoding",
    "422": "records are wrong; nothing of the request is stored",
    "429": "more than this source may send; come again after Retry-After seconds",
    "500": "we are wrong, and this is logged",
    "503": "busy, or the broker has not confirmed it; send the same again after Retry-After seconds",
}

_ABOUT: Final = (
    "Takes the accesses of systems that cannot speak Kafka. 202 means that the broker has stored all of the request. "
    "A batch is checked whole first; when anything in it is wrong, nothing of it is stored. At least once: whoever got "
    "no answer, or 503, sends the same again. A record that was stored twice is found once, since its ids are the same."
)


_SIGNED: Final = "A detached JWS of the record, of sources that sign; then one record a request."


def senders(sources: Mapping[SourceName, Source]) -> Mapping[SourceName, Source]:
    """Those that may send by HTTP: all but the alert console, which is a process of ours."""
    return {name: source for name, source in sources.items() if name != CONSOLE}


def document(sources: Mapping[SourceName, Source]) -> bytes:
    """The whole document, for these sources. Deterministic, so that a change shows."""
    may, shapes = senders(sources), components({Access, Heartbeat, Receipt, Refusal})
    for name in NEVER_SENT:
        del shapes["Access"]["properties"][name]
    found = {
        "openapi": OPENAPI,
        "info": {"title": "Need to Know: accesses by HTTP", "version": "1", "description": _ABOUT},
        "paths": {PATH: {"post": _post(may)}, DOCUMENT_PATH: {"get": _get()}},
        "components": {
            "schemas": shapes,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}, "certificate": {"type": "mutualTLS"}},
        },
        "security": [{"key": []}, {"certificate": []}],
    }
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def _post(may: Mapping[SourceName, Source]) -> dict[str, Any]:
    source, signature = {"type": "string", "enum": list(may)}, {"type": "string", "maxLength": SIGNATURE_MAX}
    return {
        "operationId": "post_access",
        "summary": "Hand over one access, a batch, or one native message.",
        "parameters": [
            {"name": "source", "in": "path", "required": True, "schema": source},
            {"name": SIGNED, "in": "header", "description": _SIGNED, "schema": signature},
        ],
        "requestBody": {"required": True, "content": _bodies(may)},
        "responses": {
            "202": {"description": "All of it is stored.", "content": content("application/json", Receipt)},
            **_problems(s for s in REFUSALS if s not in {"404", "405"}),
        },
    }


def _bodies(may: Mapping[SourceName, Source]) -> dict[str, Any]:
    """What may be sent, by content type."""
    one = reference(Access)
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": RECORDS_MAX}
    return {
        CANONICAL: {"schema": {"oneOf": [one, many]}},
        BATCH: {"schema": {"type": "string", "description": f"One access a line, at most {RECORDS_MAX:,}."}},
        **content(HEARTBEAT, Heartbeat),
        **{
            kind: {"schema": {"type": "string", "description": _native(source.title)}}
            for source in may.values()
            for kind in source.content_types
        },
    }


def _native(title: str) -> str:
    return f"One message as {title} writes it, of at most {MESSAGE_MAX:,} bytes; its bytes are kept as they are."


def _get() -> dict[str, Any]:
    return {
        "operationId": "get_openapi",
        "summary": "This document.",
        "security": [],
        "responses": {"200": {"description": "This document.", "content": {"application/json": {"schema": {}}}}},
    }


def _problems(statuses: Iterable[str]) -> dict[str, Any]:
    model: type[BaseModel] = Refusal
    return problems(REFUSALS, statuses, model)
