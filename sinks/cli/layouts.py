"""Files as systems write them: which system hands over files, and what a file becomes. Pure."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.cloud_event import cloud_event
from schemas.errors import RejectedInputError
from schemas.ids import LATEST_MS, SourceName
from schemas.topics import ACCURINT_ROW, CLEAN_LINES, ECMS_SYSLOG, FACTS_LINE, GIVEN_HEADER, IRSS_ROW, PAPER_SLIP
from streams.sources import accurint_file, clean_file, ecms_file, facts_file, irss_file, paper_file, translate
from streams.sources.translated import NativeMessage, Report, refuse

from .outgoing import Outgoing

HELD_MAX: Final = 64 << 20  # bytes of a file that is read whole, some half a million rows; it takes ten times as much

NO_ACCESS_SENT: Final = "no access was sent"


class NativeFile(NamedTuple):
    """The content type of a file's messages, and these, each made when it is asked for."""

    content_type: str
    messages: Iterator[NativeMessage]


Cutter = Callable[[Iterable[bytes], Report, Report], NativeFile]
"""Lines of a file, who is told what is wrong with it, and who is told what of it is not sent, or not whole."""

_LEFT_OUT: Final = (
    "is a response for which no request waits: it is left out; where its request ends the file before, send both "
    "together, in their order"
)
_WAITING: Final = (
    "is a request whose response is not there: it is not sent; send this file again together with the next, in their "
    "order, or with --ended when none will follow"
)
_ALONE: Final = (
    "is a request whose response never came: it is sent as one that succeeded; see why the switch was silent"
)


def _clean(lines: Iterable[bytes], report: Report, tell: Report, *, is_ended: bool = False) -> NativeFile:
    def telling(why: str) -> Callable[[int], None]:
        return lambda number: tell(RejectedInputError(f"line {number}", why))

    told = clean_file.Told(telling(_LEFT_OUT), telling(_ALONE), None if is_ended else telling(_WAITING))
    return NativeFile(CLEAN_LINES, clean_file.cut_file(lines, told, report))


def _accurint(lines: Iterable[bytes], report: Report, _: Report) -> NativeFile:
    rest = iter(lines)
    first = tuple(islice(rest, 1))
    content_type = accurint_file.content_type_of(b"".join(first))
    whole = chain(first, rest)
    if content_type == ACCURINT_ROW:
        return NativeFile(content_type, accurint_file.cut_usage(whole, report))
    return NativeFile(content_type, accurint_file.cut_manifest(whole))


def _whole(lines: Iterable[bytes]) -> bytes:
    """A file whose rows may go over lines, which people export or type: small enough to be held."""
    held = io.BytesIO()
    for line in lines:
        if held.tell() + len(line) > HELD_MAX:
            raise RejectedInputError("file", f"is larger than {HELD_MAX >> 20} MiB; export fewer days at once")
        held.write(line)
    return held.getvalue()


LAYOUTS: Final = MappingProxyType[SourceName, Cutter](
    {
        "facts": lambda lines, report, _: NativeFile(FACTS_LINE, facts_file.cut_file(lines, report)),
        "irss": lambda lines, *_: NativeFile(IRSS_ROW, iter(irss_file.read_file(_whole(lines)))),
        "clean": _clean,
        "accurint": _accurint,
        "ecms": lambda lines, report, _: NativeFile(ECMS_SYSLOG, ecms_file.cut_file(lines, report)),
        "paper": lambda lines, *_: NativeFile(PAPER_SLIP, iter(paper_file.read_file(_whole(lines)))),
    }
)
"""Of the systems that hand over files. FACTS2 and JNET send their messages themselves."""


ENDED: Final = MappingProxyType[SourceName, Cutter]({"clean": partial(_clean, is_ended=True)})
"""Of the systems whose files hang together: that no other follows, so that nothing waits for one."""


def native_messages(
    lines: Iterable[bytes], source: SourceName, tell: Report = lambda _: None, *, is_ended: bool = False
) -> Iterator[Outgoing]:
    """The messages of a file, in its order. `tell` hears what of it is not sent, or not whole. Raises
    RejectedInputError naming the line and what to do."""
    try:
        file = (ENDED if is_ended else LAYOUTS)[source](lines, refuse, tell)
        for message in file.messages:
            yield outgoing(message, source, file.content_type)
    except RejectedInputError as error:
        raise RejectedInputError(error.place, f"{error.reason}; {NO_ACCESS_SENT}") from None


HEADED: Final[frozenset[SourceName]] = frozenset({"facts"})
"""Of the systems whose files say in their first line which file begins."""


def header(lines: Iterable[bytes], source: SourceName) -> Outgoing | None:
    """The message that says which file begins; None: nobody could be told by it that a file came short."""
    first = next(iter(lines), b"") if source in HEADED else b""
    found = facts_file.header_of(first)
    return None if found is None else outgoing(found, source, FACTS_LINE)


def outgoing(message: NativeMessage, source: SourceName, content_type: str) -> Outgoing:
    """A message of a file as it is sent."""
    headers = cloud_event(message.message_id, f"/sources/{source}", content_type.partition("vnd.")[2], content_type)
    if message.given is not None:
        headers += ((GIVEN_HEADER, str(message.given).encode()),)
    return Outgoing(message.key, message.value, headers)


def foretold(source: SourceName, number: int, message: Outgoing) -> str | None:
    """What to tell whoever sends message `number` of a file if it will become a dead letter."""
    try:
        translate(source, message.value, message.headers, LATEST_MS)
    except RejectedInputError as error:
        place = RejectedInputError(f"message {number}: {error.place}", error.reason)
        return f"will become a dead letter: {place}"
    return None
