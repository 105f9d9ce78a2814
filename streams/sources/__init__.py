"""Translators: what a system sends -> the accesses it names (design section 3). Pure: same message, same answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from schemas.errors import RejectedInputError
from schemas.ids import SourceName
from schemas.topics import (
    ACCURINT_BATCH,
    ACCURINT_ROW,
    CANONICAL,
    CHARSETS,
    CLEAN_LINES,
    ECMS_SYSLOG,
    FACTS2_CDC,
    FACTS_LINE,
    HEARTBEAT,
    IRSS_ROW,
    JNET_XML,
    PAPER_SLIP,
    SOURCES,
)

from . import accurint, accurint_batch, canonical, clean, ecms, facts, facts2, heartbeat, irss, jnet, paper
from .imprecise import widened
from .translated import CONTROL, Translated

__all__ = ["AHEAD_MAX_MS", "Headers", "Translated", "clock_error_ms", "translate"]

Headers = Iterable[tuple[str, bytes]]
Translator = Callable[[SourceName, bytes], Translated]

AHEAD_MAX_MS: Final = 24 * 3_600_000  # design section 4: more than a day ahead is no clock error but a wrong date

_TRANSLATORS: Final[Mapping[str, Translator]] = {
    CANONICAL: canonical.translate,
    HEARTBEAT: heartbeat.translate,
    FACTS_LINE: facts.translate,
    FACTS2_CDC: facts2.translate,
    ACCURINT_ROW: accurint.translate,
    ACCURINT_BATCH: accurint_batch.translate,
    ECMS_SYSLOG: ecms.translate,
    CLEAN_LINES: clean.translate,
    IRSS_ROW: irss.translate,
    JNET_XML: jnet.translate,
    PAPER_SLIP: paper.translate,
}


def translate(source: SourceName, value: bytes | None, headers: Headers, appended_at: int) -> Translated:
    """The accesses of one message on the topic of `source`, by its content-type header; none means canonical JSON.

    `appended_at` is the broker's append time in UTC milliseconds. A message without a value (none, or no bytes) is a
    control message of a source that has tombstones. Raises RejectedInputError naming the field; whoever sent the
    message must act, and it becomes a dead letter.
    """
    translator = _translator(source, headers)
    if not value:
        return _tombstone(source)
    translated = translator(source, value)
    for access in translated.accesses:
        if access.occurred_at > appended_at + AHEAD_MAX_MS:
            raise RejectedInputError("occurred_at", "is more than 24 hours after the message was stored")
    return _as_declared(source, translated)


def clock_error_ms(source: SourceName) -> int:
    """How far the clock of a source may be off, either way."""
    return SOURCES[source].clock_error_ms if source in SOURCES else 0


def _as_declared(source: SourceName, translated: Translated) -> Translated:
    """With what the source's clock leaves open."""
    error = clock_error_ms(source)
    if error == 0:
        return translated
    accesses = tuple(widened(access, error) for access in translated.accesses)
    return Translated(accesses=accesses, is_control=translated.is_control)


def _tombstone(source: SourceName) -> Translated:
    if source in SOURCES and SOURCES[source].has_tombstones:
        return CONTROL
    raise RejectedInputError("message", "is empty")


def _translator(source: SourceName, headers: Headers) -> Translator:
    values = {value for name, value in headers if name.lower() == "content-type"}
    if not values:
        return _TRANSLATORS[CANONICAL]
    if len(values) > 1:  # two readers could choose differently
        raise RejectedInputError("content-type", "is given twice")
    media_type = _media_type(values.pop())
    native = SOURCES[source].content_types if source in SOURCES else ()
    known = (CANONICAL, HEARTBEAT, *native)
    if media_type not in known:
        raise RejectedInputError("content-type", f"must be one of {', '.join(known)} on this topic")
    return _TRANSLATORS[media_type]


def _media_type(value: bytes | None) -> str:
    """Type and subtype in lower case; the one parameter that is let through is the charset we read this type in."""
    text, _, parameter = (value or b"").decode("latin-1").lower().partition(";")
    media_type = text.strip()
    allowed = f"charset={CHARSETS.get(media_type, 'utf-8')}"
    if parameter.strip().replace('"', "") not in ("", allowed):
        raise RejectedInputError("content-type", f"may have no parameter but {allowed}")
    return media_type
