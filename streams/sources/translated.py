"""What a translator answers: the accesses that one message names."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.access import Access


@dataclass(frozen=True, slots=True)
class Translated:
    """The accesses of one message, in its order. A control message (header, trailer, heartbeat) names none."""

    accesses: tuple[Access, ...]
    is_control: bool


CONTROL = Translated(accesses=(), is_control=True)
