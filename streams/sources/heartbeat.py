"""Heartbeats: that a source is there. Every source may send them, whatever its native messages are."""

from __future__ import annotations

from schemas.codec import decode
from schemas.errors import SpeaksForAnotherError
from schemas.heartbeat import Heartbeat
from schemas.ids import SourceName

from .translated import CONTROL, Translated


def translate(source: SourceName, value: bytes) -> Translated:
    """Nothing to judge, once it is whole. Raises RejectedInputError naming the field; the source must act."""
    if decode(Heartbeat, value).source != source:
        raise SpeaksForAnotherError("source", "must be the source whose topic this is")
    return CONTROL
