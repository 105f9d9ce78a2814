"""Translators: what a system sends -> the accesses it names (design section 3). Pure: same message, same answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from schemas.errors import RejectedInputError
from schemas.ids import SourceName
from schemas.ledger import Times
from schemas.registry import times_in
from schemas.topics import (
    ACCURINT_BATCH,
    ACCURINT_ROW,
    CANONICAL,
    CHARSETS,
    CLEAN_LINES,
    ECMS_SYSLOG,
    FACTS2_CDC,
    FACTS_LINE,
    GIVEN_HEADER,
    HEARTBEAT,
    IRSS_ROW,
    JNET_XML,
    PAPER_SLIP,
    Topics,
)

from . import accurint, accurint_batch, canonical, clean, ecms, facts, facts2, heartbeat, irss, jnet, paper
from .imprecise import whole, widened
from .requested import parties
from .signed import Signed, check_number
from .translated import CONTROL, Translated

__all__ = ["AHEAD_MAX_MS", "BUILT_IN", "Headers", "Translated", "Translators", "translate"]

_NUMBER: Final = re.compile(rb"[0-9]{1,19}")
SEQUENCE_MAX: Final = 2**63 - 1

Headers = Iterable[tuple[str, bytes]]
Translator = Callable[[SourceName, bytes], Translated]

AHEAD_MAX_MS: Final = 24 * 3_600_000  # design section 4: more than a day ahead is no clock error but a wrong date

INSTANT: Final = Times(precision_ms=1, clock_error_ms=0)

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


EVERY_SOURCE: Final = (CANONICAL, HEARTBEAT)
"""What any of them may send, whatever its native messages are."""


def _readers(content_types: Iterable[str]) -> Mapping[str, Translator]:
    return {content_type: _TRANSLATORS[content_type] for content_type in content_types}


_EVERYWHERE: Final = _readers(EVERY_SOURCE)


class Translators:
    """How the messages of these sources are read: ours, and those of the registry that this process was started with.

    Whoever judges, or checks what was judged, asks those of its settings.
    """

    def __init__(self, topics: Topics) -> None:
        self._sources = topics.sources
        times = {name: times_in(source) for name, source in topics.sources.items()}
        self._open = {name: found for name, found in times.items() if found != INSTANT}
        self._types = {s.name: _readers((*EVERY_SOURCE, *s.content_types)) for s in topics.sources.values()}
        self._signed = {s.name: Signed(topics.access(s.name), s.keys) for s in topics.sources.values() if s.keys}

    def translate(self, source: SourceName, value: bytes | None, headers: Headers, appended_at: int) -> Translated:
        """The accesses of one message on the topic of `source`, by its content-type header; none means canonical JSON.

        `appended_at` is the broker's append time in UTC milliseconds. A message without a value (none, or no bytes) is
        a control message of a source that has tombstones. Raises RejectedInputError naming the field; whoever sent the
        message must act, and it becomes a dead letter. TamperingError where the source signs, and has not signed this.
        """
        signed = self._signed.get(source)
        if signed is None:
            return self._read(source, value, headers, appended_at)
        statement = signed.check(value, headers, appended_at)  # before anything looks into it
        translated = self._read(source, value, headers, appended_at)
        check_number(statement, translated)
        return translated

    def _read(self, source: SourceName, value: bytes | None, headers: Headers, appended_at: int) -> Translated:
        translator = self._translator(source, headers)
        if not value:
            return self._tombstone(source)
        translated = translator(source, value)
        if not translated.accesses:
            return _with_given(translated, headers)
        latest, is_asked_for = appended_at + AHEAD_MAX_MS, False
        for access in translated.accesses:
            if access.occurred_at > latest:
                raise RejectedInputError("occurred_at", "is more than 24 hours after the message was stored")
            is_asked_for = is_asked_for or access.requested_for is not None
        declared = translated if source not in self._open else _as_declared(translated, self._open[source])
        return _by_party(declared) if is_asked_for else declared

    def reads_in_bulk(self, source: SourceName) -> bool:
        """Whether canonical JSON says all that there is to know: its time is the instant that it names, by all that is
        declared of the source, and nothing is signed."""
        return source not in self._open and source not in self._signed

    def _tombstone(self, source: SourceName) -> Translated:
        if source in self._sources and self._sources[source].has_tombstones:
            return CONTROL
        raise RejectedInputError("message", "is empty")

    def _translator(self, source: SourceName, headers: Headers) -> Translator:
        values = {value for name, value in headers if name == "content-type" or name.lower() == "content-type"}
        if not values:
            return _TRANSLATORS[CANONICAL]
        if len(values) > 1:  # two readers could choose differently
            raise RejectedInputError("content-type", "is given twice")
        value = values.pop() or b""
        media_type = _usual_media_type(value) if len(value) <= _USUAL else _media_type(value)
        known = self._types.get(source, _EVERYWHERE)
        if (translator := known.get(media_type)) is None:
            raise RejectedInputError("content-type", f"must be one of {', '.join(known)} on this topic")
        return translator


BUILT_IN: Final = Translators(Topics())
"""Of an installation without a registry."""

translate: Final = BUILT_IN.translate
"""For whoever reads what only our own sources send: files as they write them, and tests."""


def _with_given(translated: Translated, headers: Headers) -> Translated:
    """A control message, with what its headers say of its source's numbers."""
    said = [value for name, value in headers if name == GIVEN_HEADER]
    if not said:
        return translated
    if len(said) > 1 or not _NUMBER.fullmatch(said[0] or b"") or int(said[0]) > SEQUENCE_MAX:
        raise RejectedInputError(GIVEN_HEADER, f"must be one number from 0 to {SEQUENCE_MAX}, in digits")
    return translated._replace(given=max(int(said[0]), translated.given or 0))


def _as_declared(translated: Translated, times: Times) -> Translated:
    """With what the source's times cut off, what its clock leaves open, and whose logins its own are."""
    accesses = (whole(access, times.precision_ms) for access in translated.accesses)
    found = tuple(widened(access, times.clock_error_ms) for access in accesses)
    if times.accounts is not None:
        found = tuple(access.model_copy(update={"accounts": times.accounts}) for access in found)
    return translated._replace(accesses=found)


def _by_party(translated: Translated) -> Translated:
    """With an access more for each that somebody asked for."""
    return translated._replace(accesses=tuple(party for access in translated.accesses for party in parties(access)))


def _media_type(value: bytes) -> str:
    """Type and subtype in lower case; the one parameter that is let through is the charset we read this type in."""
    text, _, parameter = value.decode("latin-1").lower().partition(";")
    media_type = text.strip()
    allowed = f"charset={CHARSETS.get(media_type, 'utf-8')}"
    if parameter.strip().replace('"', "") not in ("", allowed):
        raise RejectedInputError("content-type", f"may have no parameter but {allowed}")
    return media_type


_USUAL: Final = 100  # bytes; a source spells its types the same way every time, and longer ones are nobody's
_usual_media_type: Final = lru_cache(maxsize=256)(_media_type)
