"""Where in the bytes of a message the fault lies that its dead letter names. Pure.

Errors name a field, never its content: here the name is looked for again. Where it cannot be told, nothing is marked:
a mark in the wrong place would send people looking in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from schemas.topics import (
    ACCURINT_BATCH,
    ACCURINT_ROW,
    CANONICAL,
    CLEAN_LINES,
    ECMS_SYSLOG,
    FACTS2_CDC,
    FACTS_LINE,
    HEARTBEAT,
    IRSS_ROW,
    JNET_XML,
    PAPER_SLIP,
)

from .letter_json import Path, Value, parts


class Span(NamedTuple):
    """Bytes from `first` to before `last`."""

    first: int
    last: int


def span_of(content_type: str, place: str, value: bytes) -> Span | None:
    """The bytes of what `place` names in a message of this content type; None when it cannot be told."""
    find = _FINDERS.get(content_type)
    found = find(place, value) if find is not None else None
    if found is None or not 0 <= found.first < len(value):
        return None
    return Span(found.first, min(max(found.last, found.first + 1), len(value)))


def words(span: Span, value: bytes) -> str:
    """The place for people: bytes from 0 as programs count them, line and column from 1 as editors do."""
    line = value.count(b"\n", 0, span.first) + 1
    column = span.first - (value.rfind(b"\n", 0, span.first) + 1) + 1
    end = "" if span.last - span.first == 1 else f" to {span.last - 1}"
    return f"byte {span.first}{end} (line {line}, column {column})"


def _json(place: str, value: bytes) -> Span | None:
    if found := re.match(r"byte ([0-9]+)", place):
        return Span(int(found[1]), int(found[1]) + 1)
    spans = {part.path: Span(part.first, part.last) for part in parts(value) if isinstance(part, Value)}
    wanted = tuple(place.split("."))
    return _nearest(spans, wanted) or _nearest(spans, ("payload", *wanted))


def _nearest(spans: Mapping[Path, Span], wanted: Path) -> Span | None:
    """The value at this path, or of the innermost of its fields that is there, but for the whole message. The name of a
    union's member is in a path of pydantic and in no message: it is passed over."""
    here: Path = ()
    for name in wanted:
        if (*here, name) in spans:
            here = (*here, name)
    return spans[here] if here and here != ("payload",) else None


def _facts(place: str, value: bytes) -> Span | None:
    found = re.search(r"\(columns? ([0-9]+)(?:-([0-9]+))?\)", place)
    return None if found is None else Span(int(found[1]) - 1, int(found[2] or found[1]))


def _cells(value: bytes, line: int, delimiter: bytes) -> list[Span]:
    """The cells of a line (the first is 0); a quoted one may hold delimiters."""
    first = _line(value, line).first
    cell = re.compile(rb'"(?:[^"]++|"")*+"?[^%b\r\n]*+|[^%b\r\n]*+' % (delimiter, delimiter))
    found: list[Span] = []
    while (match := cell.match(value, first)) is not None:
        found.append(Span(*match.span()))
        first = match.end() + 1
        if value[match.end() : first] != delimiter:
            break
    return found


def _line(value: bytes, number: int) -> Span:
    first = 0
    for _ in range(number):
        first = value.find(b"\n", first) + 1
        if not first:
            return Span(len(value), len(value))
    end = value.find(b"\n", first)
    return Span(first, len(value) if end < 0 else end)


def _cell(place: str, value: bytes, line: int, delimiter: bytes) -> Span | None:
    found = re.search(r"\(column ([0-9]+)\)", place)
    cells = _cells(value, line, delimiter)
    if found is None or int(found[1]) > len(cells):
        return None
    return cells[int(found[1]) - 1]


