"""ECMS: a file of syslog messages, one a line, cut into messages. For what could not be sent when it happened."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import Final

from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from schemas.ids import ID_MAX

from .ecms import read_message
from .translated import NativeMessage, Report, refuse

_AGAIN: Final = "mend what writes the file and fetch it again"
_ID = re.compile(rf"[\x21-\x7e]{{1,{ID_MAX}}}")  # as schemas.ids has it, in the spelling of re


def read_file(raw: bytes) -> tuple[NativeMessage, ...]:
    """The messages of a file that is held in memory. Raises as `cut_file` does."""
    return tuple(cut_file(BytesIO(raw)))


def cut_file(lines: Iterable[bytes], report: Report = refuse) -> Iterator[NativeMessage]:
    """Every line as a message, byte-exact and in its order, if the file is one of whole lines.

    `message_id` is the access's id; a line without a readable one (a heartbeat, a line that will be a dead letter) has
    "ecms-line-" and 32 hex digits of its SHA-256. The key is the record's id, as for canonical accesses of ECMS, so
    that what is sent both ways meets in one partition. What lines say is not checked: a wrong one becomes a dead letter
    of its own. Reports RejectedInputError naming the line and what to do; whoever made or fetched the file must act.
    """
    number = 0
    for number, line in enumerate(lines, start=1):
        if fault := _fault_of(number, line):
            report(RejectedInputError(f"line {number}", fault))
        else:
            yield message_of(line.removesuffix(b"\n"), number)
    if not number:
        raise RejectedInputError("file", f"is empty; {_AGAIN}")


def _fault_of(number: int, raw: bytes) -> str | None:
    line = raw.removesuffix(b"\n")
    if number == 1 and not line.startswith(b"<"):
        return f"must begin with <, without octet counts, byte order mark, packing or another encoding; {_AGAIN}"
    if not line:
        return f"is empty; {_AGAIN}"
    if line.endswith(b"\r"):
        return f"ends in CR LF: the file was converted on its way; {_AGAIN}"
    if len(line) > MESSAGE_MAX:
        return f"is larger than {MESSAGE_MAX} bytes; {_AGAIN}"
    if not raw.endswith(b"\n"):
        return "is cut off: the file ends inside it; fetch it again once nothing writes to it any more"
    return None


def message_of(line: bytes, number: int = 0) -> NativeMessage:
    """One line, without what ends it, as a message."""
    given = _parameters(line)
    name, record = given.get("id", ""), given.get("record", "")
    if not _ID.fullmatch(name):
        name = f"ecms-line-{hashlib.sha256(line).hexdigest()[:32]}"
    return NativeMessage(key=(record or name).encode(), value=line, message_id=name, line=number)


def _parameters(line: bytes) -> Mapping[str, str]:
    """What the line says in our element; nothing when it cannot be read."""
    try:
        return read_message(line).parameters or {}
    except RejectedInputError:
        return {}
