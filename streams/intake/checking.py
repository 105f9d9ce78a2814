"""What a request holds: its records, and the message that each becomes. Pure; nothing is stored here.

The judge of what is right is the one that a worker asks, streams.sources: what is taken here is no dead letter there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from schemas.access import Access
from schemas.cloud_event import Header, cloud_event
from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from schemas.ids import SourceName, format_instant
from schemas.receiving import BATCH, RECORDS_MAX, senders
from schemas.topics import CANONICAL, CHARSETS, HEARTBEAT, SIGNATURE_HEADER, Topics
from streams.sources import Translators

from .refusing import RefusedError

CLOCK_MARGIN_MS: Final = 60_000
"""By so much the broker's clock may be behind ours before an access that was taken is one dated too far ahead there."""
DEPTH_MAX: Final = 20  # of brackets in an array; a record of the contract has 4, and the codec takes 16
_DETAIL: Final = "send {kinds}, in UTF-8 (IRSS: windows-1252); the table of sources is in /v1/openapi.json"

_TOKENS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|[\[\]{},]', re.DOTALL)
"""A text that is not closed is one to the end: tried anew from each quote in it, it would take its length squared."""
_SPACE: Final = b" \t\r\n"


class Outgoing(NamedTuple):
    """One message as it is to be stored, byte by byte what was sent."""

    key: bytes
    value: bytes
    headers: tuple[Header, ...]


class Checking:
    """What the systems of an installation may send by HTTP: `senders` has them, by name."""

    def __init__(self, topics: Topics) -> None:
        self.senders = senders(topics.sources)
        self._translators = Translators(topics)

    def media_type(self, source: SourceName, content_type: str | None) -> str:
        """What kind of body it is. Raises RefusedError when this source does not send such."""
        text, _, parameter = (content_type or "").lower().partition(";")
        kinds = (CANONICAL, BATCH, HEARTBEAT, *self.senders[source].content_types)
        kind, said = text.strip(), parameter.strip().replace('"', "")
        if kind not in kinds or said not in ("", f"charset={CHARSETS.get(kind, 'utf-8')}"):
            raise RefusedError("not_this_type", _DETAIL.format(kinds=" or ".join(kinds)))
        return kind

    def message_of(
        self, source: SourceName, kind: str, value: bytes, now: int, signature: bytes | None = None
    ) -> Outgoing:
        """The message that a record becomes; `now` in UTC ms. Raises RejectedInputError naming the field and the fix.

        Its key is the id of the record that its first access opened, as `send` has it: the same however often it is
        sent, and accesses of one record stay in order. What names no access has the name of its source.
        """
        if not value:  # also of a source with tombstones: those are a connector's words, and none speaks HTTP to us
            raise RejectedInputError("message", "is empty; send the access itself, or nothing")
        kind = CANONICAL if kind == BATCH else kind
        signed = () if signature is None else ((SIGNATURE_HEADER, signature),)
        headers = (("content-type", kind.encode()), *signed)
        accesses = self._translators.translate(source, value, headers, now - CLOCK_MARGIN_MS).accesses
        if len(value) > MESSAGE_MAX:  # by the newline behind it, which some translators let be
            raise RejectedInputError("message", f"is larger than {MESSAGE_MAX} bytes; split or shorten it")
        message = _message(source, kind, value, accesses)
        return message._replace(headers=(*message.headers, *signed))


def records_of(kind: str, body: bytes) -> Iterator[bytes]:
    """The records of a body, in order. Raises RefusedError when it is not what its content type says, also while
    records come; no step takes longer than a record may be long."""
    if kind == BATCH:
        return _lines(body)
    if kind == CANONICAL and body.lstrip(_SPACE).startswith(b"["):
        return _elements(body)
    return iter((body,))


def _message(source: SourceName, kind: str, value: bytes, accesses: Sequence[Access]) -> Outgoing:
    if not accesses:
        name = hashlib.sha256(value).hexdigest()[:32]
        return Outgoing(source.encode(), value, cloud_event(name, f"/sources/{source}", _type_of(kind), kind))
    first = accesses[0]
    name, time = first.event_id, format_instant(first.occurred_at)
    headers = cloud_event(name, f"/sources/{source}", _type_of(kind), kind, time)
    return Outgoing(first.record.id.encode(), value, headers)


def _type_of(kind: str) -> str:
    return "needtoknow.access.v1" if kind == CANONICAL else kind.partition("vnd.")[2]


def _lines(body: bytes) -> Iterator[bytes]:
    count, start = 0, 0
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        if line := body[start:end].strip(b" \t\r"):
            count = _counted(count)
            yield line
        start = end + 1
    if count == 0:
        raise _empty()


def _elements(body: bytes) -> Iterator[bytes]:
    """The elements of a JSON array as they are spelled: read and written anew they would not be what was sent.

    Whether each is JSON is for whoever reads it; here only where it ends.
    """
    start = body.index(b"[") + 1
    count, depth, begun = 0, 1, start
    for token in _TOKENS.finditer(body, start):
        at, sign = token.start(), token[0]
        if at - begun > MESSAGE_MAX + len(_SPACE):
            raise RefusedError("wrong", f"record {count + 1} is larger than {MESSAGE_MAX} bytes; split or shorten it")
        if sign in b"[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise _malformed(f"record {count + 1} is nested too deeply")
        elif sign in b"]}":
            depth -= 1
        if (sign == b"," and depth == 1) or depth == 0:
            element = body[begun:at].strip(_SPACE)
            if not element and depth == 0 and count == 0:
                raise _empty()
            count, begun = _counted(count), token.end()
            yield element
        if depth == 0:
            if sign != b"]" or body[token.end() :].strip(_SPACE):
                raise _malformed("the array must end with ] and nothing behind it")
            return
    raise _malformed("the array has no end: was the body cut off?")


def _counted(count: int) -> int:
    if count == RECORDS_MAX:
        raise RefusedError("too_large", f"has more than {RECORDS_MAX} records; send them in several requests")
    return count + 1


def _empty() -> RefusedError:
    return RefusedError("wrong", "the body has no record; send at least one", status=400)


def _malformed(detail: str) -> RefusedError:
    return RefusedError("wrong", f"{detail}; nothing of this request is stored", status=400)
