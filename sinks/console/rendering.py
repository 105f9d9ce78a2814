"""Templates into answers. Whatever a value holds, it is shown as text that can be seen and does nothing.

Markup is escaped by Jinja; characters that cannot be seen, or that turn the text around them, are spelled out by
`shown`, which every value passes on its way into a page: none can be forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from unicodedata import category

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from schemas.ids import format_instant

MARKS_MAX: Final = 2
_STEPS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def shown(text: str) -> str:
    """The text with every character that is not plainly visible as its number; tabs and line ends stay.

    So are marks on a letter from the third on: no script needs more, and a stack of them covers the lines above.
    """
    if text.isascii() and text.isprintable():
        return text
    found, marks = [], 0
    for char in text:
        marks = marks + 1 if category(char).startswith("M") else 0
        is_plain = (char.isprintable() or char in "\n\t") and marks <= MARKS_MAX
        found.append(char if is_plain else f"⟨U+{ord(char):04X}⟩")
    return "".join(found)


def age(then: int, now: int) -> str:
    """How long ago, as short as people say it: "12 s", "3 min", "5 h", "9 d"."""
    size, name = next(((size, name) for size, name in _STEPS if now - then >= size), _STEPS[-1])
    return f"{max(0, now - then) // size} {name}"


def day(ms: int) -> str:
    """The date of an instant, in UTC."""
    return format_instant(ms)[:10]


def clock(ms: int) -> str:
    """The time of an instant, in UTC to the second."""
    return format_instant(ms)[11:19]


def spaced(name: str) -> str:
    """ "policy_unclear" and "own-record" as words."""
    return name.replace("_", " ").replace("-", " ")


def _final(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Markup):
        return shown(value)
    return value


class Pages:
    """The templates of this package."""

    def __init__(self, constants: Mapping[str, Any]) -> None:
        self._templates = Environment(
            loader=PackageLoader("sinks.console"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_final,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(iso=format_instant, day=day, clock=clock, spaced=spaced)
        self._templates.globals.update(constants)
        self._templates.globals["age"] = age

    def answer(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page."""
        text = self._templates.get_template(template).render(values)
        return web.Response(text=text, status=status, content_type="text/html")
