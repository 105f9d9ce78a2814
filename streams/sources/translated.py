"""What a translator answers, the accesses that one message names; and what a file of native messages is cut into."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.access import Access
from schemas.ids import Instant


@dataclass(frozen=True, slots=True)
class Translated:
    """The accesses of one message, in its order. A control message (header, trailer, heartbeat) names none.

    What a control message may say of its source: `given`, the highest sequence number that it has given to an access;
    `beat_at`, what its clock showed when it sent a heartbeat (UTC ms).
    """

    accesses: tuple[Access, ...]
    is_control: bool
    given: int | None = None
    beat_at: Instant | None = None


CONTROL = Translated(accesses=(), is_control=True)


@dataclass(frozen=True, slots=True)
class NativeMessage:
    """One message of a file as it is sent: `value` byte-exact, or with what it inherits from others put before it.

    `key` keeps what belongs together in order; `message_id` is unique in the source, and the same when the file is sent
    again. `given`: of a control message of the file, the highest sequence number in it.
    """

    key: bytes
    value: bytes
    message_id: str
    given: int | None = None
