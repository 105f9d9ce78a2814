"""Heartbeats: that a source is there. Every source may send them, whatever its native messages are."""

from __future__ import annotations

from schemas.codec import decode
from schemas.errors import SpeaksForAnotherError
from schemas.heartbeat import Heartbeat
from schemas.ids import SourceName

from .translated import Translated


def translate(source: SourceName, value: bytes) -> Translated:
    """Nothing to judge, but what it says. Raises RejectedInputError naming the field; the source must act."""
    beat = decode(Heartbeat, value)
    if beat.source != source:
        raise SpeaksForAnotherError("source", "must be the source whose topic this is")
    return Translated(accesses=(), is_control=True, given=beat.sequence, beat_at=beat.at)
