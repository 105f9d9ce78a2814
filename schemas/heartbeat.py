"""Heartbeat: a source's word that it is there, on its own topic, also while nobody opens anything (issue 6, item 8)."""

from __future__ import annotations

from .access import Sequence
from .ids import Instant, SourceName
from .model import Sparse


class Heartbeat(Sparse):
    """What a source says of itself, every 30 seconds or so. It names no access: a control message. After the first one
    silence of HEARTBEAT_SECONDS (`topics.py`) is noticed.

    `at` is the clock of the source when it sent this. `sequence` is the highest number that it has given to an access
    (absent: it has given none, or does not number them), so that also the last message before a silence can be missed.
    """

    source: SourceName
    at: Instant
    sequence: Sequence | None = None
