"""CLEAN: one line of the log of the message switch, as fields by their keys. The layout is told in clean.py."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.errors import RejectedInputError

LINE_MAX: Final = 32_767  # bytes: a request, a newline and its response are a message, and that has 65,536 at most

_ESCAPE: Final = re.compile(r"\\(.?)")
_ESCAPES: Final = {"p": "|", "b": "\\", "n": "\n"}


@dataclass(frozen=True, slots=True)
class Line:
    """The fields of one line in their order. `name` is request or response."""

    name: str
    fields: Mapping[str, str]

    def value(self, key: str, form: re.Pattern[str], must: str) -> str:
        """The value of a field that must be there. Raises RejectedInputError with `must` when it has not this form."""
        if (value := self.optional(key, form, must)) is None:
            raise self.reject(key, f"is missing; it {must}")
        return value

    def optional(self, key: str, form: re.Pattern[str], must: str) -> str | None:
        """The value of a field that may be absent. Raises as `value` does."""
        value = self.fields.get(key)
        if value is not None and not form.fullmatch(value):
            raise self.reject(key, must)
        return value

    def reject(self, key: str, reason: str) -> RejectedInputError:
        """The error that names a field and its place from 1, never its content."""
        keys = list(self.fields)
        place = f", field {keys.index(key) + 1}" if key in self.fields else ""
        return RejectedInputError(f"{key} ({self.name}{place})", reason)


def read_line(name: str, text: str, known: Collection[str]) -> Line:
    """A line without its newline, its escapes resolved. Raises RejectedInputError naming the field; never a key that
    is not `known`, which may be data."""
    if len(text) > LINE_MAX:
        raise RejectedInputError(name, f"must have at most {LINE_MAX} characters")
    if not (text.isascii() and text.isprintable()):
        raise RejectedInputError(name, "must be one line of printable ASCII characters")
    fields: dict[str, str] = {}
    for number, field in enumerate(text.split("|"), start=1):
        key, equals, value = field.partition("=")
        if not equals or key not in known:
            raise RejectedInputError(f"{name}, field {number}", f"must be KEY=VALUE, KEY one of {', '.join(known)}")
        if key in fields:
            raise RejectedInputError(f"{key} ({name}, field {number})", "is given twice")
        if not value:
            raise RejectedInputError(f"{key} ({name}, field {number})", "is empty; leave the field out")
        fields[key] = _unescaped(name, key, number, value) if "\\" in value else value
    return Line(name, fields)


def _unescaped(name: str, key: str, number: int, value: str) -> str:
    def one(escape: re.Match[str]) -> str:
        if (character := _ESCAPES.get(escape[1])) is None:
            raise RejectedInputError(f"{key} ({name}, field {number})", r"has an escape other than \p, \b and \n")
        return character

    return _ESCAPE.sub(one, value)
