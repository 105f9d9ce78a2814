"""Files as systems write them: which system hands over files, and what a file becomes. Pure."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.cloud_event import cloud_event
from schemas.errors import RejectedInputError
from schemas.ids import LATEST_MS, SourceName
from schemas.topics import ACCURINT_ROW, CLEAN_LINES, ECMS_SYSLOG, FACTS_LINE, GIVEN_HEADER, IRSS_ROW, PAPER_SLIP
from streams.sources import accurint_file, clean_file, ecms_file, facts_file, irss_file, paper_file, translate
from streams.sources.translated import NativeMessage

from .outgoing import Outgoing


@dataclass(frozen=True, slots=True)
class NativeFile:
    """A whole file: the content type of its messages, these, and what is left out of them, by place and reason."""

    content_type: str
    messages: Iterable[NativeMessage]
    left_out: tuple[RejectedInputError, ...] = ()


def _clean(raw: bytes) -> NativeFile:
    log = clean_file.read_file(raw)
    why = "is a response to a request that is not in this file; send the file with its request, too"
    left_out = tuple(RejectedInputError(f"line {number}", why) for number in log.unpaired)
    return NativeFile(CLEAN_LINES, log.messages, left_out)


def _accurint(raw: bytes) -> NativeFile:
    content_type = accurint_file.content_type_of(raw.partition(b"\n")[0])
    if content_type == ACCURINT_ROW:
        return NativeFile(content_type, accurint_file.read_usage(raw))
    accurint_file.check_manifest(_lines(raw))
    return NativeFile(content_type, accurint_file.cut_manifest(_lines(raw)))


def _lines(raw: bytes) -> Iterator[bytes]:
    return accurint_file.bounded_lines(io.BytesIO(raw).readline)


LAYOUTS: Final = MappingProxyType[SourceName, Callable[[bytes], NativeFile]](
    {
        "facts": lambda raw: NativeFile(FACTS_LINE, facts_file.read_file(raw)),
        "irss": lambda raw: NativeFile(IRSS_ROW, irss_file.read_file(raw)),
        "clean": _clean,
        "accurint": _accurint,
        "ecms": lambda raw: NativeFile(ECMS_SYSLOG, ecms_file.read_file(raw)),
        "paper": lambda raw: NativeFile(PAPER_SLIP, paper_file.read_file(raw)),
    }
)
"""Of the systems that hand over files. FACTS2 and JNET send their messages themselves."""


def native_messages(raw: bytes, source: SourceName) -> Iterator[Outgoing]:
    """The messages of a file, all of it checked first. Raises RejectedInputError naming the line and what to do."""
    file = _read(raw, source)
    kind = file.content_type.partition("vnd.")[2]
    for message in file.messages:
        headers = cloud_event(message.message_id, f"/sources/{source}", kind, file.content_type)
        if message.given is not None:
            headers += ((GIVEN_HEADER, str(message.given).encode()),)
        yield Outgoing(message.key, message.value, headers)


def warnings(raw: bytes, source: SourceName) -> Iterator[str]:
    """What will not become an access though the file is sent, each by its place: for whoever sends it."""
    file = _read(raw, source)
    yield from (f"left out: {fault}" for fault in file.left_out)
    headers = (("content-type", file.content_type.encode()),)
    for number, message in enumerate(file.messages, start=1):
        try:
            translate(source, message.value, headers, LATEST_MS)
        except RejectedInputError as error:
            place = RejectedInputError(f"message {number}: {error.place}", error.reason)
            yield f"will become a dead letter: {place}"


def _read(raw: bytes, source: SourceName) -> NativeFile:
    try:
        return LAYOUTS[source](raw)
    except RejectedInputError as error:
        raise RejectedInputError(error.place, f"{error.reason}; nothing was sent") from None
