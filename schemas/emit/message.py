"""What waits in the spool, and the message that it becomes. Pure: the same on every resend."""

from __future__ import annotations

from typing import Final, NamedTuple

from ..cloud_event import Header, cloud_event
from ..codec import encode
from ..heartbeat import Heartbeat
from ..ids import SourceName, format_instant
from ..topics import CANONICAL, HEARTBEAT

ROW_BYTES: Final = 120
"""What a waiting access takes on the disk beside its value: key, ids, instants, and a half-full page's share."""


class Waiting(NamedTuple):
    """An access on its way. `number`: its place in the spool; `sequence`: what its source counts; instants: UTC ms."""

    number: int
    event_id: str
    key: str
    occurred_at: int
    emitted_at: int
    sequence: int | None
    value: bytes

    @property
    def size(self) -> int:
        """Bytes on the disk, about."""
        return len(self.value) + ROW_BYTES


class Outgoing(NamedTuple):
    """One message to store."""

    key: bytes
    value: bytes
    headers: list[Header]


def access_message(source: SourceName, waiting: Waiting) -> Outgoing:
    """Key = id of the record, as `needtoknow send` has it, so that the accesses of one record stay in order."""
    time = format_instant(waiting.occurred_at)
    headers = cloud_event(waiting.event_id, f"/sources/{source}", "needtoknow.access.v1", CANONICAL, time)
    return Outgoing(waiting.key.encode(), waiting.value, list(headers))


def heartbeat_message(source: SourceName, at: int, sequence: int | None) -> Outgoing:
    """That the source is there, and how far it has counted."""
    time = format_instant(at)
    value = encode(Heartbeat(source=source, at=at, sequence=sequence))
    headers = cloud_event(f"heartbeat/{at}", f"/sources/{source}", "needtoknow.heartbeat.v1", HEARTBEAT, time)
    return Outgoing(source.encode(), value, list(headers))
