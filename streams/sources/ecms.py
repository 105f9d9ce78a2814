r"""ECMS, where it cannot send canonical JSON: one syslog message as RFC 5424 writes it is one message, without framing.
The layout is synthetic; the real one is not public.

    <PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG]
    <110>1 2026-01-05T14:14:03.120Z app1 ecms 812 ACCESS [access@32473 id="e-7" user="jdoe" action="view" ...] text

MSGID is ACCESS or HEARTBEAT. An access lies in the element access@32473 under the names of `_PLACES`; TIMESTAMP is
when it happened. Other elements, HOSTNAME, APP-NAME, PROCID and MSG are checked and become nothing: whatever passes a
message on may change them. In a value, \" \\ \] mean " \ ]; any other backslash means itself (section 6.3.3).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from schemas.access import CANDIDATES_MAX, Access
from schemas.codec import MESSAGE_MAX, check_sent, rejected_by
from schemas.errors import RejectedInputError
from schemas.ids import SourceName, quick_instant

from .translated import Translated

SD_ID: Final = "access@32473"  # 32473 is the enterprise number for documentation (RFC 5612)
_SD_ID: Final = SD_ID.encode()

_PLACES: Final[Mapping[str, str]] = {
    "id": "event_id",
    "seq": "sequence",
    "user": "actor",
    "for": "requested_for",
    "action": "action",
    "kind": "record.kind",
    "record": "record.id",
    "result": "result",
    "until": "occurred_until",
    "session": "session",
    "device": "device",
    "batch": "batch_id",
    "count": "object_count",
    "recipient": "recipient",
    "agency": "agency",
    "purposeCode": "purpose.code",
    "purposeText": "purpose.text",
    "candidates": "candidates",
}
"""Our parameters, and where the contract keeps each."""
_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    name: (place.rpartition(".")[0], place.rpartition(".")[2]) for name, place in _PLACES.items()
}
_NAMES: Final[Mapping[str, str]] = {place: name for name, place in _PLACES.items()} | {"occurred_at": "TIMESTAMP"}

_PRI = re.compile(rb"<(?:0|[1-9][0-9]?|1[0-8][0-9]|19[01])>")
_OCTET_COUNT = re.compile(rb"[0-9]+ <")
_LENGTHS: Final[Mapping[str, int]] = {"HOSTNAME": 255, "APP-NAME": 48, "PROCID": 128, "MSGID": 32}
_HEADER: Final = tuple((name, re.compile(rb"[\x21-\x7e]{1,%d}" % most)) for name, most in _LENGTHS.items())
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_SD_NAME: Final = r"[\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32}+"  # printable but " = ]
_SD_VALUE: Final = r'[^"\\\]]*+(?:\\["\\\]]?+[^"\\\]]*+)*+'  # nothing is tried twice, however long it is
_ELEMENT = re.compile(rf"\[({_SD_NAME})(?=[ \]])".encode())
_PARAMETERS = re.compile(rf'(?: {_SD_NAME}="{_SD_VALUE}")*+'.encode())
_CUT_OFF = re.compile(rf'(?: (?:{_SD_NAME}(?:=(?:"{_SD_VALUE})?)?)?)?'.encode())
_PARAMETER = re.compile(rf' ({_SD_NAME})="({_SD_VALUE})"')
_ESCAPE = re.compile(r'\\(["\\\]])')
_BOM: Final = b"\xef\xbb\xbf"
_ANOTHER = re.compile(rb"[\0\r\n]<[0-9]{1,3}>[1-9]")  # what transports put between messages, and the next one
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Message:
    """What means something in a message that the grammar lets through. `occurred_at` is in UTC milliseconds.

    `parameters` are those of our element, None without one.
    """

    occurred_at: int
    is_heartbeat: bool
    parameters: Mapping[str, str] | None


def translate(source: SourceName, value: bytes) -> Translated:
    """The access that an ACCESS message names; none for a HEARTBEAT, which says what the clock of ECMS shows.

    `value` is one message without framing, or with one newline behind it. Raises RejectedInputError naming the part of
    the message or the parameter; the ECMS team must act, or whoever runs what passes its messages on.
    """
    message = read_message(value)
    if message.is_heartbeat:
        if message.parameters is not None:  # as a control message it would hide an access
            raise RejectedInputError("MSGID", f"must be ACCESS in a message with the element {SD_ID}")
        return Translated(accesses=(), is_control=True, beat_at=message.occurred_at)
    if message.parameters is None:
        raise RejectedInputError("STRUCTURED-DATA", f"must have the element {SD_ID}, spelt exactly so")
    return Translated(accesses=(_access(source, message.occurred_at, message.parameters),), is_control=False)


def read_message(value: bytes) -> Message:
    """The parts of a message that mean something here, all of it checked. Raises RejectedInputError as `translate`."""
    message = value.removesuffix(b"\n")
    if len(message) > MESSAGE_MAX:
        raise RejectedInputError("message", f"is larger than {MESSAGE_MAX} bytes; shorten it")
    parts = message.split(b" ", 6)
    _check_start(message, parts[0])
    occurred_at = _header(parts)
    parameters, end = _structured_data(message, len(message) - len(parts[6]))
    _check_text(message, end)
    return Message(occurred_at, parts[5] == b"HEARTBEAT", parameters)


def _check_start(message: bytes, start: bytes) -> None:
    pri = _PRI.match(start)
    if not pri and _OCTET_COUNT.match(message):
        raise RejectedInputError("message", "begins with an octet count (RFC 6587): the transport must take that off")
    if not pri:
        raise RejectedInputError("PRI", "must be a number from 0 to 191 without leading zeros, between < and >")
    if start[pri.end() :] != b"1":
        raise RejectedInputError("VERSION", "must be 1: send RFC 5424 (rsyslog: RSYSLOG_SyslogProtocol23Format)")


def _header(parts: list[bytes]) -> int:
    """The instant of TIMESTAMP (UTC ms), once every part behind the version is well formed, and there."""
    if len(parts) > 1 and parts[1] == b"-":
        raise RejectedInputError("TIMESTAMP", "must not be -: each message says here when it was")
    occurred_at = _instant("TIMESTAMP", parts[1].decode("latin-1")) if len(parts) > 1 else 0
    for (name, pattern), part in zip(_HEADER, parts[2:6], strict=False):
        if not pattern.fullmatch(part):
            most = _LENGTHS[name]
            raise RejectedInputError(
                name, f"must be - or 1 to {most} printable ASCII characters, between single spaces"
            )
    if len(parts) < 7:
        missing = ("TIMESTAMP", *_LENGTHS, "STRUCTURED-DATA")[len(parts) - 1]
        raise RejectedInputError(missing, "is missing: the message ends before it")
    if parts[5] not in (b"ACCESS", b"HEARTBEAT"):
        raise RejectedInputError("MSGID", "must be ACCESS or HEARTBEAT: send nothing else to this topic")
    return occurred_at


def _instant(place: str, text: str) -> int:
    """UTC milliseconds of a TIMESTAMP of the RFC; what is finer than a millisecond is cut off, as in canonical JSON."""
    if text[16:19] == ":60":
        raise RejectedInputError(place, "must not be a leap second (RFC 5424, 6.2.3): write second 59")
    if not _TIMESTAMP.fullmatch(text):
        raise RejectedInputError(
            place, "must be like 2026-01-05T14:14:03.120Z: T, at most 6 digits of a second, Z or an offset like -05:00"
        )
    try:
        return quick_instant(text)
    except ValueError:
        raise RejectedInputError(place, "must be a date that exists") from None


def _structured_data(message: bytes, at: int) -> tuple[Mapping[str, str] | None, int]:
    """Parameters of our element, None without one, and where the structured data that begins at `at` ends."""
    if message[at : at + 1] == b"-":
        return None, at + 1
    ours: Mapping[str, str] | None = None
    seen: set[bytes] = set()
    while element := _ELEMENT.match(message, at):
        name = element[1]
        if name in seen:  # section 6.3.2
            raise _fault(at, f"has the SD-ID of an element before it; write each, also {SD_ID}, once")
        seen.add(name)
        text, at = _parameters(message, element.end())
        if name == _SD_ID:
            ours = _ours(text)
    if not seen:
        raise _fault(
            at, "must be - or begin with [ and an SD-ID of 1 to 32 printable characters without = ] and quotes"
        )
    return ours, at


def _parameters(message: bytes, at: int) -> tuple[str, int]:
    """The parameters from `at` to the end of the element, still escaped, and the place behind its bracket."""
    found = _PARAMETERS.match(message, at)
    end = found.end() if found else at
    if not message.startswith(b"]", end):
        if _CUT_OFF.fullmatch(message, end):
            raise _fault(end, "is cut off inside an element: raise the largest message size of whatever passes it on")
        raise _fault(end, r'must go on with ] or with a space and name="value", where " \ ] in a value are \" \\ \]')
    try:
        return message[at:end].decode(), end + 1
    except UnicodeDecodeError as error:
        raise _fault(at + error.start, "is not UTF-8") from None


def _ours(text: str) -> Mapping[str, str]:
    pairs = _PARAMETER.findall(text)
    found = dict(pairs)
    if not found.keys() <= _PLACES.keys():
        raise RejectedInputError(SD_ID, f"has a parameter that is none of {', '.join(_PLACES)}")
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise RejectedInputError(next(name for name in found if names.count(name) > 1), "is given twice")
    return {name: _ESCAPE.sub(r"\1", value) if "\\" in value else value for name, value in pairs}


def _check_text(message: bytes, at: int) -> None:
    """MSG, from `at`: legal by the RFC, and without anything in it that somebody meant to be read."""
    if at == len(message):
        return
    if message[at] != ord(" "):
        raise _fault(at, "must be followed by another element, by a space and MSG, or by the end of the message")
    if message.startswith(_BOM, at + 1):
        _check_utf8(message[at + 1 :])
    if (element := _ELEMENT.match(message, at + 1)) and element[1] == _SD_ID:
        raise RejectedInputError("MSG", f"begins with {SD_ID}: no space may stand between elements, nor behind -")
    if _ANOTHER.search(message, at):
        raise RejectedInputError("MSG", "has a second message behind it: send each by itself")


def _access(source: SourceName, occurred_at: int, given: Mapping[str, str]) -> Access:
    document = _document(given)
    until = document.get("occurred_until")
    if isinstance(until, int) and until < occurred_at:
        raise RejectedInputError("until", "must not be before TIMESTAMP")
    document["source"], document["occurred_at"] = source, occurred_at
    try:
        return check_sent(Access.model_validate(document))
    except (ValidationError, RejectedInputError) as error:
        rejected = error if isinstance(error, RejectedInputError) else rejected_by(error)
        raise RejectedInputError(_NAMES.get(rejected.place, rejected.place), rejected.reason) from None


def _document(given: Mapping[str, str]) -> dict[str, object]:
    """The parameters where the contract keeps them."""
    record: dict[str, object] = {}
    purpose: dict[str, object] = {}
    document: dict[str, object] = {"record": record}
    for name, text in given.items():
        reader = _READERS.get(name)
        value = reader(name, text) if reader else text
        parent, field = _FIELDS[name]
        (record if parent == "record" else purpose if parent else document)[field] = value
    if purpose:
        document["purpose"] = purpose
    return document


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise RejectedInputError(name, "must be a whole number of at most 19 digits without sign or leading zeros")
    return int(text)


def _candidates(name: str, text: str) -> list[dict[str, str]]:
    """What a search resolved to; the empty text is a search that resolved to nothing."""
    found = []
    candidates = text.split(" ") if text else []
    if len(candidates) > CANDIDATES_MAX:  # before the model does, which would say something about each
        raise RejectedInputError(name, f"must be at most {CANDIDATES_MAX}")
    for candidate in candidates:
        kind, colon, record = candidate.partition(":")
        if not colon:
            raise RejectedInputError(name, "must be kind:id kind:id ... with one space between them")
        found.append({"kind": kind, "id": record})
    return found


_READERS: Final[Mapping[str, Callable[[str, str], object]]] = {
    "seq": _number,
    "count": _number,
    "until": _instant,
    "candidates": _candidates,
}


def _check_utf8(text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError:
        raise RejectedInputError("MSG", "must be UTF-8 behind its byte order mark") from None


def _fault(at: int, reason: str) -> RejectedInputError:
    """The error at a byte of the message; bytes count from 1."""
    return RejectedInputError(f"STRUCTURED-DATA (byte {at + 1})", reason)
