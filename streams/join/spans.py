"""Sets of instants, as spans of UTC milliseconds: sorted, apart from each other, each [begin, end). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """From `begin` on, before `end`."""

    begin: int
    end: int


Spans = tuple[Span, ...]
NEVER: Spans = ()


def union(parts: Iterable[Spans]) -> Spans:
    """At which instants any of these holds."""
    return _merged(sorted(span for part in parts for span in part))


def _merged(spans: list[Span]) -> Spans:
    if len(spans) < 2:
        return tuple(spans)
    found: list[Span] = []
    begin, end = spans[0]
    for span in spans[1:]:
        if span.begin > end:
            found.append(Span(begin, end))
            begin, end = span
        elif span.end > end:
            end = span.end
    found.append(Span(begin, end))
    return tuple(found)


def both(one: Spans, other: Spans) -> Spans:
    """At which instants both hold."""
    found: list[Span] = []
    left, right = 0, 0
    while left < len(one) and right < len(other):
        begin, end = max(one[left].begin, other[right].begin), min(one[left].end, other[right].end)
        if begin < end:
            found.append(Span(begin, end))
        if one[left].end < other[right].end:
            left += 1
        else:
            right += 1
    return tuple(found)


def without(one: Spans, other: Spans) -> Spans:
    """At which instants the first holds and the other does not."""
    found: list[Span] = []
    at = 0
    for span in one:
        begin = span.begin
        while at < len(other) and other[at].end <= begin:
            at += 1
        ahead = at
        while ahead < len(other) and other[ahead].begin < span.end:
            if begin < other[ahead].begin:
                found.append(Span(begin, other[ahead].begin))
            begin = other[ahead].end
            ahead += 1
        if begin < span.end:
            found.append(Span(begin, span.end))
    return tuple(found)
