"""JSON by its bytes: where each name and value stands, also in what is no whole JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import orjson

Path = tuple[str, ...]
"""Names of fields and numbers of places in lists, from the outermost in."""

# A string that is never closed is one token: tried again from each of its quotes, 64 KiB took 18 seconds.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?+|[^\s"{}\[\],:]++|[{}\[\],:]', re.DOTALL)
DEPTH_MAX: Final = 64  # the codec refuses what is nested deeper than 16


class Name(NamedTuple):
    """The name of a field, its quotes included."""

    first: int
    last: int  # the offset behind it
    path: Path


class Value(NamedTuple):
    """A value: a whole object or list too."""

    first: int
    last: int
    path: Path


class _Open(NamedTuple):
    first: int
    path: Path
    is_list: bool


def parts(raw: bytes) -> Iterator[Name | Value]:
    """All names and values in their order, an object or list after what is in it. Never raises: where brackets do not
    match, paths end."""
    stack: list[_Open] = []
    key, number, is_name = "", 0, False
    for token in _TOKEN.finditer(raw):
        first, last, start = token.start(), token.end(), token[0][:1]
        above = stack[-1].path if stack else ()
        here = (*above, str(number) if stack and stack[-1].is_list else key) if stack else ()
        if start in b"{[":
            if len(stack) == DEPTH_MAX:
                return
            stack.append(_Open(first, here, start == b"["))
            key, number, is_name = "", 0, start == b"{"
        elif start in b"}]":
            if not stack:
                return
            opened = stack.pop()
            yield Value(opened.first, last, opened.path)
            key, is_name = (opened.path or ("",))[-1], False
            number = int(key) if stack and stack[-1].is_list and key.isdigit() else 0
        elif start == b",":
            number, is_name = number + 1, bool(stack) and not stack[-1].is_list
        elif start == b":":
            is_name = False
        elif is_name and start == b'"':
            key = _text(token[0])
            yield Name(first, last, (*above, key))
        else:
            yield Value(first, last, here)


def _text(raw: bytes) -> str:
    try:
        return str(orjson.loads(raw))
    except orjson.JSONDecodeError:
        return raw.decode("utf-8", "replace")