def _table(place: str, value: bytes) -> Span | None:
    """A header line and one row."""
    header = _line(value, 0)
    start = header.last + 1 if place.startswith("row") else 0
    if found := re.search(r"\(byte ([0-9]+)\)", place):
        return Span(start + int(found[1]) - 1, start + int(found[1]))
    if place in ("header", "row"):
        return header if place == "header" else Span(header.last + 1, len(value))
    delimiter = max((b",", b"\t", b";"), key=lambda one: value.count(one, 0, header.last))
    return _cell(place, value, 1, delimiter)


def _accurint(place: str, value: bytes) -> Span | None:
    if found := re.match(r"byte ([0-9]+)", place):
        return Span(int(found[1]), int(found[1]) + 1)
    line = _accurint_line(place, value)
    return _line(value, line) if place.startswith(("columns", "header", "stating")) else _cell(place, value, line, b",")


def _accurint_line(place: str, value: bytes) -> int:
    """Which line (the first is 0) a place is in; a usage message ends with the row that has no name."""
    if found := re.search(r" of line ([0-9]+)", place):  # of the job: a part has some of its lines
        of_job = re.compile(rb"^%b,|\Z" % found[1].encode(), re.MULTILINE).search(value)
        return value.count(b"\n", 0, of_job.start() if of_job else 0)
    if place == "header" or place.endswith(" of the head"):
        return 0
    return 1 if "stating row" in place or place.endswith(" of the part line") else value.count(b"\n")


def _clean(place: str, value: bytes) -> Span | None:
    found = re.search(r"(request|response)(?:, field ([0-9]+))?", place)
    if found is None:
        return None
    line = _line(value, 0 if found[1] == "request" else 1)
    if found[2] is None:
        return line
    cells = value[line.first : line.last].split(b"|")[: int(found[2])]
    end = line.first + sum(len(cell) + 1 for cell in cells) - 1
    return Span(end - len(cells[-1]), end)


_SYSLOG: Final = ("PRI", "TIMESTAMP", "HOSTNAME", "APP-NAME", "PROCID", "MSGID")


def _ecms(place: str, value: bytes) -> Span | None:
    if found := re.search(r"\(byte ([0-9]+)\)", place):
        return Span(int(found[1]) - 1, int(found[1]))
    word = "PRI" if place == "VERSION" else place
    if word in _SYSLOG:
        before = value.split(b" ")[: _SYSLOG.index(word) + 1]
        if len(before) <= _SYSLOG.index(word):
            return None
        end = sum(len(part) + 1 for part in before) - 1
        return Span(end - len(before[-1]), end)
    parameter = re.search(rb" %b=\"((?:[^\"\\]++|\\.)*+)" % re.escape(place.encode()), value, re.DOTALL)
    return None if parameter is None else Span(*parameter.span(1))


def _jnet(place: str, value: bytes) -> Span | None:
    if found := re.match(r"byte ([0-9]+)", place):
        return Span(int(found[1]), int(found[1]) + 1)
    if found := re.match(r"line ([0-9]+), column ([0-9]+)", place):
        at = _line(value, int(found[1]) - 1).first + int(found[2]) - 1
        return Span(at, at + 1)
    begin, span = 0, None
    for name in place.split("/"):
        start = re.compile(rb"<(?:[\w.-]+:)?%b(?=[\s/>])" % re.escape(name.encode())).search(value, begin)
        if start is None:
            return span
        end = re.compile(rb"</(?:[\w.-]+:)?%b\s*>|/>" % re.escape(name.encode())).search(value, start.end())
        span, begin = Span(start.start(), len(value) if end is None else end.end()), start.end()
    return span


_FINDERS: Final[Mapping[str, Callable[[str, bytes], Span | None]]] = {
    CANONICAL: _json,
    HEARTBEAT: _json,
    FACTS2_CDC: _json,
    FACTS_LINE: _facts,
    IRSS_ROW: _table,
    PAPER_SLIP: _table,
    ACCURINT_ROW: _accurint,
    ACCURINT_BATCH: _accurint,
    CLEAN_LINES: _clean,
    ECMS_SYSLOG: _ecms,
    JNET_XML: _jnet,
}
