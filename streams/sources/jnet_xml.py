"""XML by a layout: what JNET sends, read by the standard library so that the message can neither reach out nor swell.

A layout says which elements may lie where; nothing is looked at deeper than it goes (JNET's has four levels), and the
tree of all that 64 KiB can hold takes 6 MB. The parser reads to the end even when we have refused meanwhile, and so
what would keep it busy is looked for before: a document type declaration (a nest of entities takes 0.2 s until the
parser's own limit ends that), and attributes (for each of 2,700 in a namespace whose name has 32 KB it writes that name
again: 0.8 s and 250 MB).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError

ATTRIBUTES_MAX: Final = 64
"""Equals signs in a message: each attribute and each namespace declared has one. JNET needs 8, and one for each element
that is nil; the rest is for texts that hold some."""

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"

_NIL: Final = f"{_XSI}nil"
_IGNORED: Final = f"{_XSI}schemaLocation"  # says where a schema lies: nothing is fetched
_NILS: Final = MappingProxyType({"true": True, "1": True, "false": False, "0": False})
_SPACE: Final = " \t\r\n"  # what XML calls white space; others, like the no-break space, are text
_NO_TEXT: Final = "must hold no text of its own"
_MARK: Final = b"\xef\xbb\xbf"
_Q: Final = rb"""["']"""
_DECLARATION: Final = re.compile(
    rb"<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*" + _Q + rb"1\.0" + _Q
    + rb"(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*" + _Q + rb"(?i:utf-8)" + _Q + rb")?"
    + rb"(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*" + _Q + rb"(?:yes|no)" + _Q + rb")?[ \t\r\n]*\?>"
)  # fmt: skip
"""That the two quotes are alike is for the parser to see."""


@dataclass(frozen=True, slots=True)
class Part:
    """An element of a layout: what errors call it, the key it is found under, and what it holds.

    `parts` are the elements inside, by qualified name (`{namespace}name`); none for an element that holds text. Parts
    with one key exclude each other. `is_many`: the element may be repeated.
    """

    place: str
    key: str
    parts: Mapping[str, Part] = field(default_factory=dict)
    is_many: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a document holds, without white space around it: `one` text by key, None where the element is nil; `many`
    texts of a key that may be repeated. An element that holds elements is under its key with its own place."""

    one: dict[str, str | None] = field(default_factory=dict)
    many: dict[str, list[str]] = field(default_factory=dict)


def read(layout: Part, value: bytes) -> Found:
    """What the document in `value` holds; `layout` is the document, its only part the root.

    Raises RejectedInputError naming the element of the layout, or line and column where it is no XML; never what the
    document says. Whoever wrote the document must act.
    """
    _check_bytes(value)
    found = Found()
    _walk(layout, (_parsed(value),), found)
    return found


def _parsed(value: bytes) -> Element:
    parser = XMLParser(target=_Builder(insert_comments=True), encoding="utf-8")  # noqa: S314 - it refuses what is meant
    try:
        parser.feed(value)
        root: Element = parser.close()
    except ParseError as error:
        line, column = error.position
        raise RejectedInputError(
            f"line {line}, column {column + 1}", "is not well-formed XML 1.0; send one whole document"
        ) from None
    return root


class _Builder(TreeBuilder):
    """Builds what the parser tells, but of what could reach out of the message or change it nothing."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """Refused: no entity is declared, none expanded, nothing fetched, should one get past the look at the bytes."""
        raise _doctype()

    def pi(self, target: str, data: str | None = None) -> NoReturn:
        """Refused: it tells a program to do something, and there is nothing for it to tell us."""
        raise RejectedInputError("message", "must not hold a processing instruction")


def _check_bytes(value: bytes) -> None:
    """Refuses by its bytes what must not reach the parser; in UTF-8 each of these has one spelling.

    The parser knows UTF-16 by its zero bytes, without a mark and although it is told UTF-8: XML in UTF-8 has none.
    """
    if len(value) > MESSAGE_MAX:
        raise RejectedInputError("message", f"is larger than {MESSAGE_MAX} bytes; split or shorten it")
    try:
        value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectedInputError(f"byte {error.start}", "is not UTF-8, the only encoding taken") from None
    if b"\0" in value:
        raise RejectedInputError("message", "must hold no zero byte: UTF-8 is the only encoding taken")
    if b"<!DOCTYPE" in value:
        raise _doctype()
    if value.count(b"=") > ATTRIBUTES_MAX:
        raise RejectedInputError("message", f"has more than {ATTRIBUTES_MAX} equals signs; leave attributes out")
    text = value.removeprefix(_MARK)
    if text.startswith(b"<?xml") and text[5:6].isspace() and not _DECLARATION.match(text):
        raise RejectedInputError("XML declaration", "must say version 1.0 and, if any encoding, UTF-8")


def _doctype() -> RejectedInputError:
    return RejectedInputError("message", "must not declare a document type; leave <!DOCTYPE out")


def _walk(here: Part, elements: Iterable[Element], found: Found) -> None:
    """Takes up the elements that lie in one that holds elements; a comment between them is passed over."""
    parts, one = here.parts, found.one
    for element in elements:
        if (tail := element.tail) and tail.strip(_SPACE):
            raise RejectedInputError(here.place, _NO_TEXT)
        part = parts.get(element.tag)
        if part is None:
            if not isinstance(element.tag, str):  # a comment, whose tag is the function that makes one
                continue
            raise _unknown(here, element.tag)
        key = part.key
        if key in one:
            raise RejectedInputError(part.place, "must be given once, and beside no other of its kind")
        if element.keys() and _is_nil(part, element):  # asking for `attrib` would make a dictionary of each
            one[key] = None
        elif part.parts:
            if element.text and element.text.strip(_SPACE):
                raise RejectedInputError(part.place, _NO_TEXT)
            one[key] = part.place
            _walk(part, element, found)
        elif len(element) or not (text := (element.text or "").strip(_SPACE)):
            raise _no_text(part, element)
        elif part.is_many:
            found.many.setdefault(key, []).append(text)
        else:
            one[key] = text


def _no_text(part: Part, element: Element) -> RejectedInputError:
    """A comment within a text is refused: some readers take only what comes before it."""
    if len(element):
        return RejectedInputError(part.place, "must hold no element and no comment")
    return RejectedInputError(part.place, "is empty; leave it out, or say that it is nil")


def _unknown(here: Part, tag: str) -> RejectedInputError:
    """A name that the layout has in another namespace is no data and helps; any other came with the message."""
    name = tag.rpartition("}")[2]
    if name in {known.rpartition("}")[2] for known in here.parts}:
        return RejectedInputError(here.place, f"has {name} in a namespace that is not the layout's")
    return RejectedInputError(here.place, "has an element that the layout does not know here")


def _is_nil(part: Part, element: Element) -> bool:
    """Whether the element says that it is absent; refuses every attribute that could mean something else."""
    if element.attrib.keys() - {_NIL, _IGNORED}:
        raise RejectedInputError(part.place, "has an attribute that the layout does not know")
    is_nil = _NILS.get(element.get(_NIL, "false").strip(_SPACE))
    if is_nil is None:
        raise RejectedInputError(part.place, "must have true or false as xsi:nil")
    if is_nil and (len(element) or (element.text or "").strip(_SPACE)):
        raise RejectedInputError(part.place, "is nil and must hold nothing")
    return is_nil
