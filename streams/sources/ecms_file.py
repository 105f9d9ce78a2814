"""ECMS: a file of syslog messages, one a line, cut into messages. For what could not be sent when it happened."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from schemas.ids import ID_MAX

from .ecms import read_message
from .translated import NativeMessage

_AGAIN: Final = "mend what writes the file and fetch it again"
_ID = re.compile(rf"[\x21-\x7e]{{1,{ID_MAX}}}")  # as schemas.ids has it, in the spelling of re


def read_file(raw: bytes) -> tuple[NativeMessage, ...]:
    """Every line as a message, byte-exact and in its order, once the file is one of whole lines.

    `message_id` is the access's id; a line without a readable one (a heartbeat, a line that will be a dead letter) has
    "ecms-line-" and 32 hex digits of its SHA-256. The key is the record's id, as for canonical accesses of ECMS, so
    that what is sent both ways meets in one partition. What lines say is not checked: a wrong one becomes a dead letter
    of its own. Raises RejectedInputError naming the line and what to do; whoever made or fetched the file must act.
    """
    return tuple(_message(line) for line in _lines(raw))


def _lines(raw: bytes) -> list[bytes]:
    if not raw:
        raise RejectedInputError("file", f"is empty; {_AGAIN}")
    if not raw.startswith(b"<"):
        reason = "must begin with <, without octet counts, byte order mark, packing or another encoding"
        raise RejectedInputError("line 1", f"{reason}; {_AGAIN}")
    *lines, rest = raw.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if fault := _fault_of(line):
            raise RejectedInputError(f"line {number}", f"{fault}; {_AGAIN}")
    if rest:
        reason = "is cut off: the file ends inside it; fetch it again once nothing writes to it any more"
        raise RejectedInputError(f"line {len(lines) + 1}", reason)
    return lines


def _fault_of(line: bytes) -> str | None:
    if not line:
        return "is empty"
    if line.endswith(b"\r"):
        return "ends in CR LF: the file was converted on its way"
    if len(line) > MESSAGE_MAX:
        return f"is larger than {MESSAGE_MAX} bytes"
    return None


def _message(line: bytes) -> NativeMessage:
    given = _parameters(line)
    name, record = given.get("id", ""), given.get("record", "")
    if not _ID.fullmatch(name):
        name = f"ecms-line-{hashlib.sha256(line).hexdigest()[:32]}"
    return NativeMessage(key=(record or name).encode(), value=line, message_id=name)


def _parameters(line: bytes) -> Mapping[str, str]:
    """What the line says in our element; nothing when it cannot be read."""
    try:
        return read_message(line).parameters or {}
    except RejectedInputError:
        return {}
